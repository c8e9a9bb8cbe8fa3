"""Values of a stream in another order: a ring buffer that is written in turn and read by nested loops.

The values of a stream come in bands; each band is read completely before the next one. Within a band the address runs
through nested loops, the innermost fastest, each of a length and a stride. From one value to the next the address moves
by one of a few constant steps, which the loops that have come to their end choose. The same step moves the number of
values that have been written beyond the one that is wanted, whose sign says whether that one is there.

The ring need not hold a band: at the end of each turn of the loop `release` in which all loops around it are at their
last turn, room for as many values as its stride is free, and for what is left of the band at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped
from numpy.typing import NDArray

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import Counter, count
from hwgen.rtl.pipeline import output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, bits_of
from hwgen.rtl.signals import signals
from hwgen.rtl.storage import Storage
from hwgen.rtl.stream import CreditFifoConfig, wrap_increment

Beats = NDArray[np.int64]


@dataclass(frozen=True)
class ReorderConfig:
    """The loops that read a ring buffer of single values.

    Value k is read (`issued`) when value `needed[k]` has been accepted and the FIFO has room; value b is accepted one
    cycle after the reading that frees the room of value b - depth:

        issued(k) = max(accepted(needed[k]) + arrival, issued(k - 1) + 1, left(k - fifo_depth) + 1)
        available(k) = max(issued(k) + drain, left(k - 1) + 1)
        accepted(b) >= issued(k) + 1 for the first k with released[k] > b - depth

    with the arrays of one band, after which the same follow for the next: both grow by `values` each.

    Parameters
    ----------
    loops
        (length, stride) of each, the outermost first: together they visit each of a band's values once, from its first
        to its last.
    release
        Which loop gives values back, 0 the outermost.
    bits
        Of a value.
    depth
        Of the ring, in values, `least_depth` at least.
    fifo_depth
        Of the FIFO, in values; by default what keeps one value per cycle going.
    storage
        Of the ring.

    Raises
    ------
    ValueError
        No bit, no depth, loops that are no such order, a ring that cannot hold what must wait.
    """

    loops: tuple[tuple[int, int], ...]
    release: int
    bits: int
    depth: int
    fifo_depth: int = 4
    storage: Storage = Storage()

    arrival: ClassVar[int] = 1
    """Cycles from an accepted value to the earliest reading of it."""
    drain: ClassVar[int] = 1 + CreditFifoConfig.latency
    """Cycles from a reading to `o.valid`: memory 1, FIFO 2."""
    latency: ClassVar[int] = arrival + drain
    """Cycles from the last value that an output waits for to that output."""
    default_fifo_depth: ClassVar[int] = drain + 1
    """An entry is free again one cycle after its value has left."""

    def __post_init__(self) -> None:
        check_positive(bits=self.bits, fifo_depth=self.fifo_depth)
        order = self.order
        if order[0] != 0 or order[-1] != self.values - 1 or len(set(order.tolist())) != self.values:
            raise ValueError(f"loops: wanted each value once, from first to last, got {self.loops}")
        if self.depth < self.least_depth:
            raise ValueError(f"depth: wanted at least {self.least_depth}, got {self.depth}")

    @classmethod
    def sized(
        cls, loops: tuple[tuple[int, int], ...], release: int, bits: int, depth: int | None, fifo_depth: int,
        storage: Storage,
    ) -> ReorderConfig:  # fmt: skip
        """With a ring of `full_rate_depth` where `depth` is None."""
        if depth is None:
            values = int(np.prod([length for length, _ in loops]))
            depth = cls(loops, release, bits, 2 * values, fifo_depth).full_rate_depth
        return cls(loops, release, bits, depth, fifo_depth, storage)

    @cached_property
    def values(self) -> int:
        """Values of a band."""
        return int(np.prod([length for length, _ in self.loops]))

    @cached_property
    def order(self) -> Beats:
        """int64 (values,): which value of the band each output is."""
        order = np.zeros(1, dtype=np.int64)
        for length, stride in self.loops:
            order = (order[:, None] + stride * np.arange(length)).reshape(-1)
        return order

    @cached_property
    def needed(self) -> Beats:
        """int64 (values,): the last value of the band that each output waits for, its own or an earlier one's."""
        return np.maximum.accumulate(self.order)

    @cached_property
    def released(self) -> Beats:
        """int64 (values,): number of the band's values that are free once each output has been read."""
        ends = np.ones(1, dtype=bool)
        for place, (length, _) in enumerate(self.loops):
            last = np.full(length, place == self.release)
            last[-1] = True
            ends = (ends[:, None] & last).reshape(-1)
        released = np.cumsum(ends) * self.loops[self.release][1]
        released[-1] = self.values
        return released

    @cached_property
    def least_depth(self) -> int:
        """The least ring in which every output finds its value: those needed and not yet free."""
        before = np.concatenate([[0], self.released[:-1]])
        return int((self.needed + 1 - before).max())

    @cached_property
    def full_rate_depth(self) -> int:
        """The least ring with which a value passes in every cycle, in and out, band after band."""
        before = np.concatenate([[0], self.released[:-1]])
        place = np.arange(self.values)
        delay = int((self.needed - place).max()) + self.arrival
        return int((place + 1 - before).max()) + delay

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """By how much the address moves when a loop takes its next turn and all within it begin again; at last, when a
        band ends."""
        inside = [(length - 1) * stride for length, stride in self.loops]
        return (*(stride - sum(inside[place + 1 :]) for place, (_, stride) in enumerate(self.loops)), 1)

    def cost(self, family: str) -> Cost:
        """Resources: block RAM and flip-flops exactly, no DSP. The LUTs of addresses and counts were measured."""
        address = bits_of(self.depth)
        cost = self.storage.ram(self.depth, self.bits).cost(family)
        cost += output_fifo_cost(unsigned(self.bits), self.fifo_depth, family)
        ff = sum(bits_of(length) + 1 for length, _ in self.loops if length > 1)
        ff += 2 * address + self.ahead_bits + (address + 1) + 1
        return cost + Cost(round(9.6 * address) + 9, ff)

    @property
    def ahead_bits(self) -> int:
        """Signed width of the number of values written beyond the one that is wanted."""
        reach = self.values + self.depth + 1
        return bits_of(reach) + 1

    def build(self) -> Reorder:
        """The component."""
        return Reorder(self)


class Reorder(Component):
    """Reads a stream's values in another order.

    Latency: `config.latency` after the value that an output waits for. Interval: one value per cycle in and out, where
    the ring is deep enough.

    Parameters
    ----------
    config
        See ReorderConfig.

    Members
    -------
    i : In(stream of unsigned(bits)), o : Out(stream of unsigned(bits))
    """

    def __init__(self, config: ReorderConfig) -> None:
        self.config = config
        beats = stream.Signature(unsigned(config.bits))
        super().__init__({"i": In(beats), "o": Out(beats)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.ring = ring = config.storage.ram(config.depth, config.bits).build()
        m.submodules.fifo = fifo = output_fifo(unsigned(config.bits), config.fifo_depth)
        connect(m, fifo.o, flipped(self.o))
        depth = config.depth

        taken, issue = signals("taken issue")
        # Values written beyond the one that is wanted, and free words, each less one: signs are enough.
        ahead = Signal(signed(config.ahead_bits), init=-1)
        spare = Signal(range(-1, depth), init=depth - 1)
        m.d.comb += [
            self.i.ready.eq(~spare[-1]),
            taken.eq(self.i.valid & self.i.ready),
            issue.eq(~ahead[-1] & fifo.room),
            fifo.reserve.eq(issue),
        ]

        counters: list[Counter] = []
        carry: Value = issue
        for place in reversed(range(len(config.loops))):
            counters.insert(0, count(m, config.loops[place][0], carry, f"loop{place}"))
            carry = carry & counters[0].last
        step, wrapped = self._step(m, counters)

        read_at, write_at = signals("read_at write_at", range(depth))
        moved = Signal(signed(len(read_at) + 2))
        m.d.comb += moved.eq(read_at + wrapped)
        m.d.sync += ahead.eq(ahead + taken - Mux(issue, step, 0))
        with m.If(issue):
            m.d.sync += read_at.eq(Mux(moved[-1], moved + depth, moved))
        with m.If(taken):
            m.d.sync += write_at.eq(wrap_increment(write_at, depth))
        freed = Signal(range(config.values + 1))
        m.d.comb += freed.eq(self._freed(issue, counters))
        m.d.sync += spare.eq(spare - taken + freed)

        # Cycle 0: the word is read. Cycle 1: it goes to the FIFO.
        read = Signal()
        m.d.sync += read.eq(issue)
        m.d.comb += [
            ring.write.eq(taken),
            ring.write_address.eq(write_at),
            ring.write_data.eq(self.i.payload),
            ring.address.eq(read_at),
            fifo.write.eq(read),
            fifo.payload.eq(ring.data),
        ]
        return m

    def _step(self, m: Module, counters: list[Counter]) -> tuple[Value, Value]:
        """By how much the address moves, and the same modulo the ring, less the ring."""
        config = self.config
        steps = config.steps
        step = Signal(signed(max(abs(each) for each in steps).bit_length() + 1))
        wrapped = Signal(signed(bits_of(config.depth) + 2))

        def chosen(values: Sequence[int]) -> Value:
            """The value of the innermost loop that is not at its last turn; the last one where all are."""
            bits = max(abs(each) for each in values).bit_length() + 1
            found: Value = Const(values[-1], signed(bits))
            for counter, value in zip(counters, values, strict=False):
                found = Mux(counter.last, found, Const(value, signed(bits)))
            return found

        m.d.comb += [
            step.eq(chosen(steps)),
            wrapped.eq(chosen([each % config.depth - config.depth for each in steps])),
        ]
        return step, wrapped

    def _freed(self, issue: Value, counters: list[Counter]) -> Value:
        """Number of values that are free once the reading in this cycle is done."""
        config = self.config
        length, stride = config.loops[config.release]
        turn: Value = issue
        for place, counter in enumerate(counters):
            if place != config.release:
                turn = turn & counter.last
        rest = config.values - (length - 1) * stride
        return Mux(turn, Mux(counters[config.release].last, rest, stride), 0)
