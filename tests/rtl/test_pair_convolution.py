# amaranth: UnusedElaboratable=no
"""PairConvolution against hwgen.numerics.integer, value by value, with its exact latency and interval."""

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
from hwgen.rtl.packing import Packing
from hwgen.rtl.pair_convolution import PairConvolution, PairConvolutionConfig


def depthwise(channels: int, pe: int, kernel: int = 3, **more: Any) -> Layer:
    """One output of every channel, `pe` channels and two columns at a time."""
    return Layer(channels=(channels, channels), groups=channels, pe=pe, simd=pe, kernel=kernel, taps=kernel, pairs=True,
                 **more)  # fmt: skip


def check(layer: Layer, frames: int = 2, **conditions: Any) -> Run:
    """Frames one after another: every value, nothing surplus."""
    pixels = layer.pixels(frames)
    expected = layer.expected(pixels)
    channels, lanes = layer.channels[1], layer.lanes[1]
    run = run_stream(layer.dut, layer.beats(pixels), len(expected) // channels * -(-channels // lanes), **conditions)
    run.outputs = unpack_beats(run.outputs, channels, lanes, layer.bits[2], layer.signs[1])
    assert run.outputs == expected
    return run


def predicted_outputs(folding: PairConvolutionConfig, accepted: list[int]) -> list[int]:
    """The cycle of every output beat of one frame without stalls: pixel by pixel, each after its folds."""
    window = folding.window
    per_pixel = -(-window.channels // folding.in_lanes)
    cycles: list[int] = []
    free = 0
    for row, pair in itertools.product(range(window.out_height), range(window.out_width)):
        arrival = accepted[window.needed(row, pair) * per_pixel - 1] + folding.arrival_latency
        start = max(free, arrival)
        free = start + window.cycles_per_pixel
        for _ in range(min(2, window.columns - 2 * pair)):
            for run, fold in itertools.product(range(folding.runs), range(folding.run_folds)):
                result = start + (run * folding.run_folds + fold + 1) * window.words - 1 + folding.drain_latency
                for place in range(folding.last_beats if fold == folding.run_folds - 1 else folding.fold_beats):
                    cycles.append(max(result + place, cycles[-1] + 1 if cycles else 0))
    return cycles


def check_timing(layer: Layer, frames: int = 1, **conditions: Any) -> Run:
    run = check(layer, frames, **conditions)
    config = layer.config
    assert isinstance(config, PairConvolutionConfig)
    predicted = predicted_outputs(config, run.input_cycles)
    assert run.output_cycles[: len(predicted)] == predicted
    return run


LAYERS = [
    depthwise(2, 1),
    depthwise(4, 4, lanes=(4, 4)),
    depthwise(5, 2, frame=(5, 3)),
    depthwise(5, 2, frame=(5, 3), stride=2),
    depthwise(8, 4, lanes=(2, 2), frame=(6, 4), stride=2, prelu=True),
    depthwise(13, 3, 5, signs=(False, True), frame=(3, 3)),
    depthwise(3, 3, 5, frame=(7, 2), lanes=(3, 1)),
    depthwise(2, 2, 9, frame=(5, 4), signs=(False, False)),
    depthwise(1, 1, frame=(1, 1)),
    depthwise(2, 1, frame=(1, 3), prelu=True),
    depthwise(2, 2, frame=(6, 5), dilation=2),
    depthwise(3, 2, frame=(5, 6), dilation=3, stride=2, prelu=True),
    depthwise(3, 1, 3, kernel_width=1, frame=(4, 3)),
    depthwise(3, 2, 2, kernel_width=4, padding=(1, 0), frame=(7, 5), signs=(False, True)),
    depthwise(4, 4, 4, stride=4, padding=(0, 0), frame=(16, 4), lanes=(1, 2)),
    depthwise(3, 3, bits=(4, 4, 4), signs=(False, False)),
    depthwise(3, 3, bits=(3, 2, 6), signs=(True, False), ceiling=40),
    depthwise(6, 4, codebook=Codebook(8, (-40, -3, 5, 77)), lanes=(2, 2)),
    depthwise(3, 1, 5, codebook=Codebook(8, (-90, 0, 64, 127)), frame=(5, 2)),
    depthwise(4, 2, weights_in="logic", line_buffer_in="distributed", frame=(6, 3)),
    Layer(channels=(6, 3), groups=3, pe=2, simd=4, taps=3, pairs=True, frame=(5, 4)),  # two inputs of an output
    Layer(channels=(2, 6), groups=2, pe=6, simd=2, taps=3, pairs=True, frame=(5, 4), lanes=(1, 2)),  # three outputs
    Layer(channels=(3, 1), pe=1, simd=3, taps=3, pairs=True, frame=(5, 4), lanes=(3, 1)),  # a single output
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_idle_source_and_stalling_sink(layer: Layer) -> None:
    """Bit-exact; behind an idle source every value in its exact cycle."""
    check_timing(layer, idle=0.5, seed=1)
    check(layer, idle=0.1, stall=0.3, seed=2)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_latency_and_interval(layer: Layer) -> None:
    """Frames back to back: every value of the first in its exact cycle, then the busiest stage's interval."""
    run = check_timing(layer, 4)
    beats = len(run.output_cycles) // 4
    busiest = max(layer.config.compute_cycles, beats, len(run.input_cycles) // 4)
    assert run.output_cycles[-1] - run.output_cycles[-1 - beats] == busiest == layer.config.cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
def test_idle_and_stall(idle: float, stall: float) -> None:
    check(depthwise(3, 2, frame=(5, 3), prelu=True), idle=idle, stall=stall, seed=7)


@pytest.mark.parametrize("signs", [(True, True), (False, True), (False, False)])
def test_extremes_saturate_at_both_ends(signs: tuple[bool, bool]) -> None:
    layer = depthwise(4, 2, frame=(4, 3), signs=signs, extreme=True, shift=3)
    run = check(layer, 1)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(8, signs[1])


def test_the_shallowest_fifos() -> None:
    """Nothing stands still with room for a fold of the first pixels and for one of the second."""
    for layer in (depthwise(5, 2, frame=(5, 3)), depthwise(4, 2, frame=(6, 3), lanes=(2, 2)), depthwise(3, 1)):
        config = layer.config
        assert isinstance(config, PairConvolutionConfig)
        tight = replace(config, depth=config.fold_beats, second_depth=config.least_second_depth)
        pixels = layer.pixels(2)
        expected = layer.expected(pixels)
        channels, lanes = layer.channels[1], layer.lanes[1]
        for stall in (0.0, 0.6):
            run = run_stream(PairConvolution(tight, **layer.numbers), layer.beats(pixels),
                             len(expected) // channels * -(-channels // lanes), stall=stall)  # fmt: skip
            assert unpack_beats(run.outputs, channels, lanes, 8, True) == expected


def test_random() -> None:
    random = np.random.default_rng(37)
    checked = 0
    while checked < 8:
        channels, kernel, stride = (int(random.integers(*ends)) for ends in ((1, 7), (2, 5), (1, 4)))
        layer = depthwise(
            channels, int(random.integers(1, channels + 1)), kernel, stride=stride, prelu=checked % 2 == 0,
            kernel_width=int(random.integers(1, 5)), dilation=int(random.integers(1, 3)), seed=checked,
            frame=(int(random.integers(1, 9)), int(random.integers(2, 5))), signs=(bool(random.integers(0, 2)), True),
            lanes=(int(random.integers(1, 4)), int(random.integers(1, 4))),
        )  # fmt: skip
        try:
            assert layer.config.out_pixels > 0
        except ValueError:
            continue
        checked += 1
        check_timing(layer)
        check(layer, idle=0.2, stall=0.5, seed=checked)


def test_stream_rules() -> None:
    """A sink that often stalls: nothing passes from o.ready to i.ready inside a cycle."""
    layer = depthwise(3, 2, frame=(5, 3))
    pixels = layer.pixels(4)
    assert stream_rules(layer.dut, layer.beats(pixels), len(layer.expected(pixels)), stall=0.7) > 0


def test_properties() -> None:
    config = depthwise(13, 5, 5, frame=(16, 8)).config
    assert isinstance(config, PairConvolutionConfig)
    assert (config.lanes, config.mac.dsp, config.window.cycles_per_pixel) == (50, 25, 15)
    assert (config.compute_cycles, config.cycles) == (15 * 8 * 8, 13 * 16 * 8)
    assert (config.least_second_depth, config.second_fifo_depth) == (15, config.fifo_depth + 13)


@pytest.mark.parametrize(("change", "message"), [
    (dict(second_depth=5), "second_depth: wanted at least 6 beats, got 5"),
    (dict(depth=1), "depth: wanted at least a fold's 2 beats, got 1"),
    (dict(packing=Packing("dsp", 1, 0, 1)), "packing: wanted 2 products to a DSP, got 1 (dsp)"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(depthwise(5, 2).config, **change)


def test_chain_error() -> None:
    layer = depthwise(2, 1, extreme=True)
    config = replace(layer.config, packing=Packing("dsp", 2, 16, 3))
    assert isinstance(config, PairConvolutionConfig)
    with pytest.raises(ValueError, match="^chain: wanted at most 2, which these weights allow, got 3$"):
        PairConvolution(config, **layer.numbers)
