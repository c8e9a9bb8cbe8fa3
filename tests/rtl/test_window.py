# amaranth: UnusedElaboratable=no
"""WindowBuffer against windows cut out of a padded frame, and against a model of its two counters in every cycle."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from support.streaming import pack_beats, simulate

from hwgen.rtl.memory import LUT_MEMORY_DEPTH, Form
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig


def tap_pixels(shape: WindowConfig, row: int, column: int) -> list[int]:
    """Raster indices of the pixels that the window of an output pixel covers inside the frame."""
    top, left, d = shape.first_row(row), shape.first_column(column), shape.dilation
    rows, columns = range(top, top + shape.reach_height, d), range(left, left + shape.reach_width, d)
    return [y * shape.width + x for y in rows for x in columns if 0 <= y < shape.height and 0 <= x < shape.width]


def positions(shape: WindowConfig) -> list[tuple[int, int]]:
    return [(row, column) for row in range(shape.out_height) for column in range(shape.out_width)]


def window_words(shape: WindowConfig, frame: np.ndarray) -> list[list[int | None]]:
    """The words of a frame (height, width, channels), in order; None: no channel, may be anything."""
    margins = (2 * (shape.padding_height,), 2 * (shape.padding_width,))
    padded = np.pad(frame, (*margins, (0, 0)))
    inside = np.pad(np.ones(frame.shape[:2], dtype=bool), margins)
    d = shape.dilation
    words: list[list[int | None]] = []
    for row, column in positions(shape):
        y, x = row * shape.stride, column * shape.stride
        fold: list[list[int | None]] = []
        for i, j in itertools.product(range(0, shape.kernel_height, shape.taps), range(shape.kernel_width)):
            for start in range(0, shape.channels, shape.simd):
                word: list[int | None] = []
                for tap in range(i, i + shape.taps):
                    at = y + d * tap, x + d * j
                    word += padded[(*at, slice(start, start + shape.simd))].tolist()
                    # A tap in the padding is zero altogether.
                    word += [None if inside[at] else 0] * (-len(word) % shape.simd)
                fold.append(word)
        words += fold * shape.folds
    return words


@dataclass
class Seen:
    """Cycles of the accepted beats and of the issued words."""

    accepted: list[int]
    issued: list[int]


def check(shape: WindowConfig, *, frames: int = 2, lanes: int = 1, idle: float = 0.0, full: float = 0.0,
          seed: int = 0, form: Form = "block") -> Seen:
    """Every word, and in every cycle `i.ready` and `issue`, against the model. `full`: how often there is no room."""
    random = np.random.default_rng(seed)
    values = random.integers(0, 1 << shape.bits, (frames, shape.height, shape.width, shape.channels))
    words = [word for frame in values for word in window_words(shape, frame)]
    beats = pack_beats(values, lanes, shape.bits, seed)
    size, per_pixel = shape.height * shape.width, -(-shape.channels // lanes)
    needed = [n * size + shape.needed(*at) for n in range(frames) for at in positions(shape)]
    released = [n * size + shape.released(*at) for n in range(frames) for at in positions(shape)] + [frames * size]
    shape = replace(shape, lanes=lanes, form=form)
    dut = WindowBuffer(shape)
    mask = (1 << shape.bits) - 1
    seen = Seen([], [])

    async def bench(ctx: Any) -> None:
        arrivals: list[int] = []  # from which cycle on each complete pixel counts as there
        pending: list[list[int | None] | None] = [None] * WindowBuffer.word_latency
        cycle = surplus = 0
        offered = False
        while surplus < 40 or len(seen.accepted) < len(beats):
            sent, issued = len(seen.accepted), len(seen.issued)
            offered = sent < len(beats) and (offered or random.random() >= idle)
            ctx.set(dut.i.valid, offered)
            if offered:
                ctx.set(dut.i.payload, beats[sent])
            room = random.random() >= full
            ctx.set(dut.room, room)

            window, word = divmod(issued, shape.cycles_per_pixel)
            ready = shape.capacity + released[window] - len(arrivals) > 0
            assert ctx.get(dut.i.ready) == ready, f"cycle {cycle}: i.ready"
            if offered and ready:
                seen.accepted.append(cycle)
                offered = False
                if len(seen.accepted) % per_pixel == 0:
                    arrivals.append(cycle + shape.arrival_latency)

            first, last = word % shape.words == 0, word % shape.words == shape.words - 1
            there = issued < len(words) and needed[window] <= len(arrivals) and arrivals[needed[window] - 1] <= cycle
            issue = there and (room or not last)
            assert ctx.get(dut.issue) == issue, f"cycle {cycle}: issue of word {issued}"
            assert ctx.get(dut.end_fold) == (issue and last), f"cycle {cycle}: end of fold"
            if issue:
                assert (ctx.get(dut.first), ctx.get(dut.last)) == (first, last), f"word {issued}"
                seen.issued.append(cycle)
            arrived = pending.pop(0)
            if arrived is not None:
                payload = ctx.get(dut.word)
                for place, value in enumerate(arrived):
                    assert value is None or payload >> place * shape.bits & mask == value, f"cycle {cycle}: word"
            pending.append(words[issued] if issue else None)
            surplus += len(seen.issued) == len(words)
            cycle += 1
            assert cycle < 100_000
            await ctx.tick()

    simulate(dut, bench)
    check_memory(shape, lanes, frames, seen)
    return seen


def check_memory(shape: WindowConfig, lanes: int, frames: int, seen: Seen) -> None:
    """No word is read in the cycle that writes its place in the ring: what a block RAM returns then is undefined."""
    groups, size = shape.groups, shape.width * shape.height
    writes = {}
    per_pixel = -(-shape.channels // lanes)
    for index, cycle in enumerate(seen.accepted):
        pixel, beat = divmod(index, per_pixel)
        if beat == per_pixel - 1 or (beat + 1) * lanes % shape.simd == 0:
            writes[cycle + (lanes < shape.simd)] = pixel * groups + beat * lanes // shape.simd
    reads: list[list[int]] = []  # none of a tap in the padding, which is masked
    for frame in range(frames):
        for row, column in positions(shape):
            top, left = row * shape.stride - shape.padding_height, column * shape.stride - shape.padding_width
            fold, d = [], shape.dilation
            tops = range(top, top + shape.reach_height, d * shape.taps)
            for y, x in itertools.product(tops, range(left, left + shape.reach_width, d)):
                inside = [i for i in range(y, y + d * shape.taps, d) if 0 <= i < shape.height and 0 <= x < shape.width]
                pixels = [frame * size + i * shape.width + x for i in inside]
                fold += [[pixel * groups + group for pixel in pixels] for group in range(groups)]
            reads += fold * shape.folds
    for words, cycle in zip(reads, seen.issued, strict=True):
        if cycle in writes:
            for word in words:
                assert (word - writes[cycle]) % shape.memory_words, f"cycle {cycle}: read and written"
        rows = [word // groups // shape.width % shape.banks for word in words]
        assert shape.banks == 1 or len(set(rows)) == len(rows), f"cycle {cycle}: two words from one bank"


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
    words = shape.kernel_height * shape.kernel_width // shape.taps * shape.groups
    assert (shape.words, shape.frame_words) == (words, words * len(order))


def test_properties() -> None:
    shape = layer(5, 2, 12, 8, channels=7, simd=3, folds=4, bits=6)
    assert (shape.groups, shape.words, shape.cycles_per_pixel) == (3, 75, 300)
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
    ({"form": "logic"}, "form: wanted block or distributed, got 'logic'"),
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
