# amaranth: UnusedElaboratable=no
"""MatrixProduct against hwgen.numerics.complex.matrix_product: values, TLAST, latency, interval, back-pressure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Value
from support.streaming import simulate

from hwgen.numerics import complex as complexfixed
from hwgen.numerics.formats import COEFFICIENT, SYMBOL
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_symbols, unpack_symbols
from hwgen.rtl.complex_multiply import Form
from hwgen.rtl.matrix_product import BITS, FRACTION, MatrixProduct, MatrixProductConfig


@dataclass
class Run:
    """The words that came out, and the cycles of all accepted and of all output beats."""

    words: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)
    input_cycles: list[int] = field(default_factory=list)
    coefficient_cycles: list[int] = field(default_factory=list)
    output_cycles: list[int] = field(default_factory=list)


def run(
    dut: MatrixProduct, words: list[int], coefficients: list[int], outputs: int, *, idle: float = 0.0,
    stall: float = 0.0, late: float = 0.0, every: int = 1, start: int = 0, seed: int = 0,
) -> Run:
    """Drive both streams.

    idle, late, stall : probability that the symbols' source, the coefficients', the sink pauses in a cycle; every :
    a symbol is offered every so many cycles; start : the first cycle in which one is.
    """
    random = np.random.default_rng(seed)
    found = Run()

    async def bench(ctx: Any) -> None:
        offered, offered_late, waiting = False, False, None
        cycle = surplus = 0
        next_offer = start
        while surplus < 60:
            sent, loaded = len(found.input_cycles), len(found.coefficient_cycles)
            offered = sent < len(words) and cycle >= next_offer and (offered or random.random() >= idle)
            offered_late = loaded < len(coefficients) and (offered_late or random.random() >= late)
            ctx.set(dut.i.valid, offered)
            ctx.set(dut.coefficients.valid, offered_late)
            if offered:
                ctx.set(dut.i.payload, {"iq": words[sent], "last": int(random.integers(2))})
            if offered_late:
                ctx.set(dut.coefficients.payload, coefficients[loaded])
            before = (ctx.get(dut.i.ready), ctx.get(dut.coefficients.ready), ctx.get(dut.o.valid))
            ready = random.random() >= stall
            ctx.set(dut.o.ready, ready)
            assert before == (ctx.get(dut.i.ready), ctx.get(dut.coefficients.ready), ctx.get(dut.o.valid))
            valid, payload = ctx.get(dut.o.valid), ctx.get(dut.o.payload)
            if waiting is not None:
                assert valid and payload == waiting, "payload changed or valid fell while the beat waited"
            waiting = payload if valid and not ready else None
            if valid and ready:
                assert len(found.words) < outputs, f"a surplus beat in cycle {cycle}"
                found.words.append(payload.iq)
                found.lasts.append(payload.last)
                found.output_cycles.append(cycle)
            if offered and before[0]:
                found.input_cycles.append(cycle)
                next_offer = cycle + every
                offered = False
            if offered_late and before[1]:
                found.coefficient_cycles.append(cycle)
                offered_late = False
            surplus += len(found.words) == outputs
            cycle += 1
            assert cycle < 20_000, f"only {len(found.words)} of {outputs} beats"
            await ctx.tick()

    simulate(dut, bench)
    return found


@dataclass(frozen=True)
class Case:
    rows: int
    columns: int
    groups: int
    tables: int = 1
    conjugate: tuple[bool, ...] = ()
    form: Form = "three"

    @property
    def config(self) -> MatrixProductConfig:
        return MatrixProductConfig(
            rows=self.rows, columns=self.columns, groups=self.groups, tables=self.tables, conjugate=self.conjugate,
            form=self.form,
        )  # fmt: skip

    def data(self, frames: int, seed: int = 0) -> tuple[IntArray, IntArray]:
        """Symbols (frames, k, 2) and coefficients (frames, T, R, C, 2), with the ends of the range among them."""
        random = np.random.default_rng(seed)
        symbols = random.integers(-(2**15), 2**15, (frames, self.groups * self.columns, 2))
        symbols[random.random(symbols.shape) < 0.1] = -(2**15)
        bits = random.choice([9, 12, 16], (frames, 1, 1, 1, 1))
        shape = (frames, self.tables, self.rows, self.columns, 2)
        return symbols, random.integers(-(2**15), 2**15, shape) >> (16 - bits)

    def check(self, frames: int, seed: int = 0, **conditions: Any) -> Run:
        """Frames one after another: every word and every TLAST."""
        symbols, coefficients = self.data(frames, seed)
        flags = self.conjugate or (False,) * self.columns
        wanted = [complexfixed.matrix_product(s, c, flags) for s, c in zip(symbols, coefficients, strict=True)]
        words = np.concatenate([pack_symbols(frame) for frame in wanted]).tolist()
        found = run(
            self.config.build(), pack_symbols(symbols).tolist(), pack_symbols(coefficients).tolist(), len(words),
            seed=seed, **conditions,
        )  # fmt: skip
        assert found.words == words
        assert found.lasts == ([0] * (self.groups * self.rows - 1) + [1]) * frames
        return found


CASES = [
    Case(1, 1, 9),
    Case(1, 1, 1),
    Case(1, 1, 11, tables=4),  # the last round of tables is not complete
    Case(1, 1, 3, tables=8),
    Case(2, 2, 5),
    Case(2, 2, 7, tables=3),
    Case(2, 4, 4, conjugate=(False, False, True, True)),
    Case(1, 2, 6, conjugate=(True, False)),
    Case(2, 1, 6),
    Case(1, 3, 5, conjugate=(False, True, False)),
    Case(3, 3, 4, tables=2),
    Case(2, 5, 3),
    Case(2, 2, 5, form="four"),
    Case(1, 1, 5, conjugate=(True,), form="four"),
]


def test_the_numeric_contract() -> None:
    assert (COEFFICIENT.fraction, SYMBOL.bits) == (FRACTION, BITS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_latency_and_interval(case: Case) -> None:
    """At full speed, coefficients long there: `latency` from a group's last symbol, a group in `cycles`."""
    config = case.config
    found = case.check(2, start=case.tables * case.rows * case.columns * 2 + 5)
    per_group = found.output_cycles[:: case.rows]
    lasts = found.input_cycles[case.columns - 1 :: case.columns]
    assert per_group[0] == lasts[0] + config.latency
    assert found.output_cycles[: case.rows] == [per_group[0] + row * config.steps for row in range(case.rows)]
    first_frame = per_group[: case.groups]
    assert np.diff(first_frame).tolist() == [config.cycles] * (case.groups - 1)
    # The next frame without a gap: its coefficients are in the other bank.
    assert per_group[case.groups] - first_frame[-1] == config.cycles


@pytest.mark.parametrize("case", CASES, ids=str)
def test_latency_at_the_rate_of_values(case: Case) -> None:
    """A symbol in two cycles: where that is slower than the work, each group's result comes `latency` after it."""
    found = case.check(1, every=2)
    lasts = found.input_cycles[case.columns - 1 :: case.columns]
    assert found.output_cycles[:: case.rows] == [cycle + case.config.latency for cycle in lasts]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_symbol_before_its_coefficients(case: Case) -> None:
    words = case.tables * case.rows * case.columns
    found = case.check(3, late=0.7, seed=1)
    size = case.groups * case.columns
    assert found.input_cycles[0] == found.coefficient_cycles[words - 1] + 1
    for frame in range(1, 3):
        assert found.input_cycles[frame * size] > found.coefficient_cycles[(frame + 1) * words - 1]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(
    ("idle", "stall", "late"), [(0.5, 0, 0), (0, 0.5, 0), (0.3, 0.3, 0.3), (0, 0.9, 0.5), (0.8, 0, 0.9)]
)
def test_idle_and_stall(case: Case, idle: float, stall: float, late: float) -> None:
    case.check(5, seed=4, idle=idle, stall=stall, late=late)


def test_coefficients_are_loaded_a_frame_ahead() -> None:
    """Two frames' before the first symbol, no third one until the first is done."""
    case = Case(1, 1, 20, tables=4)
    found = case.check(3, start=100)
    assert found.coefficient_cycles[:8] == list(range(8))
    assert 100 + 20 <= found.coefficient_cycles[8] <= 100 + 20 + 4


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_depth(columns: int) -> None:
    """One entry less than the default is slower, one more is no faster."""
    wanted = Case(2, columns, 24).config.default_depth
    cycles = []
    for depth in (1, wanted - 1, wanted, wanted + 1):
        case = Case(2, columns, 24)
        symbols, coefficients = case.data(1)
        dut = MatrixProductConfig(rows=2, columns=columns, groups=24, depth=depth).build()
        found = run(dut, pack_symbols(symbols).tolist(), pack_symbols(coefficients).tolist(), 48, start=30)
        assert found.words == pack_symbols(complexfixed.matrix_product(symbols[0], coefficients[0])).tolist()
        cycles.append(found.output_cycles[-1] - found.output_cycles[0])
    assert cycles[0] > cycles[1] > cycles[2] == cycles[3]


def test_unpacked_words_are_symbols() -> None:
    symbols = Case(1, 1, 9).data(1)[0][0]
    assert unpack_symbols(pack_symbols(symbols)).tolist() == symbols.tolist()


@pytest.mark.parametrize(("change", "message"), [
    (dict(rows=0), "rows: wanted at least 1, got 0"),
    (dict(columns=0), "columns: wanted at least 1, got 0"),
    (dict(groups=0), "groups: wanted at least 1, got 0"),
    (dict(tables=0), "tables: wanted at least 1, got 0"),
    (dict(depth=0), "depth: wanted at least 1, got 0"),
    (dict(conjugate=(True,)), "conjugate: wanted one for each of 2 columns, got 1"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        MatrixProductConfig(**(dict(rows=2, columns=2, groups=3) | change))


@pytest.mark.parametrize(("rows", "columns", "tables"), [(1, 1, 1), (1, 1, 3), (2, 2, 1), (2, 1, 1)])
def test_no_signal_is_without_bits(rows: int, columns: int, tables: int) -> None:
    """Verilog would have it as `wire [-1:0]`."""
    dut = MatrixProductConfig(rows=rows, columns=columns, groups=2, conjugate=(False,) * columns, tables=tables).build()
    text = rtlil.convert(dut, ports=[Value.cast(dut.i.payload)], emit_src=False)
    assert re.findall(r"^ *wire width 0 (\S+)", text, re.MULTILINE) == []
