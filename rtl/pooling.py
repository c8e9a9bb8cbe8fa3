"""The largest value, or the average, of every block of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped
from numpy.typing import NDArray

from hwgen.rtl.add import typed
from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import Counter, count
from hwgen.rtl.pipeline import output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter_lut
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.signals import signals
from hwgen.rtl.storage import Storage
from hwgen.rtl.stream import CreditFifoConfig


@dataclass(frozen=True)
class PoolingConfig:
    """max over a block, or requantise(sum over a block, shift, output); a block's sides are their distance.

    A beat is accepted as soon as it is there, but the last one of a block (`needed`) only when the FIFO has room for
    its result. Output beat k, in the order of the stream, follows input beat needed(k):

        accepted(needed(k)) >= left(k - depth) + 1
        available(k) = max(accepted(needed(k)) + latency, left(k - 1) + 1)

    Parameters
    ----------
    channels, width
        Values of an input pixel, columns of the input. Rows: any multiple of the kernel.
    kernel
        Sides of a block, 2 to 16; it divides `width`.
    input
        Shape of an input value.
    shift
        None: the largest value. Else the right shift of a sum, at least 0.
    output
        Shape of a result; the input's for the largest value.
    lanes
        Values per beat.
    depth
        Of the FIFO, in beats; None: what keeps one beat per cycle going.
    storage
        Of the row of partial results.

    Raises
    ------
    ValueError
        Any of this does not hold.
    """

    channels: int
    width: int
    kernel: int
    input: Shape
    shift: int | None
    output: Shape
    lanes: int = 1
    depth: int | None = None
    storage: Storage = Storage()

    def __post_init__(self) -> None:
        check_positive(channels=self.channels, lanes=self.lanes, depth=self.fifo_depth)
        if not 2 <= self.kernel <= 16:
            raise ValueError(f"kernel: wanted 2 .. 16, got {self.kernel}")
        if self.width < 1 or self.width % self.kernel:
            raise ValueError(f"width: wanted a multiple of {self.kernel}, got {self.width}")
        if self.shift is not None and self.shift < 0:
            raise ValueError(f"shift: wanted at least 0, got {self.shift}")
        if self.shift is None and self.output != self.input:
            raise ValueError(f"output: wanted {self.input!r}, as the input, got {self.output!r}")

    @property
    def latency(self) -> int:
        """Cycles from the last beat of a block to its result: memory 1, combination 1, of an average round 1 and
        saturate 1, FIFO 2."""
        return 2 + 2 * (self.shift is not None) + CreditFifoConfig.latency

    @property
    def default_depth(self) -> int:
        """An entry is free again one cycle after its beat has left."""
        return self.latency + 1

    @property
    def fifo_depth(self) -> int:
        """The FIFO's depth, in beats."""
        return self.default_depth if self.depth is None else self.depth

    @property
    def beats(self) -> int:
        """Beats of a pixel."""
        return -(-self.channels // self.lanes)

    @property
    def cells(self) -> int:
        """Beats of a row of results, which the memory holds."""
        return self.width // self.kernel * self.beats

    @property
    def partial(self) -> Shape:
        """Shape of what is held of a block."""
        if self.shift is None:
            return self.input
        return Shape(self.input.width + bits_of(self.kernel**2), self.input.signed)

    @cached_property
    def needed(self) -> NDArray[np.int64]:
        """int64 (cells,): the last of the input beats of `kernel` rows that each output beat waits for. The same
        follow for every further `kernel` rows."""
        columns = np.arange(self.kernel - 1, self.width, self.kernel)
        pixels = (self.kernel - 1) * self.width + columns
        return np.asarray((pixels[:, None] * self.beats + np.arange(self.beats)).reshape(-1), dtype=np.int64)

    def cost(self, family: str) -> Cost:
        """Resources: block RAM exactly, no DSP. LUTs were measured."""
        width, held = self.partial.width, self.lanes * self.partial.width
        cost = self.storage.ram(self.cells, held).cost(family) if self.cells > 1 else Cost()
        cost += output_fifo_cost(unsigned(self.lanes * self.output.width), self.fifo_depth, family)
        for length in (self.beats, self.kernel, self.width // self.kernel, self.kernel):
            if length > 1:
                cost += Cost(counter_lut(length) + 1, bits_of(length) + 1)
        address = bits_of(self.cells)
        combine = 2 * adder_lut(width) if self.shift is None else adder_lut(width)
        lane = Cost(combine, width + self.input.width)
        if self.shift is not None:
            lane += add_round_saturate_cost(width + (not self.input.signed), self.shift, self.output)
        if self.beats == 1 or self.cells == 1:
            lane += Cost(width, 0)
        lut = 2 * address + 5 + 8 * (self.cells > 1)
        control = Cost(lut, address * (2 + (self.beats > 1)) + 4 + 2 * (self.shift is not None))
        return cost + lane * self.lanes + control

    def build(self) -> Pooling:
        """The component."""
        return Pooling(self)


class Pooling(Component):
    """Reduces every block of pixels to one, channel by channel.

    What is there of a row of blocks is held in a memory: read, combined with the beat and written back a cycle later. A
    result that the very next beat continues is not yet in the memory and is taken from the register behind the sum.

    Latency: `config.latency`. Interval: one beat per cycle.

    Parameters
    ----------
    config
        See PoolingConfig.

    Members
    -------
    i : In(stream of unsigned(lanes * width)), o : Out(stream of unsigned(lanes * width))
    """

    def __init__(self, config: PoolingConfig) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(config.lanes * config.input.width))),
                "o": Out(stream.Signature(unsigned(config.lanes * config.output.width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.fifo = fifo = output_fifo(unsigned(config.lanes * config.output.width), config.fifo_depth)
        connect(m, fifo.o, flipped(self.o))
        taken, ends = signals("taken ends")
        beat = count(m, config.beats, taken, "beat")
        pixel = taken & beat.last
        column = count(m, config.kernel, pixel, "column")
        block = count(m, config.width // config.kernel, pixel & column.last, "block")
        row = count(m, config.kernel, pixel & column.last & block.last, "row")
        m.d.comb += [
            ends.eq(row.last & column.last),
            self.i.ready.eq(fifo.room | ~ends),
            taken.eq(self.i.valid & self.i.ready),
            fifo.reserve.eq(taken & ends),
        ]

        # Cycle 0: what is held is read. Cycle 1: it is combined and written. Cycle 2: the combination is a register.
        value = Signal(config.lanes * config.input.width, reset_less=True)
        valid, ended, begins, again = signals("valid ended begins again")
        first_column = column.place == 0
        m.d.sync += [
            value.eq(self.i.payload),
            valid.eq(taken),
            ended.eq(taken & ends),
            begins.eq((row.place == 0) & first_column),
            again.eq(~first_column),
        ]
        combined = Signal(config.lanes * config.partial.width)
        last = Signal.like(combined, reset_less=True)
        held: Value = last
        if config.cells > 1:
            found = self._memory(m, taken, beat, column, block, valid, combined)
            held = Mux(again, last, found) if config.beats == 1 else found
        with m.If(valid):
            m.d.sync += last.eq(combined)
        m.d.comb += combined.eq(self._combined(m, value, held, begins))

        done = Signal()
        m.d.sync += done.eq(ended)
        if config.shift is None:
            m.d.comb += [fifo.write.eq(done), fifo.payload.eq(last)]
            return m
        rounded, saturated = signals("rounded saturated")
        m.d.sync += [rounded.eq(done), saturated.eq(rounded)]
        results = []
        for lane in range(config.lanes):
            # The saturation reads the sign: an unsigned sum gets one.
            total = Signal(signed(config.partial.width + (not config.partial.signed)), name=f"sum{lane}")
            m.d.comb += total.eq(typed(last, lane, config.partial))
            results.append(add_round_saturate(m, total, config.shift, config.output, f"result{lane}"))
        m.d.comb += [fifo.write.eq(saturated), fifo.payload.eq(Cat(result.as_unsigned() for result in results))]
        return m

    def _memory(
        self, m: Module, taken: Value, beat: Counter, column: Counter, block: Counter, write: Value, data: Value
    ) -> Value:
        """The partial result of the beat that was taken a cycle ago; its successor is written."""
        config = self.config
        m.submodules.memory = ram = config.storage.ram(config.cells, len(data)).build()
        cell, begin, written = (Signal(range(config.cells), name=name) for name in ("cell", "begin", "written"))
        after = Signal(range(config.cells))
        m.d.comb += after.eq(Mux(block.last & beat.last, 0, cell + 1))
        with m.If(taken):
            # A pixel's beats in turn, once for each column of its block; then the next block's.
            m.d.sync += cell.eq(after)
            with m.If(beat.last):
                with m.If(column.last):
                    m.d.sync += begin.eq(after)
                with m.Else():
                    m.d.sync += cell.eq(begin)
        m.d.sync += written.eq(cell)
        m.d.comb += [ram.address.eq(cell), ram.write.eq(write), ram.write_address.eq(written), ram.write_data.eq(data)]
        return ram.data

    def _combined(self, m: Module, value: Value, held: Value, begins: Value) -> Value:
        """Lane by lane the larger one or the sum, or the value alone where a block begins."""
        config = self.config
        results = []
        for lane in range(config.lanes):
            new, old = typed(value, lane, config.input), typed(held, lane, config.partial)
            result = Signal(config.partial, name=f"combined{lane}")
            if config.shift is None:
                m.d.comb += result.eq(Mux(begins | (new > old), new, old))
            else:
                m.d.comb += result.eq(new + Mux(begins, 0, old))
            results.append(result.as_unsigned())
        return Cat(results)
