"""Several FIFOs whose beats leave through one port, some beats of one and then as many of another.

What comes next is known before it is asked for: the FIFO of the pixel after the one that leaves stands in registers,
and so does whether its first beat is the next one. `ready`, which comes from the consumer, enters the last LUT in front
of a register, or the only one in front of a register's enable. What enables has a copy of `valid` of its own: else
synthesis would put the LUT for what both have in common in front of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value

from hwgen.rtl.counter import count
from hwgen.rtl.fanout import KEPT
from hwgen.rtl.primitives import Cost, bits_of, counter_ff, counter_lut
from hwgen.rtl.stream import CreditFifo


class Turns:
    """Connects FIFOs (two or four) to a stream, added to a module: a merge in a fixed order.

    Latency 0: a beat is at `o` in the cycle in which it is at its FIFO's output. A beat every cycle, also from one FIFO
    to the next.

    Parameters
    ----------
    o : the stream
    fifos : with `in_turn`; the first one gives the first pixel
    beats : of a pixel

    Members
    -------
    end_pixel : a pixel's last beat leaves
    """

    def __init__(self, m: Module, o: Any, fifos: Sequence[CreditFifo], beats: int) -> None:
        self.m, self.o, self.fifos, self.beats = m, o, fifos, beats
        self.leaves, self.end_pixel = Signal(name="leaves"), Signal(name="end_pixel")
        # Of a copy that is kept and one that is not synthesis leaves one alone.
        self.is_valid, self.is_valid_copy = (Signal(name=name, attrs=KEPT) for name in ("valid", "valid_copy"))
        self.beat = count(m, beats, self.leaves, "beat")
        m.d.comb += [
            o.valid.eq(self.is_valid),
            self.leaves.eq(self.is_valid & o.ready),
            self.end_pixel.eq(self.is_valid_copy & o.ready & self.beat.last),
        ]

    def give(self, after: Value, next_after: Value, first_after: int) -> None:
        """Drive the stream and the FIFOs.

        Parameters
        ----------
        after : the FIFO of the pixel after the one that leaves, in registers
        next_after : what it will be when that one has begun
        first_after : what it is behind a reset
        """
        m, o, fifos = self.m, self.o, self.fifos
        which, following = Signal(range(len(fifos)), name="which"), Signal(range(len(fifos)), name="after")
        m.d.comb += following.eq(after)
        after = following
        chosen = [Signal(len(fifos), name=name, init=1, attrs=KEPT) for name in ("chosen", "chosen_copy")]
        with m.If(self.end_pixel):
            m.d.sync += which.eq(after)
            m.d.sync += [own.eq(Cat(after == number for number in range(len(fifos)))) for own in chosen]
        some = Array(fifo.some for fifo in fifos)
        # Whether the next beat to leave is another FIFO's: then its output may hold one already.
        moves = Signal(name="moves", init=self.beats == 1 and first_after != 0)
        if self.beats > 1:
            last = Mux(self.leaves, self.beat.next_last, self.beat.last)
            m.d.sync += moves.eq(last & ~self.end_pixel & (after != which))
        else:
            with m.If(self.end_pixel):
                m.d.sync += moves.eq(next_after != after)
        # Of the equal names `o.valid` comes first in either domain: then it is the port's, and no FIFO's stream has it.
        come = Mux(
            o.valid & o.ready & moves,
            some[after] | Array(fifo.o.valid for fifo in fifos)[after],
            some[which] | (o.valid & ~o.ready),
        )
        m.d.sync += [self.is_valid_copy.eq(come), self.is_valid.eq(come)]
        m.d.comb += [
            o.payload.eq(Array(Cat(fifo.o.payload) for fifo in fifos)[which]),
            *(fifo.o.ready.eq(o.ready) for fifo in fifos),
            *(fifo.chosen.eq(Cat(own)) for fifo, *own in zip(fifos, *chosen, strict=True)),
        ]


def turns_cost(fifos: int, beats: int, bits: int) -> Cost:
    """The cost of `Turns` of beats of so many bits."""
    return Cost(bits * (fifos // 2) + counter_lut(beats) + 3, counter_ff(beats) + 3 + bits_of(fifos) + 2 * fifos)
