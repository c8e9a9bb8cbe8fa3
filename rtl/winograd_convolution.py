"""A convolution of two output columns at a time by Winograd's products, with two weights to a DSP.

    values -> WinogradWindow -> words -> WinogradMac -> sums -> Requantisers -> CreditFifo         -> values
                                                     -> sums -> Requantisers -> second CreditFifo ->

Window and multipliers are `hwgen.rtl.winograd_window` and `hwgen.rtl.winograd_mac`; behind them all is as in
`hwgen.rtl.pair_convolution`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value
from numpy.typing import NDArray

from hwgen.rtl.adders import delay_flag
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.fanout import copies, group_items
from hwgen.rtl.mac import MacArray
from hwgen.rtl.packing import DSP_WIDE, Packing
from hwgen.rtl.pair_convolution import PairConvolution, PairConvolutionConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.signals import signals
from hwgen.rtl.weight_reader import WORD_LATENCY
from hwgen.rtl.weights import phase_kernels
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd import steps, transformed
from hwgen.rtl.winograd_mac import WinogradMacConfig
from hwgen.rtl.winograd_weights import FoldedWeights, WinogradKernel, WinogradProgram, WinogradWeights, best_order
from hwgen.rtl.winograd_window import WinogradWindow
from hwgen.rtl.winograd_window_config import ROOM_LATENCY, WinogradWindowConfig, in_winograd_pairs


@dataclass(frozen=True)
class WinogradConvolutionConfig(PairConvolutionConfig):
    """As PairConvolutionConfig, by Winograd's products.

    Parameters
    ----------
    window
        Of pairs, with the words of every fold.
    packing
        Two weights to a DSP, and the chain.
    lower_bits, high_bits, alone_bits, order
        See WinogradMacConfig.

    Raises
    ------
    ValueError
        As ConvolutionConfig; a codebook.
    """

    window: WinogradWindowConfig
    lower_bits: int = 9
    high_bits: int = 8
    alone_bits: int = 0
    order: tuple[int, ...] = ()

    form: ClassVar[str] = "1-D"
    """Winograd's, of rows of taps."""
    room_latency: ClassVar[int] = ROOM_LATENCY

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.codebook is not None:
            raise ValueError("codebook: wanted none, for transformed weights are not its values, got one")

    @cached_property
    def mac(self) -> WinogradMacConfig:
        return _winograd_mac(self.window, self.pe, self.requantiser.accumulator_bits, self.packing, self.weights_in,
                             self.lower_bits, self.high_bits, self.alone_bits, self.order)  # fmt: skip

    @property
    def lanes(self) -> int:
        return self.pe * self.mac.simd

    @property
    def shares_requantisers(self) -> bool:
        """Whether the second pixel's sums leave behind the first one's through the same requantisers, in time."""
        return 2 * self.fold_beats <= self.window.least_words

    @property
    def requantiser_sets(self) -> int:
        return 1 if self.shares_requantisers else 2

    @property
    def sums_cost(self) -> Cost:
        if not self.shares_requantisers:
            return super().sums_cost
        bits = self.pe * self.requantiser.accumulator_bits
        return Cost(bits, 2 * bits + 3 * self.copies + 1)

    @property
    def beats_in_turn(self) -> int:
        return 2 * self.beats_out if self.shares_requantisers else self.beats_out

    def in_turn(self, values: list[int]) -> list[int]:
        if not self.shares_requantisers:
            return values
        beats = self.fold_beats
        folds = [values[first : first + beats] for first in range(0, len(values), beats)]
        return [value for fold in folds for value in fold + fold]

    @property
    def pixel_cycles(self) -> NDArray[np.int64]:
        """Cycles of each pair in the multipliers."""
        return self.window.pair_cycles

    @property
    def compute_cycles(self) -> int:
        return int(self.window.pair_cycles.sum())

    def products(self, macs: int) -> int:
        return self.window.frame_products * self.window.channels * self.out_channels

    @cached_property
    def drain_latency(self) -> int:
        """Cycles from the decision that a fold's last word goes to its first result at the output."""
        return self.window.latency - WORD_LATENCY + super().drain_latency

    def program(self, weight: np.ndarray) -> WinogradProgram:
        """The words of a pair of each phase, and the weights for them.

        Raises
        ------
        ValueError
            Weights for which words come more or less often than the config says, or are wider.
        """
        kernels = winograd_kernels(self.window, weight)
        program = winograd_program(self.window, kernels, self.pe, self.packing, self.high_bits, self.order)
        self.check_program(program)
        return program

    def check_program(self, program: WinogradProgram) -> None:
        """Make sure that the config has what a program needs.

        Raises
        ------
        ValueError
            As `program`.
        """
        if program.fold_words != self.window.fold_words:
            raise ValueError(f"weight: wanted folds of {self.window.fold_words} words, got {program.fold_words}")
        for key, bits in (("lower", program.lower_bits), ("alone", program.alone_bits)):
            if bits > (most := getattr(self, f"{key}_bits")):
                raise ValueError(f"weight: wanted {key}_bits of at most {most}, got {bits}")

    def memories(self, weight: np.ndarray) -> list[list[int]]:
        return self.program(weight).memories(self.lower_bits, self.alone_bits)

    def proven_chain(self, weight: np.ndarray, packing: Packing) -> int:
        return packing.chain  # words come again where a chain would be too long


def winograd_program(
    window: WindowConfig, kernels: WinogradKernels, pe: int, packing: Packing, high_bits: int,
    order: tuple[int, ...] | None = None,
) -> WinogradProgram:
    """The words and weights of a convolution, phase by phase.

    order : see WinogradMacConfig, () for the order that the outputs have; None for the best
    """  # fmt: skip
    folded = [
        [FoldedWeights(kernel, pe, window.simd, window.bits, packing, high_bits) for kernel in kinds]
        for kinds in kernels
    ]
    if order is None:
        order = best_order([own for kinds in folded for own in kinds])
    order = order or tuple(range(pe))
    return WinogradProgram([[WinogradWeights(own, order) for own in kinds] for kinds in folded])


WinogradKernels: TypeAlias = list[list[WinogradKernel]]
"""For each row phase and kind of pair the transformed weights."""


def winograd_kernels(window: WindowConfig, weight: np.ndarray) -> WinogradKernels:
    """The transformed weights of a convolution, int (O, I, rows, columns) as its window has it."""

    def of(kernel: np.ndarray, stride: int) -> WinogradKernel:
        return WinogradKernel(transformed(kernel, stride), steps(kernel.shape[3], stride))

    if not window.transposed:
        return [[of(weight, window.stride)]]
    kernels = phase_kernels(weight, window.stride)
    columns = [(window.padding_width + kind) % window.stride for kind in range(window.stride)]
    return [[of(kernels[row * window.stride + column], 1) for column in columns] for row in range(window.stride)]


def ordinary(weight: np.ndarray, window: WindowConfig) -> np.ndarray:
    """The weights (O, I, rows, columns) for Winograd's products.

    Those of a transposed convolution at a stride of 1 are turned round.
    """
    return weight[:, :, ::-1, ::-1] if window.transposed and window.stride == 1 else weight


def ordinary_window(window: WindowConfig) -> WindowConfig:
    """The window for Winograd's products: that of a transposed convolution at a stride of 1 as an ordinary one."""
    if not window.transposed or window.stride > 1:
        return window
    return replace(window, transposed=False, padding=window.kernel_height - 1 - window.padding_height)


def in_winograd(
    config: ConvolutionConfig, kernels: WinogradKernels, family: str, field_bits: int, chain: int
) -> WinogradConvolutionConfig:
    """The same folding by Winograd's products, on a family's DSPs.

    Parameters
    ----------
    kernels
        Of `ordinary_window` and `ordinary` weights.
    field_bits, chain
        Of the packing.
    """
    packing = Packing("dsp", 2, field_bits, chain)
    window, high_bits = ordinary_window(config.window), DSP_WIDE[family] - field_bits
    program = winograd_program(window, kernels, config.pe, packing, high_bits)
    own = {field.name: getattr(config, field.name) for field in fields(ConvolutionConfig)}
    own |= dict(window=in_winograd_pairs(window, program.fold_words), packing=packing, lower_bits=program.lower_bits,
                high_bits=high_bits, alone_bits=program.alone_bits, order=program.all[0].order)  # fmt: skip
    return WinogradConvolutionConfig(**own)


@cache
def _winograd_mac(
    window: WinogradWindowConfig, pe: int, accumulator_bits: int, packing: Packing,
    weights_in: Literal["block", "logic"], lower_bits: int,
    high_bits: int, alone_bits: int, order: tuple[int, ...],
) -> WinogradMacConfig:  # fmt: skip
    """Made once for each: sizing asks for its cost and latency thousands of times."""
    return WinogradMacConfig(
        pe=pe, simd=window.simd, activation=Shape(window.bits + 1, signed=True),
        weight_bits=max(lower_bits, high_bits, alone_bits), accumulator_bits=accumulator_bits,
        rows=window.weight_rows, packing=packing, weights_in=weights_in, half_block_luts=window.half_block_luts,
        lower_bits=lower_bits, high_bits=high_bits, alone_bits=alone_bits, order=order,
        blocks=tuple(window.blocks) if window.transposed else (), first_phase=window.first_phase,
    )  # fmt: skip


class WinogradConvolution(PairConvolution):
    """As Convolution, of two output columns at a time by Winograd's products; bit-exact to hwgen.numerics.integer.

    Parameters and members: see Convolution.
    """

    config: WinogradConvolutionConfig

    def _engine(self, weight: np.ndarray) -> tuple[WindowBuffer, MacArray]:
        config = self.config
        program = config.program(weight)
        mac = config.mac.build_for(program)
        return WinogradWindow(config.window, program.words()), mac

    def _steer(self, m: Module) -> None:
        assert isinstance(self.window, WinogradWindow)
        m.d.comb += self.mac.control.eq(self.window.control)

    def _leave(self, m: Module, last_done: Value) -> None:
        config = self.config
        if not config.shares_requantisers:
            super()._leave(m, last_done)
            return
        lanes, beats, last_beats = config.out_lanes, config.fold_beats, config.last_beats
        bits, mac = config.requantiser.accumulator_bits, self.mac
        width = lanes * bits
        left, length = Signal(range(beats + 1), name="left"), Signal(range(beats + 1), name="length")
        waiting, is_second, ends = signals("waiting is_second ends")  # ends: left == 1
        first_ends, ends_next = signals("first_ends ends_next")
        m.d.comb += [
            first_ends.eq(Mux(last_done, last_beats == 1, beats == 1)),
            ends_next.eq(Mux(mac.done, first_ends, Mux(ends, length == 1, left == 2))),
        ]
        m.d.sync += ends.eq(ends_next)
        with m.If(mac.done):
            m.d.sync += [
                left.eq(Mux(last_done, last_beats, beats)),
                length.eq(Mux(last_done, last_beats, beats)),
                waiting.eq(1),
                is_second.eq(0),
            ]
        with m.Elif(waiting):
            m.d.sync += left.eq(Mux(ends, length, left - 1))
            with m.If(ends):
                m.d.sync += [is_second.eq(1), waiting.eq(~is_second)]
        # They move up all the time: behind a fold's last beat nobody asks what is there.
        dones = [copies(m, mac.ending, config.copies, f"done{place}") for place in range(2)]
        seconds = copies(m, ends_next, config.copies, "ends")
        sums, second_sums = (Signal(beats * width, name=name, reset_less=True) for name in ("sums", "second_sums"))
        part = group_items(width) * width
        own = config.pe * bits
        loaded = [mac.accumulators.word_select(place, own) for place in range(2)]
        for begin, done, second_done, second in zip(range(0, len(sums), part), *dones, seconds, strict=True):
            span = slice(begin, begin + part)
            m.d.sync += sums[span].eq(Mux(done, loaded[0][span], Mux(second, second_sums[span], sums[width:][span])))
            with m.If(second_done):
                m.d.sync += second_sums[span].eq(loaded[1][span])
        (requantisers,) = self.requantisers
        for lane, requantiser in enumerate(requantisers):
            m.d.comb += [
                requantiser.valid.eq(waiting),
                requantiser.accumulator.eq(sums.word_select(lane, bits).as_signed()),
            ]
        late = config.requantiser.latency
        first, second = self.fifos
        goes_first = delay_flag(m, waiting & ~is_second, late, "first_result")
        goes_second = delay_flag(m, waiting & is_second & self._second_done(m), late, "second_result")
        for fifo, goes in ((first, goes_first), (second, goes_second)):
            m.d.comb += [fifo.write.eq(goes), fifo.payload.eq(Cat(requantiser.o for requantiser in requantisers))]
