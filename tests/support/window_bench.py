"""A bench for WindowBuffer: windows cut out of a padded frame, and a model of its two counters in every cycle."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwgen.rtl.memory import Form
from hwgen.rtl.pair_window import PairWindowConfig
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig
from support.streaming import pack_beats, simulate


def tap_pixels(shape: WindowConfig, row: int, column: int) -> list[int]:
    """Raster indices of the pixels that the window of an output pixel covers inside the frame."""
    top, left, d = shape.first_row(row), shape.first_column(column), shape.dilation
    rows = range(top, top + shape.reach_height, d)
    columns = [
        x for begin in lefts(shape, left) for x in range(begin, begin + shape.reach_width, d)
    ]
    return [y * shape.width + x for y in rows for x in columns if 0 <= y < shape.height and 0 <= x < shape.width]


def positions(shape: WindowConfig) -> list[tuple[int, int]]:
    return [(row, column) for row in range(shape.out_height) for column in range(shape.out_width)]


def lefts(shape: WindowConfig, left: int) -> list[int]:
    """Where the windows begin that are read at once, from the first one's column on."""
    return [left, left + shape.stride] if isinstance(shape, PairWindowConfig) else [left]


def stored_words(shape: WindowConfig) -> list[range]:
    """The channels of each word of a pixel: groups in turn, or several to a word."""
    own = shape.channels // shape.groups
    blocks = own if shape.simd <= own else shape.channels
    return [
        range(start, min(start + shape.simd, block + blocks))
        for block in range(0, shape.channels, blocks)
        for start in range(block, block + blocks, shape.simd)
    ]


def fold_words(shape: WindowConfig, fold: int) -> list[int]:
    """Which words of a pixel a fold reads: those of its group, or the one with its groups."""
    stored, own = stored_words(shape), shape.channels // shape.groups
    turns = shape.groups if shape.simd <= own else len(stored)
    turn = fold // (shape.folds // turns)
    return [word for word in range(len(stored)) if word // (len(stored) // turns) == turn]


def window_words(shape: WindowConfig, frame: np.ndarray) -> list[list[int | None]]:
    """The words of a frame (height, width, channels), in order; None: no channel, may be anything."""
    # A pair's second column may lie beyond the last output.
    margins = (2 * (shape.padding_height,), (shape.padding_width, shape.padding_width + shape.stride))
    padded = np.pad(frame, (*margins, (0, 0)))
    inside = np.pad(np.ones(frame.shape[:2], dtype=bool), margins)
    d = shape.dilation
    words: list[list[int | None]] = []
    for row, column in positions(shape):
        y, x = row * shape.stride, shape.first_column(column) + shape.padding_width
        for fold in range(shape.folds):
            taps = itertools.product(range(0, shape.kernel_height, shape.taps), range(shape.kernel_width))
            for (i, j), index in itertools.product(taps, fold_words(shape, fold)):
                channels = stored_words(shape)[index]
                word: list[int | None] = []
                for begin, tap in itertools.product(lefts(shape, x), range(i, i + shape.taps)):
                    at = y + d * tap, begin + d * j
                    word += padded[(*at, slice(channels.start, channels.stop))].tolist()
                    # A tap in the padding is zero altogether.
                    word += [None if inside[at] else 0] * (-len(word) % shape.simd)
                words.append(word)
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
    stored, size = stored_words(shape), shape.width * shape.height
    groups = len(stored)
    writes = {}
    per_pixel = -(-shape.channels // lanes)
    for index, cycle in enumerate(seen.accepted):
        pixel, beat = divmod(index, per_pixel)
        if ended := [word for word, own in enumerate(stored) if beat * lanes < own.stop <= (beat + 1) * lanes]:
            (word,) = ended
            writes[cycle + (lanes < shape.simd)] = pixel * groups + word
    reads: list[list[int]] = []  # none of a tap in the padding, which is masked
    for frame in range(frames):
        for row, column in positions(shape):
            top, left = row * shape.stride - shape.padding_height, shape.first_column(column)
            d = shape.dilation
            tops = range(top, top + shape.reach_height, d * shape.taps)
            for fold in range(shape.folds):
                for y, x in itertools.product(tops, range(left, left + shape.reach_width, d)):
                    taps = itertools.product(range(y, y + d * shape.taps, d), lefts(shape, x))
                    inside = [(i, j) for i, j in taps if 0 <= i < shape.height and 0 <= j < shape.width]
                    pixels = [frame * size + i * shape.width + j for i, j in inside]
                    reads += [[pixel * groups + word for pixel in pixels] for word in fold_words(shape, fold)]
    for words, cycle in zip(reads, seen.issued, strict=True):
        if cycle in writes:
            for word in words:
                distance = (word - writes[cycle]) % (shape.capacity * shape.stored_words)
                assert distance, f"cycle {cycle}: read and written"
        banks = [(word // groups // shape.width % shape.banks, half_of(shape, word // groups)) for word in words]
        assert shape.banks == 1 or len(set(banks)) == len(banks), f"cycle {cycle}: two words from one bank"


def half_of(shape: WindowConfig, pixel: int) -> int:
    """Which of several memories of a row holds a pixel's column."""
    if not isinstance(shape, PairWindowConfig):
        return 0
    return (pixel % shape.width + shape.padding_width) // shape.stride % 2
