"""A convolution's description: widths and folding, and the latency, cycles, buffers and cost that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import ClassVar, Literal

import numpy as np
from amaranth.hdl import Shape, ShapeLike, unsigned
from numpy.typing import NDArray

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.fanout import groups
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.packing import W8A8, Packing, proven_chain
from hwgen.rtl.primitives import Cost, bits_of, counter_ff, counter_lut, equal_lut
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.stream import CreditFifoConfig, full_rate_depth
from hwgen.rtl.weights import pack_weights, phase_biases
from hwgen.rtl.window_config import WindowConfig


@dataclass(frozen=True)
class ConvolutionConfig:
    """A convolution's widths, and how it is spread over lanes and cycles: what sizing, timing and hardware share.

    Parameters
    ----------
    window
        Its simd, folds and lanes are the folding of the input's side.
    requantiser
        Of all output channels in turn. Its bias is the widest one: that of the DSP form, where unsigned activations
        are made signed (`widest_biases`).
    pe
        Output channels at a time: of one group, or all of the groups that are in a word (`window.parallel_groups`).
    weight_bits
        Signed width of a weight.
    out_lanes
        Values per beat of the output.
    packing
        The form of the products, from weights_in block RAM or logic.
    depth
        Of the FIFO in beats, by default what folds without a pause need.
    codebook
        Where the weight memories hold indices into it; None: they hold the weights.

    Raises
    ------
    ValueError
        A folding that cannot be.
    """

    window: WindowConfig
    requantiser: RequantiserConfig
    pe: int
    weight_bits: int = 8
    out_lanes: int = 1
    packing: Packing = W8A8
    weights_in: Literal["block", "logic"] = "block"
    depth: int | None = None
    codebook: Codebook | None = None

    form: ClassVar[str] = "direct"
    """The products: a tap is one (direct)."""
    takes_turns: ClassVar[bool] = False
    """Whether its results leave out of several FIFOs."""
    room_latency: ClassVar[int] = 1
    """Cycles from a beat that leaves to the issue of a fold's last word that needs its room."""

    def __post_init__(self) -> None:
        if self.out_channels % self.window.groups:
            raise ValueError(f"groups: wanted a divisor of the {self.out_channels} output channels, got "
                             f"{self.window.groups}")  # fmt: skip
        self._check_pe()
        if not 1 <= self.out_lanes <= self.pe or (self.pe % self.out_lanes and self.pe != self.out_channels):
            raise ValueError(f"out_lanes: wanted a divisor of pe {self.pe}, got {self.out_lanes}")
        words = self.window.least_words
        if self.pe > words * self.out_lanes:
            raise ValueError(
                f"pe: wanted at most {words * self.out_lanes}, for the results leave {self.out_lanes} a"
                f" cycle in the {words} cycles of a fold, got {self.pe}"
            )
        if self.depth is not None and self.depth < self.fold_beats:
            raise ValueError(f"depth: wanted at least a fold's {self.fold_beats} beats, got {self.depth}")

    def _check_pe(self) -> None:
        groups, parallel = self.window.groups, self.window.parallel_groups
        own = self.out_channels // groups
        if parallel > 1 and self.pe != parallel * own:
            raise ValueError(f"pe: wanted all {parallel * own} output channels of {parallel} groups, got {self.pe}")
        if parallel == 1 and not 1 <= self.pe <= own:
            raise ValueError(f"pe: wanted 1 .. {own} output channels, got {self.pe}")
        if self.window.folds != self.runs * -(-self.run_channels // self.pe):
            raise ValueError(f"folds: wanted ceil(output channels / pe), got {self.window.folds}")
        if self.runs > 1 and own % self.out_lanes:
            raise ValueError(f"out_lanes: wanted a divisor of a group's {own} output channels, got {self.out_lanes}")

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.requantiser.channels

    @property
    def runs(self) -> int:
        """Runs of folds of an output pixel: the groups, unless a fold has several; the last fold of each may be
        smaller than the others."""
        return self.window.groups if self.window.parallel_groups == 1 else 1

    @property
    def run_folds(self) -> int:
        """Folds of a run."""
        return self.window.folds // self.runs

    @property
    def run_channels(self) -> int:
        """Output channels of a run."""
        return self.out_channels // self.runs

    @property
    def prelu(self) -> bool:
        """Whether negative values are multiplied by a slope."""
        return self.requantiser.prelu

    @property
    def in_lanes(self) -> int:
        """Values per beat of the input."""
        return self.window.lanes

    @property
    def activation(self) -> Shape:
        """Shape of an input value."""
        return Shape(self.window.bits, self.window.signed)

    @cached_property
    def mac(self) -> MacConfig:
        """The multipliers."""
        return _mac(self.window, self.pe, self.weight_bits, self.requantiser.accumulator_bits, self.packing,
                    self.weights_in, self.codebook)  # fmt: skip

    @cached_property
    def fifo(self) -> CreditFifoConfig:
        """The FIFO."""
        output, lanes = self.requantiser.output, self.out_lanes
        payload: ShapeLike = output if lanes == 1 else unsigned(lanes * output.width)
        return CreditFifoConfig(payload, self.fifo_depth, self.fold_beats, in_turn=self.takes_turns)

    @cached_property
    def fifos(self) -> tuple[CreditFifoConfig, ...]:
        """One for the results of each output pixel that is computed at a time."""
        return (self.fifo,)

    @property
    def requantiser_sets(self) -> int:
        """Sets of requantisers, one for each value of a beat: one for each FIFO."""
        return len(self.fifos)

    @property
    def beats_in_turn(self) -> int:
        """Beats after which a requantiser begins anew."""
        return self.beats_out

    def in_turn(self, values: list[int]) -> list[int]:
        """What a requantiser needs for the beats of an output pixel, in the order in which it needs it."""
        return values

    @property
    def lanes(self) -> int:
        """Multipliers."""
        return self.pe * self.mac.simd

    @property
    def stored_bits(self) -> float:
        """Bits that its weight memories give for each lane in a cycle."""
        return sum(self.mac.reader.widths) / self.lanes

    @property
    def products_per_dsp(self) -> int:
        """Multipliers that share a DSP."""
        return self.packing.lanes

    @property
    def pixel_cycles(self) -> NDArray[np.int64]:
        """Cycles of each output pixel in the multipliers, in raster order: int64 (out_height * out_width,)."""
        return self.window.pixel_words * self.window.folds

    @property
    def frame_folds(self) -> int:
        """Folds of one frame: those of each output pixel, or of as many as are computed at a time."""
        return len(self.pixel_cycles) * self.window.folds

    @property
    def compute_cycles(self) -> int:
        """Cycles of one frame in the multipliers."""
        return self.window.frame_words * self.window.folds

    def products(self, macs: int) -> int:
        """Products of a frame of so many multiply-accumulates, without what idles and what comes again."""
        return macs

    @property
    def weight_rows(self) -> int:
        """Rows of the weight memories."""
        return self.window.weight_rows

    @property
    def beats_in(self) -> int:
        """Beats of an input pixel."""
        return self.window.beats

    @property
    def beats_out(self) -> int:
        """Beats of an output pixel."""
        return self.runs * self.run_beats

    @property
    def run_beats(self) -> int:
        """Beats of a run."""
        return (self.run_folds - 1) * self.fold_beats + self.last_beats

    @property
    def fold_beats(self) -> int:
        """Beats of a fold's results."""
        return -(-self.pe // self.out_lanes)

    @property
    def last_beats(self) -> int:
        """Beats of the results of a run's last fold."""
        return -(-(self.run_channels - (self.run_folds - 1) * self.pe) // self.out_lanes)

    @property
    def cycles(self) -> int:
        """Cycles per frame at least: of the multipliers, and of the streams of one beat per cycle."""
        window = self.window
        beats_in = window.width * window.height * self.beats_in
        beats_out = self.out_pixels * self.beats_out
        return max(self.compute_cycles, beats_in, beats_out)

    @property
    def out_pixels(self) -> int:
        """Pixels of an output frame."""
        return self.window.out_width * self.window.out_height

    @property
    def arrival_latency(self) -> int:
        """Cycles from the acceptance of a pixel's last value to the earliest issue of a word that needs it."""
        return self.window.arrival_latency

    @cached_property
    def drain_latency(self) -> int:
        """Cycles from the issue of a fold's last word to its first result at the output."""
        return self.mac.latency + 1 + self.requantiser.latency + CreditFifoConfig.latency

    @property
    def last_latency(self) -> int:
        """Cycles from the issue of a pixel's last word to its last value at the output."""
        return self.drain_latency + self.last_beats - 1

    @property
    def pixel_latency(self) -> int:
        """Cycles from the issue of a pixel's first word to its last value at the output (of the largest phase)."""
        return self.window.cycles_per_pixel - 1 + self.last_latency

    @cached_property
    def fifo_depth(self) -> int:
        """Beats under way or waiting: `depth`, or what folds that follow one another without a pause need."""
        if self.depth is not None:
            return self.depth
        return full_rate_depth(self.fold_beats, self.window.least_words, self.drain_latency)

    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        """LUTs, flip-flops, DSP slices and block RAM; DSPs and block RAMs are exact, flip-flops nearly so.

        Parameters
        ----------
        columns
            See `MacConfig.cost`.
        """
        window, lanes, beats, mac = self.window, self.out_lanes, self.fold_beats, self.mac
        waiting = self.sums_cost + Cost(
            2 * counter_lut(self.run_folds) + 2 * bits_of(beats + 1) + 16,
            bits_of(beats + 1) + 2 * counter_ff(self.run_folds),
        )
        if window.phases > 1:
            # The weights' address jumps to the next phase's; the phase of a fold's sums goes beside them.
            waiting += Cost(bits_of(self.weight_rows), 0)
            waiting += Cost(2 * -(-mac.latency // 16), 4) if self.requantiser.phases > 1 else Cost()
        if (profiles := self.requantiser.profiles) > 1:
            folds = self.frame_folds
            waiting += Cost(counter_lut(folds) + equal_lut(bits_of(folds)) + 2, counter_ff(folds) + bits_of(profiles))
        requantisers = _requantisers_cost(self.requantiser, self.beats_in_turn, lanes, family)
        fifos = sum((fifo.cost(family) for fifo in self.fifos), Cost())
        return window.cost(family) + mac.cost(family, columns) + requantisers * self.requantiser_sets + fifos + waiting

    @property
    def sums_cost(self) -> Cost:
        """The registers in which the sums of a fold wait, and move up beat by beat."""
        bits = self.requantiser.accumulator_bits
        copies = Cost(self.copies - 1, 2 * self.copies) if self.copies > 1 else Cost()
        return Cost((self.fold_beats - 1) * self.out_lanes * bits, self.pe * bits) * len(self.fifos) + copies

    @property
    def beat_bits(self) -> int:
        """Bits of the sums of a beat."""
        return self.out_lanes * self.requantiser.accumulator_bits

    @property
    def copies(self) -> int:
        """Of the flags that move the waiting sums."""
        return groups(self.fold_beats, self.beat_bits)

    def memories(self, weight: np.ndarray) -> list[list[int]]:
        """The rows of the weight memories (see `pack_weights`) for int weights (O, I / groups, rows, columns)."""
        window = self.window
        return pack_weights(
            self._folded(weight), pe=self.pe, simd=window.section_channels, taps=window.taps, bits=self.weight_bits,
            packing=self.packing, activation=self.activation, sections=window.parallel_groups, codebook=self.codebook,
        )  # fmt: skip

    def proven_chain(self, weight: np.ndarray, packing: Packing) -> int:
        """The longest chain that these weights allow in a packing: see `hwgen.rtl.packing.proven_chain`."""
        window = self.window
        return proven_chain(self._folded(weight), self.pe, window.section_channels, window.taps, packing,
                            self.activation, window.parallel_groups)  # fmt: skip

    def biases(self, weight: np.ndarray, bias: Sequence[int]) -> list[list[int]]:
        """Addends of each phase's sums: see `hwgen.rtl.weights.phase_biases`."""
        window = self.window
        return phase_biases(
            bias, window.kernels(weight), simd=window.section_channels, taps=window.taps, bits=self.weight_bits,
            packing=self.packing, activation=self.activation,
        )  # fmt: skip

    def _folded(self, weight: np.ndarray) -> Sequence[np.ndarray]:
        """The kernels of all phases, with outputs of zeros where a run's last fold has fewer than the others."""
        kernels = self.window.kernels(weight)
        missing = self.run_folds * self.pe - self.run_channels
        if self.runs == 1 or not missing:
            return kernels
        split = [kernel.reshape(self.runs, self.run_channels, *kernel.shape[1:]) for kernel in kernels]
        padded = [np.pad(kernel, ((0, 0), (0, missing), (0, 0), (0, 0), (0, 0))) for kernel in split]
        return [kernel.reshape(-1, *kernel.shape[2:]) for kernel in padded]


@cache
def _mac(
    window: WindowConfig, pe: int, weight_bits: int, accumulator_bits: int, packing: Packing,
    weights_in: Literal["block", "logic"], codebook: Codebook | None,
) -> MacConfig:  # fmt: skip
    """Made once for each: sizing asks for its cost and latency thousands of times."""
    return MacConfig(
        pe=pe,
        simd=window.taps * window.section_channels,
        activation=Shape(window.bits, window.signed),
        weight_bits=weight_bits,
        accumulator_bits=accumulator_bits,
        rows=window.weight_rows,
        packing=packing,
        weights_in=weights_in,
        blocks=tuple(window.blocks) if window.phases > 1 else (),
        first_phase=window.first_phase,
        half_block_luts=window.half_block_luts,
        sections=window.parallel_groups,
        codebook=codebook,
    )


@cache
def _requantisers_cost(layer: RequantiserConfig, channels: int, lanes: int, family: str) -> Cost:
    """Cost of a layer's requantisers, one for each lane, with so many channels in turn."""
    lane = replace(layer, channels=channels)
    if layer.coarse is None or lanes % 2:
        return lane.cost(family) * lanes
    # Of an even number of lanes each second one has odd channels alone.
    return (replace(lane, coarse=None).cost(family) + replace(lane, all_coarse=True).cost(family)) * (lanes // 2)
