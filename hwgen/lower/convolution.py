"""A convolution's hardware side: plain, complex and transposed ones are one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.device import HALF_BLOCK_LUTS
from hwgen.ir.nodes import Convolution, ConvTranspose2d
from hwgen.lower.base import Buffer, Depths, Lowering, NodeEvents, Options, Steady, shape_of
from hwgen.lower.convolution_options import convolution_options
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Events, FoldBeats, Wait
from hwgen.rtl import convolution as rtl_convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.memory import ram_form, rom_form
from hwgen.rtl.primitives import Cost
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.weights import phase_kernels, varying_columns, widest_biases
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.window_pooling import WindowPoolingConfig

LINE_BUFFER = "ring"
FIFO = "fifo"
"""Parts of a buffer's label in the manifest."""


class ConvolutionLowering(Lowering[ConvolutionConfig]):
    """Line buffer, multipliers, requantisers and FIFO; its config is their folding."""

    takes_single_beats = False
    node: Convolution

    def fold(
        self, pe: int, simd: int, *, taps: int = 1, in_lanes: int = 1, out_lanes: int = 1
    ) -> ConvolutionConfig:
        """A folding with pe x simd lanes, `taps` rows of them (see WindowConfig)."""
        return fold_convolution(
            self.node, self.inputs[0].columns, self.inputs[0].rows, pe, simd,
            taps=taps, in_lanes=in_lanes, out_lanes=out_lanes, requantiser=self.requantiser,
            half_block_luts=self.half_block_luts,
        )  # fmt: skip

    @property
    def lanes_offered(self) -> list[int]:
        """Several, within the widest beat."""
        return self.output.lane_choices

    @property
    def lanes_accepted(self) -> None:
        """Any: its line buffer gathers words of them."""
        return

    def options(
        self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]
    ) -> Options[ConvolutionConfig]:
        """Every folding and form that no other one beats in everything."""
        return convolution_options(self, board, inputs[0], outputs)

    @cached_property
    def requantiser(self) -> RequantiserConfig:
        """The widths of its requantisation."""
        return requantiser_config(self.node)

    def cost(self, config: ConvolutionConfig, family: str) -> Cost:
        """Resources, with what of the weight memories has to be stored: small weights repeat their signs."""
        # Logic makes equal bits once.
        form = rom_form(config.weight_rows, config.weights_in)
        return config.cost(family, varying_columns(config.memories(self.node.weight), distinct=form == "logic"))

    def cycles(self, config: ConvolutionConfig) -> int:
        """Its multipliers', and one a beat of its streams."""
        return config.cycles

    def build(self, config: ConvolutionConfig) -> Component:
        """The engine with its integers."""
        node = self.node
        return rtl_convolution.Convolution(
            config,
            weight=node.weight,
            bias=node.bias.tolist(),
            shift=node.shift.tolist(),
            slope=None if node.slope is None else node.slope.tolist(),
        )

    def buffers(self, config: ConvolutionConfig) -> tuple[Buffer, Buffer]:
        """The FIFO's beats and the line buffer's pixels."""
        full_rate = replace(config, depth=None).fifo_depth
        fifo = Buffer(self.name, FIFO, f"{self.name}.{FIFO}", self.output.pixels * config.beats_out,
                      config.fold_beats, full_rate, full_rate)  # fmt: skip
        return fifo, line_buffer(self.name, config.window)

    def with_depths(self, config: ConvolutionConfig, depths: Mapping[str, int]) -> ConvolutionConfig:
        """The folding with those depths."""
        window = replace(config.window, pixels=depths[LINE_BUFFER])
        return replace(config, depth=depths[FIFO], window=window)

    def depths(self, config: ConvolutionConfig) -> dict[str, int]:
        """Of line buffer and FIFO."""
        return {
            f"{self.name}.{LINE_BUFFER}": config.window.capacity,
            f"{self.name}.{FIFO}": config.fifo_depth,
        }

    def events(self, config: ConvolutionConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """A fold's last word, and its results."""
        return WindowEvents(*self.buffers(config), config, single_beats)

    def steady(self, config: ConvolutionConfig) -> Steady | None:
        """None: windows wait for rows."""
        return None

    def lanes_in(self, config: ConvolutionConfig) -> int:
        """As the folding has it."""
        return config.in_lanes

    def lanes_out(self, config: ConvolutionConfig) -> int:
        """As the folding has it."""
        return config.out_lanes

    @property
    def lag(self) -> float:
        """The rows of its first window."""
        window = self.fold(1, 1).window
        return window.needed(0, 0) / self.inputs[0].pixels

    def manifest(self, config: ConvolutionConfig) -> dict[str, Any]:
        """Formats, folding, work and memories."""
        node, window = self.node, config.window
        macs = node.macs((self.inputs[0].rows, self.inputs[0].columns, self.inputs[0].channels))
        more = {"imag_bits": node.imag_bits, "imag_left": node.imag_left} if node.coarse else {}
        if node.groups > 1:
            more |= {"groups": node.groups}
        rows = config.weight_rows
        return more | {
            "kind": type(node).__name__,
            "kernel": node.kernel,
            "stride": node.stride,
            "activation": node.activation,
            "weight_bits": node.weight_bits,
            "input_exponent": node.input_exponent,
            "weight_exponent": node.weight_exponent.tolist(),
            "shift": node.shift.tolist(),
            "accumulator_bits": node.accumulator_bits,
            "pe": config.pe,
            "simd": window.simd,
            "taps": window.taps,
            "in_lanes": config.in_lanes,
            "out_lanes": config.out_lanes,
            "macs": macs,
            "cycles": self.cycles(config),
            "multiplier_cycles": config.compute_cycles,
            "multipliers": config.lanes,
            "packing": asdict(config.packing),
            # A single row is constants, a few are logic whatever was chosen.
            "weights_in": "constants" if rows == 1 else rom_form(rows, config.weights_in),
            "line_buffer_in": ram_form(window.bank_words, window.form),
            "utilisation": round(macs / (config.compute_cycles * config.lanes), 4),
            "window_bits": window.memory_bits,
            "weights_stored_as": "weights" if config.codebook is None else "indices",
            "weight_bits_stored": rows * config.lanes * config.mac.storage_bits,
            "fifo_depth": config.fifo_depth,
        }


def line_buffer(name: str, window: WindowConfig) -> Buffer:
    """The pixels that a node's window holds."""
    window = replace(window, pixels=None)
    unit = 1 if window.taps == 1 else window.width
    least, busy, enough = (
        -(-max(window.span, depth) // unit) * unit for depth in (0, window.busy_depth, window.depth)
    )
    return Buffer(name, LINE_BUFFER, f"{name}.{LINE_BUFFER}", window.width * window.height, least, busy, enough, unit,
                  grows=True)  # fmt: skip


@dataclass(frozen=True)
class _Constants:
    """What the events of a folding wait for, in a frame.

    Parameters
    ----------
    needed
        Of each output pixel the last input pixel that its window needs.
    release
        Of each input pixel the output pixel with which it is given back.
    pixel_words
        Of each output pixel the words of a fold.
    issue_offsets
        Of each fold its last word's cycle where nothing waits, relative to the first one's.
    beats_before
        Of each fold the beats of the frame before it.
    """

    needed: Cycles
    release: Cycles
    pixel_words: Cycles
    issue_offsets: Cycles
    beats_before: Cycles


@lru_cache(maxsize=64)
def _constants(window: WindowConfig, run_folds: int, run_beats: int, fold_beats: int) -> _Constants:
    pixels_in, pixels_out = window.width * window.height, window.out_width * window.out_height
    fold = np.arange(pixels_out * window.folds, dtype=np.int64)
    words = np.repeat(window.pixel_words, window.folds)
    given_back = np.append(_released(window)[1:], pixels_in)
    return _Constants(
        needed(window) - 1,
        np.searchsorted(given_back, np.arange(1, pixels_in + 1)),
        window.pixel_words,
        np.cumsum(words) - words[0],
        fold // run_folds * run_beats + fold % run_folds * fold_beats,
    )


class WindowEvents(NodeEvents):
    """The events of a window's folds, a convolution's or a pooling's.

        issue[k]   a fold's last word      after issue[k - 1] + its words                 the multipliers
                                           after the last beat of the last pixel needed   the window is complete
                                           after the result that frees room in the FIFO   (backwards)
        output     a fold's first result   after issue[k] + drain latency, the fold before + its beats
        input      a pixel's first beat    after the issue that gives a pixel back        (backwards)
    """

    def __init__(
        self, fifo: Buffer, line_buffer: Buffer, config: ConvolutionConfig | WindowPoolingConfig, single_beats: bool
    ) -> None:
        self.config, self.single_beats = config, single_beats
        window = config.window
        self.folds, self.fold_beats = window.folds, config.fold_beats
        self.pixels_in, self.pixels_out = window.width * window.height, window.out_width * window.out_height
        self.beats = config.beats_out
        self.constants = _constants(window, config.run_folds, config.run_beats, self.fold_beats)
        per_frame = self.pixels_out * self.beats
        self.issue = Events(self.pixels_out * self.folds)
        self.of_folds = FoldBeats(per_frame, self.pixels_out, self.folds, self.fold_beats, config.runs)
        beats = Beats(per_frame, self.pixels_out) if single_beats else self.of_folds
        self.outputs, self.own = (beats,), (self.issue,)
        self.fifo, self.line_buffer = fifo, line_buffer

    def _last_fold(self, pixel: Cycles) -> Cycles:
        return pixel * self.folds + self.folds - 1

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (taken,), (given,) = inputs, self.outputs
        found: list[Constraint] = []

        def window() -> tuple[Cycles, int | Cycles]:
            index, delay = taken.last_of(frame * self.pixels_in + self.constants.needed)
            return index, delay + self.config.arrival_latency + self.constants.pixel_words - 1

        def room_in_fifo() -> tuple[Cycles, int | Cycles]:
            first = frame * self.pixels_out * self.beats
            index, delay = given.of(first + self.constants.beats_before + self.fold_beats - depths[self.fifo] - 1)
            return index, delay + 1

        def result() -> tuple[Cycles, int | Cycles]:
            if not self.single_beats:
                return np.arange(frame * self.issue.per_frame, (frame + 1) * self.issue.per_frame), latency
            index, delay = self.of_folds.of(given.frame(frame))
            return index, delay + latency

        latency = self.config.drain_latency
        if self.line_buffer in depths:
            places, delay = taken.first_of_pixels(frame)

            def room_for_pixel() -> tuple[Cycles, int | Cycles]:
                pixels = frame * self.pixels_in + np.arange(self.pixels_in) - depths[self.line_buffer]
                frames, pixel = np.divmod(pixels, self.pixels_in)
                return self._last_fold(frames * self.pixels_out + self.constants.release[pixel]), 1 - delay

            found.append(Wait(taken.events, places, self.issue, room_for_pixel, self.line_buffer))
        found.append(Wait(self.issue, self.issue.span(frame, self.folds), taken.events, window))
        if self.fifo in depths:
            found.append(Wait(self.issue, self.issue.span(frame), given.events, room_in_fifo, self.fifo))
        found += [
            Chain(self.issue, frame, self.constants.issue_offsets, int(self.constants.pixel_words[0])),
            Wait(given.events, given.events.span(frame), self.issue, result),
        ]
        if self.single_beats:
            found.append(Chain(given.events, frame, np.arange(given.per_frame), 1))
        else:
            found.append(Chain(given.events, frame, self.constants.beats_before, self.config.last_beats))
        return found


def fold_convolution(
    node: Convolution,
    width: int,
    height: int,
    pe: int,
    simd: int,
    *,
    taps: int = 1,
    in_lanes: int = 1,
    out_lanes: int = 1,
    requantiser: RequantiserConfig | None = None,
    half_block_luts: int = HALF_BLOCK_LUTS,
) -> ConvolutionConfig:
    """The folding of `node` for an input of width x height.

    pe x simd lanes, `taps` rows of them (see WindowConfig); in_lanes and out_lanes values per beat; `requantiser` where
    it is known; half_block_luts of the board
    """
    parallel = max(simd // (node.in_channels // node.groups), 1)
    of_group = 1 if parallel > 1 else -(-(node.out_channels // node.groups) // pe)
    window = WindowConfig(
        channels=node.in_channels,
        width=width,
        height=height,
        kernel=(node.kernel_height, node.kernel_width),
        stride=node.stride,
        padding=(node.padding_height, node.padding_width),
        simd=simd,
        folds=-(-node.groups // parallel) * of_group,
        bits=node.input.bits,
        signed=node.input.signed,
        taps=taps,
        transposed=isinstance(node, ConvTranspose2d),
        output_padding=node.output_padding if isinstance(node, ConvTranspose2d) else 0,
        dilation=node.dilation,
        lanes=in_lanes,
        half_block_luts=half_block_luts,
        groups=node.groups,
    )
    return ConvolutionConfig(window, requantiser or requantiser_config(node), pe, node.weight_bits, out_lanes)


def requantiser_config(node: Convolution) -> RequantiserConfig:
    """The widths of a convolution's requantisation, with the widest bias that its multipliers may ask for."""
    kernels = phase_kernels(node.weight, node.stride if isinstance(node, ConvTranspose2d) else 1)
    biases = widest_biases(node.bias.tolist(), kernels, node.weight_bits, shape_of(node.input))
    return RequantiserConfig.from_integers(
        accumulator_bits=node.accumulator_bits,
        bias=sum(biases, []),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.tolist(),
        fraction=node.slope_fraction,
        output=shape_of(node.output),
        phases=len(biases),
        coarse=node.coarse,
        ceiling=node.ceiling or None,
    )


def needed(window: WindowConfig) -> Cycles:
    """window.needed for every output pixel in raster order."""
    rows = np.array([window.needed(row, 0) for row in range(window.out_height)])
    columns = np.array([window.needed(0, column) for column in range(window.out_width)])
    return (rows[:, None] + (columns - columns[0])[None, :]).ravel()


def _released(window: WindowConfig) -> Cycles:
    """window.released for every output pixel in raster order."""
    rows, columns = range(window.out_height), range(window.out_width)
    return np.array([window.released(row, column) for row in rows for column in columns], dtype=np.int64)
