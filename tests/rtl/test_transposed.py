# amaranth: UnusedElaboratable=no
"""Transposed convolution by phases against its definition, value by value, with its exact latency and interval."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape
from support.streaming import Run, run_stream, simulate, stream_rules, unpack_beats
from support.transposed import Transposed

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.packing import LUT, Packing, chain_lengths, packings, proven_chain


def check(layer: Transposed, frames: int = 2, **conditions: Any) -> Run:
    """Frames one after another: every value, nothing surplus. The run's outputs are values, its cycles are beats'."""
    pixels = layer.pixels_of(frames)
    expected = layer.expected(pixels)
    channels, lanes = layer.channels[1], layer.lanes[1]
    beats = len(expected) // channels * -(-channels // lanes)
    run = run_stream(layer.dut, layer.beats(pixels), beats, **conditions)
    run.outputs = unpack_beats(run.outputs, channels, lanes, layer.bits[2], layer.signs[1])
    assert run.outputs == expected
    return run


def predicted_outputs(layer: Transposed, accepted: list[int], frames: int = 1) -> list[int]:
    """The cycle of every output beat of frames that meet no stall, from those in which their beats were accepted."""
    folding, window = layer.config, layer.window
    words = window.pixel_words.tolist()
    cycles, free, size = [], 0, window.width * window.height
    for frame in range(frames):
        for place, at in enumerate(itertools.product(range(window.out_height), range(window.out_width))):
            needed = frame * size + window.needed(*at)
            start = max(free, accepted[needed * folding.beats_in - 1] + folding.arrival_latency)
            free = start + words[place] * window.folds
            for o in range(0, folding.out_channels, folding.out_lanes):
                fold, rest = divmod(o, folding.pe)
                result = start + (fold + 1) * words[place] - 1 + folding.drain_latency
                cycles.append(result + rest // folding.out_lanes)
            assert free == start + folding.pixel_cycles[place]
            assert cycles[-1] == free - 1 + folding.last_latency
    return cycles


def check_timing(layer: Transposed, frames: int = 1, **conditions: Any) -> Run:
    """Each beat in its predicted cycle, from a source with or without pauses."""
    run = check(layer, frames, **conditions)
    predicted = predicted_outputs(layer, run.input_cycles, frames)
    assert run.output_cycles == predicted
    return run


def geometries(stride: int) -> list[tuple[int, int, int]]:
    return [(kernel, padding, extra) for kernel in range(1, 8) for padding in range(kernel) for extra in range(stride)]


@pytest.mark.parametrize(("kernel", "padding", "extra"), geometries(2))
def test_kernels_and_paddings_at_stride_2(kernel: int, padding: int, extra: int) -> None:
    frame = (kernel // 2 + 2, kernel // 2 + 1)
    layer = Transposed((1, 1), frame, kernel, 2, padding, extra, simd=1, signs=(padding % 2 == 0, True), seed=kernel)
    check_timing(layer, 2)


@pytest.mark.parametrize(("kernel", "padding", "extra"), geometries(1))
def test_kernels_and_paddings_at_stride_1(kernel: int, padding: int, extra: int) -> None:
    frame = (max(3, kernel), max(3, kernel) + 1)
    check_timing(Transposed((1, 1), frame, kernel, 1, padding, extra, simd=1, signs=(False, True), seed=kernel), 2)


LAYERS = [
    Transposed(),
    Transposed(prelu=True, kernel=5, padding=2, frame=(4, 2)),
    Transposed(kernel=4, padding=1, extra=0, pe=4),
    Transposed(kernel=2, padding=0, extra=0, channels=(2, 3)),  # no padding; a word or a pixel to each phase
    Transposed(kernel=2, padding=0, extra=1, channels=(2, 1), frame=(1, 1)),
    Transposed(kernel=1, padding=0, extra=1),  # phases that no tap reaches
    Transposed(kernel=1, padding=0, extra=0, channels=(4, 3), simd=4, lanes=(4, 1), frame=(5, 3)),
    Transposed(kernel=3, channels=(1, 1), simd=1, frame=(6, 4)),  # one, two and four words to a pixel
    Transposed(kernel=3, channels=(3, 4), simd=3, pe=2, lanes=(3, 2), frame=(6, 2)),
    Transposed(kernel=6, padding=2, extra=0, frame=(1, 3)),
    Transposed(kernel=7, padding=3, extra=1, channels=(2, 4), frame=(3, 1)),
    Transposed(kernel=5, padding=2, extra=1, channels=(5, 4), simd=2, pe=4, lanes=(2, 2), frame=(4, 3)),
    Transposed(kernel=5, padding=2, extra=1, channels=(7, 6), simd=3, pe=3, lanes=(3, 3), signs=(False, False)),
    Transposed(kernel=5, padding=2, extra=1, channels=(4, 7), simd=4, pe=4, lanes=(2, 4), signs=(False, True)),
    Transposed(kernel=5, padding=2, extra=1, channels=(4, 5), simd=4, pe=5, lanes=(4, 3), prelu=True),
    Transposed(kernel=5, padding=2, extra=1, channels=(4, 3), simd=4, pe=3, lanes=(1, 3), weights_in="logic"),
    Transposed(kernel=7, padding=3, extra=1, channels=(9, 2), simd=9, pe=2, frame=(20, 3), lanes=(9, 1)),
    Transposed(stride=1, extra=0, channels=(5, 7), pe=3, simd=2),
    Transposed(stride=1, kernel=5, padding=2, extra=0, channels=(2, 4), pe=4, lanes=(2, 4), signs=(False, True)),
    Transposed(stride=1, kernel=1, padding=0, extra=0, channels=(3, 1), simd=3, lanes=(3, 1)),
    # packings
    Transposed(packing=Packing("dsp", 1, 0, 8), kernel=5, padding=2, channels=(6, 4), simd=6, pe=2),
    Transposed(packing=Packing("dsp", 3, 11, 7), bits=(8, 2, 6), signs=(False, True), pe=4, channels=(7, 6), simd=7,
               kernel=5, padding=2, lanes=(1, 2)),
    Transposed(packing=LUT, bits=(8, 2, 8), signs=(False, False), pe=3, channels=(5, 7), simd=5, kernel=5, padding=2),
    Transposed(packing=LUT, bits=(8, 2, 8), channels=(3, 4), simd=3, pe=2, lanes=(3, 2), prelu=True),
    Transposed(packing=LUT, bits=(4, 4, 4), signs=(False, False), pe=4, channels=(6, 8), simd=6, kernel=4, extra=0,
               lanes=(1, 2)),
    Transposed(packing=LUT, bits=(5, 1, 6), signs=(False, True), channels=(4, 3), simd=4),
    # memories of indices, whose address jumps with its counter
    Transposed(codebook=Codebook(8, (-127, -1, 0, 120)), kernel=5, padding=2, channels=(5, 4), pe=2, simd=3),
    Transposed(codebook=Codebook(8, (-127, 127)), kernel=4, extra=0, channels=(4, 3), pe=3, simd=4, prelu=True),
    Transposed(codebook=Codebook(8, (-70, 0)), kernel=1, padding=0, channels=(3, 1), simd=3),
    Transposed(codebook=Codebook(2, (-1, 0)), packing=LUT, bits=(8, 2, 8), channels=(3, 4), simd=3, pe=2, lanes=(3, 2)),
    Transposed(codebook=Codebook(4, (-7, 2, 3, 7)), packing=LUT, bits=(4, 4, 4), pe=4, channels=(6, 8), simd=6,
               kernel=4, extra=0, lanes=(1, 2)),
    # odd channels on a coarser grid
    Transposed(coarse=(6, 1), channels=(4, 6), kernel=5, padding=2, pe=2, lanes=(2, 2)),
    Transposed(coarse=(5, 2), channels=(4, 6), kernel=5, padding=2, pe=3, lanes=(2, 3), signs=(False, True)),
    Transposed(coarse=(3, 5), channels=(3, 4), prelu=True, signs=(True, False)),
]  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_idle_source_and_stalling_sink(layer: Transposed) -> None:
    """Bit-exact; behind an idle source every value in its exact cycle."""
    check_timing(layer, idle=0.5, seed=1)
    check(layer, idle=0.1, stall=0.3, seed=2)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_latency_and_interval(layer: Transposed) -> None:
    """Three frames back to back: every value in its exact cycle, and the busiest stage's interval."""
    run = check_timing(layer, 3)
    beats = len(run.output_cycles) // 3
    busiest = max(layer.config.compute_cycles, beats, len(run.input_cycles) // 3)
    assert run.output_cycles[-1] - run.output_cycles[-1 - beats] == busiest


@pytest.mark.parametrize("layer", [LAYERS[place] for place in (0, 2, 7, 12)], ids=str)
def test_words_are_what_the_definition_counts(layer: Transposed) -> None:
    """No multiplier sees an inserted zero: the words of a frame are its taps, those of each output pixel counted."""
    k, s, p = layer.kernel, layer.stride, layer.padding
    window, frames = layer.window, 2
    reached = [
        [sum((at + p - i) % s == 0 for i in range(k)) for at in range(size)]
        for size in (window.out_height, window.out_width)
    ]
    groups, folds = -(-layer.channels[0] // layer.simd), -(-layer.channels[1] // layer.pe)
    wanted = sum(rows * columns * groups * folds for rows, columns in itertools.product(*reached))
    dut, beats = layer.dut, layer.beats(layer.pixels_of(frames))
    seen = {"issue": 0, "last": 0}

    async def bench(ctx: Any) -> None:
        sent = 0
        ctx.set(dut.o.ready, 1)
        for _ in range(2 * frames * wanted + 200):
            ctx.set(dut.i.valid, sent < len(beats))
            ctx.set(dut.i.payload, beats[min(sent, len(beats) - 1)])
            sent += sent < len(beats) and ctx.get(dut.i.ready)
            seen["issue"] += ctx.get(dut.window.issue)
            seen["last"] += ctx.get(dut.window.end_fold)
            await ctx.tick()

    simulate(dut, bench)
    assert seen == {"issue": frames * wanted, "last": frames * folds * window.out_width * window.out_height}
    assert layer.config.compute_cycles == wanted


@pytest.mark.parametrize("layer", [LAYERS[place] for place in (0, 3, 11)], ids=str)
def test_stream_rules(layer: Transposed) -> None:
    outputs = layer.window.out_width * layer.window.out_height * layer.config.beats_out
    assert stream_rules(layer.dut, layer.beats(layer.pixels_of(5)), 5 * outputs)


@pytest.mark.parametrize("layer", [LAYERS[place] for place in (0, 1, 7, 8)], ids=str)
def test_least_line_buffer(layer: Transposed) -> None:
    """With the pixels that a window spans nothing stands still; with one fewer there is no such line buffer."""
    fields = {key: getattr(layer, key) for key in ("channels", "frame", "kernel", "padding", "extra", "pe", "simd")}
    check(Transposed(**fields, lanes=layer.lanes, pixels=layer.window.span), 3)
    with pytest.raises(ValueError, match="^pixels: wanted at least "):
        _ = Transposed(**fields, pixels=layer.window.span - 1).window


def test_distributed_line_buffer() -> None:
    check(Transposed(frame=(30, 3), line_buffer_in="distributed", channels=(2, 2)), 2)


def test_random() -> None:
    random = np.random.default_rng(31)
    for seed in range(6):
        kernel, stride = int(random.integers(1, 8)), int(random.integers(1, 3))
        padding, extra = int(random.integers(0, kernel)), int(random.integers(0, stride))
        inputs, outputs = int(random.integers(1, 8)), int(random.integers(1, 9))
        simd = int(random.integers(1, inputs + 1))
        least = (-(-(max(kernel, stride) - stride + 1) // stride)) ** 2 * -(-inputs // simd)
        pe = int(random.integers(1, min(outputs, least) + 1))
        bits = int(random.integers(2, 9)), int(random.integers(2, 9)), int(random.integers(2, 9))
        signs = (bool(random.integers(0, 2)), bool(random.integers(0, 2)))
        lanes = [int(random.choice([n for n in range(1, many + 1) if many % n == 0 or many == whole]))
                 for many, whole in ((simd, inputs), (pe, outputs))]  # fmt: skip
        fields: dict[str, Any] = dict(
            channels=(inputs, outputs), kernel=kernel, stride=stride, padding=padding, extra=extra, pe=pe, simd=simd,
            frame=(int(random.integers(1, 5)) + padding, int(random.integers(1, 4)) + padding), bits=bits, signs=signs,
            lanes=(lanes[0], lanes[1]), prelu=bool(random.integers(0, 2)), seed=seed,
        )  # fmt: skip
        activation = Shape(bits[0], signs[0])
        forms = packings(bits[1], activation, "xc7")
        packing = forms[int(random.integers(0, len(forms)))]
        layer = Transposed(**fields)
        if packing.form == "dsp":
            kernels = layer.window.kernels(layer.numbers["weight"])
            chain = min(proven_chain(kernels, pe, simd, 1, packing, activation), chain_lengths(simd, 8)[0])
            packing = Packing("dsp", packing.lanes, packing.field_bits, chain)
        layer = Transposed(**fields, packing=packing)
        check_timing(layer)
        check(layer, idle=0.2, stall=0.5, seed=seed)
