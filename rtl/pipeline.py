"""The frame of components that transform a stream in a fixed number of cycles: valid bits, credit, FIFO, ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module, ShapeLike, Signal, Value, ValueLike
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Member, Out, flipped

from hwgen.rtl.primitives import Cost
from hwgen.rtl.stream import CreditFifo, CreditFifoConfig

FIFO_LATENCY = CreditFifoConfig.latency
"""Cycles from a write to the beat at the output."""


def output_fifo(payload: ShapeLike, depth: int) -> CreditFifo:
    """The FIFO behind a pipeline."""
    return CreditFifoConfig(payload, depth).build()


def output_fifo_cost(payload: ShapeLike, depth: int, family: str) -> Cost:
    """Resources of `output_fifo`."""
    return CreditFifoConfig(payload, depth).cost(family)


def connect_in_order(m: Module, source: Any, sink: Any) -> None:
    """Connect two equal streams as `connect(m, source, sink)` does, but in the order payload, valid, ready.

    The order is part of the emitted Verilog. Amaranth's `connect` takes a signature's members sorted by name, so that
    `ready` comes before `valid`; the designs whose bytes are recorded have it behind.

    Raises
    ------
    ValueError
        Ends of one direction, payloads of different shapes.
    """
    if source.signature.flip() != sink.signature:
        raise ValueError(f"sink: wanted {source.signature.flip()!r}, got {sink.signature!r}")
    m.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid), source.ready.eq(sink.ready)]


class Pipeline(Component):
    """Takes a beat wherever the FIFO has room, and never stalls what it has begun.

    A component is its transform and the cycles that this takes: `elaborate` accepts, transforms and delivers with the
    methods below. A result is written into the FIFO `cycles` after its beat, and its entry is free again one cycle
    after the result has left: with `cycles` + FIFO_LATENCY + 1 entries, a beat is taken and a result leaves in every
    cycle.

    Latency: `cycles` + FIFO_LATENCY. Interval: one beat per cycle.

    Parameters
    ----------
    input, output
        Shapes of the payloads.
    cycles
        From an accepted beat to its result's write, at least 1.
    depth
        Of the FIFO, in results.
    more
        Members besides.

    Members
    -------
    i : In(stream of input), o : Out(stream of output)
    """

    def __init__(
        self, input: ShapeLike, output: ShapeLike, *, cycles: int, depth: int, more: Mapping[str, Member] | None = None
    ) -> None:
        self.cycles = cycles
        self.fifo = output_fifo(output, depth)
        own = {"i": In(stream.Signature(input)), "o": Out(stream.Signature(output))}
        super().__init__({**own, **(more or {})})

    def accept(self, m: Module, taken: Signal, complete: Value | None = None) -> None:
        """Drive `i.ready` and `taken`, and reserve room for the result of a beat: of every one, or of those that
        `complete` one."""
        m.d.comb += [
            self.i.ready.eq(self.fifo.room),
            taken.eq(self.i.valid & self.i.ready),
            self.fifo.reserve.eq(taken if complete is None else complete),
        ]

    def late(self, m: Module, flag: Value, name: str = "valid{}", reset_less: bool = False) -> Value:
        """A flag that walks beside the data: `cycles` later; a register's name holds its cycle."""
        for cycle in range(self.cycles):
            register = Signal(name=name.format(cycle), reset_less=reset_less)
            m.d.sync += register.eq(flag)
            flag = register
        return flag

    def deliver(self, m: Module, valid: Value, payload: ValueLike) -> None:
        """Write a result into the FIFO, which the output comes from."""
        m.d.comb += [self.fifo.write.eq(valid), self.fifo.payload.eq(payload)]
        connect_in_order(m, self.fifo.o, flipped(self.o))
