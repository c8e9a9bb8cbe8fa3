"""A convolution of two output columns at a time by products of polynomials: two pixels by two or three taps in a DSP.

    values -> PolynomialWindow -> words -> PolynomialMac -> sums -> Requantisers -> CreditFifo         -> values
                                                         -> sums -> Requantisers -> second CreditFifo ->

What the products are is said in `hwgen.rtl.polynomial`. The first blocks of a row have no results: multipliers and
FIFOs count blocks on the one side, pairs on the other. Behind the FIFOs all is as in `hwgen.rtl.pair_convolution`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import ClassVar, Literal

import numpy as np
from amaranth.hdl import Const, Module, Shape, Value
from numpy.typing import NDArray

from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.counter import count
from hwgen.rtl.mac import MacArray
from hwgen.rtl.packing import Packing
from hwgen.rtl.pair_convolution import PairConvolution, PairConvolutionConfig
from hwgen.rtl.polynomial import (
    folded,
    polynomial_chain,
    polynomial_packing,
    polynomial_rows,
    polynomial_weights,
)
from hwgen.rtl.polynomial_mac import PolynomialMacConfig
from hwgen.rtl.polynomial_window import PolynomialWindow, PolynomialWindowConfig, in_polynomial_blocks
from hwgen.rtl.primitives import Cost, counter_ff, counter_lut
from hwgen.rtl.weight_reader import WORD_LATENCY
from hwgen.rtl.weights import phase_kernels, weight_limit
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.winograd_convolution import ordinary_window
from hwgen.rtl.winograd_window_config import LATENCY, ROOM_LATENCY


@dataclass(frozen=True)
class PolynomialConvolutionConfig(PairConvolutionConfig):
    """As PairConvolutionConfig, by products of polynomials.

    Parameters
    ----------
    window
        Of blocks.
    packing
        Two pixels by so many taps in a DSP (`polynomial_packing`), the chain as long as the weights prove.

    Raises
    ------
    ValueError
        As ConvolutionConfig; a codebook.
    """

    window: PolynomialWindowConfig

    form: ClassVar[str] = "polynomial"
    """Two pixels by several taps at once."""
    room_latency: ClassVar[int] = ROOM_LATENCY

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.codebook is not None:
            raise ValueError("codebook: wanted none for products of polynomials, got one")

    @cached_property
    def mac(self) -> PolynomialMacConfig:
        return _polynomial_mac(self.window, self.pe, self.weight_bits, self.requantiser.accumulator_bits, self.packing,
                               self.weights_in)  # fmt: skip

    @property
    def lanes(self) -> int:
        return self.products_per_dsp * self.pe * self.mac.simd

    @property
    def products_per_dsp(self) -> int:
        return 2 * self.window.together

    @property
    def pixel_cycles(self) -> NDArray[np.int64]:
        """Cycles of each block in the multipliers."""
        return self.window.pair_cycles

    @property
    def frame_folds(self) -> int:
        # Blocks before a row's first pair are done without a fold.
        return self.window.out_height * self.window.row_pairs * self.window.folds

    @property
    def compute_cycles(self) -> int:
        return int(self.window.pair_cycles.sum())

    @cached_property
    def drain_latency(self) -> int:
        """Cycles from the decision that a fold's last word goes to its first result at the output."""
        return LATENCY - WORD_LATENCY + super().drain_latency

    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        window = self.window
        of_blocks = Cost(counter_lut(window.out_width) + counter_lut(window.folds),
                         counter_ff(window.out_width) + counter_ff(window.folds))  # fmt: skip
        return super().cost(family, columns) + of_blocks

    def words(self, weight: np.ndarray) -> list[NDArray[np.int64]]:
        """The folded taps of every block of a row, row phase by row phase, for int weights (O, I, rows, columns) as
        its window has them (`hwgen.rtl.winograd_convolution.ordinary`)."""
        window, stride = self.window, self.window.stride
        kernels = [weight]
        if window.transposed:
            phases = phase_kernels(weight, stride)
            kernels = [phases[row * stride + window.column_phase(kind)]
                       for row in range(stride) for kind in range(window.kinds)]  # fmt: skip
        return [
            folded(polynomial_weights(kernel, window.kind_products(place % window.kinds)), self.pe, window.simd)
            for place, kernel in enumerate(kernels)
        ]

    def memories(self, weight: np.ndarray) -> list[list[int]]:
        limit = weight_limit(self.weight_bits)
        if (worst := int(np.abs(weight).max())) > limit:
            raise ValueError(f"weight: wanted narrow range, -{limit} .. {limit}, got a magnitude of {worst}")
        words = self.words(weight)
        proven = polynomial_chain(words, self.packing, self.activation)
        if self.packing.chain > proven:
            raise ValueError(f"chain: wanted at most {proven}, which these weights allow, got {self.packing.chain}")
        return polynomial_rows(words, self.weight_bits, self.packing.chain)

    def proven_chain(self, weight: np.ndarray, packing: Packing) -> int:
        return polynomial_chain(self.words(weight), packing, self.activation)


def in_polynomials(config: ConvolutionConfig, together: int, family: str) -> PolynomialConvolutionConfig | None:
    """The same folding by products of so many taps, on a family's DSPs; None where they have no room for them."""
    packing = polynomial_packing(config.weight_bits, config.activation.width, together, family)
    if packing is None:
        return None
    window = in_polynomial_blocks(ordinary_window(config.window), together)
    own = {field.name: getattr(config, field.name) for field in fields(ConvolutionConfig)}
    return PolynomialConvolutionConfig(**(own | dict(window=window, packing=packing)))


@cache
def _polynomial_mac(
    window: PolynomialWindowConfig, pe: int, weight_bits: int, accumulator_bits: int, packing: Packing,
    weights_in: Literal["block", "logic"],
) -> PolynomialMacConfig:  # fmt: skip
    """Made once for each: sizing asks for its cost and latency thousands of times."""
    return PolynomialMacConfig(
        pe=pe, simd=window.simd, activation=Shape(window.bits, window.signed), weight_bits=weight_bits,
        accumulator_bits=accumulator_bits, rows=window.weight_rows, packing=packing, weights_in=weights_in,
        half_block_luts=window.half_block_luts, blocks=tuple(window.blocks) if window.transposed else (),
        first_phase=window.first_phase, together=window.together, folds=window.folds * window.kinds,
        row_blocks=window.row_blocks,
    )  # fmt: skip


class PolynomialConvolution(PairConvolution):
    """As Convolution, of two output columns at a time by products of polynomials; bit-exact to hwgen.numerics.integer.

    Parameters and members: see Convolution; weight as `hwgen.rtl.winograd_convolution.ordinary` has it.
    """

    config: PolynomialConvolutionConfig

    def _engine(self, weight: np.ndarray) -> tuple[WindowBuffer, MacArray]:
        memories = self.config.memories(weight)
        return PolynomialWindow(self.config.window), self.config.mac.build(memories)

    def _room(self, m: Module, last_fold: Value) -> Value:
        shape, end_fold = self.config.window, self.window.end_fold
        first, second = self.fifos
        end_block = end_fold & count(m, shape.folds, end_fold, "issued_block_fold").last
        block = count(m, shape.out_width, end_block, "issued_block").place
        is_first = block < shape.kinds
        is_alone = block >= shape.out_width - shape.alone if shape.alone else Const(0, 1)
        with m.If(end_fold & is_first):
            m.d.comb += first.reserve.eq(0)
        with m.If(end_fold & ~is_first & ~is_alone):
            m.d.comb += second.reserve.eq(first.reserve)
        return first.room & second.room

    def _is_alone(self, m: Module, fold: Value, name: str) -> Value:
        shape = self.config.window
        if not shape.alone:
            return Const(0, 1)
        end_pair = fold & count(m, shape.folds, fold, f"{name}_pair_fold").last
        return count(m, shape.row_pairs, end_pair, f"{name}_pair").place >= shape.row_pairs - shape.alone
