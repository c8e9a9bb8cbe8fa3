# amaranth: UnusedElaboratable=no
"""WinogradConvolution against hwgen.numerics.integer, value by value, with its exact latency and interval."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.layers import Layer
from support.streaming import Run, stream_rules
from support.transposed import Transposed
from support.winograd import Winograd

from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.packing import Packing


def predicted_outputs(winograd: Winograd, accepted: list[int]) -> list[int]:
    """The cycle of every output beat of one frame without stalls: pixel by pixel, each after its folds."""
    config = winograd.config
    window = config.window
    first: dict[tuple[int, int], list[int]] = {}
    free = 0
    blocks = iter(range(window.out_width * window.out_height))
    for row, pair in itertools.product(range(window.out_height), range(window.out_width)):
        row_phase = (row + window.padding_height) % window.phases
        words = window.fold_words[row_phase * window.kinds + pair % window.kinds]
        assert window.pair_cycles[next(blocks)] == sum(words)
        arrival = accepted[window.needed(row, pair) * window.beats - 1] + config.arrival_latency
        start = max(free, arrival)
        free = start + sum(words)
        ends = np.cumsum(words) + start - 1 + config.drain_latency
        for column in window.pair(pair):
            first[row, column] = ends.tolist()
    cycles: list[int] = []
    for row, column in itertools.product(range(window.out_height), range(window.columns)):
        for fold, result in enumerate(first[row, column]):
            for place in range(config.last_beats if fold == config.run_folds - 1 else config.fold_beats):
                cycles.append(max(result + place, cycles[-1] + 1 if cycles else 0))
    return cycles


def check_timing(winograd: Winograd, frames: int = 1, **conditions: Any) -> Run:
    run = winograd.check(frames, **conditions)
    predicted = predicted_outputs(winograd, run.input_cycles)
    assert run.output_cycles[: len(predicted)] == predicted
    return run


FIVE = dict(kernel=5, padding=2)
LAYERS = [
    Winograd(Layer()),
    Winograd(Layer(kernel=5, frame=(7, 4), signs=(False, True)), chain=2),
    Winograd(Layer(kernel=5, stride=2, frame=(9, 5), channels=(4, 6), simd=4, pe=3, lanes=(2, 1)), field_bits=17),
    Winograd(Layer(kernel=5, stride=2, frame=(8, 4), channels=(4, 6), pe=6, prelu=True, lanes=(1, 2)), chain=2),
    Winograd(Layer(kernel=7, frame=(3, 4), channels=(2, 4), pe=4, signs=(False, False)), field_bits=17, family="xcup"),
    Winograd(Layer(kernel=3, stride=2, frame=(5, 5), prelu=True)),
    Winograd(Layer(kernel=1, kernel_width=3, padding=(0, 1), frame=(1, 3), channels=(1, 2), simd=1)),
    Winograd(Layer(kernel=4, kernel_width=2, padding=(1, 0), frame=(6, 3), channels=(2, 3), pe=3, bits=(6, 5, 7))),
    Winograd(Layer(channels=(1, 8), frame=(1, 1), simd=1, pe=8)),  # two sets of requantisers
    Winograd(Layer(kernel=5, channels=(8, 32), frame=(2, 2), pe=4, simd=4), chain=2),  # a program of two bands
    Winograd(Layer(weights_in="logic", line_buffer_in="distributed", channels=(2, 2), ceiling=40)),
    Winograd(Transposed(**FIVE, stride=1, extra=0, frame=(5, 3), signs=(False, True), pe=5), chain=2),
    Winograd(Transposed(frame=(4, 3))),
    Winograd(Transposed(**FIVE, frame=(3, 3), signs=(False, True), pe=2, prelu=True)),
    Winograd(Transposed(**FIVE, frame=(4, 2), channels=(4, 3), simd=4, pe=3, lanes=(4, 1)), chain=3),
    Winograd(Transposed(kernel=4, extra=0, frame=(5, 3), pe=5, signs=(False, False), lanes=(1, 5))),
    Winograd(Transposed(kernel=5, padding=3, extra=0, frame=(5, 4), pe=3)),  # a row ends with a pair of one pixel
    Winograd(Transposed(kernel=5, padding=3, frame=(5, 4), pe=3, line_buffer_in="distributed", weights_in="logic")),
]


@pytest.mark.parametrize("winograd", LAYERS, ids=str)
def test_idle_source_and_stalling_sink(winograd: Winograd) -> None:
    """Bit-exact; behind an idle source every value in its exact cycle."""
    check_timing(winograd, idle=0.5, seed=1)
    winograd.check(idle=0.1, stall=0.3, seed=2)


@pytest.mark.parametrize("winograd", LAYERS, ids=str)
def test_latency_and_interval(winograd: Winograd) -> None:
    """Frames back to back: every value of the first in its exact cycle, then the busiest stage's interval."""
    run = check_timing(winograd, 4)
    beats = len(run.output_cycles) // 4
    busiest = max(winograd.config.compute_cycles, beats, len(run.input_cycles) // 4)
    assert run.output_cycles[-1] - run.output_cycles[-1 - beats] == busiest == winograd.config.cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
def test_idle_and_stall(idle: float, stall: float) -> None:
    Winograd(Layer(frame=(5, 3), prelu=True)).check(idle=idle, stall=stall, seed=7)
    Winograd(Transposed(frame=(3, 2), pe=2)).check(idle=idle, stall=stall, seed=8)


@pytest.mark.parametrize("signs", [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("chain", [1, 2])
def test_extremes_saturate_at_both_ends(signs: tuple[bool, bool], chain: int) -> None:
    """All weights and inputs at an end of their range: the largest sums, and every word several times."""
    winograd = Winograd(Layer(kernel=5, frame=(4, 3), signs=signs, extreme=True, shift=3), chain)
    run = winograd.check(1)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(8, signs[1])
    assert max(winograd.config.window.fold_words[0]) > winograd.config.window.least_words


def test_the_shallowest_fifos() -> None:
    """Nothing stands still with room for a fold of the first pixels and for what the second ones need."""
    for winograd in (Winograd(Layer(frame=(5, 3))), Winograd(Transposed(frame=(4, 2), pe=2))):
        config = winograd.config
        tight = replace(config, depth=config.fold_beats, second_depth=config.least_second_depth)
        for stall in (0.0, 0.6):
            winograd.check(config=tight, stall=stall)


def test_random() -> None:
    random = np.random.default_rng(41)
    checked = 0
    while checked < 8:
        outputs = int(random.integers(2, 7))
        own: dict[str, Any] = dict(
            channels=(int(random.integers(1, 6)), outputs), pe=int(random.integers(2, outputs + 1)), simd=1,
            seed=checked, frame=(int(random.integers(1, 8)), int(random.integers(2, 5))),
            signs=(bool(random.integers(0, 2)), True), prelu=checked % 2 == 0,
        )  # fmt: skip
        own["simd"] = int(random.integers(1, own["channels"][0] + 1))
        kernel = int(random.integers(2, 6))
        try:
            if checked % 3 == 2:
                layer: Layer | Transposed = Transposed(**own, kernel=kernel, padding=int(random.integers(0, kernel)))
            else:
                layer = Layer(**own, kernel=kernel, kernel_width=int(random.integers(2, 8)),
                              stride=int(random.integers(1, 4)))  # fmt: skip
            winograd = Winograd(layer, chain=int(random.integers(1, 4)))
            assert winograd.config.out_pixels > 0
        except ValueError:
            continue
        checked += 1
        check_timing(winograd)
        winograd.check(idle=0.2, stall=0.5, seed=checked)


def test_stream_rules() -> None:
    """A sink that often stalls: nothing passes from o.ready to i.ready inside a cycle."""
    winograd = Winograd(Layer(frame=(5, 3)))
    pixels = winograd.pixels(4)
    expected = winograd.layer.expected(pixels)
    assert stream_rules(winograd.build(), winograd.layer.beats(pixels), len(expected), stall=0.7) > 0


def test_properties() -> None:
    config = Winograd(Layer(channels=(4, 8), pe=4, simd=4, kernel=5, frame=(16, 8), bits=(8, 5, 8)), chain=2).config
    assert (config.lanes, config.mac.dsp, config.window.fold_words) == (16, 8, ((35, 35),))
    assert (config.compute_cycles, config.cycles) == (70 * 8 * 8, 70 * 8 * 8)
    assert config.shares_requantisers
    assert (config.requantiser_sets, config.beats_in_turn) == (1, 16)


@pytest.mark.parametrize(("change", "message"), [
    (dict(second_depth=5), "second_depth: wanted at least 6 beats, got 5"),
    (dict(packing=Packing("dsp", 1, 0, 1)), "packing: wanted 2 products to a DSP, got 1 (dsp)"),
    (dict(codebook=Codebook(8, (0, 1))), "codebook: wanted none, for transformed weights are not its values, got one"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(Winograd(Layer()).config, **change)


@pytest.mark.parametrize(("change", "message"), [
    (dict(order=(0, 0)), "order: wanted each of 0 .. 1 once, got (0, 0)"),
    (dict(order=(0,)), "order: wanted each of 0 .. 1 once, got (0,)"),
    (dict(lower_bits=17), "lower_bits: wanted at most 16, the distance of the weights, got 17"),
    (dict(weight_bits=8, codebook=Codebook(8, (0, 1))),
     "codebook: wanted none, for transformed weights are not its values, got one"),
])  # fmt: skip
def test_mac_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(Winograd(Layer()).config.mac, **change)


def test_weights_that_the_config_has_no_room_for() -> None:
    """Others than those that it was made for: of 127 a sum of three taps, one product in four, comes twice."""
    layer = Winograd(Layer(pe=3, bits=(8, 4, 8)))
    config, weight = layer.config, layer.weight
    lower, alone = config.lower_bits, config.alone_bits
    large = np.full_like(weight, 127)
    own = tuple(words * 5 // 4 for words in config.window.fold_words[0])
    for change, other, message in (
        ({}, large, f"weight: wanted folds of {config.window.fold_words} words, got ({own},)"),
        (dict(lower_bits=lower - 1), weight, f"weight: wanted lower_bits of at most {lower - 1}, got {lower}"),
        (dict(alone_bits=alone - 1), weight, f"weight: wanted alone_bits of at most {alone - 1}, got {alone}"),
    ):
        for ask in (config.program, config.memories) if not change else (replace(config, **change).memories,):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                ask(other)


def test_memories_wider_than_the_weights() -> None:
    """A config with more bits than these weights need: memories as wide as it says, the same values; any order."""
    layer = Winograd(Layer(pe=3, bits=(8, 4, 8), frame=(4, 3)))
    config = replace(layer.config, lower_bits=layer.config.lower_bits + 2, alone_bits=layer.config.alone_bits + 1)
    widths = [max(map(int.bit_length, rows)) for rows in config.memories(layer.weight)]
    assert widths == list(config.mac.reader.widths)
    layer.check(config=config)
    natural = replace(config, order=())
    assert natural.memories(layer.weight) == replace(config, order=(0, 1, 2)).memories(layer.weight)
    layer.check(config=natural)


@pytest.mark.parametrize(("change", "message"), [
    (dict(dilation=2, width=9, height=9), "dilation: wanted 1 for Winograd's products, got 2"),
    (dict(taps=3), "taps: wanted 1 for Winograd's products, got 3"),
    (dict(groups=3, simd=1, folds=3), "groups: wanted 1 for Winograd's products, got 3"),
    (dict(fold_words=((24, 24, 23),)),
     "fold_words: wanted 3 folds of at least 24 words for each of 1 phases, got ((24, 24, 23),)"),
    (dict(fold_words=((24, 24),)),
     "fold_words: wanted 3 folds of at least 24 words for each of 1 phases, got ((24, 24),)"),
])  # fmt: skip
def test_window_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(Winograd(Layer()).config.window, **change)


def test_transposed_window_errors() -> None:
    window = Winograd(Transposed()).config.window
    with pytest.raises(ValueError, match="^stride: wanted 2 in a transposed convolution, got 1$"):
        replace(window, stride=1, output_padding=0)
    with pytest.raises(ValueError, match="^width: wanted an output of whole pairs of both kinds, got 5 columns$"):
        replace(window, output_padding=0)
