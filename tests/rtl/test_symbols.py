# amaranth: UnusedElaboratable=no
"""SymbolPacker against hwgen.numerics.words.pack_symbols, SymbolUnpacker against its inverse."""

from __future__ import annotations

import numpy as np
import pytest
from support.streaming import Run, run_stream, stream_rules

from hwgen.numerics.words import pack_symbols
from hwgen.rtl.symbols import SymbolPackerConfig, SymbolUnpackerConfig


def check(frames: list[list[int]], **conditions: float) -> Run:
    """Frames of equal length, one after another; every word and every TLAST."""
    values = len(frames[0])
    run = run_stream(SymbolPackerConfig(values).build(), [value for frame in frames for value in frame],
                     len(frames) * ((values + 1) // 2), **conditions)  # fmt: skip
    expected = []
    for frame in frames:
        words = pack_symbols(np.array(frame)).tolist()
        expected += [{"iq": word, "last": int(word_index == len(words) - 1)} for word_index, word in enumerate(words)]
    assert [{"iq": beat.iq, "last": beat.last} for beat in run.outputs] == expected
    return run


@pytest.mark.parametrize(("frame", "words"), [
    ([1], [0x0000_0001]),  # an odd last Q is 0
    ([-1], [0x0000_FFFF]),
    ([1, 2], [0x0002_0001]),
    ([-1, -2], [0xFFFE_FFFF]),
    ([-32768, 32767], [0x7FFF_8000]),
    ([1, 2, -3], [0x0002_0001, 0x0000_FFFD]),
])  # fmt: skip
def test_table(frame: list[int], words: list[int]) -> None:
    run = check([frame, frame])
    assert [beat.iq for beat in run.outputs] == words * 2


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    random = np.random.default_rng(7)
    check(random.integers(-(2**15), 2**15, (3, 11)).tolist(), idle=idle, stall=stall, seed=3)


@pytest.mark.parametrize("values", [1, 2, 3, 4, 7, 8, 9, 16])
def test_latency_and_interval(values: int) -> None:
    """`latency` cycles from a symbol's last value to the symbol; a value accepted in every cycle, across frames."""
    assert SymbolPackerConfig.latency == 3
    random = np.random.default_rng(values)
    run = check(random.integers(-(2**15), 2**15, (4, values)).tolist())
    assert run.input_cycles == list(range(4 * values))
    lasts = [frame * values + min(first + 1, values - 1) for frame in range(4) for first in range(0, values, 2)]
    assert run.output_cycles == [last + SymbolPackerConfig.latency for last in lasts]


@pytest.mark.parametrize("values", [1, 2, 5])
def test_stream_rules(values: int) -> None:
    frames, dut = 60 // values, SymbolPackerConfig(values).build()
    assert stream_rules(dut, list(range(frames * values)), frames * ((values + 1) // 2), stall=0.8) > 0


@pytest.mark.parametrize(("change", "message"), [
    (dict(values=0), "values: wanted at least 1, got 0"),
    (dict(values=-1), "values: wanted at least 1, got -1"),
    (dict(bits=0), "bits: wanted at least 1, got 0"),
    (dict(depth=0), "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        SymbolPackerConfig(**(dict(values=8) | change))


def test_bits() -> None:
    run = run_stream(SymbolPackerConfig(2, bits=4).build(), [-8, 7, 1, -1], 2)
    assert [beat.iq for beat in run.outputs] == [0x78, 0xF1]


@pytest.mark.parametrize(("depth", "cycles"), [(1, 5), (2, 2.5), (3, 2), (4, 2)])
def test_depth(depth: int, cycles: float) -> None:
    """Cycles per symbol: an entry comes back `latency` + 1 cycles after it was taken; without one no value is taken."""
    values = list(range(80))
    run = run_stream(SymbolPackerConfig(80, depth=depth).build(), values, 40)
    assert [beat.iq for beat in run.outputs] == [2 * n | 2 * n + 1 << 16 for n in range(40)]
    assert run.output_cycles[-1] - run.output_cycles[-1 - 20] == 20 * cycles


def unpack(frames: list[list[int]], **conditions: float) -> Run:
    """Frames of equal length as words, one after another; every value, and no dropped Q among them."""
    random = np.random.default_rng(1)
    words = [pack_symbols(np.array(frame)).tolist() for frame in frames]
    if len(frames[0]) % 2:  # what pads a frame may be anything
        words = [[*frame[:-1], frame[-1] | int(random.integers(0, 1 << 16)) << 16] for frame in words]
    values = [value for frame in frames for value in frame]
    flat = [word for frame in words for word in frame]
    run = run_stream(SymbolUnpackerConfig(len(frames[0])).build(), flat, len(values), **conditions)
    assert run.outputs == values
    return run


def test_unpacker_table() -> None:
    run = run_stream(SymbolUnpackerConfig(3).build(), [0x7FFF_8000, 0x1234_FFFF, 0x0002_0001, 0x0003_0004], 6)
    assert run.outputs == [-32768, 32767, -1, 1, 2, 4]


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("values", [1, 10, 11])
def test_unpacker_idle_and_stall(idle: float, stall: float, values: int) -> None:
    random = np.random.default_rng(8)
    unpack(random.integers(-(2**15), 2**15, (3, values)).tolist(), idle=idle, stall=stall, seed=4)


@pytest.mark.parametrize("values", [1, 2, 3, 4, 7, 8, 9, 16])
def test_unpacker_latency_and_interval(values: int) -> None:
    """The first value after `latency`, then one in every cycle, across frames."""
    assert SymbolUnpackerConfig.latency == 1
    run = unpack(np.random.default_rng(values).integers(-(2**15), 2**15, (4, values)).tolist())
    assert run.output_cycles == list(range(1, 1 + 4 * values))


@pytest.mark.parametrize("values", [1, 2, 5])
def test_unpacker_stream_rules(values: int) -> None:
    words = 60 // values * ((values + 1) // 2)
    assert stream_rules(SymbolUnpackerConfig(values).build(), list(range(words)), 60, stall=0.6) > 0


@pytest.mark.parametrize(("change", "message"), [
    (dict(values=0), "values: wanted at least 1, got 0"),
    (dict(bits=0), "bits: wanted at least 1, got 0"),
])  # fmt: skip
def test_unpacker_errors(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        SymbolUnpackerConfig(**(dict(values=8) | change))


def test_unpacker_bits() -> None:
    assert run_stream(SymbolUnpackerConfig(2, bits=4).build(), [0x78, 0xF1], 4).outputs == [-8, 7, 1, -1]
