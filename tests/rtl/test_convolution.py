# amaranth: UnusedElaboratable=no
"""Convolution against hwgen.numerics.integer, value by value, with its exact latency and interval."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.layers import Layer
from support.streaming import Run, run_stream, stream_rules, unpack_beats

from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.packing import LUT, Packing
from hwgen.rtl.stream import CreditFifoConfig


def check(layer: Layer, frames: int = 2, **conditions: Any) -> Run:
    """Frames one after another: every value, nothing surplus. The run's outputs are values, its cycles are beats'."""
    pixels = layer.pixels(frames)
    expected = layer.expected(pixels)
    channels, lanes = layer.channels[1], layer.lanes[1]
    beats = len(expected) // channels * -(-channels // lanes)
    run = run_stream(layer.dut, layer.beats(pixels), beats, **conditions)
    run.outputs = unpack_beats(run.outputs, channels, lanes, layer.bits[2], layer.signs[1])
    assert run.outputs == expected
    return run


def predicted_outputs(folding: ConvolutionConfig, accepted: list[int]) -> list[int]:
    """The cycle of every output beat of one frame that meets no stall, from those in which its beats were accepted."""
    window, lanes = folding.window, folding.out_lanes
    per_pixel = -(-window.channels // folding.in_lanes)
    cycles, free = [], 0
    for row in range(window.out_height):
        for column in range(window.out_width):
            arrival = accepted[window.needed(row, column) * per_pixel - 1] + folding.arrival_latency
            start = max(free, arrival)
            free = start + window.cycles_per_pixel
            for run, o in itertools.product(range(folding.runs), range(0, folding.run_channels, lanes)):
                fold, place = divmod(o, folding.pe)
                issued = start + (run * folding.run_folds + fold + 1) * window.words - 1
                cycles.append(issued + folding.drain_latency + place // lanes)
    return cycles


def check_timing(layer: Layer, frames: int = 1, **conditions: Any) -> Run:
    """Each beat of the first frame in its predicted cycle, from a source with or without pauses."""
    run = check(layer, frames, **conditions)
    predicted = predicted_outputs(layer.config, run.input_cycles)
    assert run.output_cycles[: len(predicted)] == predicted
    return run


LAYERS = [
    Layer(),
    Layer(prelu=True, frame=(3, 2)),
    Layer(kernel=1, pe=1),
    Layer(kernel=1, pe=1, stride=2, prelu=True),
    Layer(stride=2),
    Layer(kernel=5, stride=2, frame=(6, 4), channels=(2, 3), simd=1),
    Layer(kernel=5, prelu=True, channels=(2, 3), frame=(3, 3)),
    Layer(kernel=7, channels=(2, 2), frame=(3, 3)),
    Layer(kernel=7, stride=2, frame=(8, 4), channels=(1, 3), simd=1, pe=3),
    Layer(frame=(3, 3)),  # odd sizes
    Layer(frame=(1, 1)),  # smaller than the kernel
    Layer(frame=(1, 3), prelu=True),
    Layer(frame=(2, 1), kernel=5),
    Layer(frame=(3, 2), kernel=7, channels=(2, 2)),
    Layer(frame=(2, 2), kernel=7, stride=2, channels=(2, 3)),
    Layer(channels=(1, 1), pe=1, simd=1),
    Layer(channels=(1, 4), pe=4, simd=1),
    Layer(channels=(5, 1), pe=1, simd=3),
    Layer(channels=(3, 5), pe=1, simd=1, frame=(2, 2)),
    Layer(channels=(3, 5), pe=5, simd=3),
    Layer(channels=(3, 9), pe=9, simd=3),  # as many PEs as a fold has cycles
    Layer(channels=(9, 3), pe=3, simd=9),  # chains of three
    Layer(channels=(7, 5), pe=3, simd=5, frame=(3, 3)),
    Layer(channels=(3, 5), pe=5, simd=3, lanes=(3, 1)),
    Layer(channels=(3, 4), kernel=5, stride=2, pe=4, simd=3, lanes=(3, 1), signs=(False, True), prelu=True),
    # several values per beat: in, out; words of several beats, folds and pixels whose last beat is not full
    Layer(channels=(4, 4), simd=4, lanes=(4, 1)),
    Layer(channels=(4, 4), pe=4, lanes=(1, 4)),
    Layer(channels=(4, 6), kernel=1, pe=2, simd=2, lanes=(2, 2)),
    Layer(channels=(4, 5), kernel=1, pe=2, simd=4, lanes=(2, 2), prelu=True),
    Layer(channels=(5, 7), frame=(3, 3), pe=4, simd=4, lanes=(2, 4), signs=(False, False)),
    Layer(channels=(5, 7), kernel=1, pe=4, simd=2, lanes=(2, 2), stride=2),
    Layer(channels=(6, 9), frame=(4, 2), pe=6, simd=6, lanes=(3, 3), stride=2, prelu=True),
    Layer(channels=(5, 7), kernel=1, pe=7, simd=5, lanes=(5, 7)),  # a beat a pixel
    Layer(channels=(5, 5), kernel=1, pe=5, simd=3, lanes=(3, 4)),  # pe = O: any lanes
    Layer(channels=(7, 3), frame=(1, 1), kernel=5, pe=2, simd=4, lanes=(4, 2)),
    # all tap rows in a word
    Layer(taps=3, pe=2),
    Layer(taps=3, stride=2, simd=1, pe=4, prelu=True, frame=(8, 6)),
    Layer(taps=3, channels=(1, 3), simd=1, pe=3, frame=(1, 1)),
    Layer(taps=3, channels=(5, 6), simd=4, pe=6, lanes=(2, 2), frame=(6, 3), signs=(False, False)),
    Layer(taps=3, channels=(3, 8), simd=3, pe=8, lanes=(3, 4), stride=2, frame=(6, 8)),
    Layer(taps=5, kernel=5, channels=(2, 3), pe=3, simd=2, frame=(3, 2)),
    Layer(taps=5, kernel=5, stride=2, channels=(3, 4), simd=3, pe=4, lanes=(3, 2), frame=(10, 4), signs=(False, True)),
    Layer(packing=Packing("dsp", 1, 0, 8), taps=3, weights_in="logic"),
    Layer(packing=Packing("dsp", 3, 11, 7), bits=(8, 2, 6), signs=(False, True), pe=4, taps=3, channels=(3, 7)),
    Layer(packing=LUT, bits=(8, 2, 8), signs=(False, False), pe=3, channels=(5, 7), simd=5),
    Layer(packing=LUT, bits=(8, 2, 8), taps=3, pe=5, simd=3, lanes=(3, 5), prelu=True),
    Layer(packing=LUT, bits=(4, 4, 4), signs=(False, False), pe=4, channels=(6, 8), simd=6, lanes=(1, 2)),
    Layer(packing=LUT, bits=(3, 5, 8), taps=3, stride=2, prelu=True),
    Layer(taps=7, kernel=7, channels=(2, 2), simd=1, frame=(3, 4)),
    Layer(taps=7, kernel=7, stride=2, channels=(2, 3), simd=2, pe=3, frame=(4, 4), prelu=True),
    # kernels that are not square or of even sides, paddings of their own, dilation, strides beyond the kernel
    Layer(kernel=3, kernel_width=1, simd=1, channels=(1, 3), pe=2),
    Layer(kernel=1, kernel_width=5, frame=(6, 3), padding=(0, 1)),
    Layer(kernel=3, kernel_width=1, taps=3, channels=(1, 2), simd=1, pe=1, padding=(0, 0)),
    Layer(kernel=9, channels=(1, 2), simd=1, frame=(9, 5)),
    Layer(kernel=2, kernel_width=4, padding=(1, 0), stride=2, frame=(7, 5), prelu=True),
    Layer(dilation=2, frame=(5, 6)),
    Layer(dilation=4, taps=3, frame=(5, 6), simd=1, pe=3, lanes=(1, 3)),
    Layer(kernel=2, dilation=3, padding=(2, 0), frame=(7, 4), stride=3),
    Layer(kernel=4, stride=4, padding=(0, 0), frame=(8, 4), channels=(3, 6), pe=6, simd=3, lanes=(3, 2)),
    # groups: one at a time with some of its channels, several whole ones, all; depthwise; last folds that are smaller
    Layer(channels=(8, 8), groups=8, pe=1, simd=1, frame=(3, 3)),
    Layer(channels=(8, 8), groups=8, pe=4, simd=4, lanes=(4, 4), taps=3),
    Layer(channels=(5, 5), groups=5, pe=2, simd=2, taps=3, stride=2, frame=(6, 6)),
    Layer(channels=(13, 13), groups=13, pe=3, simd=3, kernel=5, taps=5, signs=(False, True), frame=(3, 3)),
    Layer(channels=(4, 8), groups=4, pe=4, simd=2, prelu=True),
    Layer(channels=(6, 10), groups=2, pe=2, simd=2, signs=(False, True)),
    Layer(channels=(6, 10), groups=2, pe=3, simd=2, taps=3, stride=2, frame=(6, 6)),
    Layer(channels=(6, 10), groups=2, pe=5, simd=3, lanes=(3, 5)),
    Layer(channels=(6, 9), groups=3, pe=6, simd=4, lanes=(2, 2), frame=(5, 4)),
    Layer(channels=(6, 9), groups=3, pe=9, simd=6, lanes=(2, 4), frame=(3, 3)),
    Layer(channels=(4, 4), groups=4, kernel=1, pe=2, simd=2, lanes=(2, 2)),
    Layer(channels=(4, 6), groups=2, kernel=1, pe=1, simd=1, stride=2),
    Layer(channels=(10, 4), groups=2, pe=2, simd=3, dilation=2, frame=(5, 6)),
    Layer(channels=(10, 4), groups=2, pe=2, simd=3, dilation=2, frame=(5, 6), taps=3, prelu=True),
    Layer(channels=(2, 2), groups=2, pe=2, simd=2, kernel=9, taps=9, frame=(5, 4), signs=(False, False)),
    Layer(channels=(3, 9), groups=3, pe=6, simd=2, kernel=2, kernel_width=4, padding=(1, 0), frame=(7, 5)),
    Layer(channels=(3, 3), groups=3, pe=3, simd=3, kernel=4, stride=4, padding=(0, 0), frame=(8, 4), lanes=(3, 1)),
    Layer(channels=(8, 12), groups=4, pe=3, simd=2, packing=Packing("dsp", 3, 11, 7), bits=(8, 2, 6), taps=3),
    Layer(channels=(8, 8), groups=4, pe=4, simd=4, packing=LUT, bits=(8, 2, 8), taps=3, lanes=(1, 2)),
    Layer(channels=(8, 8), groups=4, pe=4, simd=4, packing=LUT, bits=(4, 4, 4), signs=(False, False)),
    Layer(channels=(6, 6), groups=6, pe=3, simd=3, packing=LUT, bits=(8, 2, 8), signs=(False, True), taps=3),
    Layer(ceiling=96, signs=(True, False)),
    Layer(ceiling=5, signs=(False, False), bits=(8, 4, 3), frame=(2, 3)),
    Layer(signs=(False, True), frame=(3, 2)),
    Layer(signs=(True, False), frame=(3, 2)),
    Layer(signs=(False, False), bits=(8, 4, 6), frame=(2, 3)),
    # memories of indices: chains, several weights to a DSP, all tap rows, groups, LUTs; words that are not full
    Layer(codebook=Codebook(8, (-127, 127)), channels=(4, 5), simd=2, extreme=True),
    Layer(codebook=Codebook(8, (-90, -31, 0, 64)), channels=(9, 3), pe=3, simd=5, prelu=True),
    Layer(codebook=Codebook(8, tuple(range(-96, 32))), channels=(3, 4), pe=4, simd=3, lanes=(3, 4), stride=2),
    Layer(codebook=Codebook(4, (-7, -2, -1, 3)), bits=(4, 4, 8), packing=Packing("dsp", 4, 7, 1), pe=4, simd=3, taps=3,
          lanes=(1, 4)),
    Layer(codebook=Codebook(8, (-40, 0, 0, 77)), channels=(6, 6), groups=2, pe=2, simd=2, frame=(3, 3)),
    Layer(codebook=Codebook(8, (-40, -3, 5, 77)), channels=(6, 6), groups=6, pe=4, simd=4, frame=(3, 3)),
    Layer(codebook=Codebook(8, (-3, -3)), packing=Packing("dsp", 1, 0, 8), simd=3, weights_in="logic"),
    Layer(codebook=Codebook(2, (-1, 1)), packing=LUT, bits=(8, 2, 8), pe=3, channels=(10, 7), simd=5),
    Layer(codebook=Codebook(4, (-6, 0, 1, 7)), packing=LUT, bits=(4, 4, 4), signs=(False, False), pe=4,
          channels=(5, 8), simd=4, lanes=(1, 2)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_idle_source_and_stalling_sink(layer: Layer) -> None:
    """Bit-exact; behind an idle source every value in its exact cycle."""
    check_timing(layer, idle=0.5, seed=1)
    check(layer, idle=0.1, stall=0.3, seed=2)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_latency_and_interval(layer: Layer) -> None:
    """Three frames back to back: every value of the first in its exact cycle, then the busiest stage's interval."""
    run = check_timing(layer, 3)
    beats = len(run.output_cycles) // 3
    busiest = max(layer.config.compute_cycles, beats, len(run.input_cycles) // 3)
    assert run.output_cycles[-1] - run.output_cycles[-1 - beats] == busiest == layer.config.cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
def test_idle_and_stall(idle: float, stall: float) -> None:
    check(Layer(channels=(2, 3), frame=(3, 3), prelu=True), idle=idle, stall=stall, seed=7)


@pytest.mark.parametrize("bits", [(8, 2, 8), (2, 8, 8), (8, 8, 2), (2, 2, 2), (5, 7, 3), (3, 4, 6), (7, 3, 1)])
@pytest.mark.parametrize("signs", [(True, True), (False, False)])
def test_bits(bits: tuple[int, int, int], signs: tuple[bool, bool]) -> None:
    check(Layer(frame=(3, 3), bits=bits, signs=signs, prelu=signs[1], seed=sum(bits)), 1)


@pytest.mark.parametrize("shift", [-3, 0, 1, 9, 30])
@pytest.mark.parametrize("prelu", [False, True])
def test_shifts(shift: int, prelu: bool) -> None:
    check(Layer(frame=(3, 3), shift=shift, prelu=prelu), 1)


@pytest.mark.parametrize("signs", [(True, True), (False, True), (False, False)])
def test_extremes_saturate_at_both_ends(signs: tuple[bool, bool]) -> None:
    layer = Layer(frame=(3, 3), channels=(4, 4), simd=4, pe=2, signs=signs, extreme=True, shift=3)
    run = check(layer, 1)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(8, signs[1])


def test_random() -> None:
    random = np.random.default_rng(29)
    for seed in range(8):
        kernel, stride = int(random.choice([1, 3, 5])), int(random.choice([1, 2]))
        inputs, outputs = int(random.integers(1, 7)), int(random.integers(1, 8))
        simd = int(random.integers(1, inputs + 1))
        lanes_in, lanes_out = (int(random.integers(1, 5)) for _ in range(2))
        lanes_in = lanes_in if simd % lanes_in == 0 else 1
        taps = int(random.choice([1, kernel]))
        pe = int(random.integers(1, min(outputs, kernel**2 // taps * -(-inputs // simd)) + 1))
        lanes_out = lanes_out if pe % lanes_out == 0 else 1
        layer = Layer(
            channels=(inputs, outputs), kernel=kernel, stride=stride, pe=pe, simd=simd, prelu=seed % 2 == 0,
            lanes=(lanes_in, lanes_out), taps=taps, seed=seed,
            frame=(stride * int(random.integers(1, 4)), stride * int(random.integers(1, 3))),
            bits=(int(random.integers(2, 9)), int(random.integers(2, 9)), int(random.integers(2, 9))),
            signs=(bool(random.integers(0, 2)), bool(random.integers(0, 2))),
        )  # fmt: skip
        check_timing(layer)
        check(layer, idle=0.2, stall=0.5, seed=seed)


def test_random_groups() -> None:
    """Whole groups side by side, and one at a time, of any counts; what cannot be is refused, and drawn again."""
    random = np.random.default_rng(31)
    checked = 0
    while checked < 8:
        groups, inputs, outputs = (int(random.integers(1, most)) for most in (6, 4, 5))
        simd, pe = int(random.integers(1, inputs + 1)), int(random.integers(1, outputs + 1))
        if random.integers(0, 2):
            parallel = int(random.integers(1, groups + 1))
            simd, pe = parallel * inputs, parallel * outputs
        kernel, stride = (int(side) for side in random.integers(1, 4, 2))
        layer = Layer(
            channels=(groups * inputs, groups * outputs), groups=groups, pe=pe, simd=simd, kernel=kernel, stride=stride,
            kernel_width=int(random.integers(1, 4)), taps=int(random.choice([1, kernel])), prelu=checked % 2 == 0,
            frame=(int(random.integers(2, 6)), int(random.integers(2, 5))), dilation=int(random.integers(1, 3)),
            lanes=(int(random.integers(1, 4)), int(random.integers(1, 4))), seed=checked,
            signs=(bool(random.integers(0, 2)), True),
        )  # fmt: skip
        try:
            assert layer.config.window.out_width * layer.config.window.out_height > 0
        except ValueError:
            continue
        checked += 1
        check_timing(layer)
        check(layer, idle=0.2, stall=0.5, seed=checked)


def test_the_vectors_tell_half_even_from_half_up() -> None:
    """A layer whose rounding were half up, or cut off, would not pass: its expected values differ."""
    layer = Layer(shift=3, bits=(4, 4, 8))
    check(layer)
    pixels = layer.pixels(2)
    sums = np.stack([layer.accumulators(frame) for frame in pixels]).reshape(-1)
    for wrong in (sums + 4 >> 3, sums >> 3):
        assert fixedpoint.saturate(wrong, 8, True).tolist() != layer.expected(pixels)


def test_stream_rules() -> None:
    """A sink that often stalls: the ring fills up, and still nothing passes from o.ready to i.ready inside a cycle."""
    layer = Layer(channels=(2, 3), frame=(3, 3), pe=3, simd=2)
    pixels = layer.pixels(4)
    assert stream_rules(layer.dut, layer.beats(pixels), len(layer.expected(pixels)), stall=0.7) > 0


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_the_fifo_is_as_deep_as_it_must_be(layer: Layer) -> None:
    """`fifo_depth` against a count, cycle by cycle, of the places that full-speed folds hold."""
    folding = replace(layer, frame=(layer.stride * 4, layer.stride * 4)).config
    words, pe, last = folding.window.words, folding.fold_beats, folding.last_beats
    taken: dict[int, int] = {}
    given: dict[int, int] = {}
    sizes = [last if n % folding.run_folds == folding.run_folds - 1 else pe for n in range(60)]
    for n, size in enumerate(sizes):
        issue = n * words + words - 1
        taken[issue + 1] = size  # the credits' register shows it a cycle later
        for place in range(size):
            leaves = issue + folding.drain_latency + place + 1
            given[leaves] = given.get(leaves, 0) + 1
    held, worst = 0, 0
    for cycle in range(max(given) + 1):
        held += taken.get(cycle, 0) - given.get(cycle, 0)
        if (cycle + 1) % words == 0 and (cycle + 1) // words <= len(sizes):
            worst = max(worst, held + pe)  # room for a whole fold is asked for when its last word goes
    assert worst <= folding.fifo_depth
    if folding.run_folds == 1 or last == pe:
        assert worst == folding.fifo_depth


def test_properties() -> None:
    folding = Layer(channels=(7, 5), kernel=3, stride=2, frame=(8, 6), pe=2, simd=3, prelu=True).config
    assert folding.lanes == 6
    assert folding.window.cycles_per_pixel == 9 * 3 * 3
    assert folding.compute_cycles == 9 * 3 * 3 * 4 * 3
    # word 3, product 1, chain 3, accumulator 1; sums 1; requantiser 7; FIFO 2
    assert folding.drain_latency == 3 + 1 + 3 + 1 + 1 + 7 + CreditFifoConfig.latency
    assert folding.pixel_latency == 81 - 1 + folding.drain_latency + 0


def test_properties_of_groups() -> None:
    """13 depthwise channels in three words of five; two groups of seven outputs, three at a time."""
    depthwise = Layer(channels=(13, 13), groups=13, kernel=5, taps=5, pe=5, simd=5).config
    assert (depthwise.runs, depthwise.run_folds, depthwise.fold_beats, depthwise.last_beats) == (1, 3, 5, 3)
    assert (depthwise.lanes, depthwise.mac.dsp, depthwise.mac.sections, depthwise.beats_out) == (25, 25, 5, 13)
    assert (depthwise.window.cycles_per_pixel, depthwise.weight_rows) == (15, 15)
    several = Layer(channels=(10, 14), groups=2, pe=3, simd=3).config
    assert (several.runs, several.run_folds, several.fold_beats, several.last_beats) == (2, 3, 3, 1)
    assert (several.lanes, several.mac.dsp, several.mac.sections, several.beats_out) == (9, 6, 1, 14)
    assert (several.window.cycles_per_pixel, several.weight_rows) == (9 * 2 * 6, 9 * 2 * 6)


FOLDING = Layer().config


@pytest.mark.parametrize(("change", "message"), [
    (dict(pe=0), "pe: wanted 1 .. 5 output channels, got 0"),
    (dict(pe=6), "pe: wanted 1 .. 5 output channels, got 6"),
    (dict(pe=1), "folds: wanted ceil(output channels / pe), got 3"),
    (dict(requantiser=replace(FOLDING.requantiser, channels=7)), "folds: wanted ceil(output channels / pe), got 3"),
    (dict(window=replace(FOLDING.window, kernel=1, padding=0, simd=3, folds=2), pe=3),
     "pe: wanted at most 1, for the results leave 1 a cycle in the 1 cycles of a fold, got 3"),
    (dict(out_lanes=0), "out_lanes: wanted a divisor of pe 2, got 0"),
    (dict(out_lanes=4), "out_lanes: wanted a divisor of pe 2, got 4"),
    (dict(depth=1), "depth: wanted at least a fold's 2 beats, got 1"),
])  # fmt: skip
def test_folding_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(FOLDING, **change)


@pytest.mark.parametrize(("change", "message"), [
    (dict(pe=3), "pe: wanted all 6 output channels of 2 groups, got 3"),
    (dict(window=Layer(channels=(6, 9), groups=3, simd=2, pe=2).window, pe=4),
     "pe: wanted 1 .. 3 output channels, got 4"),
    (dict(window=Layer(channels=(6, 9), groups=3, simd=2, pe=3).window, pe=2),
     "folds: wanted ceil(output channels / pe), got 3"),
    (dict(window=Layer(channels=(6, 9), groups=3, simd=2, pe=2).window, pe=2, out_lanes=2),
     "out_lanes: wanted a divisor of a group's 3 output channels, got 2"),
    (dict(requantiser=replace(FOLDING.requantiser, channels=8)),
     "groups: wanted a divisor of the 8 output channels, got 3"),
])  # fmt: skip
def test_group_errors(change: dict[str, Any], message: str) -> None:
    folding = Layer(channels=(6, 9), groups=3, pe=6, simd=4).config
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(folding, **change)


def test_weight_error() -> None:
    layer = Layer()
    numbers = layer.numbers | {"weight": np.zeros((5, 3, 3, 1), dtype=np.int64)}
    with pytest.raises(ValueError, match=r"^weight: wanted shape \(5, 3, 3, 3\), got \(5, 3, 3, 1\)$"):
        Convolution(layer.config, **numbers)
