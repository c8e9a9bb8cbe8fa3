"""Symbols times a small complex matrix that changes with every frame: precoder, equaliser, MIMO combiner.

    out[g * R + r] = requantise(sum over c of coefficient[g % T, r, c] * x[g * C + c], 10, 16)

re and im each, x conjugated in the columns that say so: the formula of hwgen.numerics.complex.matrix_product. A frame's
coefficients come on a stream of their own, into one of two banks: while one frame is worked on, the next one's load.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.numerics import formats
from hwgen.rtl.adders import delay
from hwgen.rtl.complex_mac import ComplexMac
from hwgen.rtl.complex_multiply import Form, Widths
from hwgen.rtl.counter import count
from hwgen.rtl.memory import RamConfig, ram_form
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter, equal_lut
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.stream import CreditFifoConfig, wrap_increment

BITS = formats.SYMBOL.bits
"""Of each part of a symbol and of a coefficient."""
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


class MatrixProduct(Component):
    """Groups of C symbols times one of T matrices of R x C coefficients: R symbols of each group.

    ceil(C / 2) complex multipliers take a row in `steps_of(C)` cycles, 1 or 2. No symbol of a frame is accepted before
    all its coefficients are there; they are accepted up to a frame ahead.

    Latency: `latency` cycles from a group's last symbol to its first result, each further one `steps_of(C)` later.
    Interval: `group_cycles` for a group.

    Parameters
    ----------
    rows, columns : int, R and C
    groups : int, groups of C symbols in a frame; `o.last` marks the last result
    conjugate : of each column, whether conj(x) is multiplied (-(-32768) is 32767); empty: none
    tables : int, T; a frame's first group takes the first one
    form : "three" or "four" multipliers a product (`cheapest_form(WIDTHS, family)` is three)
    places : int, of the FIFO; by default what keeps the interval

    Members
    -------
    i : In(stream of SYMBOL), whose `last` is not read
    coefficients : In(stream of 32 bits), re in the low half, im in the high half: T x R x C, the column the fastest
    o : Out(stream of SYMBOL)

    Raises
    ------
    ValueError : a number below 1, as many flags in `conjugate` as there are no columns
    """

    def __init__(
        self,
        *,
        rows: int,
        columns: int,
        groups: int,
        conjugate: Sequence[bool] = (),
        tables: int = 1,
        form: Form = "three",
        places: int | None = None,
    ) -> None:
        for key, value in (("rows", rows), ("columns", columns), ("groups", groups), ("tables", tables)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        places = self.places_of(columns, form) if places is None else places
        if places < 1:
            raise ValueError(f"places: wanted at least 1, got {places}")
        self.conjugate = tuple(conjugate) or (False,) * columns
        if len(self.conjugate) != columns:
            raise ValueError(f"conjugate: wanted one for each of {columns} columns, got {len(self.conjugate)}")
        self.rows, self.columns, self.groups, self.tables = rows, columns, groups, tables
        self.lanes, self.steps = self.lanes_of(columns), self.steps_of(columns)
        self.form: Form = form
        self.places = places
        super().__init__(
            {
                "i": In(stream.Signature(SYMBOL)),
                "coefficients": In(stream.Signature(unsigned(2 * BITS))),
                "o": Out(stream.Signature(SYMBOL)),
            }
        )

    @staticmethod
    def lanes_of(columns: int) -> int:
        """Complex multipliers."""
        return -(-columns // 2)

    @staticmethod
    def steps_of(columns: int) -> int:
        """Cycles for a row."""
        return -(-columns // MatrixProduct.lanes_of(columns))

    @staticmethod
    def latency_of(columns: int, form: Form = "three") -> int:
        """Group 1, a row's steps, sums, round 1, saturate 1, FIFO."""
        mac = ComplexMac.latency_of(MatrixProduct.lanes_of(columns), form)
        return 1 + MatrixProduct.steps_of(columns) + mac + 2 + CreditFifoConfig.latency

    @property
    def latency(self) -> int:
        return self.latency_of(self.columns, self.form)

    @staticmethod
    def group_cycles_of(rows: int, columns: int) -> int:
        """Interval of a group: its results or, where they are fewer cycles, its symbols."""
        return max(columns, rows * MatrixProduct.steps_of(columns))

    @property
    def group_cycles(self) -> int:
        return self.group_cycles_of(self.rows, self.columns)

    @staticmethod
    def places_of(columns: int, form: Form = "three") -> int:
        """A place is taken with a row's first step, given back one cycle after the result has left."""
        return -(-MatrixProduct.latency_of(columns, form) // MatrixProduct.steps_of(columns))

    @staticmethod
    def dsp_of(columns: int, family: str, form: Form = "three") -> int:
        """DSP slices, exactly."""
        return MatrixProduct.cost_of(rows=1, columns=columns, groups=1, family=family, form=form).dsp

    @staticmethod
    def cost_of(
        *,
        rows: int,
        columns: int,
        groups: int,
        family: str,
        conjugate: Sequence[bool] = (),
        tables: int = 1,
        form: Form = "three",
        places: int | None = None,
    ) -> Cost:
        """Resources: DSPs and block RAM exactly."""
        lanes, steps = MatrixProduct.lanes_of(columns), MatrixProduct.steps_of(columns)
        places = MatrixProduct.places_of(columns, form) if places is None else places
        mac = ComplexMac.cost_of(lanes=lanes, terms=columns, widths=WIDTHS, form=form, family=family)
        cost = mac + CreditFifoConfig(SYMBOL, places).cost(family)
        for bits in ComplexMac.results(columns, WIDTHS):
            cost += add_round_saturate_cost(bits, FRACTION, signed(BITS))
        bank = tables * rows * steps
        depth = (1 << bits_of(bank)) + bank
        cost += RamConfig(depth, 2 * BITS, ram_form(depth, "block")).cost(family) * lanes
        # Symbols of two groups, those that are multiplied.
        cost += Cost(2 * columns + lanes * 2 * BITS, 2 * BITS * (2 * columns + lanes))
        cost += Cost(adder_lut(BITS) + equal_lut(BITS) + BITS) * any(conjugate)
        for length in (columns, groups, rows, steps, groups, tables * rows * columns, columns, lanes):
            cost += counter(length)
        return cost + Cost(40 + 2 * bits_of(depth), 20 + 2 * bits_of(depth))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = CreditFifoConfig(SYMBOL, self.places).build()
        m.submodules.mac = mac = ComplexMac(lanes=self.lanes, terms=self.columns, widths=WIDTHS, form=self.form)
        claim, release, group_end = Signal(), Signal(), Signal()
        bank, address, go = Signal(), Signal(range(self._rows)), Signal()
        loaded, read = self._load(m, claim, release, Cat(address, bank))
        working, turn, groups = self._collect(m, loaded, claim, group_end)

        # A group's rows one after another, each only where the FIFO has a place for the result.
        step = count(m, self.steps, go, "step")
        row = count(m, self.rows, go & step.last, "row")
        group = count(m, self.groups, group_end, "group")
        first = Signal()
        m.d.comb += [
            first.eq(step.place == 0),
            go.eq(working & (fifo.room | ~first)),
            fifo.reserve.eq(go & first),
            group_end.eq(go & step.last & row.last),
            release.eq(group_end & group.last),
        ]
        with m.If(release):
            m.d.sync += [address.eq(0), bank.eq(~bank)]
        with m.Elif(go):
            m.d.sync += address.eq(wrap_increment(address, self._rows))

        # Cycle 1: coefficients out of the memory, symbols beside them.
        issued, issued_first, issued_last = Signal(), Signal(), Signal()
        m.d.sync += [issued.eq(go), issued_first.eq(first), issued_last.eq(step.last)]
        m.d.comb += [mac.issue.eq(issued), mac.first.eq(issued_first), mac.last.eq(issued_last)]
        for lane in range(self.lanes):
            columns = range(lane, self.columns, self.lanes)
            lacking = [Const(0, 2 * BITS)] * (self.steps - len(columns))
            mine = [symbol for group in groups for symbol in [*(group[c] for c in columns), *lacking]]
            choice = Cat(step.place, turn) if self.steps > 1 else turn
            symbol = delay(m, Array(mine)[choice], 1, f"symbol{lane}")
            m.d.comb += [mac.a[lane].as_value().eq(read[lane]), mac.b[lane].as_value().eq(symbol)]

        # The sums, rounded and saturated, with the frame's last one marked.
        valid: Value = mac.done
        last: Value = Signal(name="last")
        m.d.comb += last.eq(release)
        for cycle in range(1 + mac.latency + 2):
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
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m

    @property
    def _rows(self) -> int:
        """Rows of a bank: one for each step of each row of each table."""
        return self.tables * self.rows * self.steps

    def _load(self, m: Module, claim: Value, release: Value, address: Value) -> tuple[Value, list[Value]]:
        """The coefficients: whether a frame's are there that nobody has claimed, and what lies at `address`.

        `claim` takes a frame's, `release` gives their bank back.
        """
        free, full = Signal(range(3), init=2), Signal(range(3))
        taken, lane_end, done = Signal(), Signal(), Signal()
        m.d.comb += [self.coefficients.ready.eq(free != 0), taken.eq(self.coefficients.valid & self.coefficients.ready)]
        bank, row = Signal(name="load_bank"), Signal(range(self._rows), name="load_row")
        column = count(m, self.columns, taken, "load_column")
        lane = Signal(range(self.lanes), name="load_lane")
        m.d.comb += [
            lane_end.eq((lane == self.lanes - 1) | column.last),
            done.eq(taken & column.last & (row == self._rows - 1)),
        ]
        with m.If(taken):
            m.d.sync += lane.eq(Mux(lane_end, 0, lane + 1))
            with m.If(lane_end):
                m.d.sync += row.eq(wrap_increment(row, self._rows))
        m.d.sync += [bank.eq(bank ^ done), free.eq(free + release - done), full.eq(full + done - claim)]
        read = []
        for place in range(self.lanes):
            depth = (1 << bits_of(self._rows)) + self._rows
            memory = RamConfig(depth, 2 * BITS, ram_form(depth, "block")).build()
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
        full, turn, arriving = Signal(2), Signal(), Signal()
        taken, started = Signal(), Signal(name="frame_started")
        column = count(m, self.columns, taken, "column")
        group = count(m, self.groups, taken & column.last, "group_in")
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
            for c, flag in enumerate(self.conjugate):
                symbol = Signal(2 * BITS, name=f"group{which}_{c}", reset_less=True)
                with m.If(taken & (arriving == which) & (column.place == c)):
                    m.d.sync += symbol.eq(Cat(re, mirrored if flag else im))
                symbols.append(symbol)
        return full.bit_select(turn, 1), turn, groups
