"""One convolution layer: values in, values out, one engine.

    values -> WindowBuffer -> words -> MacArray -> sums -> Requantiser -> CreditFifo -> values

Nothing between the window and the FIFO stalls. A fold's last word is issued when the FIFO has room for the fold's
results; everything behind that word then runs to its end by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.mac import MacArray, pack_weights
from hwgen.rtl.requantise import Requantiser
from hwgen.rtl.stream import CreditFifo, wrap_increment
from hwgen.rtl.window import WindowBuffer, WindowShape


@dataclass(frozen=True)
class ConvolutionFolding:
    """How a convolution is spread over lanes and cycles: the numbers that sizing, timing and hardware share.

    Parameters: window (its simd and folds are the folding), channels of the output, pe, prelu.
    """

    window: WindowShape
    out_channels: int
    pe: int
    prelu: bool

    def __post_init__(self) -> None:
        if not 1 <= self.pe <= self.out_channels:
            raise ValueError(f"pe: wanted 1 .. {self.out_channels} output channels, got {self.pe}")
        if self.window.folds != -(-self.out_channels // self.pe):
            raise ValueError(f"folds: wanted ceil(output channels / pe), got {self.window.folds}")
        if self.pe > self.window.words:
            raise ValueError(
                f"pe: wanted at most the {self.window.words} cycles of a fold, in which its results leave one by one,"
                f" got {self.pe}"
            )

    @property
    def lanes(self) -> int:
        """Multipliers."""
        return self.pe * self.window.simd

    @property
    def mac_dsp(self) -> int:
        """DSPs of the multipliers: two lanes each, where two PEs can share."""
        return MacArray.dsp_of(self.pe, self.window.simd)

    @property
    def compute_cycles(self) -> int:
        """Cycles of one frame in the multipliers."""
        return self.window.cycles_per_pixel * self.window.out_width * self.window.out_height

    @property
    def drain_latency(self) -> int:
        """Cycles from the issue of a fold's last word to its first result at the output."""
        return MacArray.latency_of(self.window.simd) + 1 + Requantiser.latency_of(self.prelu) + CreditFifo.latency

    @property
    def pixel_latency(self) -> int:
        """Cycles from the issue of a pixel's first word to its last value at the output."""
        last = self.out_channels - (self.window.folds - 1) * self.pe
        return self.window.cycles_per_pixel - 1 + self.drain_latency + last - 1

    @property
    def fifo_depth(self) -> int:
        """Results that can be under way or waiting when folds follow one another without a pause.

        At the m-th fold after its own, a fold has given back min(pe, m * words - drain_latency) of its places.
        """
        depth, m = self.pe, 1
        while (missing := self.pe - max(0, m * self.window.words - self.drain_latency)) > 0:
            depth += min(missing, self.pe)
            m += 1
        return depth


class Convolution(Component):
    """Streaming convolution with requantisation; bit-exact to hwgen.fixedpoint.

    Latency and interval: `ConvolutionFolding` states them; output values come in raster order, channel last.

    Parameters
    ----------
    folding : ConvolutionFolding
    weight : int array (O, I, K, K); weight_bits : its signed width
    bias, shift, slope, slope_fraction : see Requantiser
    accumulator_bits : signed width proven to hold every sum
    output : Shape of an output value
    lanes : input values per beat (see WindowBuffer)

    Members
    -------
    i : In(stream of lanes x bits), o : Out(stream of output)
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
        lanes: int = 1,
    ) -> None:
        window = folding.window
        wanted = (folding.out_channels, window.channels, window.kernel, window.kernel)
        if weight.shape != wanted:
            raise ValueError(f"weight: wanted shape {wanted}, got {weight.shape}")
        self.folding = folding
        self.window = WindowBuffer(window, lanes)
        activation = Shape(window.bits, window.signed)
        missing = MacArray.offset_of(activation) * weight.sum(axis=(1, 2, 3))
        self.mac = MacArray(
            pe=folding.pe,
            simd=window.simd,
            activation=activation,
            weights=pack_weights(weight, folding.pe, window.simd, weight_bits),
            weight_bits=weight_bits,
            accumulator_bits=accumulator_bits,
        )
        self.requantiser = Requantiser(
            accumulator_bits=accumulator_bits,
            bias=[b + int(m) for b, m in zip(bias, missing, strict=True)],
            shift=shift,
            slope=slope,
            fraction=slope_fraction,
            output=output,
        )
        self.fifo = CreditFifo(output, folding.fifo_depth)
        self.accumulator_bits = accumulator_bits
        super().__init__(
            {"i": In(stream.Signature(self.window.i.payload.shape())), "o": Out(stream.Signature(output))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.window = window = self.window
        m.submodules.mac = mac = self.mac
        m.submodules.requantiser = requantiser = self.requantiser
        m.submodules.fifo = fifo = self.fifo
        pe, folds = self.folding.pe, self.folding.window.folds
        last_pe = self.folding.out_channels - (folds - 1) * pe

        # Room is taken when a fold's last word goes.
        fold = Signal(range(folds))
        with m.If(window.issue & window.last):
            m.d.sync += fold.eq(wrap_increment(fold, folds))
            m.d.comb += fifo.reserve.eq(Mux(fold == folds - 1, last_pe, pe))
        m.d.comb += [
            window.i.payload.eq(self.i.payload),
            window.i.valid.eq(self.i.valid),
            self.i.ready.eq(window.i.ready),
            window.room.eq(fifo.credits >= pe),
            mac.issue.eq(window.issue),
            mac.first.eq(window.first),
            mac.last.eq(window.last),
            mac.word.eq(window.word),
        ]

        # The sums of a fold leave one by one, while the next fold is summed: pe <= words.
        sums = Signal(pe * self.accumulator_bits)
        left = Signal(range(pe + 1))
        done_fold = Signal(range(folds))
        with m.If(mac.done):
            m.d.sync += [
                sums.eq(mac.accumulators),
                left.eq(Mux(done_fold == folds - 1, last_pe, pe)),
                done_fold.eq(wrap_increment(done_fold, folds)),
            ]
        with m.Elif(left != 0):
            m.d.sync += [sums.eq(sums >> self.accumulator_bits), left.eq(left - 1)]
        m.d.comb += [
            requantiser.valid.eq(left != 0),
            requantiser.accumulator.eq(sums[: self.accumulator_bits].as_signed()),
            fifo.write.eq(requantiser.o_valid),
            fifo.payload.eq(requantiser.o),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m
