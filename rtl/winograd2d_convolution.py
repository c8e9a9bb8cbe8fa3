"""A convolution of two by two outputs at a time by Winograd's products, with two weights to a DSP.

    values -> Winograd2dWindow -> words -> Winograd2dMac -> sums -> Requantisers -> four CreditFifos -> values

A fold gives some channels of all four pixels of a block. The first row's leave column by column, as those of a
`hwgen.rtl.pair_convolution`; the second row's wait in FIFOs of their own until all of the first row's have left.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value

from hwgen.rtl.adders import delay_flag
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.counter import count
from hwgen.rtl.fanout import copies, group_items, groups
from hwgen.rtl.mac import MacArray
from hwgen.rtl.memory import RamConfig, distributed_lut
from hwgen.rtl.packing import DSP_WIDE, Packing
from hwgen.rtl.primitives import Cost, counter_ff, counter_lut
from hwgen.rtl.stream import CreditFifoConfig, full_rate_depth
from hwgen.rtl.turns import Turns
from hwgen.rtl.weights import phase_kernels
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd2d_mac import PLACES, Winograd2dMacConfig
from hwgen.rtl.winograd2d_weights import (
    FoldedWeights2d,
    WinogradKernel2d,
    WinogradProgram2d,
    WinogradWeights2d,
    kernel_2d,
)
from hwgen.rtl.winograd2d_window import Winograd2dWindow
from hwgen.rtl.winograd2d_window_config import Winograd2dWindowConfig, in_blocks
from hwgen.rtl.winograd_convolution import WinogradConvolution, WinogradConvolutionConfig, ordinary_window
from hwgen.rtl.winograd_weights import best_order
from hwgen.rtl.winograd_window_config import ROOM_LATENCY


@dataclass(frozen=True)
class Winograd2dConvolutionConfig(WinogradConvolutionConfig):
    """As WinogradConvolutionConfig, of two by two outputs at a time.

    Parameters
    ----------
    window
        Of blocks.
    row_depth, second_row_depth
        Of the second row's FIFOs in beats, as `depth` and `second_depth` of the first one's.

    Raises
    ------
    ValueError
        As WinogradConvolutionConfig; results that do not leave through one set of requantisers in time.
    """

    window: Winograd2dWindowConfig
    row_depth: int | None = None
    second_row_depth: int | None = None

    form: ClassVar[str] = "2-D"
    """Winograd's, of rows and columns of taps."""
    room_latency: ClassVar[int] = ROOM_LATENCY + 1
    """A register holds whether all four FIFOs have room."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(PLACES) * self.fold_beats > (words := self.window.least_words):
            raise ValueError(f"pe: wanted four times the beats of a fold in its {words} words, got {self.fold_beats} "
                             "beats")  # fmt: skip
        for place, key in ((2, "row_depth"), (3, "second_row_depth")):
            depth, least = getattr(self, key), self.least_depths[place]
            if depth is not None and depth < least:
                raise ValueError(f"{key}: wanted at least {least} beats, got {depth}")

    @cached_property
    def mac(self) -> Winograd2dMacConfig:
        return _mac(self.window, self.pe, self.requantiser.accumulator_bits, self.packing, self.weights_in,
                    self.lower_bits, self.high_bits, self.alone_bits, self.order)  # fmt: skip

    @property
    def shares_requantisers(self) -> bool:
        return True

    @property
    def out_pixels(self) -> int:
        return self.window.columns * self.window.rows

    def entries(self, place: int) -> tuple[int, int]:
        """Rows and columns of a frame's outputs of one place in a block."""
        window, (row, column) = self.window, PLACES[place]
        return (window.out_height - (window.alone_rows if row else 0),
                window.out_width - (window.alone if column else 0))  # fmt: skip

    @cached_property
    def least_depths(self) -> tuple[int, ...]:
        """Beats of each FIFO with which a block's first row can leave: all of the second one, and room for a fold.

        Where there are two kinds of pairs of rows, of both.
        """
        found = [self.fold_beats, self.least_second_depth]
        for place in (2, 3):
            rows, columns = self.entries(place)
            beats = min(self.window.kinds, max(rows, 1)) * columns * self.beats_out
            alone = self.window.alone if place == 3 else 0
            found.append(max(beats, self.fold_beats) + self.fold_beats - (0 if alone else self.last_beats))
        return tuple(found)

    @cached_property
    def full_depths(self) -> tuple[int, ...]:
        """Beats of each FIFO with which a layer that is always busy never waits for them, about: what folds have under
        way; pixels that wait for others of their block, and rows."""
        kinds, width = self.window.kinds, self.window.out_width * self.beats_out
        first = full_rate_depth(self.fold_beats, self.window.least_words, self.drain_latency) + kinds * self.beats_out
        second, rows = first + kinds * self.beats_out, kinds * width
        depths = (first + rows // 2, second + rows // 2, first + rows, second + rows)
        return tuple(max(pair) for pair in zip(depths, self.least_depths, strict=True))

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Depth of each FIFO in beats."""
        given = (self.depth, self.second_depth, self.row_depth, self.second_row_depth)
        return tuple(own or full for own, full in zip(given, self.full_depths, strict=True))

    @cached_property
    def fifo_depth(self) -> int:
        return self.depths[0]

    @property
    def second_fifo_depth(self) -> int:
        return self.depths[1]

    @cached_property
    def fifos(self) -> tuple[CreditFifoConfig, ...]:
        payload = super().fifo.payload
        return tuple(_fifo(Shape.cast(payload), payload, depth, self.fold_beats, self.window.half_block_luts)
                     for depth in self.depths)  # fmt: skip

    @property
    def sums_cost(self) -> Cost:
        bits = len(PLACES) * self.fold_beats * self.out_lanes * self.requantiser.accumulator_bits
        return Cost(bits, bits + self.copies)

    @property
    def copies(self) -> int:
        return groups(len(PLACES) * self.fold_beats, self.beat_bits)

    @property
    def beats_in_turn(self) -> int:
        return len(PLACES) * self.beats_out

    def in_turn(self, values: list[int]) -> list[int]:
        beats = self.fold_beats
        folds = [values[first : first + beats] for first in range(0, len(values), beats)]
        return [value for fold in folds for value in fold * len(PLACES)]

    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        window = self.window
        # Where a pixel's row and column are.
        turns = Cost(12, 8) + Cost(counter_lut(window.columns), counter_ff(window.columns) + 2)
        if window.alone_rows:
            blocks = Cost(counter_lut(window.out_width) + counter_lut(window.folds) + counter_lut(window.out_height),
                          counter_ff(window.out_width) + counter_ff(window.folds) + counter_ff(window.out_height))
            turns += blocks * 2 + Cost(counter_lut(window.rows), counter_ff(window.rows))  # fmt: skip
        return super().cost(family, columns) + turns

    def program(self, weight: np.ndarray) -> WinogradProgram2d:
        kernels = winograd2d_kernels(self.window, weight)
        program = winograd2d_program(self.window, kernels, self.pe, self.packing, self.high_bits, self.order)
        self.check_program(program)
        return program


@cache
def _fifo(shape: Shape, payload: Shape, depth: int, batch: int, half_block_luts: int) -> CreditFifoConfig:
    """A FIFO in block RAM where that is cheaper."""
    in_block = False
    if depth > 64:
        luts = distributed_lut(depth, shape.width, "xc7")
        block = RamConfig(depth, shape.width, half_block_luts=half_block_luts).cost("xc7")
        in_block = block.lut + 2 * block.bram36 * half_block_luts < luts
    return CreditFifoConfig(payload, depth, batch, in_block, in_turn=True)


def winograd2d_kernels(window: WindowConfig, weight: np.ndarray) -> Winograd2dKernels:
    """The transformed weights of a convolution, int (O, I, rows, columns) as its window has it."""
    if not window.transposed:
        return [[kernel_2d(weight, window.stride)]]
    kernels = phase_kernels(weight, window.stride)
    columns = [(window.padding_width + kind) % window.stride for kind in range(window.stride)]
    return [[kernel_2d(kernels[row * window.stride + column], 1) for column in columns] for row in range(window.stride)]


def winograd2d_program(
    window: WindowConfig, kernels: Winograd2dKernels, pe: int, packing: Packing, high_bits: int,
    order: tuple[int, ...] | None = None,
) -> WinogradProgram2d:
    """The words and weights of a convolution, phase by phase.

    order : see WinogradMacConfig, () for the order that the outputs have; None for the best
    """  # fmt: skip
    folded = [
        [FoldedWeights2d(kernel, pe, window.simd, window.bits, packing, high_bits) for kernel in kinds]
        for kinds in kernels
    ]
    if order is None:
        order = best_order([own for kinds in folded for own in kinds])
    order = order or tuple(range(pe))
    begins = [window.first_column(kind) for kind in range(len(kernels[0]))]
    phases = [[WinogradWeights2d(own, order) for own in kinds] for kinds in folded]
    return WinogradProgram2d(phases, [begin - min(begins) for begin in begins])


Winograd2dKernels: TypeAlias = list[list[WinogradKernel2d]]
"""For each row phase and kind of pair the transformed weights."""


def in_winograd2d(
    config: ConvolutionConfig, kernels: Winograd2dKernels, family: str, field_bits: int, chain: int
) -> Winograd2dConvolutionConfig:
    """The same folding by Winograd's products in two dimensions, on a family's DSPs.

    Parameters
    ----------
    kernels
        Of `ordinary_window` and `ordinary` weights (`hwgen.rtl.winograd_convolution`).
    field_bits, chain
        Of the packing.
    """
    packing = Packing("dsp", 2, field_bits, chain)
    window, high_bits = ordinary_window(config.window), DSP_WIDE[family] - field_bits
    program = winograd2d_program(window, kernels, config.pe, packing, high_bits)
    own = {field.name: getattr(config, field.name) for field in fields(ConvolutionConfig)}
    own |= dict(window=in_blocks(window, program.fold_words), packing=packing, lower_bits=program.lower_bits,
                high_bits=high_bits, alone_bits=program.alone_bits, order=program.all[0].order)  # fmt: skip
    return Winograd2dConvolutionConfig(**own)


@cache
def _mac(
    window: Winograd2dWindowConfig, pe: int, accumulator_bits: int, packing: Packing,
    weights_in: Literal["block", "logic"], lower_bits: int,
    high_bits: int, alone_bits: int, order: tuple[int, ...],
) -> Winograd2dMacConfig:  # fmt: skip
    """Made once for each: sizing asks for its cost and latency thousands of times."""
    return Winograd2dMacConfig(
        pe=pe, simd=window.simd, activation=Shape(window.word_bits, signed=True),
        weight_bits=max(lower_bits, high_bits, alone_bits), accumulator_bits=accumulator_bits,
        rows=window.weight_rows, packing=packing, weights_in=weights_in, half_block_luts=window.half_block_luts,
        lower_bits=lower_bits, high_bits=high_bits, alone_bits=alone_bits, order=order,
        blocks=tuple(window.blocks) if window.transposed else (), first_phase=window.first_phase,
    )  # fmt: skip


class Winograd2dConvolution(WinogradConvolution):
    """As Convolution, of two by two outputs at a time by Winograd's products; bit-exact to hwgen.numerics.integer.

    Parameters and members: see Convolution.
    """

    config: Winograd2dConvolutionConfig

    def _engine(self, weight: np.ndarray) -> tuple[WindowBuffer, MacArray]:
        config = self.config
        program = config.program(weight)
        return Winograd2dWindow(config.window, program.words()), config.mac.build_for(program)

    def _room(self, m: Module, last_fold: Value) -> Value:
        config, window = self.config, self.window
        there = self._there(m, window.end_fold, "issued")
        for place, fifo in enumerate(self.fifos[1:], 1):
            with m.If(window.end_fold & there[place]):
                m.d.comb += fifo.reserve.eq(Mux(last_fold, config.last_beats, config.fold_beats))
        # What a fold takes is off before the next one's last word asks: it has several words.
        room, rooms = Signal(name="room"), [fifo.room for fifo in self.fifos]
        m.d.sync += room.eq(rooms[0] & rooms[1] & rooms[2] & rooms[3])
        return room

    def _there(self, m: Module, fold: Value, name: str) -> list[Value]:
        """Which outputs of a block there are: at a frame's end it may have one column, or one row."""
        shape = self.config.window
        column: Value = Const(1, 1)
        row: Value = Const(1, 1)
        if shape.alone or shape.alone_rows:
            end = fold & count(m, shape.folds, fold, f"{name}_block_fold").last
            across = count(m, shape.out_width, end, f"{name}_block")
            if shape.alone:
                column = across.place < shape.out_width - shape.alone
            if shape.alone_rows:
                down = count(m, shape.out_height, end & across.last, f"{name}_block_row")
                row = down.place < shape.out_height - shape.alone_rows
        return [(row if y else Const(1, 1)) & (column if x else Const(1, 1)) for y, x in PLACES]

    def _leave(self, m: Module, last_done: Value) -> None:
        config, mac = self.config, self.mac
        beats, last_beats, lanes = config.fold_beats, config.last_beats, config.out_lanes
        bits, own = config.requantiser.accumulator_bits, config.pe * config.requantiser.accumulator_bits
        width = lanes * bits
        sums = Signal(len(PLACES) * beats * width, name="sums", reset_less=True)
        waiting, is_last = Signal(name="waiting"), Signal(name="is_last")
        beat, place = Signal(range(beats), name="sums_beat"), Signal(range(len(PLACES)), name="sums_place")
        there = Signal(len(PLACES), name="sums_there")
        # The sums of a fold leave place by place and beat by beat, while the next fold is summed.
        parts = [mac.accumulators.word_select(number, own) for number in range(len(PLACES))]
        loaded = Cat(Cat(part, Const(0, beats * width - own)) for part in parts)
        # They move up all the time: behind a fold's last beat nobody asks what is there.
        items = group_items(width) * width
        for begin, done in zip(range(0, len(sums), items), copies(m, mac.ending, config.copies, "done"), strict=True):
            span = slice(begin, begin + items)
            m.d.sync += sums[span].eq(Mux(done, loaded[span], sums[width:][span]))
        with m.If(mac.done):
            m.d.sync += [
                waiting.eq(1),
                is_last.eq(last_done),
                there.eq(Cat(self._there(m, mac.done, "done"))),
                beat.eq(0),
                place.eq(0),
            ]
        with m.Elif(waiting):
            end = beat == beats - 1
            m.d.sync += beat.eq(Mux(end, 0, beat + 1))
            with m.If(end):
                m.d.sync += [place.eq(place + 1), waiting.eq(place != len(PLACES) - 1)]
        valid = waiting & (~is_last | (beat < last_beats)) if last_beats < beats else waiting
        (requantisers,) = self.requantisers
        for lane, requantiser in enumerate(requantisers):
            m.d.comb += [
                requantiser.valid.eq(valid),
                requantiser.accumulator.eq(sums.word_select(lane, bits).as_signed()),
            ]
        results = Cat(requantiser.o for requantiser in requantisers)
        for number, fifo in enumerate(self.fifos):
            goes = valid & (place == number) & there[number]
            late = delay_flag(m, goes, config.requantiser.latency, f"result{number}_")
            m.d.comb += [fifo.write.eq(late), fifo.payload.eq(results)]

    def _give(self, m: Module) -> None:
        """Row by row and pixel by pixel: of every two pairs of different kinds the first ones, then the second ones."""
        shape, config = self.config.window, self.config
        turns = 2 * shape.kinds
        # Counted is the pixel after the one that leaves, so that where that comes from is known before.
        down, across = divmod(1, shape.columns)
        turn = Signal(range(turns), name="turn", init=across % turns)
        row_turn = Signal(range(turns), name="row_turn", init=down % shape.rows % turns)
        giving = Turns(m, self.o, self.fifos, config.beats_out)
        column = count(m, shape.columns, giving.end_pixel, "column", across)
        end_row = giving.end_pixel & column.last
        end_frame: Value = Const(0, 1)
        if shape.rows % turns:
            end_frame = count(m, shape.rows, end_row, "row", down % shape.rows).last
        next_turn = Mux(column.last, 0, turn + 1)[: len(turn)]
        next_row_turn = Mux(end_frame, 0, row_turn + 1)[: len(row_turn)]
        with m.If(giving.end_pixel):
            m.d.sync += turn.eq(next_turn)
        with m.If(end_row):
            m.d.sync += row_turn.eq(next_row_turn)
        top = turns // 2
        giving.give(
            Cat(turn[-1], row_turn[-1]),
            Cat(next_turn[-1], Mux(column.last, next_row_turn[-1], row_turn[-1])),
            turn.init // top + 2 * (row_turn.init // top),
        )
