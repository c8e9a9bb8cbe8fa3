"""One convolution layer: values in, values out, one engine.

    values -> WindowBuffer -> words -> MacArray -> sums -> Requantiser -> CreditFifo -> values

Nothing between the window and the FIFO stalls. A fold's last word is issued when the FIFO has room for the fold's
results; everything behind that word then runs to its end by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out
from numpy.typing import NDArray

from hwgen.rtl.adders import delay
from hwgen.rtl.counter import count
from hwgen.rtl.mac import WORD_LATENCY, MacArray
from hwgen.rtl.packing import W8A8, Packing
from hwgen.rtl.requantise import Requantiser
from hwgen.rtl.stream import CreditFifo
from hwgen.rtl.weights import missing_of, pack_weights
from hwgen.rtl.window import WindowBuffer, WindowShape

assert WindowBuffer.word_latency == WORD_LATENCY, "the weights come with the word"


@dataclass(frozen=True)
class ConvolutionFolding:
    """How a convolution is spread over lanes and cycles: the numbers that sizing, timing and hardware share.

    Parameters: window (its simd and folds are the folding), channels of the output, pe, prelu; in_lanes, out_lanes,
    values per beat of the streams that come in and go out; packing, how products are formed, from weights_in block RAM
    or logic, of weight_bits; ring_in, the line buffer's memories where they are not too shallow for block RAM; places
    of the FIFO in beats, by default what folds without a pause need.
    """

    window: WindowShape
    out_channels: int
    pe: int
    prelu: bool
    in_lanes: int = 1
    out_lanes: int = 1
    packing: Packing = W8A8
    weights_in: Literal["block", "logic"] = "block"
    weight_bits: int = 8
    places: int | None = None
    ring_in: Literal["block", "distributed"] = "block"

    def __post_init__(self) -> None:
        if not 1 <= self.pe <= self.out_channels:
            raise ValueError(f"pe: wanted 1 .. {self.out_channels} output channels, got {self.pe}")
        if self.window.folds != -(-self.out_channels // self.pe):
            raise ValueError(f"folds: wanted ceil(output channels / pe), got {self.window.folds}")
        if not 1 <= self.out_lanes <= self.pe or (self.pe % self.out_lanes and self.pe != self.out_channels):
            raise ValueError(f"out_lanes: wanted a divisor of pe {self.pe}, got {self.out_lanes}")
        words = self.window.least_words
        if self.pe > words * self.out_lanes:
            raise ValueError(
                f"pe: wanted at most {words * self.out_lanes}, for the results leave {self.out_lanes} a"
                f" cycle in the {words} cycles of a fold, got {self.pe}"
            )
        if self.places is not None and self.places < self.fold_beats:
            raise ValueError(f"places: wanted at least a fold's {self.fold_beats} beats, got {self.places}")

    @property
    def lanes(self) -> int:
        """Multipliers."""
        return self.pe * self.window.word_values

    @property
    def pixel_cycles(self) -> NDArray[np.int64]:
        """Cycles of each output pixel in the multipliers, in raster order: int64 (out_height * out_width,)."""
        return self.window.pixel_words * self.window.folds

    @property
    def compute_cycles(self) -> int:
        """Cycles of one frame in the multipliers."""
        return self.window.frame_words * self.window.folds

    @property
    def weight_rows(self) -> int:
        """Rows of the weight memories."""
        return self.window.weight_rows

    @property
    def beats_in(self) -> int:
        """Beats of an input pixel."""
        return -(-self.window.channels // self.in_lanes)

    @property
    def beats_out(self) -> int:
        """Beats of an output pixel."""
        return (self.window.folds - 1) * self.fold_beats + self.last_beats

    @property
    def fold_beats(self) -> int:
        """Beats of a fold's results."""
        return -(-self.pe // self.out_lanes)

    @property
    def last_beats(self) -> int:
        """Beats of the last fold's results."""
        return -(-(self.out_channels - (self.window.folds - 1) * self.pe) // self.out_lanes)

    @property
    def arrival_latency(self) -> int:
        """Cycles from the acceptance of a pixel's last value to the earliest issue of a word that needs it."""
        return WindowBuffer.arrival_latency_of(self.in_lanes, self.window.simd)

    @property
    def drain_latency(self) -> int:
        """Cycles from the issue of a fold's last word to its first result at the output."""
        mac = MacArray.latency_of(self.packing, self.window.word_values, self.weight_bits)
        return mac + 1 + Requantiser.latency_of(self.prelu) + CreditFifo.latency

    @property
    def last_latency(self) -> int:
        """Cycles from the issue of a pixel's last word to its last value at the output."""
        return self.drain_latency + self.last_beats - 1

    @property
    def pixel_latency(self) -> int:
        """Cycles from the issue of a pixel's first word to its last value at the output (of the largest phase)."""
        return self.window.cycles_per_pixel - 1 + self.last_latency

    @property
    def fifo_depth(self) -> int:
        """Beats that can be under way or waiting: `places`, or what folds that follow one another without a pause need.

        At the m-th fold after its own, a fold has given back min(fold_beats, m * words - drain_latency) of its places,
        words being the least that a fold has.
        """
        if self.places is not None:
            return self.places
        depth, m = self.fold_beats, 1
        while (missing := self.fold_beats - max(0, m * self.window.least_words - self.drain_latency)) > 0:
            depth += min(missing, self.fold_beats)
            m += 1
        return depth


class Convolution(Component):
    """Streaming convolution with requantisation; bit-exact to hwgen.numerics.integer.

    Latency and interval: `ConvolutionFolding` states them. Values go in raster order, channel last; a beat holds
    consecutive channels of one pixel, the first in the low bits, and what a pixel's last beat has too many may be
    anything.

    Parameters
    ----------
    folding : ConvolutionFolding
    weight : int array (O, I, K, K), of a transposed convolution by its own taps; weight_bits : its signed width
    bias, shift, slope, slope_fraction : see Requantiser
    accumulator_bits : signed width proven to hold every sum
    output : Shape of an output value
    coarse : (bits, left) of the grid of odd output channels: saturated to so many bits, then shifted left

    Members
    -------
    i : In(stream of in_lanes values), o : Out(stream of out_lanes values)
    """

    def __init__(
        self,
        folding: ConvolutionFolding,
        *,
        weight: np.ndarray,
        weight_bits: int,
        bias: Sequence[int],
        shift: Sequence[int],
        slope: Sequence[int] | None,
        slope_fraction: int,
        accumulator_bits: int,
        output: Shape,
        coarse: tuple[int, int] | None = None,
    ) -> None:
        window = folding.window
        wanted = (folding.out_channels, window.channels, window.kernel, window.kernel)
        if weight.shape != wanted:
            raise ValueError(f"weight: wanted shape {wanted}, got {weight.shape}")
        if folding.packing.form == "lut" and weight_bits != folding.weight_bits:
            raise ValueError(f"weight_bits: wanted the folding's {folding.weight_bits}, got {weight_bits}")
        self.folding = folding
        self.window = WindowBuffer(window, folding.in_lanes, folding.ring_in)
        activation = Shape(window.bits, window.signed)
        kernels = window.kernels(weight)
        biases = phase_biases(
            bias,
            kernels,
            simd=window.simd,
            taps=window.taps,
            bits=weight_bits,
            packing=folding.packing,
            activation=activation,
        )
        self.phases = len(biases)
        self.mac = MacArray(
            pe=folding.pe,
            simd=window.word_values,
            activation=activation,
            weights=pack_weights(
                kernels,
                pe=folding.pe,
                simd=window.simd,
                taps=window.taps,
                bits=weight_bits,
                packing=folding.packing,
                activation=activation,
            ),
            weight_bits=weight_bits,
            accumulator_bits=accumulator_bits,
            packing=folding.packing,
            weights_in=folding.weights_in,
            blocks=window.blocks if window.phases > 1 else (),
            first_phase=window.first_phase,
        )
        beats, lanes = folding.beats_out, folding.out_lanes
        self.requantisers = [
            Requantiser(
                accumulator_bits=accumulator_bits,
                bias=[b for own in biases for b in _strided(own, lane, lanes, beats)],
                shift=_strided(shift, lane, lanes, beats),
                slope=None if slope is None else _strided(slope, lane, lanes, beats),
                fraction=slope_fraction,
                output=output,
                phases=self.phases,
                coarse=coarse,
                is_coarse=[channel % 2 == 1 for channel in _strided(range(len(shift)), lane, lanes, beats)],
            )
            for lane in range(lanes)
        ]
        payload = output if lanes == 1 else unsigned(lanes * output.width)
        self.fifo = CreditFifo(payload, folding.fifo_depth, folding.fold_beats)
        self.accumulator_bits = accumulator_bits
        super().__init__(
            {"i": In(stream.Signature(self.window.i.payload.shape())), "o": Out(stream.Signature(payload))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.window = window = self.window
        m.submodules.mac = mac = self.mac
        for lane, requantiser in enumerate(self.requantisers):
            m.submodules[f"requantiser{lane}" if lane else "requantiser"] = requantiser
        m.submodules.fifo = fifo = self.fifo
        folds, lanes = self.folding.window.folds, self.folding.out_lanes
        beats, last_beats = self.folding.fold_beats, self.folding.last_beats

        # Room is taken when a fold's last word goes.
        last_fold = count(m, folds, window.end_fold, "fold").last
        with m.If(window.end_fold):
            m.d.comb += fifo.reserve.eq(Mux(last_fold, last_beats, beats))
        m.d.comb += [
            window.i.payload.eq(self.i.payload),
            window.i.valid.eq(self.i.valid),
            self.i.ready.eq(window.i.ready),
            window.room.eq(fifo.room),
            mac.issue.eq(window.issue),
            mac.first.eq(window.first),
            mac.last.eq(window.last),
            mac.word.eq(window.word),
        ]
        if self.folding.window.phases > 1:
            m.d.comb += [mac.end_pixel.eq(window.end_pixel), mac.next_phase.eq(window.next_phase)]

        # The sums of a fold leave beat by beat, while the next fold is summed.
        width = lanes * self.accumulator_bits
        sums = Signal(beats * width)
        left = Signal(range(beats + 1))
        waiting = Signal()  # left != 0
        last_done = count(m, folds, mac.done, "done_fold").last
        with m.If(mac.done):
            m.d.sync += [sums.eq(mac.accumulators), left.eq(Mux(last_done, last_beats, beats)), waiting.eq(1)]
        with m.Elif(waiting):
            m.d.sync += [sums.eq(sums >> width), left.eq(left - 1), waiting.eq(left != 1)]
        if self.phases > 1:
            phase = Signal(range(self.phases), name="sums_phase", reset_less=True)
            done_phase = delay(m, window.phase, mac.latency, "phase")
            with m.If(mac.done):
                m.d.sync += phase.eq(done_phase)
            m.d.comb += [requantiser.phase.eq(phase) for requantiser in self.requantisers]
        for lane, requantiser in enumerate(self.requantisers):
            m.d.comb += [
                requantiser.valid.eq(waiting),
                requantiser.accumulator.eq(sums.word_select(lane, self.accumulator_bits).as_signed()),
            ]
        m.d.comb += [
            fifo.write.eq(self.requantisers[0].o_valid),
            fifo.payload.eq(Cat(requantiser.o for requantiser in self.requantisers)),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m


def phase_biases(bias: Sequence[int], kernels: Sequence[np.ndarray], **numbers: Any) -> list[list[int]]:
    """What each phase's sums are to be added, `missing_of` of its kernel included; of one phase where all are alike.

    numbers : parameters of `missing_of`
    """
    found = [[int(b) + int(m) for b, m in zip(bias, missing_of(kernel, **numbers), strict=True)] for kernel in kernels]
    return found if any(own != found[0] for own in found) else found[:1]


def _strided(values: Sequence[int], lane: int, lanes: int, beats: int) -> list[int]:
    """What one lane of several needs, channel `lane` first; a last beat that is not full has any value there."""
    own = list(values[lane::lanes])
    return own + own[:1] * (beats - len(own))
