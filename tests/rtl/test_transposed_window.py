# amaranth: UnusedElaboratable=no
"""Words that a transposed convolution reads, counted against the definition of the convolution itself."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import signed

from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig


def transposed(
    kernel: int,
    stride: int,
    padding: int,
    output_padding: int,
    width: int = 5,
    height: int = 4,
    channels: int = 3,
    simd: int = 2,
    folds: int = 1,
    bits: int = 8,
) -> WindowConfig:
    return WindowConfig(channels, width, height, kernel, stride, padding, simd, folds, bits, transposed=True,
                       output_padding=output_padding)  # fmt: skip


def geometries() -> list[tuple[int, int, int, int]]:
    """Every kernel, stride, padding and output padding."""
    return [
        (kernel, stride, padding, extra)
        for kernel, stride in itertools.product(range(1, 8), (1, 2))
        for padding, extra in itertools.product(range(kernel), range(stride))
    ]


FRAMES = [(5, 4), (1, 1), (1, 3), (2, 1), (7, 9)]


def fits(kernel: int, stride: int, padding: int, extra: int, width: int, height: int) -> bool:
    return (min(width, height) - 1) * stride - 2 * padding + kernel + extra >= 1


def sources(place: int, kernel: int, stride: int, padding: int) -> list[int]:
    """The input rows that reach an output row, in the padding or not: tap i of `kernel` comes from input row y where
    y * stride - padding + i is the output row."""
    return sorted((place + padding - i) // stride for i in range(kernel) if (place + padding - i) % stride == 0)


@pytest.mark.parametrize(("kernel", "stride", "padding", "extra"), geometries())
def test_counts_against_their_definitions(kernel: int, stride: int, padding: int, extra: int) -> None:
    for width, height in FRAMES:
        if not fits(kernel, stride, padding, extra, width, height):
            with pytest.raises(ValueError, match=": wanted an output of at least one pixel, got "):
                transposed(kernel, stride, padding, extra, width, height)
            continue
        shape = transposed(kernel, stride, padding, extra, width, height)
        scattered = np.zeros((height * stride + 2 * kernel, width * stride + 2 * kernel), dtype=np.int64)
        for y, x in itertools.product(range(height), range(width)):
            scattered[y * stride : y * stride + kernel, x * stride : x * stride + kernel] += 1
        rows, columns = shape.out_height, shape.out_width
        assert rows == (height - 1) * stride + kernel - 2 * padding + extra
        assert columns == (width - 1) * stride + kernel - 2 * padding + extra
        covered = scattered[padding : padding + rows, padding : padding + columns]

        size = max(kernel, stride)
        order = list(itertools.product(range(rows), range(columns)))
        taps = [(sources(y, size, stride, padding), sources(x, size, stride, padding)) for y, x in order]
        assert shape.pixel_words.tolist() == [len(down) * len(across) * shape.stored_words for down, across in taps]
        assert shape.pixel_words.dtype == np.int64
        windows = []
        for (y, x), (down, across) in zip(order, taps, strict=True):
            assert (shape.first_row(y), shape.last_row(y)) == (down[0], down[-1])
            inside = [i * width + j for i in down for j in across if 0 <= i < height and 0 <= j < width]
            windows.append(inside)
            if kernel >= stride:
                assert len(inside) == covered[y, x]
            else:
                assert len(inside) >= covered[y, x]
        later = width * height
        counts = []
        for (y, x), window in zip(order[::-1], windows[::-1], strict=True):
            needed, released = shape.needed(y, x), shape.released(y, x)
            counts.append(released)
            later = min([later, *window])
            assert 0 <= released <= later
            assert max(window, default=-1) + 1 <= needed <= width * height
            # Of rows of the output padding alone, everything before is there.
            assert released <= max(shape.needed(*at) for at in order if at <= (y, x))
            assert needed - released <= shape.depth
        assert counts == sorted(counts, reverse=True)
        assert shape.span == max(shape.needed(*at) - shape.released(*at) for at in order)
        assert replace(shape, pixels=shape.span).depth == shape.span


def test_words() -> None:
    """5 x 5 at stride 2: four kernels of 3 x 3, 3 x 2, 2 x 3 and 2 x 2."""
    shape = transposed(5, 2, 2, 1, channels=7, simd=3, folds=2)
    assert (shape.out_width, shape.out_height) == (10, 8)
    assert (shape.phases, shape.phase_taps, shape.stored_words) == (2, (3, 2), 3)
    assert shape.pixel_words.reshape(8, 10)[:2, :4].tolist() == [[27, 18, 27, 18], [18, 12, 18, 12]]
    assert (shape.words, shape.least_words, shape.weight_rows) == (27, 12, 25 * 3 * 2)
    assert shape.frame_words == shape.pixel_words.sum() == 25 * 3 * 5 * 4
    folding = ConvolutionConfig(shape, RequantiserConfig(4, 20, signed(8)), 2)
    assert folding.pixel_cycles.tolist() == (2 * shape.pixel_words).tolist()
    assert folding.compute_cycles == folding.pixel_cycles.sum()
    assert folding.weight_rows == shape.weight_rows


def test_words_of_ordinary_convolutions() -> None:
    shape = WindowConfig(7, 6, 4, 3, 2, 1, 3, folds=2, taps=3)
    assert (shape.phases, shape.phase_taps) == (1, (3,))
    assert shape.pixel_words.tolist() == [shape.words] * 6
    assert shape.least_words == shape.words == 9
    assert shape.frame_words == 54
    assert shape.weight_rows == 18
    assert replace(shape, taps=1).weight_rows == 54


def test_the_line_buffer_is_deep_enough() -> None:
    """With `depth` pixels a source or a reader of any speed is as fast as with a line buffer without bound."""
    for kernel, stride, padding, extra in [(5, 2, 2, 1), (4, 2, 1, 0), (3, 2, 1, 1), (7, 2, 0, 0), (3, 1, 1, 0)]:
        for width, words in itertools.product((1, 2, 9), (1, 3, 16)):
            if not fits(kernel, stride, padding, extra, width, 8):
                continue
            shape = transposed(kernel, stride, padding, extra, width, 8, folds=words)
            per_pixel = int(shape.pixel_words.sum()) * words / (8 * width)
            for beats in {1, max(int(per_pixel), 1), int(per_pixel) + 1, 3 * int(per_pixel)}:
                limited, free = (_last_issue(shape, beats, depth) for depth in (shape.depth, 10**6))
                assert limited == free, f"{shape} {beats}"


def _last_issue(shape: WindowConfig, beats: int, depth: int, frames: int = 3) -> int:
    """The cycle of the last word, from a source that takes `beats` cycles for a pixel."""
    size, words = shape.width * shape.height, (shape.pixel_words * shape.folds).tolist()
    order = list(itertools.product(range(shape.out_height), range(shape.out_width)))
    needed = [shape.needed(*at) + n * size for n in range(frames) for at in order]
    released = [shape.released(*at) + n * size for n in range(frames) for at in order] + [frames * size]
    arrived: list[int] = []  # the cycle in which each pixel is complete
    given_back = 0  # of the pixels, and when each was
    free_from: list[int] = [0] * depth
    now = last = 0
    for place, count in enumerate(needed):
        while len(arrived) < count:
            last = max(last + beats, free_from[len(arrived)] + beats if len(arrived) < len(free_from) else 10**9)
            arrived.append(last)
        now = max(now, arrived[count - 1] + 2) + words[place % len(words)]
        while given_back < released[place + 1]:
            free_from.append(now + 1)
            given_back += 1
    return now


def test_the_reader_does_not_grow_with_the_frame() -> None:
    """As many operators for a frame of 8 rows as for one of 256."""

    def operators(width: int, height: int) -> list[str]:
        shape = transposed(5, 2, 2, 1, width, height, folds=2)
        text = rtlil.convert(WindowBuffer(shape), emit_src=False)
        return sorted(re.findall(r"cell (\$(?:add|sub|mux|lt|ge|eq)) ", text))

    assert operators(16, 8) == operators(64, 256)


@pytest.mark.parametrize(("change", "message"), [
    (dict(stride=3), "stride: wanted 1 or 2 in a transposed convolution, got 3"),
    (dict(taps=5), "taps: wanted 1 in a transposed convolution, got 5"),
    (dict(padding=5), "padding: wanted 0 .. dilation * (kernel - 1) = 4, got 5"),
    (dict(output_padding=2), "output_padding: wanted 0 .. stride - 1 = 1, got 2"),
    (dict(output_padding=-1), "output_padding: wanted 0 .. stride - 1 = 1, got -1"),
    (dict(width=1, padding=4), "width: wanted an output of at least one pixel, got 1 for -2"),
    (dict(kernel=(5, 3)), "kernel, padding: wanted a square in a transposed convolution, got (5, 3), 2"),
    (dict(dilation=2), "dilation: wanted 1 in a transposed convolution, got 2"),
    (dict(pixels=3), "pixels: wanted at least the 13 that a window spans, got 3"),
    (dict(transposed=False, stride=1), "output_padding: wanted 0 but in a transposed convolution, got 1"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(transposed(5, 2, 2, 1), **change)
