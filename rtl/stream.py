"""Streams between components, and the FIFO that ends every pipeline.

Every stream follows the valid/ready rules: the payload is stable while `valid` waits for `ready`, `valid` never waits
for `ready`, and no combinational path leads from an output's `ready` to an input's `ready`.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.memory import distributed_lut
from hwgen.rtl.primitives import Cost, bits_of, select_lut


class CreditFifo(Component):
    """FIFO behind a pipeline that cannot stall: room is reserved before the work begins.

    A pipeline without a stall signal has short paths and no net that fans out to every register. Instead, whoever
    feeds it asks for room first: `reserve` takes that many places, each accepted output beat gives one back. A write is
    therefore always accepted.

    One place is the output's register: the memory behind it fills only while that one is taken.

    Latency: 2 cycles from `write` to `o.valid`. Interval: one beat per cycle.

    Parameters
    ----------
    shape : shape of the payload
    depth : int, beats that can be reserved, at least 1
    batch : int, the most beats that are reserved at once

    Members
    -------
    write : In(1), payload is stored this cycle
    payload : In(shape)
    reserve : In(range(batch + 1)), places taken this cycle; the caller checks `room` first
    room : Out(1), at least `batch` places are free; registered
    o : Out(stream)

    Raises
    ------
    ValueError : depth below 1, batch not in 1 .. depth
    """

    latency = 2

    def __init__(self, shape: ShapeLike, depth: int, batch: int = 1) -> None:
        if depth < 1:
            raise ValueError(f"depth: wanted at least 1, got {depth}")
        if not 1 <= batch <= depth:
            raise ValueError(f"batch: wanted 1 .. depth = {depth}, got {batch}")
        self.depth, self.batch = depth, batch
        self.shape = shape
        super().__init__(
            {
                "write": In(1),
                "payload": In(shape),
                "reserve": In(range(batch + 1)),
                "room": Out(1, init=1),
                "o": Out(stream.Signature(shape)),
            }
        )

    @staticmethod
    def cost_of(width: int, depth: int, family: str, batch: int = 1) -> Cost:
        """Resources: flip-flops exactly. LUTs of the counters and their conditions: what was measured from 1 to 70."""
        places = max(depth - 1, 1)
        credits, level, address = bits_of(depth + 1), bits_of(places + 1), bits_of(places)
        spare = max((depth - batch).bit_length(), (batch - 1).bit_length()) + 1
        ff = spare + level + 2 * address + width + 1
        if places == 1:
            return Cost(3 + depth, ff + width)  # the word is a register
        control = 5 * credits + 3 + (0 if places == 1 << address else 3 * (credits - 1) // 2)
        control = {3: 8, 4: 14}.get(depth, control) + 4 * (batch > 1)
        return Cost(distributed_lut(places, width, family) + width * select_lut(-(-places // 64)) + control, ff)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        taken = Signal()
        m.d.comb += taken.eq(self.o.valid & self.o.ready)
        # Free places less a batch: whether there is room is the sign.
        spare = Signal(range(-self.batch, self.depth - self.batch + 1), init=self.depth - self.batch)
        m.d.sync += spare.eq(spare - self.reserve + taken)
        m.d.comb += self.room.eq(~spare[-1])

        # What is read is there at once: a few LUTs of distributed RAM at these depths, and a registered output.
        words = max(self.depth - 1, 1)
        level = Signal(range(words + 1))
        load = Signal()
        m.d.comb += load.eq((level != 0) & (~self.o.valid | self.o.ready))
        m.d.sync += level.eq(level + self.write - load)
        first = self._memory(m, load, words) if words > 1 else self._word(m)
        with m.If(taken):
            m.d.sync += self.o.valid.eq(0)
        with m.If(load):
            m.d.sync += [self.o.payload.eq(first), self.o.valid.eq(1)]
        return m

    def _memory(self, m: Module, load: Signal, words: int) -> Value:
        """What has waited longest in a memory; `load` takes it."""
        m.submodules.memory = memory = Memory(
            shape=self.shape, depth=words, init=[], attrs={"ram_style": "distributed"}
        )
        write, read = memory.write_port(), memory.read_port(domain="comb")
        m.d.comb += [write.en.eq(self.write), write.data.eq(self.payload)]
        with m.If(self.write):
            m.d.sync += write.addr.eq(wrap_increment(write.addr, words))
        with m.If(load):
            m.d.sync += read.addr.eq(wrap_increment(read.addr, words))
        return read.data

    def _word(self, m: Module) -> Value:
        """The same for one word."""
        word = Signal(self.shape, reset_less=True)
        with m.If(self.write):
            m.d.sync += word.eq(self.payload)
        return word


def wrap_increment(counter: Signal, length: int) -> Value:
    """`counter + 1` modulo `length`, for a counter that holds 0 .. length - 1."""
    return Mux(counter == length - 1, 0, counter + 1)
