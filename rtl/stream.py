"""Streams between components, and the FIFO that ends every pipeline.

Every stream follows the valid/ready rules: the payload is stable while `valid` waits for `ready`, `valid` never waits
for `ready`, and no combinational path leads from an output's `ready` to an input's `ready`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Shape, ShapeLike, Signal, Value
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import add_carry
from hwgen.rtl.memory import RamConfig, distributed_lut
from hwgen.rtl.primitives import Cost, bits_of, select_lut


@dataclass(frozen=True)
class CreditFifoConfig:
    """A FIFO behind a pipeline that cannot stall.

    Parameters
    ----------
    payload
        Shape of a beat.
    depth
        Beats that can be reserved, at least 1.
    batch
        The most beats that are reserved at once.
    in_block
        Whether its memory is block RAM.
    ahead
        Whether it is decided in the cycle before that a beat moves up when one leaves: for those that give in turn,
        where `ready` comes through much logic.

    Raises
    ------
    ValueError
        A depth below 1, a batch not in 1 .. depth.
    """

    payload: ShapeLike
    depth: int
    batch: int = 1
    in_block: bool = False
    ahead: bool = False

    latency: ClassVar[int] = 2
    """Cycles from `write` to `o.valid`."""

    def __post_init__(self) -> None:
        check_positive(depth=self.depth)
        if not 1 <= self.batch <= self.depth:
            raise ValueError(f"batch: wanted 1 .. depth = {self.depth}, got {self.batch}")

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly. LUTs of the counters and their conditions: what was measured from 1 to 70."""
        return _fifo_cost(Shape.cast(self.payload).width, self.depth, self.batch, family, self.in_block, self.ahead)

    def build(self) -> CreditFifo:
        """The component."""
        return CreditFifo(self)


@cache
def _fifo_cost(width: int, depth: int, batch: int, family: str, in_block: bool, ahead: bool) -> Cost:
    words = max(depth - 1, 1)
    credits, level, address = bits_of(depth + 1), bits_of(words + 1), bits_of(words)
    spare = max((depth - batch).bit_length(), (batch - 1).bit_length()) + 1
    ff = spare + level + 2 * address + width + 1 + ahead
    if words == 1:
        return Cost(3 + depth, ff + width)  # the word is a register
    ff += 1 + ahead
    control = 5 * credits + 3 + (0 if words == 1 << address else 3 * (credits - 1) // 2)
    control = {3: 8, 4: 14}.get(depth, control) + 4 * (batch > 1)
    if in_block:
        # The word that leaves is read again and again: it has a place of its own, and its address a register.
        return RamConfig(depth, width).cost(family) + Cost(control + 2 * address, ff - width + address)
    return Cost(distributed_lut(words, width, family) + width * select_lut(-(-words // 64)) + control, ff)


class CreditFifo(Component):
    """FIFO behind a pipeline that cannot stall: room is reserved before the work begins.

    A pipeline without a stall signal has short paths and no net that fans out to every register. Instead, whoever
    feeds it asks for room first: `reserve` takes that many entries, each accepted output beat gives one back. A write
    is therefore always accepted.

    One entry is the output's register: the memory behind it fills only while that one is taken.

    Latency: 2 cycles from `write` to `o.valid`. Interval: one beat per cycle.

    Parameters
    ----------
    config
        See CreditFifoConfig.

    Members
    -------
    write : In(1), payload is stored this cycle
    payload : In(shape)
    reserve : In(range(batch + 1)), entries taken this cycle; the caller checks `room` first
    room : Out(1), at least `batch` entries are free; registered
    o : Out(stream)
    next_valid : Out(1), `ahead` alone: `o.valid` of the next cycle
    chosen, next_chosen : In(1), `ahead` alone: whether `o.ready` means this one of several FIFOs that give in turn, now
        and in the next cycle
    """

    def __init__(self, config: CreditFifoConfig) -> None:
        self.config = config
        shape, batch = config.payload, config.batch
        in_turn = {"next_valid": Out(1), "chosen": In(1), "next_chosen": In(1)} if config.ahead else {}
        super().__init__(
            {
                "write": In(1),
                "payload": In(shape),
                "reserve": In(range(batch + 1)),
                "room": Out(1, init=1),
                "o": Out(stream.Signature(shape)),
                **in_turn,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth, batch = self.config.depth, self.config.batch
        taken = Signal()
        taking = self.o.valid & self.o.ready
        m.d.comb += taken.eq(taking & self.chosen if self.config.ahead else taking)
        # Free entries less a batch: whether there is room is the sign.
        spare = Signal(range(-batch, depth - batch + 1), init=depth - batch)
        m.d.sync += spare.eq(add_carry(spare, _negative(self.reserve, len(spare)), taken))
        m.d.comb += self.room.eq(~spare[-1])

        # What is read is there at once: a few LUTs of distributed RAM at these depths, and a registered output.
        words = max(depth - 1, 1)
        level = Signal(range(words + 1))
        some, load = Signal(name="some"), Signal(name="load")  # some: level != 0, a register
        m.d.sync += level.eq(add_carry(level, load.replicate(len(level)), self.write))
        if self.config.ahead:
            self._ahead(m, some, load, level)
        else:
            m.d.comb += load.eq(some & (~self.o.valid | self.o.ready))
            m.d.sync += self.o.valid.eq(some | (self.o.valid & ~self.o.ready))
            if words > 1:
                m.d.sync += some.eq(self.write | Mux(load, level != 1, some))
            else:
                m.d.comb += some.eq(level)
        in_luts = self._memory if words > 1 else self._word_of
        first = self._block(m, load, depth) if self.config.in_block else in_luts(m, load, words)
        if self.config.in_block:
            m.d.comb += self.o.payload.eq(first)
            return m
        with m.If(load):
            m.d.sync += self.o.payload.eq(first)
        return m

    def _ahead(self, m: Module, some: Signal, load: Signal, level: Signal) -> None:
        """`load` enables registers: what it is if a beat leaves is known a cycle before."""
        drains, next_some = Signal(name="drains"), Signal(name="next_some")
        m.d.comb += [
            load.eq((some & ~self.o.valid) | (drains & self.o.ready)),
            self.next_valid.eq(some | (self.o.valid & ~(self.o.ready & self.chosen))),
        ]
        m.d.sync += [self.o.valid.eq(self.next_valid), drains.eq(next_some & self.next_valid & self.next_chosen)]
        if len(level) == 1:
            m.d.comb += [some.eq(level), next_some.eq(self.write | (some & ~load))]
            return
        several = Signal(name="several")  # level > 1
        m.d.comb += next_some.eq(self.write | Mux(load, several, some))
        m.d.sync += [
            some.eq(next_some),
            several.eq(Mux(self.write, Mux(load, several, some), several & ~(load & (level == 2)))),
        ]

    def _block(self, m: Module, load: Signal, words: int) -> Value:
        """As `_memory`, a cycle later and in block RAM: the word is read until the next one is."""
        m.submodules.memory = memory = RamConfig(words, len(Value.cast(self.payload))).build()
        write, following, address = (Signal(range(words), name=name) for name in ("write_address", "next_read", "read"))
        m.d.comb += [
            memory.write.eq(self.write),
            memory.write_address.eq(write),
            memory.write_data.eq(self.payload),
            memory.address.eq(Mux(load, following, address)),
        ]
        with m.If(self.write):
            m.d.sync += write.eq(wrap_increment(write, words))
        with m.If(load):
            m.d.sync += [address.eq(following), following.eq(wrap_increment(following, words))]
        return memory.data

    def _memory(self, m: Module, load: Signal, words: int) -> Value:
        """The word of a memory that has waited longest; `load` takes it."""
        m.submodules.memory = memory = Memory(
            shape=self.config.payload, depth=words, init=[], attrs={"ram_style": "distributed"}
        )
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        m.d.comb += [write.en.eq(self.write), write.data.eq(self.payload)]
        with m.If(self.write):
            m.d.sync += write.addr.eq(wrap_increment(write.addr, words))
        with m.If(load):
            m.d.sync += read.addr.eq(wrap_increment(read.addr, words))
        return read.data

    def _word_of(self, m: Module, load: Signal, words: int) -> Value:
        """The same for one word."""
        word = Signal(self.config.payload, reset_less=True)
        with m.If(self.write):
            m.d.sync += word.eq(self.payload)
        return word


def _negative(value: Value, bits: int) -> Value:
    """-value modulo 2 ** bits, in logic without a chain of carries, so that an adder takes it in."""
    return Cat((value[place] if place < len(value) else 0) ^ value[:place].any() for place in range(bits))


def full_rate_depth(beats: int, cycles: int, drain: int) -> int:
    """The least FIFO behind a pipeline whose work comes in folds with which one fold follows another without a pause.

    At the m-th fold after its own, a fold has freed min(beats, m * cycles - drain) of its entries.

    Parameters
    ----------
    beats
        Of a fold's results.
    cycles
        Of the shortest fold.
    drain
        Cycles from a fold's last one to its first result at the output.
    """
    depth, m = beats, 1
    while (missing := beats - max(0, m * cycles - drain)) > 0:
        depth += min(missing, beats)
        m += 1
    return depth


def wrap_increment(counter: Signal, length: int) -> Value:
    """`counter + 1` modulo `length`, for a counter that holds 0 .. length - 1."""
    return Mux(counter == length - 1, 0, counter + 1)
