"""Streams one after another, pixel by pixel: concatenation along the channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.pipeline import output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, bits_of, select_lut
from hwgen.rtl.stream import CreditFifoConfig

TURN_LUT = {2: 9, 3: 18, 4: 27}
"""By inputs: whose turn it is, and what follows from it; from open synthesis (tests/data/resources_*.json)."""


@dataclass(frozen=True)
class ConcatConfig:
    """A concatenation of channels: of every pixel the beats of the first input, then those of the second, and so on.

    Output beat k is the beat `source(k)[1]` of input `source(k)[0]`:

        taken(k) = max(valid of that beat, taken(k - 1) + 1, left(k - depth) + 1)
        available(k) = max(taken(k) + latency, left(k - 1) + 1)

    Parameters
    ----------
    channels
        Of each of the 2 to 4 inputs.
    bits
        Of a value.
    lanes
        Values per beat, of all inputs and the output. With several all channels are multiples of it, so that no beat
        has values of two inputs.
    depth
        Of the FIFO, in beats; by default what keeps one beat per cycle going.

    Raises
    ------
    ValueError
        Another number of inputs, channels that are none or no multiple of `lanes`, no bit, lane or depth.
    """

    channels: tuple[int, ...]
    bits: int
    lanes: int = 1
    depth: int = 3

    latency: ClassVar[int] = CreditFifoConfig.latency
    """Cycles from an accepted beat to `o.valid`: the FIFO's."""
    default_depth: ClassVar[int] = latency + 1
    """An entry is free again one cycle after its beat has left."""

    def __post_init__(self) -> None:
        if not 2 <= len(self.channels) <= 4:
            raise ValueError(f"channels: wanted those of 2 .. 4 inputs, got {len(self.channels)}")
        check_positive(bits=self.bits, lanes=self.lanes, depth=self.depth)
        for channels in self.channels:
            if channels < 1 or channels % self.lanes:
                raise ValueError(f"channels: wanted multiples of {self.lanes}, got {channels}")

    @property
    def beats(self) -> tuple[int, ...]:
        """Beats of a pixel, by input."""
        return tuple(channels // self.lanes for channels in self.channels)

    def source(self, beat: int) -> tuple[int, int]:
        """The input and the number of its beat that output beat `beat` is, both from 0."""
        pixel, place = divmod(beat, sum(self.beats))
        for index, beats in enumerate(self.beats):
            if place < beats:
                return index, pixel * beats + place
            place -= beats
        raise AssertionError

    def cost(self, family: str) -> Cost:
        """Resources: no DSP, no block RAM, flip-flops exactly. The LUTs of counters and turns were measured."""
        width, inputs = self.lanes * self.bits, len(self.beats)
        counted = [bits_of(beats) + 1 for beats in self.beats if beats > 1]
        lut = width * select_lut(inputs) + round(1.6 * (sum(counted) - len(counted))) + TURN_LUT[inputs]
        return Cost(lut, sum(counted) + bits_of(inputs)) + output_fifo_cost(unsigned(width), self.depth, family)

    def build(self) -> Concat:
        """The component."""
        return Concat(self)


class Concat(Component):
    """Concatenates streams along the channels.

    Latency: `config.latency`. Interval: one beat per cycle.

    Parameters
    ----------
    config
        See ConcatConfig.

    Members
    -------
    i : In(stream of unsigned(lanes * bits)) for each input, o : Out(stream of unsigned(lanes * bits))
    """

    def __init__(self, config: ConcatConfig) -> None:
        self.config = config
        beats = stream.Signature(unsigned(config.lanes * config.bits))
        super().__init__({"i": In(beats).array(len(config.channels)), "o": Out(beats)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.fifo = fifo = output_fifo(unsigned(config.lanes * config.bits), config.depth)
        connect(m, fifo.o, flipped(self.o))
        inputs = len(config.beats)
        turn = Signal(range(inputs))
        m.d.comb += fifo.reserve.eq(fifo.write)
        with m.Switch(turn):
            for index, beats in enumerate(config.beats):
                # The last input is what no other number says.
                with m.Default() if index == inputs - 1 else m.Case(index):
                    taken = Signal(name=f"taken{index}")
                    m.d.comb += [
                        self.i[index].ready.eq(fifo.room),
                        taken.eq(self.i[index].valid & fifo.room),
                        fifo.write.eq(taken),
                        fifo.payload.eq(self.i[index].payload),
                    ]
                    place = count(m, beats, taken, f"beat{index}")
                    with m.If(taken & place.last):
                        m.d.sync += turn.eq((index + 1) % inputs)
        return m
