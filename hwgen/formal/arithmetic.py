"""Arithmetic for all inputs: what the DSPs' packed sums hold, and what a requantiser makes of an accumulator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from amaranth.hdl import Assert, Assume, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.wiring import Component

from hwgen.formal.netlist import relation
from hwgen.formal.nets import Nets, at_most, equal, number
from hwgen.formal.solver import BOUNDED, Answer, bounded, proven
from hwgen.rtl.mac import MacArray, MacConfig
from hwgen.rtl.pair_mac import PairMacArray, PairMacConfig
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.weights import activation_offset


@dataclass(frozen=True)
class Layer:
    """A requantiser's integers, by channel, as `RequantiserConfig.from_integers` takes them."""

    accumulator_bits: int
    output: Shape
    bias: tuple[int, ...]
    shift: tuple[int, ...]
    slope: tuple[int, ...] | None = None
    fraction: int = 0
    coarse: tuple[int, int] | None = None
    ceiling: int | None = None

    @property
    def config(self) -> RequantiserConfig:
        """Its description."""
        return RequantiserConfig.from_integers(
            accumulator_bits=self.accumulator_bits, bias=self.bias, shift=self.shift, output=self.output,
            slope=self.slope, fraction=self.fraction, coarse=self.coarse, ceiling=self.ceiling,
        )  # fmt: skip

    @property
    def is_coarse(self) -> tuple[bool, ...]:
        """The odd channels, where there is a coarse grid."""
        return tuple(channel % 2 == 1 for channel in range(len(self.shift))) if self.coarse else ()

    def result(self, accumulator: Value, channel: int) -> Value:
        """The result by the definition: a quotient and its remainder, compared with a half; then the limits."""
        shifted = accumulator + Const(self.bias[channel])
        shift = self.shift[channel]
        if self.slope is not None:
            shifted = Mux(shifted >= 0, shifted * (1 << self.fraction), shifted * Const(self.slope[channel]))
            shift += self.fraction
        output, left = self.output, 0
        if self.coarse is not None and channel % 2:
            output, left = Shape(self.coarse[0], self.output.signed), self.coarse[1]
        low = -(1 << output.width - 1) if output.signed else 0
        high = (1 << output.width - output.signed) - 1 if self.ceiling is None else self.ceiling
        quotient: Value = shifted * (1 << -shift) if shift < 0 else shifted >> shift
        if shift > 0:
            rest, half = shifted - quotient * (1 << shift), 1 << shift - 1
            quotient = quotient + ((rest > half) | ((rest == half) & quotient[0]))
        return Mux(quotient < low, low, Mux(quotient > high, high, quotient)) * (1 << left)


class Requantised(Component):
    """A requantiser beside the definition of its result."""

    def __init__(self, layer: Layer, dut: Any) -> None:
        self.layer, self.dut = layer, dut
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        channels, latency = len(self.layer.shift), self.layer.config.latency
        channel = Signal(range(channels), name="mine")
        with m.If(dut.valid):
            m.d.sync += channel.eq(Mux(channel == channels - 1, 0, channel + 1))
        valid: Value = dut.valid
        results = [self.layer.result(dut.accumulator, place) for place in range(channels)]
        wanted: Value = Const(0)
        half = 1 << self.layer.accumulator_bits - 1
        for place, result in enumerate(results):
            wanted = Mux(channel == place, result, wanted)
            # Export proves of every accumulator that its width holds it with its bias.
            biased = dut.accumulator + Const(self.layer.bias[place])
            m.d.comb += Assume((channel != place) | ((biased >= -half) & (biased < half)))
        for cycle in range(latency):
            late, kept = Signal(name=f"late{cycle}"), Signal(self.layer.output, name=f"kept{cycle}", reset_less=True)
            m.d.sync += [late.eq(valid), kept.eq(wanted)]
            valid, wanted = late, kept
        m.d.comb += Assert((dut.o_valid == valid) & (~valid | (dut.o == wanted)))
        return m


def check_requantiser(layer: Layer, build: Any = None) -> Answer:
    """Every result of a requantiser is the definition's, for every accumulator, whatever was before.

    build : the config's `build` by default
    """
    made = build or layer.config.build
    dut = made(bias=layer.bias, shift=layer.shift, slope=layer.slope, is_coarse=layer.is_coarse)
    text = relation(Requantised(layer, dut), [dut.valid, dut.accumulator], forget=False, purge=False)
    nets = Nets(text)
    mine, channels = nets.unsigned("mine"), len(layer.shift)
    lemmas = [equal(mine, nets.unsigned("dut.channel")), at_most(mine, number(channels - 1))]
    if "dut.last_channel" in nets.widths:  # of a number that is no power of two
        last = equal(nets.unsigned("dut.last_channel"), number(1))
        lemmas.append(f"(= {last} {equal(mine, number(channels - 1))})")
    return proven(text, layer.config.latency + 1, tuple(lemmas) if channels > 1 else ())


class Sums(Component):
    """A MacArray whose weights are any, beside the sums of products that it is to give.

    Weights and activations are any, and stay as they are: after `latency` cycles the sums of a fold of one word must be
    those of the products. A weight is stored as `pack_weights` does it: one less where the field below
    holds a negative number.

    Parameters
    ----------
    config : of the array; each of its chains no longer than the bit widths allow
    array : MacArray or PairMacArray, or one with a bug
    """

    def __init__(self, config: MacConfig, array: Any) -> None:
        self.config = config
        self.weights = {
            (p, lane): Signal(signed(config.weight_bits), name=f"weight{p}_{lane}", reset_less=True)
            for p in range(config.pe) for lane in range(config.simd)
        }  # fmt: skip
        self.word = Signal(config.word_lanes * config.activation.width, name="values", reset_less=True)
        self.stored = {
            (p, lane): Signal(unsigned(config.weight_bits), name=f"stored{p}_{lane}") for p, lane in self.weights
        }  # fmt: skip
        self.first = Signal(config.activation.width, name="first")
        self.dut = _free(array)(config, self.stored)
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        config = self.config
        kept = [*self.weights.values(), self.word]
        m.d.sync += [signal.eq(signal) for signal in kept]
        m.d.comb += self.first.eq(self.word[: config.activation.width])
        m.d.comb += [dut.word.eq(self.word), dut.issue.eq(1), dut.first.eq(1), dut.last.eq(1)]
        narrow = (1 << config.weight_bits - 1) - 1
        m.d.comb += [Assume(weight >= -narrow) for weight in self.weights.values()]
        lanes_in_dsp = config.packing.lanes
        for (p, lane), weight in self.weights.items():
            borrow = self.stored[p - 1, lane][-1] if p % lanes_in_dsp else 0
            m.d.comb += self.stored[p, lane].eq(weight - borrow)
        age = Signal(range(config.latency + 2), name="age")
        with m.If(age != config.latency + 1):
            m.d.sync += age.eq(age + 1)
        offset = activation_offset(config.packing, config.activation, config.weight_bits)
        for index in range(config.sums):
            p, half = index % config.pe, index // config.pe
            total: Value = Const(0)
            for lane in range(config.simd):
                bits = self.word.word_select(half * config.simd + lane, config.activation.width)
                value = bits.as_signed() if config.activation.signed else bits
                total = total + (value - offset) * self.weights[p, lane]
            got = dut.accumulators.word_select(index, config.accumulator_bits).as_signed()
            m.d.comb += Assert((age != config.latency + 1) | (got == total))
        return m


def _free(array: Any) -> Any:
    """The array with weights that come from outside instead of from memories."""

    class Free(array):
        def __init__(self, config: MacConfig, stored: dict[tuple[int, int], Value]) -> None:
            self.stored = stored
            super().__init__(config, [[0] * config.rows] * config.memories)

        def _read_weights(self, m: Module) -> dict[tuple[int, int], Value]:
            return self.stored

    return Free


def check_sums(config: MacConfig, array: Any = None, split: bool = False) -> Answer:
    """The sums of an array, for all weights and activations.

    split : look at each value of the first activation for itself, which is quicker from some 5 bits on
    """
    array = array or (PairMacArray if isinstance(config, PairMacConfig) else MacArray)
    checker = Sums(config, array)
    text, depth = relation(checker, [checker.first]), config.latency + 2
    if not split:
        return bounded(text, depth)
    seconds, width = 0.0, config.activation.width
    for value in range(1 << width):
        answer = bounded(text, depth, given=[f"(= (|top_n first| {{s}}) (_ bv{value} {width}))"])
        seconds += answer.seconds
        if answer.kind != BOUNDED:
            break
    return replace(answer, seconds=seconds)
