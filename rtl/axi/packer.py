"""A DMA's beats out of items: 32, 64 or 128 bits out of pixels of 24, or of symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.axi.slots import Slots, chosen
from hwgen.rtl.primitives import Cost, bits_of
from hwgen.rtl.signals import signals
from hwgen.rtl.skip_fifo import SkipFifoConfig


@dataclass(frozen=True)
class PackerConfig:
    """Beats that hold the items of a frame one behind the other; a frame begins a beat of its own.

    All bytes of a beat are kept but those behind the frame's last item. Bytes of a slot that no item uses are zeros.
    In plain Python: `hwgen.numerics.slots.packed`.

    Parameters
    ----------
    slots
        Where the items lie.
    """

    slots: Slots

    depth: ClassVar[int] = 4
    """Beats that wait inside."""
    latency: ClassVar[int] = SkipFifoConfig.latency
    """Cycles from the item that completes a beat to the beat's `valid`."""

    @property
    def fifo(self) -> SkipFifoConfig:
        """The FIFO of the beats, each with TKEEP, TLAST, and whether it ends what was cut short."""
        return SkipFifoConfig(9 * self.slots.beat + 2, self.depth)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly, but for one or two where bytes of a slot are not used; LUTs as open synthesis
        made them of beats of 4 to 16 bytes: each bit of an item at its place, beside what came before."""
        slots = self.slots
        items, used = slots.items, 8 * slots.used * slots.beat // slots.slot
        if items == 1:
            lut, ff = used + 12, 0
        elif slots.crosses:
            lut, ff = 33 * slots.beat - 4, 8 * slots.beat + slots.slot
        else:
            lut, ff = 2 * used + 13 + 2 * items, used
        return self.fifo.cost(family) + Cost(lut, ff + bits_of(items) + 4)

    def build(self) -> Packer:
        """The component."""
        return Packer(self)


class Packer(Component):
    """Takes the items of frames and gives beats.

    Latency: `config.latency`. Interval: one item per cycle, one cycle more where a frame's last item crosses beats.

    Parameters
    ----------
    config
        See PackerConfig.

    Members
    -------
    i : In(stream of slots.item_layout)
    o : Out(stream of slots.beat_layout)
    close : In(1); 1: no item is taken, the beat that is being filled is forgotten, and a frame that has begun at the
        output ends with a beat of zeros, all kept, with TLAST
    open : Out(1), a beat waits at the output, or a frame has begun there and has not ended
    ends : Out(1), the last beat of a frame leaves; not that of one cut short
    """

    def __init__(self, config: PackerConfig) -> None:
        self.config = config
        slots = config.slots
        super().__init__(
            {
                "i": In(stream.Signature(slots.item_layout)),
                "o": Out(stream.Signature(slots.beat_layout)),
                "close": In(1),
                "open": Out(1),
                "ends": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        slots, beat = self.config.slots, self.config.slots.beat
        m.submodules.fifo = fifo = self.config.fifo.build()
        layout = data.StructLayout({"data": 8 * beat, "keep": beat, "last": 1, "cut": 1})
        into, out = data.View(layout, fifo.i.payload), data.View(layout, fifo.o.payload)

        place = Signal(range(slots.items), name="place") if slots.items > 1 else Const(0)
        word = Signal(8 * beat)  # the items of the beat so far, zeros behind them
        spill = 8 * (slots.slot - 1) if slots.crosses else 0
        flush, begun, taken, full, pushes = signals("flush begun taken full pushes")
        left = Signal(max(slots.slot - 1, 1))  # bytes of the beat that is flushed

        at_place = partial(chosen, place)

        item = Cat(self.i.payload.beat, Const(0, 8 * (slots.slot - slots.used) + spill))[: 8 * slots.slot]
        merged = Signal(8 * beat + spill)
        ends = [first + slots.slot for first in slots.first]
        keeps = [(1 << min(end, beat)) - 1 for end in ends]
        over = Signal(slots.slot)  # bytes of the item that are in the next beat, one bit each
        m.d.comb += [
            merged.eq(word | at_place([Cat(Const(0, 8 * first), item) for first in slots.first])),
            full.eq(at_place([Const(end >= beat) for end in ends])),
            over.eq(at_place([Const((1 << max(end - beat, 0)) - 1, slots.slot) for end in ends])),
            self.i.ready.eq(fifo.i.ready & ~flush & ~self.close),
            taken.eq(self.i.valid & self.i.ready),
            fifo.i.valid.eq(Mux(self.close, begun, flush | (self.i.valid & (full | self.i.payload.last)))),
            pushes.eq(fifo.i.valid & fifo.i.ready),
            into.cut.eq(self.close),
            into.last.eq(self.close | flush | (self.i.payload.last & ~over[0])),
            into.data.eq(Mux(self.close, 0, Mux(flush, word, merged[: 8 * beat]))),
            into.keep.eq(
                Mux(self.close, Const(-1, beat), Mux(flush, left, at_place([Const(keep, beat) for keep in keeps])))
            ),
        ]
        with m.If(pushes):
            m.d.sync += begun.eq(~into.last)
        with m.If(self.close):
            m.d.sync += [word.eq(0), flush.eq(0)]
            if slots.items > 1:
                m.d.sync += place.eq(0)
        with m.Elif(taken):
            m.d.sync += [
                word.eq(Mux(full | self.i.payload.last, merged[8 * beat :], merged)),
                flush.eq(self.i.payload.last & over[0]),
                left.eq(over),
            ]
            if slots.items > 1:
                m.d.sync += place.eq(Mux(self.i.payload.last | (place == slots.items - 1), 0, place + 1))
        with m.Elif(flush & fifo.i.ready):
            m.d.sync += [word.eq(0), flush.eq(0)]

        inside, leaves = Signal(range(self.config.depth + 1), name="inside"), Signal(name="leaves")
        m.d.comb += [
            self.o.payload.data.eq(out.data),
            self.o.payload.keep.eq(out.keep),
            self.o.payload.last.eq(out.last),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
            leaves.eq(self.o.valid & self.o.ready),
            self.ends.eq(leaves & out.last & ~out.cut),
            self.open.eq(begun | (inside != 0)),
        ]
        m.d.sync += inside.eq(inside + pushes - leaves)
        return m
