"""A convolution's hardware side: plain, complex and transposed ones are one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.ir.graph import Convolution, ConvTranspose2d
from hwgen.ir.types import check
from hwgen.lower.base import Buffer, Depths, Lowering, NodeEvents, Options, Steady, Stream, shape_of
from hwgen.lower.convolution_options import convolution_options
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Events, FoldBeats, Wait
from hwgen.rtl import convolution as rtl_convolution
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import LayerNumbers, convolution_cost
from hwgen.rtl.memory import ram_form, rom_form
from hwgen.rtl.packing import W8A8
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import missing_of, pack_weights, phase_kernels, varying_columns
from hwgen.rtl.window import WindowShape

LINE_BUFFER = "ring"
FIFO = "fifo"
"""Parts of a buffer's label in the manifest."""


class ConvolutionLowering(Lowering[ConvolutionFolding]):
    """Line buffer, multipliers, requantisers and FIFO; its config is their folding."""

    takes_single_beats = False
    node: Convolution

    def __init__(self, node: Convolution, inputs: tuple[Stream, ...], output: Stream, consumers: int = 1) -> None:
        super().__init__(node, inputs, output, consumers)
        self.node = node
        check_engine(node)

    def fold(
        self, pe: int, simd: int, *, taps: int = 1, in_lanes: int = 1, out_lanes: int = 1
    ) -> ConvolutionFolding:
        """A folding with pe x simd lanes, `taps` rows of them (see WindowShape)."""
        return fold_convolution(
            self.node, self.inputs[0].columns, self.inputs[0].rows, pe, simd,
            taps=taps, in_lanes=in_lanes, out_lanes=out_lanes,
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
    ) -> Options[ConvolutionFolding]:
        """Every folding and form that no other one beats in everything."""
        return convolution_options(self, board, inputs[0], outputs)

    @cached_property
    def numbers(self) -> LayerNumbers:
        """Widths that the cost depends on besides the folding."""
        return layer_numbers(self.node)

    def cost(self, config: ConvolutionFolding, family: str) -> Cost:
        """Resources, with what of the weight memories has to be stored: small weights repeat their signs."""
        memories = pack_weights(
            config.window.kernels(self.node.weight),
            pe=config.pe,
            simd=config.window.simd,
            taps=config.window.taps,
            bits=self.node.weight_bits,
            packing=config.packing,
            activation=shape_of(self.node.input),
        )
        # Logic makes equal bits once.
        form = rom_form(config.weight_rows, config.weights_in)
        columns = varying_columns(memories, distinct=form == "logic")
        return convolution_cost(config, self.numbers, family, columns)

    def cycles(self, config: ConvolutionFolding) -> int:
        """Its multipliers', and one a beat of its streams."""
        return layer_cycles(config)

    def build(self, config: ConvolutionFolding) -> Component:
        """The engine with its integers."""
        node = self.node
        return rtl_convolution.Convolution(
            config,
            weight=node.weight,
            weight_bits=node.weight_bits,
            bias=node.bias.tolist(),
            shift=node.shift.tolist(),
            slope=None if node.slope is None else node.slope.tolist(),
            slope_fraction=node.slope_fraction,
            accumulator_bits=node.accumulator_bits,
            output=shape_of(node.output),
            coarse=node.coarse,
        )

    def buffers(self, config: ConvolutionFolding) -> tuple[Buffer, ...]:
        """The FIFO's beats and the line buffer's pixels."""
        full_rate = replace(config, places=None).fifo_depth
        fifo = Buffer(self.name, FIFO, f"{self.name}.{FIFO}", self.output.pixels * config.beats_out,
                      config.fold_beats, full_rate, full_rate)  # fmt: skip
        window = replace(config.window, pixels=None)
        # A window's rows and pixels, the rows that come in while one goes out, and a stride of pixels to hide the way
        # from one that is given back to its successor's arrival.
        rows, stride = (max(window.phase_taps) + 1, 1) if window.transposed else (window.kernel, window.stride)
        busy = (rows + stride - 2) * window.width + rows + stride
        unit = 1 if window.taps == 1 else window.width
        least, busy, enough = (-(-max(window.span, depth) // unit) * unit for depth in (0, busy, window.depth))
        line_buffer = Buffer(self.name, LINE_BUFFER, f"{self.name}.{LINE_BUFFER}", self.inputs[0].pixels,
                             least, busy, enough, unit, grows=True)  # fmt: skip
        return fifo, line_buffer

    def with_depths(self, config: ConvolutionFolding, depths: Mapping[str, int]) -> ConvolutionFolding:
        """The folding with those depths."""
        window = replace(config.window, pixels=depths[LINE_BUFFER])
        return replace(config, places=depths[FIFO], window=window)

    def depths(self, config: ConvolutionFolding) -> dict[str, int]:
        """Of line buffer and FIFO."""
        return {
            f"{self.name}.{LINE_BUFFER}": config.window.capacity,
            f"{self.name}.{FIFO}": config.fifo_depth,
        }

    def events(self, config: ConvolutionFolding, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """A fold's last word, and its results."""
        return ConvolutionEvents(self, config, single_beats)

    def steady(self, config: ConvolutionFolding) -> Steady | None:
        """None: windows wait for rows."""
        return None

    def lanes_in(self, config: ConvolutionFolding) -> int:
        """As the folding has it."""
        return config.in_lanes

    def lanes_out(self, config: ConvolutionFolding) -> int:
        """As the folding has it."""
        return config.out_lanes

    @property
    def lag(self) -> float:
        """The rows of its first window."""
        window = self.fold(1, 1).window
        return window.needed(0, 0) / self.inputs[0].pixels

    def manifest(self, config: ConvolutionFolding) -> dict[str, Any]:
        """Formats, folding, work and memories."""
        node, window = self.node, config.window
        macs = node.macs((self.inputs[0].rows, self.inputs[0].columns, self.inputs[0].channels))
        complex_output = {"imag_bits": node.imag_bits, "imag_left": node.imag_left} if node.coarse else {}
        rows = config.weight_rows
        return complex_output | {
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
            "line_buffer_in": ram_form(window.bank_words, config.ring_in),
            "utilisation": round(macs / (config.compute_cycles * config.lanes), 4),
            "window_bits": window.memory_bits,
            "weight_bits_stored": rows * config.lanes * node.weight_bits,
            "fifo_depth": config.fifo_depth,
        }


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
def _constants(window: WindowShape, beats: int, fold_beats: int) -> _Constants:
    pixels_in, pixels_out = window.width * window.height, window.out_width * window.out_height
    fold = np.arange(pixels_out * window.folds, dtype=np.int64)
    words = np.repeat(window.pixel_words, window.folds)
    given_back = np.append(_released(window)[1:], pixels_in)
    return _Constants(
        needed(window) - 1,
        np.searchsorted(given_back, np.arange(1, pixels_in + 1)),
        window.pixel_words,
        np.cumsum(words) - words[0],
        fold // window.folds * beats + fold % window.folds * fold_beats,
    )


class ConvolutionEvents(NodeEvents):
    """The events of a convolution's folds.

        issue[k]   a fold's last word      after issue[k - 1] + its words                 the multipliers
                                           after the last beat of the last pixel needed   the window is complete
                                           after the result that frees room in the FIFO   (backwards)
        output     a fold's first result   after issue[k] + drain latency, the fold before + its beats
        input      a pixel's first beat    after the issue that gives a pixel back        (backwards)
    """

    def __init__(self, lowering: ConvolutionLowering, config: ConvolutionFolding, single_beats: bool) -> None:
        self.config, self.single_beats = config, single_beats
        window = config.window
        self.folds, self.fold_beats = window.folds, config.fold_beats
        self.pixels_in, self.pixels_out = window.width * window.height, window.out_width * window.out_height
        self.beats = config.beats_out
        self.constants = _constants(window, self.beats, self.fold_beats)
        per_frame = self.pixels_out * self.beats
        self.issue = Events(self.pixels_out * self.folds)
        self.of_folds = FoldBeats(per_frame, self.pixels_out, self.folds, self.fold_beats)
        beats = Beats(per_frame, self.pixels_out) if single_beats else self.of_folds
        self.outputs, self.own = (beats,), (self.issue,)
        self.fifo, self.line_buffer = lowering.buffers(config)

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


def check_engine(node: Convolution) -> None:
    """Refuse what the engine does not compute.

    Raises
    ------
    HwgenError
        At NODE.KEY.
    """
    at, side = node.name, node.kernel
    check(node.kernel_height == node.kernel_width, f"{at}.kernel", "a square kernel in hardware",
          f"{node.kernel_height}x{node.kernel_width}")  # fmt: skip
    check(node.dilation == 1, f"{at}.dilation", "1 in hardware", node.dilation)
    check(node.groups == 1, f"{at}.groups", "1 in hardware", node.groups)
    check(node.activation != "clip", f"{at}.activation", "none, relu or prelu in hardware", node.activation)
    if isinstance(node, ConvTranspose2d):
        return
    check(side in (1, 3, 5, 7), f"{at}.kernel", "1, 3, 5 or 7 in hardware", side)
    check(node.stride in (1, 2), f"{at}.stride", "1 or 2 in hardware", node.stride)
    paddings = {node.padding_height, node.padding_width}
    check(paddings == {side // 2}, f"{at}.padding", f"kernel // 2 = {side // 2} in hardware", max(paddings))


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
) -> ConvolutionFolding:
    """The folding of `node` for an input of width x height.

    pe x simd lanes, `taps` rows of them (see WindowShape); in_lanes and out_lanes values per beat
    """
    window = WindowShape(
        channels=node.in_channels,
        width=width,
        height=height,
        kernel=node.kernel,
        stride=node.stride,
        padding=node.padding,
        simd=simd,
        folds=-(-node.out_channels // pe),
        bits=node.input.bits,
        signed=node.input.signed,
        taps=taps,
        transposed=isinstance(node, ConvTranspose2d),
        output_padding=node.output_padding if isinstance(node, ConvTranspose2d) else 0,
    )
    return ConvolutionFolding(window, node.out_channels, pe, node.activation == "prelu", in_lanes, out_lanes)


def layer_cycles(folding: ConvolutionFolding) -> int:
    """Cycles per frame that a layer needs at least: its multipliers, and its streams of one beat per cycle."""
    window = folding.window
    beats_in = window.width * window.height * folding.beats_in
    beats_out = window.out_width * window.out_height * folding.beats_out
    return max(folding.compute_cycles, beats_in, beats_out)


def layer_numbers(node: Convolution) -> LayerNumbers:
    """The widths of a convolution, from its integers.

    The multipliers that offset unsigned activations have the widest bias.
    """
    activation = shape_of(node.input)
    stride = node.stride if isinstance(node, ConvTranspose2d) else 1
    biases = [
        node.bias + missing_of(kernel, simd=1, bits=node.weight_bits, packing=W8A8, activation=activation)
        for kernel in phase_kernels(node.weight, stride)
    ]
    if all(np.array_equal(own, biases[0]) for own in biases):
        biases = biases[:1]
    return LayerNumbers.of(
        weight_bits=node.weight_bits,
        accumulator_bits=node.accumulator_bits,
        phases=len(biases),
        coarse=node.coarse,
        bias=np.concatenate(biases).tolist(),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.tolist(),
        slope_fraction=node.slope_fraction,
        output=shape_of(node.output),
    )


def needed(window: WindowShape) -> Cycles:
    """window.needed for every output pixel in raster order."""
    rows = np.array([window.needed(row, 0) for row in range(window.out_height)])
    columns = np.array([window.needed(0, column) for column in range(window.out_width)])
    return (rows[:, None] + (columns - columns[0])[None, :]).ravel()


def _released(window: WindowShape) -> Cycles:
    """window.released for every output pixel in raster order."""
    rows, columns = range(window.out_height), range(window.out_width)
    return np.array([window.released(row, column) for row in rows for column in columns], dtype=np.int64)
