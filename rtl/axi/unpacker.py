"""Items out of a DMA's beats: pixels of 24 bits, or symbols, out of 32, 64 or 128."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.axi.slots import Slots, chosen
from hwgen.rtl.primitives import Cost, bits_of
from hwgen.rtl.signals import signals
from hwgen.rtl.skip_fifo import SkipFifoConfig


@dataclass(frozen=True)
class UnpackerConfig:
    """The items of a frame, one a beat, out of beats that hold several of them.

    A frame ends with its TLAST; in this beat TKEEP says how many bytes belong to it: those below the first one that is
    not kept. In all other beats every byte belongs to it, whatever TKEEP says. A frame that ends in the midst of an
    item has zeros for the bytes that the item lacks, which is a fault of its length. In plain Python:
    `hwgen.numerics.slots.unpacked`.

    Parameters
    ----------
    slots
        Where the items lie.
    """

    slots: Slots

    depth: ClassVar[int] = 4
    """Beats that wait inside."""
    latency: ClassVar[int] = SkipFifoConfig.latency
    """Cycles from an accepted beat to its first item's `valid`; an item that crosses beats is there with the second."""

    @property
    def fifo(self) -> SkipFifoConfig:
        """The FIFO of the beats."""
        return SkipFifoConfig(9 * self.slots.beat + 1, self.depth)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly; LUTs as open synthesis made them of beats of 4 to 16 bytes. Each bit of an
        item is chosen among its places, behind masks of the bytes that belong to the frame."""
        slots = self.slots
        items, bits = slots.items, 8 * slots.used
        unused = (slots.slot - slots.used) * slots.beat // slots.slot  # bytes that no item has: nothing keeps them
        rest = 8 * (slots.slot - 1) if slots.crosses else 0
        if slots.crosses:
            lut = 8 * slots.beat + bits * (items - 1) // 2 + 24 + slots.beat
        else:
            lut = bits * (1 if items <= 2 else -(-7 * items // 10)) + (20 if items > 1 else 9)
        fifo = SkipFifoConfig(self.fifo.width - 9 * unused, self.depth).cost(family)
        return fifo + Cost(lut, rest + bits_of(items) + slots.crosses + 3)

    def build(self) -> Unpacker:
        """The component."""
        return Unpacker(self)


class Unpacker(Component):
    """Takes frames of beats and gives their items.

    Latency: `config.latency`. Interval: one item per cycle.

    Parameters
    ----------
    config
        See UnpackerConfig.

    Members
    -------
    i : In(stream of slots.beat_layout)
    o : Out(stream of slots.item_layout)
    enable : In(1); 0: no frame begins, one that has begun goes on
    drop : In(1); 1: beats are taken and dropped, and what was begun is forgotten once all items have left; when it
        falls, the next beat is a frame's first one
    begun : Out(1), a frame has begun at `i` and has not ended
    begins, ends : Out(1), the first beat of a frame, and its last one, is taken; not while they are dropped
    length_error : Out(1), for a cycle: a frame has ended in the midst of an item
    """

    def __init__(self, config: UnpackerConfig) -> None:
        self.config = config
        slots = config.slots
        super().__init__(
            {
                "i": In(stream.Signature(slots.beat_layout)),
                "o": Out(stream.Signature(slots.item_layout)),
                "enable": In(1),
                "drop": In(1),
                "begun": Out(1),
                "begins": Out(1),
                "ends": Out(1),
                "length_error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        slots = self.config.slots
        m.submodules.fifo = fifo = self.config.fifo.build()
        layout = data.StructLayout({"data": 8 * slots.beat, "kept": slots.beat, "last": 1})
        dropping, open, taken = signals("dropping open taken")
        i, end = self.i.payload, self.i.payload.last
        m.d.sync += dropping.eq(self.drop)
        m.d.comb += [
            open.eq((self.begun | self.enable) & ~dropping),
            self.i.ready.eq(dropping | (open & fifo.i.ready)),
            taken.eq(self.i.valid & self.i.ready),
            fifo.i.valid.eq(self.i.valid & open),
            fifo.i.payload.eq(Cat(i.data, (~end | i.keep[: byte + 1].all() for byte in range(slots.beat)), end)),
            self.begins.eq(taken & ~dropping & ~self.begun),
            self.ends.eq(taken & ~dropping & end),
        ]
        with m.If(dropping & ~self.drop):
            m.d.sync += self.begun.eq(0)
        with m.Elif(taken):
            m.d.sync += self.begun.eq(~end)

        word = data.View(layout, fifo.o.payload)
        ended = Signal(name="ended") if slots.crosses else Const(0)  # all beats are gone, and a part of an item is left
        place = Signal(range(slots.items), name="place") if slots.items > 1 else Const(0)
        rest = Signal(8 * (slots.slot - 1), reset_less=True)  # the last bytes of the beat before
        whole = Signal(8 * slots.beat)  # the beat, zeros for what does not belong to the frame
        m.d.comb += whole.eq(
            word.data & Cat((word.kept[byte] & ~ended).replicate(8) for byte in range(slots.beat))
        )

        at_place = partial(chosen, place)

        more, tail, complete, leaves = signals("more tail complete leaves")
        m.d.comb += [
            # Bytes of the frame behind this item; whether the next one ends in another beat; this one's last byte.
            more.eq(at_place([word.kept[end] if end < slots.beat else Const(0) for end in slots.end])),
            tail.eq(at_place([Const(end + slots.slot > slots.beat) for end in slots.end])),
            complete.eq(at_place([word.kept[end - 1 - (slots.slot - slots.used)] for end in slots.end]) & ~ended),
            self.o.valid.eq(fifo.o.valid | ended),
            self.o.payload.last.eq(ended | (word.last & ~more)),
            self.o.payload.beat.eq(at_place([self._item(whole, rest, end) for end in slots.end])),
            leaves.eq(self.o.valid & self.o.ready),
            fifo.o.ready.eq(self.o.ready & ~ended & (tail | self.o.payload.last)),
        ]
        m.d.sync += self.length_error.eq(leaves & self.o.payload.last & ~complete)
        if slots.items > 1:
            with m.If(leaves):
                m.d.sync += place.eq(Mux(self.o.payload.last | (place == slots.items - 1), 0, place + 1))
            with m.Elif(dropping & ~self.o.valid):
                m.d.sync += place.eq(0)
        if slots.crosses:
            with m.If(leaves):
                m.d.sync += ended.eq(~ended & word.last & more & tail)
                with m.If(fifo.o.ready):
                    m.d.sync += rest.eq(whole[-len(rest) :])
        return m

    def _item(self, whole: Value, rest: Value, end: int) -> Value:
        """The used bytes of the item whose slot ends behind that byte of the beat."""
        slots = self.config.slots
        slot = Cat(rest, whole)[8 * (slots.slot - 1 + end - slots.slot) :][: 8 * slots.slot]
        return slot[: 8 * slots.used]
