"""A depthwise convolution of two output columns at a time, with one weight and two activations in every DSP.

    values -> WindowBuffer of pairs -> PairMacArray -> sums -> Requantisers -> CreditFifo         -> values
                                                    -> sums -> Requantisers -> second CreditFifo ->

A fold gives some channels of both pixels of a pair, but values leave pixel by pixel: the second pixel's wait in a FIFO
of their own until all of the first one's have left.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import ClassVar, Literal

import numpy as np
from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.counter import count
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.packing import Packing
from hwgen.rtl.pair_mac import PairMacConfig, pair_chain, pair_packing
from hwgen.rtl.pair_window import PairWindowConfig
from hwgen.rtl.paired_window import PairedWindowConfig
from hwgen.rtl.primitives import Cost, bits_of, counter_ff, counter_lut
from hwgen.rtl.stream import CreditFifoConfig
from hwgen.rtl.turns import Turns, turns_cost
from hwgen.rtl.weights import pack_weights


@dataclass(frozen=True)
class PairConvolutionConfig(ConvolutionConfig):
    """As ConvolutionConfig, of two output columns at a time.

    Parameters
    ----------
    window
        Of pairs.
    packing
        Two products of one weight in a DSP (`pair_packing`), the chain as long as the weights prove.
    second_depth
        Of the second pixels' FIFO in beats, by default what pairs without a pause need. At least a pixel's results.

    Raises
    ------
    ValueError
        As ConvolutionConfig.
    """

    window: PairedWindowConfig
    second_depth: int | None = None

    takes_turns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.packing.form != "dsp" or self.packing.lanes != self.products_per_dsp:
            raise ValueError(f"packing: wanted {self.products_per_dsp} products to a DSP, got {self.packing.lanes} "
                             f"({self.packing.form})")  # fmt: skip
        if self.second_depth is not None and self.second_depth < self.least_second_depth:
            raise ValueError(f"second_depth: wanted at least {self.least_second_depth} beats, got {self.second_depth}")

    @property
    def products_per_dsp(self) -> int:
        """Products of a DSP."""
        return 2

    @cached_property
    def mac(self) -> MacConfig:
        assert isinstance(self.window, PairWindowConfig)
        return _pair_mac(self.window, self.pe, self.weight_bits, self.requantiser.accumulator_bits, self.packing,
                         self.weights_in, self.codebook)  # fmt: skip

    @property
    def lanes(self) -> int:
        return 2 * super().lanes

    @property
    def out_pixels(self) -> int:
        return self.window.columns * self.window.out_height

    @property
    def least_second_depth(self) -> int:
        """Beats with which a pair's first pixel can leave: all of the second one, and room for a whole fold.

        Where there are two kinds of pairs, of both.
        """
        return self.window.kinds * self.beats_out - self.last_beats + self.fold_beats

    @cached_property
    def fifo_depth(self) -> int:
        """As ConvolutionConfig; the first pixel waits while the second one of the pair before leaves."""
        return self.depth or super().fifo_depth + self.window.kinds * self.beats_out

    @property
    def second_fifo_depth(self) -> int:
        """As `fifo_depth`, of the second pixels: they wait for the first one besides."""
        return self.second_depth or replace(self, depth=None).fifo_depth + self.window.kinds * self.beats_out

    @cached_property
    def fifos(self) -> tuple[CreditFifoConfig, ...]:
        first = self.fifo
        return first, replace(first, depth=self.second_fifo_depth)

    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        pairs, pixels, beats = self.window.out_width, self.window.columns, self.beats_out
        # Which FIFO leaves, and where a row's last pair has one pixel, whether there is a second.
        turns = turns_cost(len(self.fifos), beats, self.out_lanes * self.requantiser.output.width)
        turns += Cost(2, bits_of(2 * self.window.kinds))
        if self.window.alone:
            of_pairs = Cost(counter_lut(pairs) + counter_lut(self.window.folds),
                            counter_ff(pairs) + counter_ff(self.window.folds))  # fmt: skip
            turns += of_pairs * 2 + Cost(counter_lut(pixels) + 2, counter_ff(pixels) + 1)
        return super().cost(family, columns) + turns

    def memories(self, weight: np.ndarray) -> list[list[int]]:
        proven = self.proven_chain(weight, self.packing)
        if self.packing.chain > proven:
            raise ValueError(f"chain: wanted at most {proven}, which these weights allow, got {self.packing.chain}")
        window = self.window
        return pack_weights(
            self._folded(weight), pe=self.pe, simd=window.section_channels, taps=window.taps, bits=self.weight_bits,
            packing=self.mac.packing, activation=self.activation, sections=window.parallel_groups,
            codebook=self.codebook,
        )  # fmt: skip

    def proven_chain(self, weight: np.ndarray, packing: Packing) -> int:
        return pair_chain(weight, self.window.section_channels, self.window.taps, packing, self.activation)


def in_pairs(config: ConvolutionConfig, family: str) -> PairConvolutionConfig | None:
    """The same folding with two output columns at a time, on a family's DSPs; None where they have no room for two."""
    packing = pair_packing(config.weight_bits, config.activation, family)
    if packing is None:
        return None
    window = PairWindowConfig(**{field.name: getattr(config.window, field.name) for field in fields(config.window)})
    own = {field.name: getattr(config, field.name) for field in fields(config)} | dict(window=window, packing=packing)
    return PairConvolutionConfig(**own)


@cache
def _pair_mac(
    window: PairWindowConfig, pe: int, weight_bits: int, accumulator_bits: int, packing: Packing,
    weights_in: Literal["block", "logic"], codebook: Codebook | None,
) -> PairMacConfig:  # fmt: skip
    """Made once for each: sizing asks for its cost and latency thousands of times."""
    return PairMacConfig(
        pe=pe,
        simd=window.taps * window.section_channels,
        activation=Shape(window.bits, window.signed),
        weight_bits=weight_bits,
        accumulator_bits=accumulator_bits,
        rows=window.weight_rows,
        packing=Packing("dsp", 1, 0, packing.chain),
        weights_in=weights_in,
        half_block_luts=window.half_block_luts,
        sections=window.parallel_groups,
        codebook=codebook,
        field_bits=packing.field_bits,
    )


class PairConvolution(Convolution):
    """As Convolution, of two output columns at a time; bit-exact to hwgen.numerics.integer.

    Parameters and members: see Convolution.
    """

    config: PairConvolutionConfig

    def _room(self, m: Module, last_fold: Value) -> Value:
        config, window = self.config, self.window
        first, second = self.fifos
        with m.If(window.end_fold & ~self._is_alone(m, window.end_fold, "issued")):
            m.d.comb += second.reserve.eq(Mux(last_fold, config.last_beats, config.fold_beats))
        return first.room & second.room

    def _second_done(self, m: Module) -> Value:
        alone = self._is_alone(m, self.mac.done, "done")
        if isinstance(alone, Const):
            return ~alone
        there = Signal(name="second_there")
        with m.If(self.mac.done):
            m.d.sync += there.eq(~alone)
        return there

    def _is_alone(self, m: Module, fold: Value, name: str) -> Value:
        """Whether a fold is of a pair at a row's end that has one pixel."""
        shape = self.config.window
        if not shape.alone:
            return Const(0, 1)
        end_pair = fold & count(m, shape.folds, fold, f"{name}_pair_fold").last
        pair = count(m, shape.out_width, end_pair, f"{name}_pair")
        return pair.last if shape.alone == 1 else pair.place >= shape.out_width - shape.alone

    def _give(self, m: Module) -> None:
        """Pixel by pixel: of every two pairs of different kinds the first ones, then the second ones."""
        shape, (first, second) = self.config.window, self.fifos
        turns, across = 2 * shape.kinds, 1 % shape.columns
        # Counted is the pixel after the one that leaves.
        turn = Signal(range(turns), name="turn", init=across % turns)
        giving = Turns(m, self.o, (first, second), self.config.beats_out)
        end_row: Value = Const(0, 1)
        if shape.columns % turns:
            end_row = count(m, shape.columns, giving.end_pixel, "column", across).last
        next_turn = Mux(end_row, 0, turn + 1)[: len(turn)]
        with m.If(giving.end_pixel):
            m.d.sync += turn.eq(next_turn)
        giving.give(turn[-1], next_turn[-1], turn.init // shape.kinds)
