"""Symbols times a small complex matrix that changes with every frame: precoder, equaliser, MIMO combiner.

    out[g * R + r] = requantise(sum over c of coefficient[g % T, r, c] * x[g * C + c], 10, 16)

re and im each, x conjugated in the columns that say so: the formula of hwgen.numerics.complex.matrix_product. A frame's
coefficients come on a stream of their own, into one of two banks: while one frame is worked on, the next one's load.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.numerics import formats
from hwgen.rtl.adders import delay
from hwgen.rtl.checks import check_positive
from hwgen.rtl.complex_mac import ComplexMacConfig
from hwgen.rtl.complex_multiply import Form, Widths
from hwgen.rtl.counter import count
from hwgen.rtl.memory import RamConfig
from hwgen.rtl.pipeline import FIFO_LATENCY, connect_in_order, output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter, equal_lut
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.signals import signals
from hwgen.rtl.storage import Storage
from hwgen.rtl.stream import wrap_increment

BITS = formats.SYMBOL.bits
"""Bits of each part of a symbol and of a coefficient."""
FRACTION = formats.COEFFICIENT.fraction
"""Fraction bits of a coefficient."""
WIDTHS = Widths(BITS, BITS, BITS, BITS)
SYMBOL = data.StructLayout({"iq": 2 * BITS, "last": 1})
"""As SymbolPacker's output."""


def negated(x: Value) -> Value:
    """-x of a part of a symbol, saturated."""
    negative = (-x)[: BITS + 1]
    # Of all numbers one has no negative: only there the bit above the sign differs from it.
    return Mux(negative[BITS] ^ negative[BITS - 1], (1 << BITS - 1) - 1, negative[:BITS])


@dataclass(frozen=True, kw_only=True)
class MatrixProductConfig:
    """Groups of C symbols times one of T matrices of R x C coefficients: R symbols of each group.

    ceil(C / 2) complex multipliers take a row in `steps` cycles, 1 or 2.

    Parameters
    ----------
    rows, columns
        R and C.
    groups
        Groups of C symbols in a frame; `o.last` marks the last result.
    conjugate
        Of each column, whether conj(x) is multiplied (-(-32768) is 32767); empty: none.
    tables
        T; a frame's first group takes the first one.
    form
        "three" or "four" multipliers a product (`cheapest_form(WIDTHS, family)` is three).
    depth
        Of the FIFO, in symbols; by default what keeps the interval.
    storage
        Of the coefficients.

    Raises
    ------
    ValueError
        A number below 1, as many flags in `conjugate` as there are no columns.
    """

    rows: int
    columns: int
    groups: int
    conjugate: tuple[bool, ...] = ()
    tables: int = 1
    form: Form = "three"
    depth: int = None  # type: ignore[assignment]  # set below
    storage: Storage = Storage()

    def __post_init__(self) -> None:
        check_positive(rows=self.rows, columns=self.columns, groups=self.groups, tables=self.tables)
        if self.depth is None:
            object.__setattr__(self, "depth", self.default_depth)
        check_positive(depth=self.depth)
        object.__setattr__(self, "conjugate", tuple(self.conjugate) or (False,) * self.columns)
        if len(self.conjugate) != self.columns:
            raise ValueError(
                f"conjugate: wanted one for each of {self.columns} columns, got {len(self.conjugate)}"
            )

    @property
    def lanes(self) -> int:
        """Complex multipliers."""
        return -(-self.columns // 2)

    @property
    def steps(self) -> int:
        """Cycles for a row."""
        return -(-self.columns // self.lanes)

    @property
    def mac(self) -> ComplexMacConfig:
        """The complex multipliers with their sums."""
        return ComplexMacConfig(lanes=self.lanes, terms=self.columns, widths=WIDTHS, form=self.form)

    @property
    def latency(self) -> int:
        """Cycles from a group's last symbol to its first result, each further one `steps` later.

        Group 1, a row's steps, sums, round 1, saturate 1, FIFO.
        """
        return 1 + self.steps + self.mac.latency + 2 + FIFO_LATENCY

    @property
    def cycles(self) -> int:
        """Interval of a group: its results or, where they are fewer cycles, its symbols."""
        return max(self.columns, self.rows * self.steps)

    @property
    def default_depth(self) -> int:
        """An entry is taken with a row's first step, free again one cycle after the result has left."""
        return -(-self.latency // self.steps)

    @property
    def bank_rows(self) -> int:
        """Rows of a bank of coefficients: one for each step of each row of each table."""
        return self.tables * self.rows * self.steps

    @property
    def memory_rows(self) -> int:
        """Rows of both banks, the second one from a power of two on."""
        return (1 << bits_of(self.bank_rows)) + self.bank_rows

    @property
    def memory(self) -> RamConfig:
        """Each lane's memory of coefficients."""
        return self.storage.ram(self.memory_rows, 2 * BITS)

    def cost(self, family: str) -> Cost:
        """Resources: DSPs and block RAM exactly."""
        columns, lanes, depth = self.columns, self.lanes, self.memory_rows
        cost = self.mac.cost(family) + output_fifo_cost(SYMBOL, self.depth, family)
        for bits in self.mac.results:
            cost += add_round_saturate_cost(bits, FRACTION, signed(BITS))
        cost += self.memory.cost(family) * lanes
        # Symbols of two groups, those that are multiplied.
        cost += Cost(2 * columns + lanes * 2 * BITS, 2 * BITS * (2 * columns + lanes))
        cost += Cost(adder_lut(BITS) + equal_lut(BITS) + BITS) * any(self.conjugate)
        words = self.tables * self.rows * columns
        for length in (columns, self.groups, self.rows, self.steps, self.groups, words, columns, lanes):
            cost += counter(length)
        return cost + Cost(40 + 2 * bits_of(depth), 20 + 2 * bits_of(depth))

    def build(self) -> MatrixProduct:
        """The component."""
        return MatrixProduct(self)


class MatrixProduct(Component):
    """Multiplies groups of symbols by matrices.

    No symbol of a frame is accepted before all its coefficients are there; they are accepted up to a frame ahead.

    Latency: `config.latency` from a group's last symbol to its first result. Interval: `config.cycles` for a group.

    Parameters
    ----------
    config
        See MatrixProductConfig.

    Members
    -------
    i : In(stream of SYMBOL), whose `last` is not read
    coefficients : In(stream of 32 bits), re in the low half, im in the high half: T x R x C, the column the fastest
    o : Out(stream of SYMBOL)
    """

    def __init__(self, config: MatrixProductConfig) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(SYMBOL)),
                "coefficients": In(stream.Signature(unsigned(2 * BITS))),
                "o": Out(stream.Signature(SYMBOL)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = output_fifo(SYMBOL, self.config.depth)
        m.submodules.mac = mac = self.config.mac.build()
        claim, release, group_end = signals("claim release group_end")
        bank, go = signals("bank go")
        address = _index(self.config.bank_rows, "address")
        loaded, read = self._load(m, claim, release, Cat(address, bank))
        working, turn, groups = self._collect(m, loaded, claim, group_end)

        # A group's rows one after another, each only where the FIFO has a place for the result.
        step = count(m, self.config.steps, go, "step")
        row = count(m, self.config.rows, go & step.last, "row")
        group = count(m, self.config.groups, group_end, "group")
        first = Signal()
        m.d.comb += [
            first.eq(step.place == 0),
            go.eq(working & (fifo.room | ~first)),
            fifo.reserve.eq(go & first),
            group_end.eq(go & step.last & row.last),
            release.eq(group_end & group.last),
        ]
        with m.If(release):
            m.d.sync += bank.eq(~bank)
        if isinstance(address, Signal):
            with m.If(release):
                m.d.sync += address.eq(0)
            with m.Elif(go):
                m.d.sync += address.eq(wrap_increment(address, self.config.bank_rows))

        # Cycle 1: coefficients out of the memory, symbols beside them.
        issued, issued_first, issued_last = signals("issued issued_first issued_last")
        m.d.sync += [issued.eq(go), issued_first.eq(first), issued_last.eq(step.last)]
        m.d.comb += [mac.issue.eq(issued), mac.first.eq(issued_first), mac.last.eq(issued_last)]
        for lane in range(self.config.lanes):
            columns = range(lane, self.config.columns, self.config.lanes)
            lacking = [Const(0, 2 * BITS)] * (self.config.steps - len(columns))
            mine = [symbol for group in groups for symbol in [*(group[c] for c in columns), *lacking]]
            choice = Cat(step.place, turn) if self.config.steps > 1 else turn
            symbol = delay(m, Array(mine)[choice], 1, f"symbol{lane}")
            m.d.comb += [mac.a[lane].as_value().eq(read[lane]), mac.b[lane].as_value().eq(symbol)]

        # The sums, rounded and saturated, with the frame's last one marked.
        valid: Value = mac.done
        last: Value = Signal(name="last")
        m.d.comb += last.eq(release)
        for cycle in range(1 + self.config.mac.latency + 2):
            late = Signal(name=f"last{cycle}")
            m.d.sync += late.eq(last)
            last = late
        for cycle in range(2):
            late = Signal(name=f"valid{cycle}")
            m.d.sync += late.eq(valid)
            valid = late
        for half, key in enumerate(("re", "im")):
            total = Signal.like(getattr(mac, key), name=f"sum_{key}")
            m.d.comb += total.eq(getattr(mac, key))
            result = add_round_saturate(m, total, FRACTION, signed(BITS), key)
            m.d.comb += fifo.payload.iq[half * BITS : (half + 1) * BITS].eq(result)
        m.d.comb += [
            fifo.payload.last.eq(last),
            fifo.write.eq(valid),
        ]
        connect_in_order(m, fifo.o, flipped(self.o))
        return m

    def _load(self, m: Module, claim: Value, release: Value, address: Value) -> tuple[Value, list[Value]]:
        """The coefficients: whether a frame's are there that nobody has claimed, and what lies at `address`.

        `claim` takes a frame's, `release` gives their bank back.
        """
        free = Signal(range(3), init=2)
        full = Signal(range(3))
        taken, lane_end, done = signals("taken lane_end done")
        m.d.comb += [self.coefficients.ready.eq(free != 0), taken.eq(self.coefficients.valid & self.coefficients.ready)]
        bank, row = Signal(name="load_bank"), _index(self.config.bank_rows, "load_row")
        column = count(m, self.config.columns, taken, "load_column")
        lane = _index(self.config.lanes, "load_lane")
        if isinstance(lane, Signal):
            with m.If(taken):
                m.d.sync += lane.eq(Mux(lane_end, 0, lane + 1))
        m.d.comb += [
            lane_end.eq((lane == self.config.lanes - 1) | column.last),
            done.eq(taken & column.last & (row == self.config.bank_rows - 1)),
        ]
        if isinstance(row, Signal):
            with m.If(taken & lane_end):
                m.d.sync += row.eq(wrap_increment(row, self.config.bank_rows))
        m.d.sync += [bank.eq(bank ^ done), free.eq(free + release - done), full.eq(full + done - claim)]
        read = []
        for place in range(self.config.lanes):
            memory = self.config.memory.build()
            m.submodules[f"coefficients{place}"] = memory
            m.d.comb += [
                memory.write.eq(taken & (lane == place)),
                memory.write_address.eq(Cat(row, bank)),
                memory.write_data.eq(self.coefficients.payload),
                memory.address.eq(address),
            ]
            read.append(memory.data)
        return full != 0, read

    def _collect(
        self, m: Module, loaded: Value, claim: Value, group_end: Value
    ) -> tuple[Value, Signal, list[list[Signal]]]:
        """Two groups of symbols, conjugated, one at work while the other comes in.

        Whether one is complete, which one's turn it is, and the symbols of both; `group_end` gives that one back.
        """
        full = Signal(2)
        turn, arriving, taken = signals("turn arriving taken")
        started = Signal(name="frame_started")
        column = count(m, self.config.columns, taken, "column")
        group = count(m, self.config.groups, taken & column.last, "group_in")
        m.d.comb += [
            self.i.ready.eq(~full.bit_select(arriving, 1) & (started | loaded)),
            taken.eq(self.i.valid & self.i.ready),
            claim.eq(taken & ~started),
        ]
        with m.If(taken):
            m.d.sync += started.eq(~(column.last & group.last))
        with m.If(taken & column.last):
            m.d.sync += [full.bit_select(arriving, 1).eq(1), arriving.eq(~arriving)]
        with m.If(group_end):
            m.d.sync += [full.bit_select(turn, 1).eq(0), turn.eq(~turn)]
        re, im = self.i.payload.iq[:BITS], self.i.payload.iq[BITS:].as_signed()
        mirrored = negated(im)
        groups: list[list[Signal]] = [[], []]
        for which, symbols in enumerate(groups):
            for c, flag in enumerate(self.config.conjugate):
                symbol = Signal(2 * BITS, name=f"group{which}_{c}", reset_less=True)
                with m.If(taken & (arriving == which) & (column.place == c)):
                    m.d.sync += symbol.eq(Cat(re, mirrored if flag else im))
                symbols.append(symbol)
        return full.bit_select(turn, 1), turn, groups


def _index(length: int, name: str) -> Signal | Const:
    """A register for 0 .. length - 1; a constant without bits where that is 0 alone: Verilog has no such signal."""
    return Signal(range(length), name=name) if length > 1 else Const(0, 0)
