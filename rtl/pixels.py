"""Whole pixels become single values, where a first layer takes its channels one by one."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.primitives import Cost, bits_of


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
