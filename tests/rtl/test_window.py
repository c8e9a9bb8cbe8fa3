# amaranth: UnusedElaboratable=no
"""WindowBuffer against windows cut out of a padded frame, and against a model of its two counters in every cycle."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from amaranth.back import rtlil
from support.window_bench import check, positions, tap_pixels, window_words

from hwgen.rtl.memory import LUT_MEMORY_DEPTH, Form
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig


def layer(kernel: int, stride: int, width: int, height: int, channels: int = 2, simd: int = 2, folds: int = 1,
          bits: int = 8, taps: int = 1) -> WindowConfig:
    return WindowConfig(channels, width, height, kernel, stride, kernel // 2, simd, folds, bits, taps=taps)


LAYERS = [
    (1, 1, 5, 3), (1, 2, 6, 4), (3, 1, 5, 4), (3, 2, 6, 4), (5, 1, 5, 3), (5, 2, 6, 4), (7, 1, 7, 2), (7, 2, 8, 2),
    # frames smaller than the kernel, single rows, columns and pixels
    (3, 1, 1, 1), (3, 1, 2, 1), (3, 1, 1, 4), (5, 1, 2, 2), (5, 1, 1, 1), (7, 1, 1, 1), (7, 1, 3, 2), (7, 1, 2, 5),
    (3, 2, 2, 2), (5, 2, 2, 2), (7, 2, 2, 2), (7, 2, 4, 2), (7, 2, 2, 6), (1, 2, 2, 2), (1, 1, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "stride", "width", "height"), LAYERS)
def test_kernels_strides_and_frames(kernel: int, stride: int, width: int, height: int) -> None:
    check(layer(kernel, stride, width, height), frames=3)
    check(layer(kernel, stride, width, height), frames=3, lanes=2, idle=0.2, full=0.3, seed=1)


@pytest.mark.parametrize(("kernel", "stride", "width", "height"), [at for at in LAYERS if at[0] > 1])
def test_all_tap_rows_in_a_word(kernel: int, stride: int, width: int, height: int) -> None:
    check(layer(kernel, stride, width, height, taps=kernel), frames=3)
    check(layer(kernel, stride, width, height, 3, 2, folds=2, taps=kernel), frames=2, idle=0.2, full=0.3, seed=1)


@pytest.mark.parametrize(("channels", "simd", "lanes"), [(1, 1, 1), (3, 3, 3), (5, 2, 1), (5, 4, 2), (6, 6, 2)])
def test_all_tap_rows_and_channels(channels: int, simd: int, lanes: int) -> None:
    check(layer(3, 1, 9, 5, channels, simd, bits=4, taps=3), lanes=lanes, frames=3)
    check(layer(3, 2, 10, 4, channels, simd, bits=4, taps=3), lanes=lanes, full=0.2, idle=0.2, seed=channels)


@pytest.mark.parametrize("form", ["block", "distributed"])
@pytest.mark.parametrize("taps", [1, 3])
def test_memories_of_either_form(taps: int, form: Form) -> None:
    """Deep enough for block RAM, and in LUTs for more than one piece."""
    shape = layer(3, 2, 36, 4, 3, 1, folds=2, bits=3, taps=taps)
    assert shape.bank_words > LUT_MEMORY_DEPTH
    text = rtlil.convert(WindowBuffer(replace(shape, form=form)), emit_src=False)
    assert set(re.findall(r'ram_style "(\w+)"', text)) == {form}
    check(shape, idle=0.1, full=0.1, form=form)


@pytest.mark.parametrize(("channels", "simd"), [(1, 1), (2, 1), (3, 2), (5, 2), (5, 3), (5, 4), (5, 5), (7, 3)])
def test_channels_and_words(channels: int, simd: int) -> None:
    """Any SIMD: a last word that is not full, words of one value, words of whole pixels."""
    check(layer(3, 1, 4, 3, channels, simd, bits=4), full=0.2, seed=channels * simd)


@pytest.mark.parametrize(("channels", "simd", "lanes"), [
    (2, 2, 2), (4, 2, 2), (4, 4, 2), (5, 2, 2), (5, 4, 2), (6, 4, 4), (9, 4, 4), (7, 6, 3), (8, 8, 4), (3, 3, 3),
    (5, 5, 2), (7, 7, 4), (5, 5, 4),  # words of whole pixels: the last part of a word may be a part of a beat
])  # fmt: skip
def test_several_values_per_beat(channels: int, simd: int, lanes: int) -> None:
    """Words that are beats, words of several, pixels with a last beat or a last word that is not full."""
    check(layer(3, 1, 4, 3, channels, simd, bits=4), frames=3, lanes=lanes)
    check(layer(3, 2, 4, 4, channels, simd, bits=4), lanes=lanes, idle=0.3, full=0.3, seed=channels * lanes)


@pytest.mark.parametrize("folds", [1, 2, 3])
def test_folds_read_a_window_again(folds: int) -> None:
    check(layer(3, 2, 6, 4, folds=folds), full=0.3)


@pytest.mark.parametrize("full", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, full: float) -> None:
    check(layer(3, 1, 5, 4, 3, 2), idle=idle, full=full, seed=4)


@pytest.mark.parametrize("bits", [1, 2, 5, 8, 16])
def test_bits(bits: int) -> None:
    check(layer(3, 1, 4, 2, bits=bits))


@pytest.mark.parametrize("shape", [
    # Even kernels, and strides as large as the kernel and beyond it.
    WindowConfig(channels=1, width=6, height=4, kernel=2, stride=2, padding=0, simd=1),
    WindowConfig(channels=1, width=6, height=4, kernel=4, stride=2, padding=1, simd=1),
    WindowConfig(channels=2, width=6, height=6, kernel=1, stride=3, padding=0, simd=1),
    WindowConfig(channels=1, width=8, height=4, kernel=3, stride=4, padding=0, simd=1),
    WindowConfig(channels=2, width=6, height=4, kernel=2, stride=2, padding=0, simd=1, taps=2),
    WindowConfig(channels=1, width=6, height=4, kernel=4, stride=2, padding=1, simd=1, taps=4),
    WindowConfig(channels=1, width=8, height=4, kernel=3, stride=4, padding=0, simd=1, taps=3),
])  # fmt: skip
def test_other_shapes(shape: WindowConfig) -> None:
    check(shape, frames=3, idle=0.1, full=0.2, seed=2)


def general_shapes(count: int, seed: int) -> list[WindowConfig]:
    """Kernels 1 .. 9 that need not be square, paddings of their own, dilation 1 .. 4, strides 1 .. 3, small frames."""
    random, found = np.random.default_rng(seed), []
    while len(found) < count:
        kernel = tuple(int(random.choice([1, 1, 2, 3, 3, 4, 5, 7, 9])) for _ in range(2))
        dilation = int(random.choice([1, 1, 2, 3, 4]))
        padding = tuple(int(random.integers(0, dilation * (side - 1) + 1)) for side in kernel)
        width, height, channels = (int(random.integers(1, most)) for most in (10, 8, 4))
        simd, taps = int(random.integers(1, channels + 1)), int(random.choice([1, kernel[0]]))
        try:
            shape = WindowConfig(channels, width, height, kernel, int(random.integers(1, 4)), padding, simd,
                                 int(random.integers(1, 3)), 4, taps=taps, dilation=dilation)  # fmt: skip
        except ValueError:
            continue  # a frame smaller than the window
        if shape.out_width * shape.out_height * shape.cycles_per_pixel < 1500:
            found.append(shape)
    return found


@pytest.mark.parametrize("shape", general_shapes(40, 7), ids=str)
def test_general_shapes(shape: WindowConfig) -> None:
    """Every word in its exact cycle, with the line buffer's default and its least depth."""
    check(shape, frames=3, idle=0.1, full=0.2, seed=3)
    check(replace(shape, pixels=shape.span), frames=2, lanes=shape.simd)


def test_all_small_geometries() -> None:
    """Every kernel up to 3 x 3 with every padding, dilation 1 and 2, stride 1 and 2, either number of tap rows."""
    sides = (1, 2, 3)
    for kernel, dilation, stride in itertools.product(itertools.product(sides, sides), (1, 2), (1, 2)):
        for padding in itertools.product(*(range(dilation * (side - 1) + 1) for side in kernel)):
            for taps in {1, kernel[0]}:
                size = 5 if (sum(padding) + stride) % 2 else 6
                check(WindowConfig(1, size, 11 - size, kernel, stride, padding, 1, 1, 3, taps=taps, dilation=dilation),
                      idle=0.05, full=0.1)  # fmt: skip


def test_random() -> None:
    random = np.random.default_rng(23)
    for case in range(12):
        kernel, stride = int(random.choice([1, 3, 5])), int(random.choice([1, 2]))
        channels = int(random.integers(1, 5))
        shape = layer(kernel, stride, stride * int(random.integers(1, 5)), stride * int(random.integers(1, 4)),
                      channels, int(random.integers(1, channels + 1)), folds=int(random.integers(1, 3)),
                      bits=int(random.integers(1, 9)), taps=int(random.choice([1, kernel])))  # fmt: skip
        fitting = [n for n in range(1, shape.simd + 1) if shape.simd % n == 0 or shape.simd == channels]
        check(shape, lanes=int(random.choice(fitting)), idle=float(random.choice([0, 0.5])), full=0.3, seed=case)


@pytest.mark.parametrize(("simd", "lanes", "latency"), [(1, 1, 1), (2, 1, 2), (2, 2, 1), (4, 2, 2), (4, 4, 1)])
def test_latency(simd: int, lanes: int, latency: int) -> None:
    """From the last value of the first window's last pixel to the first issue; the model checks all the others."""
    shape = layer(3, 1, 5, 4, 4, simd)
    seen = check(shape, lanes=lanes)
    assert replace(shape, lanes=lanes).arrival_latency == latency
    last_needed = shape.needed(0, 0) * 4 // lanes - 1
    assert seen.issued[0] == seen.accepted[last_needed] + latency


def test_interval() -> None:
    """A writer that brings `stride` rows in the time of one output row never waits: no gap between frames."""
    for stride, taps in itertools.product((1, 2), (1, 3)):
        shape = layer(3, stride, 6, 6, 1, 1, taps=taps)
        seen = check(shape, frames=3)
        per_frame = shape.cycles_per_pixel * shape.out_width * shape.out_height
        assert seen.issued[-1] - seen.issued[-1 - per_frame] == max(per_frame, 36)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_banks(kernel: int, stride: int) -> None:
    """A bank holds a row; there are as many as rows at once, more where rows are short."""
    shape = layer(kernel, stride, 64, 32, 5, 2, taps=kernel)
    assert (shape.banks, shape.bank_words) == (kernel + stride - 1, 64 * 3)
    assert (shape.capacity, shape.memory_words) == (64 * shape.banks, 64 * 3 * shape.banks)
    assert (shape.words, shape.word_values) == (kernel * 3, kernel * 2)
    short = replace(shape, width=2 * stride)
    assert short.banks * short.width >= short.depth > (short.banks - 1) * short.width


ALL = [layer(*at) for at in LAYERS] + [layer(k, s, 12, 8) for k in (1, 3, 5, 7) for s in (1, 2)]


@pytest.mark.parametrize("shape", ALL, ids=str)
def test_counts_against_their_definitions(shape: WindowConfig) -> None:
    """`needed`: beyond the window's last pixel. `released`: before every pixel that is still needed. The ring fits."""
    order = positions(shape)
    windows = [tap_pixels(shape, *at) for at in order]
    for place, at in enumerate(order):
        assert shape.needed(*at) == max(windows[place]) + 1
        assert 0 <= shape.released(*at) <= min(min(window) for window in windows[place:])
        assert shape.needed(*at) - shape.released(*at) <= shape.depth
    assert shape.span == max(shape.needed(*at) - shape.released(*at) for at in order)
    assert replace(shape, pixels=shape.span).depth == shape.span
    counts = [shape.released(*at) for at in order]
    assert counts == sorted(counts)
    assert (shape.out_width, shape.out_height) == (shape.width // shape.stride, shape.height // shape.stride)


@pytest.mark.parametrize("shape", general_shapes(60, 11), ids=str)
def test_counts_of_general_shapes(shape: WindowConfig) -> None:
    """Everything that a window reads is written before, and nothing of it is given back; no frame is kept longer."""
    order = positions(shape)
    windows = [tap_pixels(shape, *at) for at in order]
    counts = [(shape.released(*at), shape.needed(*at)) for at in order]
    assert [released for released, _ in counts] == sorted(released for released, _ in counts)
    for (released, needed), window in zip(counts, windows, strict=True):
        assert 0 <= released <= min(window, default=released) and max(window, default=0) < needed
        assert needed <= shape.width * shape.height
    assert shape.span == max(needed - released for released, needed in counts)
    words = shape.kernel_height * shape.kernel_width // shape.taps * shape.stored_words
    assert (shape.words, shape.frame_words) == (words, words * len(order))


def test_properties() -> None:
    shape = layer(5, 2, 12, 8, channels=7, simd=3, folds=4, bits=6)
    assert (shape.stored_words, shape.words, shape.cycles_per_pixel) == (3, 75, 300)
    assert (shape.out_width, shape.out_height) == (6, 4)
    assert shape.depth >= 5 * 12 + 5
    assert shape.memory_words == 3 * shape.depth
    assert shape.memory_bits == 18 * shape.memory_words


GOOD = layer(3, 1, 4, 4)


@pytest.mark.parametrize(("change", "message"), [
    *[({key: 0}, f"{key}: wanted at least 1, got 0")
      for key in ("channels", "width", "height", "kernel", "stride", "simd", "folds", "bits")],
    ({"simd": 3}, "simd: wanted at most the 2 channels, got 3"),
    ({"taps": 2}, "taps: wanted 1 or kernel = 3, got 2"),
    ({"padding": -1}, "padding: wanted 0 .. dilation * (kernel - 1) = 2, got -1"),
    ({"padding": 3}, "padding: wanted 0 .. dilation * (kernel - 1) = 2, got 3"),
    ({"kernel": 9, "padding": 1}, "width: wanted at least a window of 9 less 2 * padding, got 4"),
    ({"kernel": (3, 9), "padding": (1, 0)}, "width: wanted at least a window of 9 less 2 * padding, got 4"),
    ({"kernel": (3, 0)}, "kernel: wanted at least 1, got (3, 0)"),
    ({"kernel": (3, 1)}, "padding: wanted 0 .. dilation * (kernel - 1) = 0, got 1"),
    ({"dilation": 2, "padding": (5, 4)}, "padding: wanted 0 .. dilation * (kernel - 1) = 4, got 5"),
    ({"dilation": 0}, "dilation: wanted at least 1, got 0"),
    ({"lanes": 3}, "lanes: wanted a divisor of simd 2, got 3"),
    ({"form": "logic"}, "form: wanted block, distributed or ultra, got 'logic'"),
    ({"pixels": 10}, "pixels: wanted at least the 11 that a window spans, got 10"),
])  # fmt: skip
def test_shape_errors(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(GOOD, **change)


@pytest.mark.parametrize(("simd", "lanes"), [(2, 3), (1, 2), (2, 0), (1, -1), (4, 3), (6, 7)])
def test_lanes_error(simd: int, lanes: int) -> None:
    shape = replace(GOOD, channels=6, simd=simd)
    with pytest.raises(ValueError, match=f"^lanes: wanted a divisor of simd {simd}, got {lanes}$"):
        replace(shape, lanes=lanes)


def test_the_model_tells_a_wrong_padding() -> None:
    """The comparison can fail: the words of an unpadded neighbour differ."""
    frame = np.random.default_rng(0).integers(1, 256, (3, 3, 1))
    shape = layer(3, 1, 3, 3, 1, 1)
    assert window_words(shape, frame) != window_words(shape, np.roll(frame, 1, axis=1))
