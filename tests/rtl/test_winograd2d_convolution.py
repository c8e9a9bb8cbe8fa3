# amaranth: UnusedElaboratable=no
"""Winograd2dConvolution against hwgen.numerics.integer, value by value, with its exact latency and interval."""

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
from support.winograd2d import Winograd2d

from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.winograd2d_convolution import Winograd2dConvolutionConfig


def predicted_outputs(layer: Winograd2d, accepted: list[int]) -> list[int]:
    """The cycle of every output beat of one frame without stalls: pixel by pixel, each after its folds."""
    config = layer.config
    window = config.window
    first: dict[tuple[int, int], np.ndarray] = {}
    free = 0
    for down, across in itertools.product(range(window.out_height), range(window.out_width)):
        row_phase = (window.pair(down)[0] + window.padding_height) % window.phases
        words = window.fold_words[row_phase * window.kinds + across % window.kinds]
        arrival = accepted[window.needed(down, across) * window.beats - 1] + config.arrival_latency
        start = max(free, arrival)
        free = start + sum(words)
        ends = np.cumsum(words) + start - 1 + config.drain_latency
        for (i, row), (j, column) in itertools.product(enumerate(window.pair(down)), enumerate(window.pair(across))):
            first[row, column] = ends + (2 * i + j) * config.fold_beats
    cycles: list[int] = []
    for place in itertools.product(range(window.rows), range(window.columns)):
        for fold, result in enumerate(first[place].tolist()):
            for beat in range(config.last_beats if fold == config.run_folds - 1 else config.fold_beats):
                cycles.append(max(result + beat, cycles[-1] + 1 if cycles else 0))
    return cycles


def check_timing(layer: Winograd2d, frames: int = 1, **conditions: Any) -> Run:
    run = layer.check(frames, **conditions)
    predicted = predicted_outputs(layer, run.input_cycles)
    assert run.output_cycles[: len(predicted)] == predicted
    return run


EXACT: dict[str, Any] = dict(bits=(8, 8, 24), shift=0)
"""Outputs that are the sums themselves: a shift would hide what is wrong in their lowest bits."""
FIVE = dict(kernel=5, padding=2)
LAYERS = [
    Winograd2d(Layer(**EXACT)),
    Winograd2d(Layer(kernel=5, frame=(7, 5), signs=(False, True), **EXACT), chain=2),
    Winograd2d(Layer(kernel=5, frame=(8, 8), channels=(5, 4), pe=4, lanes=(1, 4)), chain=2),
    Winograd2d(Layer(kernel=5, stride=2, frame=(9, 5), channels=(4, 6), simd=4, pe=3, lanes=(2, 1), **EXACT)),
    Winograd2d(Layer(kernel=5, stride=2, frame=(8, 7), channels=(4, 6), pe=6, prelu=True, lanes=(1, 2)), chain=2),
    Winograd2d(Layer(kernel=7, frame=(3, 4), channels=(2, 4), pe=4, signs=(False, False)), field_bits=17,
               family="xcup"),
    Winograd2d(Layer(kernel=3, stride=2, frame=(5, 6), prelu=True)),
    Winograd2d(Layer(kernel=2, kernel_width=5, padding=(1, 0), frame=(6, 3), channels=(2, 3), pe=3, bits=(6, 5, 7))),
    Winograd2d(Layer(kernel=6, kernel_width=4, stride=3, padding=(5, 3), frame=(4, 5), channels=(2, 3), **EXACT)),
    Winograd2d(Layer(channels=(1, 2), frame=(1, 2), simd=1, **EXACT)),
    Winograd2d(Layer(weights_in="logic", line_buffer_in="distributed", channels=(2, 2), ceiling=40)),
    Winograd2d(Transposed(**FIVE, stride=1, extra=0, frame=(5, 3), signs=(False, True), pe=5), chain=2),
    Winograd2d(Transposed(frame=(4, 4))),
    Winograd2d(Transposed(**FIVE, frame=(4, 6), signs=(False, True), pe=2, prelu=True)),
    Winograd2d(Transposed(**FIVE, frame=(3, 3), channels=(4, 3), simd=4, pe=3, lanes=(4, 3)), chain=3),
    Winograd2d(Transposed(kernel=4, extra=0, frame=(5, 5), pe=4, signs=(False, False), lanes=(1, 2))),
    # Rows and columns that end with a pair of one.
    Winograd2d(Transposed(kernel=5, padding=3, extra=0, frame=(5, 5), pe=3)),
    Winograd2d(Transposed(kernel=5, padding=3, frame=(5, 3), pe=3, line_buffer_in="distributed", weights_in="logic")),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_idle_source_and_stalling_sink(layer: Winograd2d) -> None:
    """Bit-exact; behind an idle source every value in its exact cycle."""
    check_timing(layer, idle=0.5, seed=1)
    layer.check(idle=0.1, stall=0.3, seed=2)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_latency_and_interval(layer: Winograd2d) -> None:
    """Frames back to back: every value of the first in its exact cycle, then the busiest stage's interval."""
    run = check_timing(layer, 4)
    beats = len(run.output_cycles) // 4
    busiest = max(layer.config.compute_cycles, beats, len(run.input_cycles) // 4)
    assert run.output_cycles[-1] - run.output_cycles[-1 - beats] == busiest == layer.config.cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
def test_idle_and_stall(idle: float, stall: float) -> None:
    Winograd2d(Layer(frame=(5, 3), prelu=True)).check(idle=idle, stall=stall, seed=7)
    Winograd2d(Transposed(frame=(3, 3), pe=2)).check(idle=idle, stall=stall, seed=8)


@pytest.mark.parametrize("signs", [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("chain", [1, 2])
def test_extremes_saturate_at_both_ends(signs: tuple[bool, bool], chain: int) -> None:
    """All weights and inputs at an end of their range: the largest sums, and every word several times."""
    layer = Winograd2d(Layer(kernel=5, frame=(4, 3), signs=signs, extreme=True, shift=3), chain)
    run = layer.check(1)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(8, signs[1])
    assert max(layer.config.window.fold_words[0]) > layer.config.window.least_words


@pytest.mark.parametrize("field_bits", [15, 16, 17, 18])
def test_fields(field_bits: int) -> None:
    """Wherever the weights lie in the DSP, what is too large comes again."""
    layer = Winograd2d(Layer(kernel=5, frame=(5, 4), channels=(4, 4), simd=4, pe=4, **EXACT), 2, field_bits)
    assert max(layer.config.window.fold_words[0]) > layer.config.window.least_words
    layer.check(1)


def test_the_shallowest_fifos() -> None:
    """Nothing stands still with room for a fold of the first pixels and for what the others need."""
    for layer in (Winograd2d(Layer(frame=(5, 3))), Winograd2d(Layer(frame=(4, 4), channels=(2, 6), pe=4)),
                  Winograd2d(Transposed(frame=(4, 4), pe=2)),
                  Winograd2d(Transposed(kernel=5, padding=3, extra=0, frame=(5, 5), pe=3))):  # fmt: skip
        config = layer.config
        assert isinstance(config, Winograd2dConvolutionConfig)
        first, second, row, second_row = config.least_depths
        tight = replace(config, depth=first, second_depth=second, row_depth=row, second_row_depth=second_row)
        for stall in (0.0, 0.6):
            layer.check(config=tight, stall=stall)


@pytest.mark.parametrize("layer", [Winograd2d(Layer(kernel=5, frame=(8, 10))), Winograd2d(Transposed(frame=(6, 8)))],
                         ids=str)  # fmt: skip
def test_the_fewest_rows(layer: Winograd2d) -> None:
    """Exact with every number of rows in the line buffer, from the fewest that a window spans on."""
    window = layer.config.window
    least = -(-window.span // window.width)
    assert least < window.rows_held
    for rows in range(least, window.rows_held + 3):
        held = replace(window, pixels=rows * window.width)
        assert held.rows_held == rows
        layer.check(2, replace(layer.config, window=held))


def test_random() -> None:
    random = np.random.default_rng(43)
    checked = 0
    while checked < 8:
        outputs = int(random.integers(2, 7))
        own: dict[str, Any] = dict(
            channels=(int(random.integers(1, 6)), outputs), pe=int(random.integers(2, outputs + 1)), simd=1,
            seed=checked, frame=(int(random.integers(1, 8)), int(random.integers(2, 7))),
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
            two = Winograd2d(layer, chain=int(random.integers(1, 4)))
            assert two.config.out_pixels > 0
        except ValueError:
            continue
        checked += 1
        check_timing(two)
        two.check(idle=0.2, stall=0.5, seed=checked)


def test_stream_rules() -> None:
    """A sink that often stalls: nothing passes from o.ready to i.ready inside a cycle."""
    layer = Winograd2d(Layer(frame=(5, 3)))
    pixels = layer.pixels(4)
    expected = layer.layer.expected(pixels)
    assert stream_rules(layer.build(), layer.layer.beats(pixels), len(expected), stall=0.7) > 0


def test_properties() -> None:
    """49 products of 100, and where columns are read ahead a word more for each block: 16 of 36 and one."""
    plain = dict(channels=(4, 8), pe=4, simd=4, frame=(16, 8), bits=(8, 5, 8))
    config = Winograd2d(Layer(**plain, kernel=5), chain=2).config
    assert (config.lanes, config.mac.dsp, config.window.fold_words) == (16, 8, ((49, 49),))
    assert (config.compute_cycles, config.cycles) == (98 * 4 * 8, 98 * 4 * 8)
    assert (config.requantiser_sets, config.beats_in_turn) == (1, 32)
    assert Winograd2d(Layer(**plain), chain=2).config.window.fold_words == ((17, 16),)


@pytest.mark.parametrize(("change", "message"), [
    (dict(second_depth=5), "second_depth: wanted at least 6 beats, got 5"),
    (dict(row_depth=10), "row_depth: wanted at least 11 beats, got 10"),
    (dict(second_row_depth=1), "second_row_depth: wanted at least 11 beats, got 1"),
    (dict(codebook=Codebook(8, (0, 1))), "codebook: wanted none, for transformed weights are not its values, got one"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(Winograd2d(Layer()).config, **change)


def test_results_that_leave_too_slowly() -> None:
    """Four times 5 beats in the 16 words of a fold."""
    with pytest.raises(ValueError, match="^pe: wanted four times the beats of a fold in its 16 words, got 5 beats$"):
        _ = Winograd2d(Layer(channels=(1, 5), simd=1, pe=5)).config


def test_weights_that_the_config_has_no_room_for() -> None:
    """Others than those that it was made for."""
    layer = Winograd2d(Layer(pe=3, bits=(8, 4, 8)))
    with pytest.raises(ValueError, match=r"^weight: wanted folds of .* words, got "):
        layer.config.program(np.full_like(layer.weight, 127))
    narrow = replace(layer.config, lower_bits=layer.config.lower_bits - 1)
    with pytest.raises(ValueError, match=r"^weight: wanted lower_bits of at most "):
        narrow.program(layer.weight)
