# amaranth: UnusedElaboratable=no
"""PolynomialConvolution against hwgen.numerics.integer, value by value, with its exact latency and interval."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.layers import Layer
from support.polynomial import Polynomial
from support.streaming import Run, stream_rules
from support.transposed import Transposed

from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.packing import Packing
from hwgen.rtl.polynomial_convolution import in_polynomials


def predicted_outputs(polynomial: Polynomial, accepted: list[int]) -> list[int]:
    """The cycle of every output beat of one frame without stalls: pixel by pixel, each after its folds."""
    config = polynomial.config
    window = config.window
    first: dict[tuple[int, int], list[int]] = {}
    free = 0
    blocks = iter(range(window.out_width * window.out_height))
    for row, block in itertools.product(range(window.out_height), range(window.out_width)):
        row_phase = (row + window.padding_height) % window.phases
        words = window.fold_words[row_phase * window.kinds + block % window.kinds]
        assert window.pair_cycles[next(blocks)] == sum(words)
        arrival = accepted[window.needed(row, block) * window.beats - 1] + config.arrival_latency
        start = max(free, arrival)
        free = start + sum(words)
        ends = np.cumsum(words) + start - 1 + config.drain_latency
        for column in window.pair(block):
            first[row, column] = ends.tolist()  # the first blocks' columns are below zero
    cycles: list[int] = []
    for row, column in itertools.product(range(window.out_height), range(window.columns)):
        for fold, result in enumerate(first[row, column]):
            for place in range(config.last_beats if fold == config.run_folds - 1 else config.fold_beats):
                cycles.append(max(result + place, cycles[-1] + 1 if cycles else 0))
    return cycles


def check_timing(polynomial: Polynomial, frames: int = 1, **conditions: Any) -> Run:
    run = polynomial.check(frames, **conditions)
    predicted = predicted_outputs(polynomial, run.input_cycles)
    assert run.output_cycles[: len(predicted)] == predicted
    return run


W4A8, W4A4 = (8, 4, 8), (4, 4, 4)
STRIDED: dict[str, Any] = dict(kernel=4, stride=2, padding=(1, 1), bits=W4A8)
LAYERS = [
    Polynomial(Layer(bits=W4A8)),
    Polynomial(Layer(**STRIDED, frame=(8, 6), channels=(3, 4), simd=3, pe=4)),  # one fold: no memory of sums
    Polynomial(Layer(**STRIDED, frame=(10, 6), channels=(4, 6), simd=4, pe=3, lanes=(2, 1), prelu=True), chain=2),
    Polynomial(Layer(**STRIDED, frame=(2, 4), signs=(False, True), weights_in="logic", line_buffer_in="distributed")),
    Polynomial(Layer(kernel=5, frame=(7, 4), signs=(False, True), bits=W4A8), family="xcup"),
    Polynomial(Layer(kernel=5, stride=2, frame=(9, 5), channels=(2, 5), pe=5, bits=W4A8, lanes=(1, 2))),
    Polynomial(Layer(bits=W4A4, frame=(6, 5), channels=(5, 6), simd=5, pe=6, signs=(False, False), lanes=(1, 2)), 3),
    Polynomial(Layer(bits=W4A4, frame=(5, 4), signs=(False, True), prelu=True), 3, family="xcup"),
    Polynomial(Layer(bits=(4, 4, 8), kernel=7, frame=(3, 4), channels=(2, 4), pe=4, ceiling=40), 3),
    Polynomial(Layer(kernel=2, kernel_width=4, padding=(0, 1), frame=(6, 3), channels=(1, 2), simd=1, bits=(5, 5, 8))),
    Polynomial(Layer(kernel=1, kernel_width=5, padding=(0, 2), frame=(1, 3), channels=(1, 2), simd=1, bits=(6, 3, 7))),
    Polynomial(Transposed(kernel=5, padding=2, stride=1, extra=0, frame=(5, 3), signs=(False, True), pe=5, bits=W4A8)),
    Polynomial(Transposed(kernel=4, extra=0, frame=(4, 3), bits=W4A8)),
    Polynomial(Transposed(kernel=4, extra=0, frame=(5, 3), pe=4, channels=(4, 4), simd=2, bits=W4A8, lanes=(2, 2),
                          signs=(False, False), prelu=True)),
    Polynomial(Transposed(kernel=5, padding=2, frame=(3, 3), signs=(False, True), pe=3, bits=W4A8), chain=1),
    Polynomial(Transposed(kernel=6, padding=2, extra=0, frame=(4, 2), channels=(4, 3), simd=2, pe=3, bits=W4A4), 3),
    Polynomial(Transposed(kernel=5, padding=3, frame=(5, 4), pe=3, line_buffer_in="distributed", bits=W4A8)),
]  # fmt: skip


@pytest.mark.parametrize("polynomial", LAYERS, ids=str)
def test_idle_source_and_stalling_sink(polynomial: Polynomial) -> None:
    """Bit-exact; behind an idle source every value in its exact cycle."""
    check_timing(polynomial, idle=0.5, seed=1)
    polynomial.check(idle=0.1, stall=0.3, seed=2)


@pytest.mark.parametrize("polynomial", LAYERS, ids=str)
def test_latency_and_interval(polynomial: Polynomial) -> None:
    """Frames back to back: every value of the first in its exact cycle, then the busiest stage's interval."""
    run = check_timing(polynomial, 4)
    beats = len(run.output_cycles) // 4
    busiest = max(polynomial.config.compute_cycles, beats, len(run.input_cycles) // 4)
    assert run.output_cycles[-1] - run.output_cycles[-1 - beats] == busiest == polynomial.config.cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
def test_idle_and_stall(idle: float, stall: float) -> None:
    Polynomial(Layer(frame=(5, 3), prelu=True, bits=W4A8)).check(idle=idle, stall=stall, seed=7)
    Polynomial(Transposed(frame=(3, 2), pe=2, simd=1, bits=W4A4)).check(idle=idle, stall=stall, seed=8)


@pytest.mark.parametrize("signs", [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("together", [2, 3])
def test_extremes_saturate_at_both_ends(signs: tuple[bool, bool], together: int) -> None:
    """All weights and inputs at an end of their range: the largest sums, and chains as long as these weights allow."""
    bits = W4A8 if together == 2 else W4A4
    layer = Layer(channels=(9, 5), simd=9, kernel=6, frame=(5, 3), signs=signs, extreme=True, shift=1, bits=bits)
    polynomial = Polynomial(layer, together)
    assert polynomial.config.packing.chain == 4
    run = polynomial.check(1)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(bits[2], signs[1])


def test_the_shallowest_fifos() -> None:
    """Nothing stands still with room for a fold of the first pixels and for what the second ones need."""
    transposed = Transposed(frame=(4, 2), pe=2, simd=1, bits=W4A8)
    for polynomial in (Polynomial(Layer(frame=(5, 3), bits=W4A8)), Polynomial(transposed)):
        config = polynomial.config
        tight = replace(config, depth=config.fold_beats, second_depth=config.least_second_depth)
        for stall in (0.0, 0.6):
            polynomial.check(config=tight, stall=stall)


def test_random() -> None:
    random = np.random.default_rng(43)
    checked = 0
    while checked < 12:
        outputs = int(random.integers(1, 7))
        own: dict[str, Any] = dict(
            channels=(int(random.integers(1, 6)), outputs), pe=int(random.integers(1, outputs + 1)), simd=1,
            seed=checked, frame=(int(random.integers(1, 8)), int(random.integers(2, 5))),
            signs=(bool(random.integers(0, 2)), True), prelu=checked % 2 == 0,
            bits=((8, 4, 8), (4, 4, 4), (5, 3, 8), (8, 2, 6))[checked % 4],
        )  # fmt: skip
        own["simd"] = int(random.integers(1, own["channels"][0] + 1))
        kernel, together = int(random.integers(2, 6)), 3 if checked % 4 == 1 else 2
        try:
            if checked % 3 == 2:
                layer: Layer | Transposed = Transposed(**own, kernel=kernel, padding=int(random.integers(0, kernel)))
            else:
                layer = Layer(**own, kernel=kernel, kernel_width=int(random.integers(2, 8)),
                              stride=int(random.integers(1, 4)))  # fmt: skip
            polynomial = Polynomial(layer, together)
            assert polynomial.config.out_pixels > 0
        except ValueError:
            continue
        checked += 1
        check_timing(polynomial)
        polynomial.check(idle=0.2, stall=0.5, seed=checked)


def test_stream_rules() -> None:
    """A sink that often stalls: nothing passes from o.ready to i.ready inside a cycle."""
    polynomial = Polynomial(Layer(frame=(5, 3), bits=W4A8))
    pixels = polynomial.pixels(4)
    expected = polynomial.layer.expected(pixels)
    assert stream_rules(polynomial.build(), polynomial.layer.beats(pixels), len(expected), stall=0.7) > 0


def test_properties() -> None:
    """4x4 at a stride of 2: 16 taps of two outputs in 8 products of four; a row of 8 outputs takes five blocks."""
    config = Polynomial(Layer(channels=(8, 8), pe=4, simd=4, frame=(16, 8), **STRIDED), chain=2).config
    assert (config.lanes, config.mac.dsp, config.window.fold_words) == (64, 16, ((16, 16),))
    assert (config.window.row_pairs, config.window.row_blocks, config.compute_cycles) == (4, 5, 32 * 5 * 4)
    assert [config.window.pair(block) for block in range(5)] == [(-2, -1), (0, 1), (2, 3), (4, 5), (6, 7)]


def test_what_has_no_room_for_two_products() -> None:
    assert in_polynomials(Layer().config, 2, "xc7") is None
    assert in_polynomials(Layer(bits=W4A8).config, 3, "xcup") is None


@pytest.mark.parametrize(("change", "message"), [
    (dict(second_depth=5), "second_depth: wanted at least 6 beats, got 5"),
    (dict(packing=Packing("dsp", 1, 0, 1)), "packing: wanted 4 products to a DSP, got 1 (dsp)"),
    (dict(codebook=Codebook(4, (0, 1))), "codebook: wanted none for products of polynomials, got one"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(Polynomial(Layer(bits=W4A8)).config, **change)


def test_weights_that_the_config_has_no_room_for() -> None:
    polynomial = Polynomial(Layer(channels=(5, 2), simd=5, bits=W4A8), chain=2)
    config, weight = polynomial.config, np.full_like(polynomial.weight, 7)
    longer = replace(config, packing=replace(config.packing, chain=5))
    with pytest.raises(ValueError, match="^chain: wanted at most 4, which these weights allow, got 5$"):
        longer.memories(weight)
    with pytest.raises(ValueError, match=re.escape("weight: wanted narrow range, -7 .. 7, got a magnitude of 8")):
        config.memories(-weight - 1)


def test_folds_of_few_words_are_refused() -> None:
    layer = Layer(kernel=1, kernel_width=2, padding=(0, 0), channels=(2, 2), bits=W4A8, pe=1)
    message = "fold_words: wanted 2 folds of at least 3 words for each of 1 phases, got ((1, 1),)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        in_polynomials(layer.config, 2, "xc7")
