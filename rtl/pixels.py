"""Whole pixels become single values, where a first layer takes its channels one by one; values become pixels."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.counter import count
from hwgen.rtl.primitives import Cost, bits_of, equal_lut
from hwgen.rtl.stream import CreditFifo


class PixelSerialiser(Component):
    """One beat of `channels` values becomes `channels` beats of one value, low bits first.

    Latency: 1 cycle to the first value. Interval: `channels` cycles per pixel, one more with a single place.

    Parameters
    ----------
    channels, bits : int, at least 1
    places : pixels held: 2, or 1 where a pixel may take a cycle longer

    Members
    -------
    i : In(stream of channels x bits), o : Out(stream of bits)

    Raises
    ------
    ValueError : channels or bits below 1, places other than 1 and 2
    """

    latency = 1
    places = 2

    def __init__(self, channels: int, bits: int, places: int = places) -> None:
        for key, value in (("channels", channels), ("bits", bits)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        if places not in (1, 2):
            raise ValueError(f"places: wanted 1 or 2, got {places}")
        self.channels, self.bits, self.places = channels, bits, places
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(channels * bits))),
                "o": Out(stream.Signature(unsigned(bits))),
            }
        )

    @staticmethod
    def cost_of(channels: int, bits: int, places: int = places) -> Cost:
        """Resources of three channels."""
        pixel = channels * bits
        return Cost(pixel + 4 * places, places * pixel + bits_of(channels + 1) + places - 1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pixel = Signal(self.channels * self.bits)
        left = Signal(range(self.channels + 1))
        m.d.comb += [
            self.o.valid.eq(left != 0),
            self.o.payload.eq(pixel[: self.bits]),
        ]
        if self.places == 1:
            m.d.comb += self.i.ready.eq(left == 0)
            with m.If(left == 0):
                m.d.sync += [pixel.eq(self.i.payload), left.eq(Mux(self.i.valid, self.channels, 0))]
            with m.Elif(self.o.ready):
                m.d.sync += [pixel.eq(pixel >> self.bits), left.eq(left - 1)]
            return m

        # A second place, so that `i.ready` comes from a register and the values still follow one another.
        waiting = Signal(self.channels * self.bits)
        full = Signal()
        done = Signal()
        m.d.comb += [
            self.i.ready.eq(~full),
            done.eq((left == 0) | ((left == 1) & self.o.ready)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += waiting.eq(self.i.payload)
        with m.If(done):
            m.d.sync += [
                pixel.eq(Mux(full, waiting, self.i.payload)),
                left.eq(Mux(full | self.i.valid, self.channels, 0)),
                full.eq(0),
            ]
        with m.Else():
            with m.If(self.o.ready):
                m.d.sync += [pixel.eq(pixel >> self.bits), left.eq(left - 1)]
            with m.If(self.i.valid):
                m.d.sync += full.eq(1)
        return m


class PixelPacker(Component):
    """The values of a pixel become one beat, the first in the low bits, with TLAST on a frame's last.

    Latency: 3 cycles from a pixel's last value to the pixel. Interval: one value per cycle.

    Parameters
    ----------
    pixels : int, pixels of a frame
    channels, bits : int, values of a pixel and their width
    places : int, pixels in the FIFO; by default what keeps one value per cycle going with three channels or more

    Members
    -------
    i : In(stream of bits), o : Out(stream of {pixel: channels * bits, last: 1})

    Raises
    ------
    ValueError : any of them below 1
    """

    #: register 1, FIFO 2
    latency = 1 + CreditFifo.latency
    #: a pixel's place is given back one cycle after it has left: by then the pixel after it is complete
    places = 2

    def __init__(self, pixels: int, channels: int = 3, bits: int = 8, places: int = places) -> None:
        for key, value in (("pixels", pixels), ("channels", channels), ("bits", bits), ("places", places)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        self.pixels, self.channels, self.bits = pixels, channels, bits
        self.layout = data.StructLayout({"pixel": channels * bits, "last": 1})
        self.fifo = CreditFifo(self.layout, places)
        super().__init__({"i": In(stream.Signature(unsigned(bits))), "o": Out(stream.Signature(self.layout))})

    @staticmethod
    def cost_of(pixels: int, family: str, channels: int = 3, bits: int = 8, places: int = places) -> Cost:
        """Resources: flip-flops exactly."""
        counters = [length for length in (pixels, channels) if length > 1]
        ff = sum(bits_of(length) + 1 for length in counters)
        lut = sum(bits_of(length) + equal_lut(bits_of(length)) for length in counters)
        pixel = Cost(lut + channels + 1, ff + channels * bits + 2)
        return pixel + CreditFifo.cost_of(channels * bits + 1, places, family)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        taken, complete = Signal(), Signal()
        pixel = Signal(self.layout)
        pixel_valid = Signal()
        channel = count(m, self.channels, taken, "channel")
        last = count(m, self.pixels, complete, "pixel_count").last
        m.d.comb += [
            self.i.ready.eq(fifo.room),
            taken.eq(self.i.valid & self.i.ready),
            complete.eq(taken & channel.last),
            fifo.reserve.eq(complete),
        ]
        m.d.sync += pixel_valid.eq(complete)
        with m.If(taken):
            m.d.sync += [pixel.pixel.word_select(channel.place, self.bits).eq(self.i.payload), pixel.last.eq(last)]
        m.d.comb += [
            fifo.write.eq(pixel_valid),
            fifo.payload.eq(pixel),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m
