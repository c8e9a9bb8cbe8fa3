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
from hwgen.rtl.counter import add_carry, wrapping
from hwgen.rtl.fanout import KEPT
from hwgen.rtl.memory import RamConfig, distributed_lut
from hwgen.rtl.primitives import Cost, bits_of, select_lut, wrapping_ff

LOW_BITS = 3
"""Bits of a FIFO's level that are counted in time where it has more."""
LOW_MOST = (1 << LOW_BITS) - 4
"""The largest level from which two cycles lead to none that has more bits."""


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
    in_turn
        Whether it is one of several FIFOs that give in turn (`hwgen.rtl.turns`).

    Raises
    ------
    ValueError
        A depth below 1, a batch not in 1 .. depth.
    """

    payload: ShapeLike
    depth: int
    batch: int = 1
    in_block: bool = False
    in_turn: bool = False

    latency: ClassVar[int] = 2
    """Cycles from `write` to `o.valid`."""

    def __post_init__(self) -> None:
        check_positive(depth=self.depth)
        if not 1 <= self.batch <= self.depth:
            raise ValueError(f"batch: wanted 1 .. depth = {self.depth}, got {self.batch}")

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly. LUTs of the counters and their conditions: what was measured from 1 to 70."""
        return _fifo_cost(Shape.cast(self.payload).width, self.depth, self.batch, family, self.in_block)

    def build(self) -> CreditFifo:
        """The component."""
        return CreditFifo(self)


@cache
def _fifo_cost(width: int, depth: int, batch: int, family: str, in_block: bool) -> Cost:
    words = max(depth - 1, 1)
    credits, level, address = bits_of(depth + 1), bits_of(words + 1), bits_of(words)
    spare = max((depth - batch).bit_length(), (batch - 1).bit_length()) + 2  # and a copy of `valid`
    if words == 1:
        return Cost(3 + depth, spare + level + 2 * width + 1)  # the word is a register
    ff = spare + level + width + 2 + (LOW_BITS + 3 if level > LOW_BITS else 0)
    control = 5 * credits + 3 + (0 if words == 1 << address else 3 * (credits - 1) // 2)
    control = {3: 8, 4: 14}.get(depth, control) + 4 * (batch > 1) + (6 if level > LOW_BITS else 0)
    if in_block:
        return RamConfig(depth, width).cost(family) + Cost(control, ff - width + 2 * wrapping_ff(depth))
    luts = distributed_lut(words, width, family) + width * select_lut(-(-words // 64)) + control
    return Cost(luts, ff + 2 * wrapping_ff(words))


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
    some : Out(1), `in_turn` alone: a beat is behind the one at the output; registered
    chosen : In(2), `in_turn` alone: `o.ready` means this one of several FIFOs that give in turn; two equal copies
    """

    def __init__(self, config: CreditFifoConfig) -> None:
        self.config = config
        shape, batch = config.payload, config.batch
        in_turn = {"some": Out(1), "chosen": In(2)} if config.in_turn else {}
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
        leaves, moves = self.o.ready, self.o.ready
        if self.config.in_turn:
            leaves, moves = leaves & self.chosen[0], moves & self.chosen[1]
        # Entries that a batch lacks, less one: whether there is room is the sign.
        lacking = Signal(range(batch - depth - 1, batch), init=batch - depth - 1, name="lacking")
        m.d.sync += lacking.eq(add_carry(lacking, ~_negative(self.reserve, len(lacking)), ~(self.o.valid & leaves)))
        m.d.comb += self.room.eq(lacking[-1])

        # What is read is there at once: a few LUTs of distributed RAM at these depths, and a registered output.
        words = max(depth - 1, 1)
        some = self.some if self.config.in_turn else Signal(name="some")
        load = Signal(name="load")
        # What enables registers has copies of its flags: see `hwgen.rtl.turns`.
        valid, shown = Signal(name="valid", attrs=KEPT), Signal(name="shown", attrs=KEPT)
        stays = some | (valid & ~leaves)
        m.d.comb += [load.eq(some & (~shown | moves)), self.o.valid.eq(valid)]
        m.d.sync += [valid.eq(stays), shown.eq(stays)]
        self._count(m, some, load, words)
        if self.config.in_block:
            m.d.comb += self.o.payload.eq(self._block(m, load, depth))
            return m
        first = (self._memory if words > 1 else self._word_of)(m, load, words)
        with m.If(load):
            m.d.sync += self.o.payload.eq(first)
        return m

    def _count(self, m: Module, some: Signal, load: Signal, words: int) -> None:
        """Drive `some`: whether the memory holds a word, in a register.

        Asked of that is only whether the memory holds a single word. Where it may hold many, its level is counted a
        cycle late, behind registers; its lowest bits are counted in time, and say it where the level two cycles
        ago was near enough to zero that they are all of it.
        """
        level = Signal(range(words + 1), name="level")
        up: Value = self.write
        down: Value = load
        only: Value = level == 1
        if len(level) > LOW_BITS:
            up, down, near = Signal(name="was_written"), Signal(name="was_loaded"), Signal(name="near", init=1)
            low = Signal(LOW_BITS, name="low")
            m.d.sync += [
                up.eq(self.write),
                down.eq(load),
                near.eq(level <= LOW_MOST),
                low.eq(low + self.write - load),
            ]
            only = near & (low == 1)
        m.d.sync += level.eq(add_carry(level, down.replicate(len(level)), up))
        if words == 1:
            m.d.comb += some.eq(level)
        else:
            m.d.sync += some.eq(self.write | Mux(load, ~only, some))

    def _block(self, m: Module, load: Signal, words: int) -> Value:
        """As `_memory`, in block RAM, whose own register is the output's."""
        m.submodules.memory = memory = RamConfig(words, len(Value.cast(self.payload))).build(enabled=True)
        m.d.comb += [
            memory.write.eq(self.write),
            memory.write_address.eq(wrapping(m, words, self.write, "write_address")),
            memory.write_data.eq(self.payload),
            memory.address.eq(wrapping(m, words, load, "read_address")),
            memory.enable.eq(load),
        ]
        return memory.data

    def _memory(self, m: Module, load: Signal, words: int) -> Value:
        """The word of a memory that has waited longest; `load` takes it."""
        m.submodules.memory = memory = Memory(
            shape=self.config.payload, depth=words, init=[], attrs={"ram_style": "distributed"}
        )
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.write),
            write.data.eq(self.payload),
            write.addr.eq(wrapping(m, words, self.write, "write_address")),
            read.addr.eq(wrapping(m, words, load, "read_address")),
        ]
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
    if length == 1 << len(counter):
        return (counter + 1)[: len(counter)]
    return Mux(counter == length - 1, 0, counter + 1)
