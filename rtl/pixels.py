"""Whole pixels become single values, where a first layer takes its channels one by one; values become pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.pipeline import FIFO_LATENCY, Pipeline, output_fifo_cost
from hwgen.rtl.primitives import Cost, bits_of, equal_lut
from hwgen.rtl.signals import signals


@dataclass(frozen=True)
class PixelSerialiserConfig:
    """A pixel of `channels` values becomes so many beats of one value, low bits first.

    Parameters
    ----------
    channels, bits
        Values of a pixel and their width, at least 1.
    depth
        Pixels held: 2, or 1 where a pixel may take a cycle longer.

    Raises
    ------
    ValueError
        Channels or bits below 1, a depth other than 1 and 2.
    """

    latency: ClassVar[int] = 1
    """Cycles from an accepted pixel to its first value."""
    default_depth: ClassVar[int] = 2

    channels: int
    bits: int
    depth: int = default_depth

    def __post_init__(self) -> None:
        check_positive(channels=self.channels, bits=self.bits)
        if self.depth not in (1, 2):
            raise ValueError(f"depth: wanted 1 or 2, got {self.depth}")

    @property
    def cycles(self) -> int:
        """Interval of a pixel: a cycle for each value, one more where the next pixel cannot wait."""
        return self.channels + (self.depth == 1)

    def cost(self, family: str) -> Cost:
        """Resources of three channels, alike in every family."""
        pixel = self.channels * self.bits
        lut = pixel + 4 * self.depth
        return Cost(lut, self.depth * pixel + bits_of(self.channels + 1) + self.depth - 1)

    def build(self) -> PixelSerialiser:
        """The component."""
        return PixelSerialiser(self)


class PixelSerialiser(Component):
    """One beat of `channels` values becomes `channels` beats of one value.

    Latency: `config.latency`. Interval: `config.cycles` per pixel.

    Parameters
    ----------
    config
        See PixelSerialiserConfig.

    Members
    -------
    i : In(stream of channels x bits), o : Out(stream of bits)
    """

    def __init__(self, config: PixelSerialiserConfig) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(config.channels * config.bits))),
                "o": Out(stream.Signature(unsigned(config.bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        channels, bits = self.config.channels, self.config.bits
        pixel = Signal(channels * bits, reset_less=True)
        left = Signal(range(channels + 1))
        m.d.comb += [
            self.o.valid.eq(left != 0),
            self.o.payload.eq(pixel[: bits]),
        ]
        if self.config.depth == 1:
            m.d.comb += self.i.ready.eq(left == 0)
            with m.If(left == 0):
                m.d.sync += [pixel.eq(self.i.payload), left.eq(Mux(self.i.valid, channels, 0))]
            with m.Elif(self.o.ready):
                m.d.sync += [pixel.eq(pixel >> bits), left.eq(left - 1)]
            return m

        # A second entry, so that `i.ready` comes from a register and the values still follow one another.
        waiting = Signal(channels * bits, reset_less=True)
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
                left.eq(Mux(full | self.i.valid, channels, 0)),
                full.eq(0),
            ]
        with m.Else():
            with m.If(self.o.ready):
                m.d.sync += [pixel.eq(pixel >> bits), left.eq(left - 1)]
            with m.If(self.i.valid):
                m.d.sync += full.eq(1)
        return m


@dataclass(frozen=True)
class PixelPackerConfig:
    """The values of a pixel become one beat, the first in the low bits, with TLAST on a frame's last.

    Parameters
    ----------
    pixels
        Of a frame.
    channels, bits
        Values of a pixel and their width.
    depth
        Of the FIFO, in pixels; by default what keeps one value per cycle going with three channels or more.

    Raises
    ------
    ValueError
        Any of them below 1.
    """

    cycles: ClassVar[int] = 1
    """Register 1."""
    latency: ClassVar[int] = cycles + FIFO_LATENCY
    """Cycles from a pixel's last value to the pixel."""
    default_depth: ClassVar[int] = 2
    """A pixel's entry is free again one cycle after it has left: by then the pixel after it is complete."""

    pixels: int
    channels: int = 3
    bits: int = 8
    depth: int = default_depth

    def __post_init__(self) -> None:
        check_positive(pixels=self.pixels, channels=self.channels, bits=self.bits, depth=self.depth)

    @property
    def layout(self) -> data.StructLayout:
        """A beat of the output."""
        return data.StructLayout({"pixel": self.channels * self.bits, "last": 1})

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly."""
        counters = [length for length in (self.pixels, self.channels) if length > 1]
        ff = sum(bits_of(length) + 1 for length in counters)
        lut = sum(bits_of(length) + equal_lut(bits_of(length)) for length in counters)
        pixel = Cost(lut + self.channels + 1, ff + self.channels * self.bits + 2)
        return pixel + output_fifo_cost(self.layout, self.depth, family)

    def build(self) -> PixelPacker:
        """The component."""
        return PixelPacker(self)


class PixelPacker(Pipeline):
    """Collects the values of a pixel.

    Latency: `config.latency`. Interval: one value per cycle.

    Parameters
    ----------
    config
        See PixelPackerConfig.

    Members
    -------
    i : In(stream of bits), o : Out(stream of {pixel: channels * bits, last: 1})
    """

    def __init__(self, config: PixelPackerConfig) -> None:
        self.config = config
        super().__init__(unsigned(config.bits), config.layout, cycles=config.cycles, depth=config.depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.fifo = self.fifo
        taken, complete = signals("taken complete")
        pixel = Signal(config.layout, reset_less=True)
        channel = count(m, config.channels, taken, "channel")
        last = count(m, config.pixels, complete, "pixel_count").last
        self.accept(m, taken, complete)
        m.d.comb += complete.eq(taken & channel.last)
        valid = self.late(m, complete, "pixel_valid")
        with m.If(taken):
            m.d.sync += [pixel.pixel.word_select(channel.place, config.bits).eq(self.i.payload), pixel.last.eq(last)]
        self.deliver(m, valid, pixel)
        return m
