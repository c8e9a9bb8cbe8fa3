"""A convolution's hardware side: plain, complex and transposed ones are one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.device import HALF_BLOCK_LUTS
from hwgen.ir.nodes import Convolution, ConvTranspose2d
from hwgen.lower.base import Buffer, Lowering, NodeEvents, Options, Steady, shape_of
from hwgen.lower.convolution_options import convolution_options
from hwgen.lower.polynomial_events import PolynomialEvents
from hwgen.lower.window_events import FIFO, LINE_BUFFER, SECOND_FIFO, PairEvents, WindowEvents, line_buffer
from hwgen.lower.winograd2d_events import FIFOS, BlockEvents, block_buffers, with_block_depths
from hwgen.plan.events import Beats
from hwgen.rtl import convolution as rtl_convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.memory import ram_form, rom_form
from hwgen.rtl.pair_convolution import PairConvolution, PairConvolutionConfig
from hwgen.rtl.polynomial_convolution import PolynomialConvolution, PolynomialConvolutionConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.weights import phase_kernels, varying_columns, widest_biases
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd2d_convolution import (
    Winograd2dConvolution,
    Winograd2dConvolutionConfig,
    Winograd2dKernels,
    winograd2d_kernels,
)
from hwgen.rtl.winograd_convolution import (
    WinogradConvolution,
    WinogradConvolutionConfig,
    WinogradKernels,
    ordinary,
    ordinary_window,
    winograd_kernels,
)


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

    @cached_property
    def winograd(self) -> dict[tuple[int, int, int], WinogradConvolutionConfig]:
        """Foldings by Winograd's products, by SIMD, PE and chain, once they were asked for."""
        return {}

    @cached_property
    def polynomials(self) -> dict[tuple[int, int, int], PolynomialConvolutionConfig | None]:
        """Foldings by products of polynomials, by SIMD, PE and taps, once they were asked for; None: there is none."""
        return {}

    @cached_property
    def winograd_kernels(self) -> WinogradKernels:
        """The transformed weights."""
        return winograd_kernels(ordinary_window(self.fold(1, 1).window), self.ordinary_weight)

    @cached_property
    def winograd2d(self) -> dict[tuple[int, int, int], Winograd2dConvolutionConfig]:
        """As `winograd`, in two dimensions."""
        return {}

    @cached_property
    def winograd2d_kernels(self) -> Winograd2dKernels:
        """The weights transformed in two dimensions."""
        return winograd2d_kernels(ordinary_window(self.fold(1, 1).window), self.ordinary_weight)

    @cached_property
    def ordinary_weight(self) -> np.ndarray:
        """The weights as Winograd's products take them."""
        return ordinary(self.node.weight, self.fold(1, 1).window)

    def _weight(self, config: ConvolutionConfig) -> np.ndarray:
        """The weights as the engine takes them."""
        reads_pairs = isinstance(config, (WinogradConvolutionConfig, PolynomialConvolutionConfig))
        return self.ordinary_weight if reads_pairs else self.node.weight

    def cost(self, config: ConvolutionConfig, family: str) -> Cost:
        """Resources, with what of the weight memories has to be stored: small weights repeat their signs."""
        # Logic makes equal bits once.
        form = rom_form(config.weight_rows, config.weights_in)
        weight = self._weight(config)
        return config.cost(family, varying_columns(config.memories(weight), distinct=form == "logic"))

    def cycles(self, config: ConvolutionConfig) -> int:
        """Its multipliers', and one a beat of its streams."""
        return config.cycles

    def build(self, config: ConvolutionConfig) -> Component:
        """The engine with its integers."""
        node = self.node
        component = rtl_convolution.Convolution
        if isinstance(config, WinogradConvolutionConfig):
            is_2d = isinstance(config, Winograd2dConvolutionConfig)
            component = Winograd2dConvolution if is_2d else WinogradConvolution
        elif isinstance(config, PolynomialConvolutionConfig):
            component = PolynomialConvolution
        elif isinstance(config, PairConvolutionConfig):
            component = PairConvolution
        return component(
            config,
            weight=self._weight(config),
            bias=node.bias.tolist(),
            shift=node.shift.tolist(),
            slope=None if node.slope is None else node.slope.tolist(),
        )

    def buffers(self, config: ConvolutionConfig) -> tuple[Buffer, ...]:
        """The FIFO's beats and the line buffer's pixels."""
        if isinstance(config, Winograd2dConvolutionConfig):
            return block_buffers(self.name, config)
        full_rate = replace(config, depth=None).fifo_depth
        fifo = Buffer(self.name, FIFO, f"{self.name}.{FIFO}", self.output.pixels * config.beats_out,
                      config.fold_beats, full_rate, full_rate)  # fmt: skip
        if not isinstance(config, PairConvolutionConfig):
            return fifo, line_buffer(self.name, config.window)
        # A frame's entries: the first pixels of its pairs, and the second ones.
        window, rows = config.window, config.window.out_height
        fifo = replace(fifo, entries=rows * window.row_pairs * config.beats_out)
        deep = replace(config, depth=None, second_depth=None).second_fifo_depth
        entries = rows * (window.row_pairs - window.alone) * config.beats_out
        second = Buffer(self.name, SECOND_FIFO, f"{self.name}.{SECOND_FIFO}", entries, config.least_second_depth, deep,
                        deep, like=FIFO)  # fmt: skip
        return fifo, second, line_buffer(self.name, config.window)

    def with_depths(self, config: ConvolutionConfig, depths: Mapping[str, int]) -> ConvolutionConfig:
        """The folding with those depths."""
        config = replace(config, window=replace(config.window, pixels=depths[LINE_BUFFER]))
        if isinstance(config, Winograd2dConvolutionConfig):
            return with_block_depths(config, depths)
        config = replace(config, depth=depths[FIFO])
        if isinstance(config, PairConvolutionConfig):
            config = replace(config, second_depth=depths[SECOND_FIFO])
        return config

    def depths(self, config: ConvolutionConfig) -> dict[str, int]:
        """Depths of line buffer and FIFOs."""
        found = {f"{self.name}.{LINE_BUFFER}": config.window.capacity}
        if isinstance(config, Winograd2dConvolutionConfig):
            return found | {f"{self.name}.{part}": depth for part, depth in zip(FIFOS, config.depths, strict=True)}
        found[f"{self.name}.{FIFO}"] = config.fifo_depth
        if isinstance(config, PairConvolutionConfig):
            found[f"{self.name}.{SECOND_FIFO}"] = config.second_fifo_depth
        return found

    def events(self, config: ConvolutionConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """A fold's last word, and its results."""
        if isinstance(config, PolynomialConvolutionConfig):
            return PolynomialEvents(self.buffers(config), config, single_beats)
        if isinstance(config, Winograd2dConvolutionConfig):
            return BlockEvents(self.buffers(config), config, single_beats)
        if isinstance(config, PairConvolutionConfig):
            return PairEvents(self.buffers(config), config, single_beats)
        fifo, pixels = self.buffers(config)
        return WindowEvents(fifo, pixels, config, single_beats)

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
        if isinstance(config, PairConvolutionConfig):
            more |= {"columns_at_once": 2}
        if isinstance(config, PolynomialConvolutionConfig):
            more |= {"taps_together": config.window.together}
        if isinstance(config, Winograd2dConvolutionConfig):
            more |= {"rows_at_once": 2}
        rows = config.weight_rows
        return more | {
            "kind": type(node).__name__,
            "form": config.form,
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
            "products": (products := config.products(macs)),
            "cycles": self.cycles(config),
            "multiplier_cycles": config.compute_cycles,
            "multipliers": config.lanes,
            "packing": asdict(config.packing),
            # A single row is constants, a few are logic whatever was chosen.
            "weights_in": "constants" if rows == 1 else rom_form(rows, config.weights_in),
            "line_buffer_in": ram_form(window.bank_words, window.form),
            "utilisation": round(products / (config.compute_cycles * config.lanes), 4),
            "window_bits": window.memory_bits,
            "weights_stored_as": "weights" if config.codebook is None else "indices",
            "weight_bits_stored": rows * sum(config.mac.reader.widths),
            "fifo_depth": config.fifo_depth,
        }


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
    biases = [
        own for bias in np.atleast_2d(node.bias).tolist()
        for own in widest_biases(bias, kernels, node.weight_bits, shape_of(node.input))
    ]  # fmt: skip
    return RequantiserConfig.from_integers(
        accumulator_bits=node.accumulator_bits,
        bias=sum(biases, []),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.reshape(-1).tolist(),
        fraction=node.slope_fraction,
        output=shape_of(node.output),
        phases=len(biases) // len(np.atleast_2d(node.bias)),
        profiles=node.profiles,
        coarse=node.coarse,
        ceiling=node.ceiling or None,
    )
