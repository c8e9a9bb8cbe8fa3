"""The hardware side of pooling over windows that overlap or reach beyond the frame: a convolution's line buffer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.ir.nodes import AveragePool, MaxPool
from hwgen.lower.base import Buffer, Lowering, NodeEvents, Options, Steady, amounts, shape_of
from hwgen.lower.convolution_options import other_forms
from hwgen.lower.window_events import FIFO, LINE_BUFFER, WindowEvents, line_buffer
from hwgen.plan.events import Beats
from hwgen.plan.pareto import pareto_front
from hwgen.rtl.memory import Form, ram_form
from hwgen.rtl.primitives import Cost
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.window_pooling import WindowPoolingConfig


class WindowPoolingLowering(Lowering[WindowPoolingConfig]):
    """The largest value or the average of each window."""

    takes_single_beats = False
    node: MaxPool | AveragePool

    @property
    def lanes_offered(self) -> list[int]:
        """Several, within the widest beat and a pixel's channels."""
        return [lanes for lanes in self.output.lane_choices if lanes <= self.node.channels]

    @property
    def lanes_accepted(self) -> list[int] | None:
        """The numbers that it can pass on."""
        return self.lanes_offered

    def config_of(self, lanes: int, taps: int = 1, form: Form = "block") -> WindowPoolingConfig:
        """The config of so many values per beat and tap rows per word."""
        node, taken = self.node, self.inputs[0]
        window = WindowConfig(
            channels=taken.channels, width=taken.columns, height=taken.rows, kernel=node.kernel, stride=node.stride,
            padding=node.padding, simd=lanes, folds=1, bits=taken.type.bits, signed=taken.type.signed, taps=taps,
            lanes=lanes, form=form, half_block_luts=self.half_block_luts,
        )  # fmt: skip
        return WindowPoolingConfig(
            window, node.shift if isinstance(node, AveragePool) else None, shape_of(self.output.type),
            node.multiplier if isinstance(node, AveragePool) else 1,
        )  # fmt: skip

    def options(
        self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]
    ) -> Options[WindowPoolingConfig]:
        """One tap or a column of them at a time, for each number of values per beat that all neighbours have."""
        lanes = sorted(set(outputs).intersection(*inputs), reverse=True)
        configs: list[WindowPoolingConfig] = []
        for count, taps in itertools.product(lanes, (1, self.node.kernel)):
            first = self.config_of(count, taps)
            forms = other_forms(first.window, board)
            configs += [first, *(self.config_of(count, taps, form) for form in forms)]
        configs.sort(key=self.cycles)
        found = Options(
            np.array([self.cycles(config) for config in configs], dtype=np.int64),
            np.array([amounts(self.cost(config, board.family)) for config in configs], dtype=np.int64),
            np.array([[config.lanes] * 2 for config in configs], dtype=np.int64),
            tuple(configs),
        )
        return found.take(pareto_front(np.column_stack([found.cycles, found.amounts]), found.lanes))

    def cost(self, config: WindowPoolingConfig, family: str) -> Cost:
        """The component's own."""
        return config.cost(family)

    def cycles(self, config: WindowPoolingConfig) -> int:
        """Its reader's, and one a beat of its streams."""
        return config.cycles

    def build(self, config: WindowPoolingConfig) -> Component:
        """The component."""
        return config.build()

    def buffers(self, config: WindowPoolingConfig) -> tuple[Buffer, Buffer]:
        """The FIFO's beats and the line buffer's pixels."""
        full_rate, beats = replace(config, depth=None).fifo_depth, config.beats_out
        fifo = Buffer(self.name, FIFO, f"{self.name}.{FIFO}", self.output.pixels * beats, beats, full_rate, full_rate)
        return fifo, line_buffer(self.name, config.window)

    def with_depths(self, config: WindowPoolingConfig, depths: Mapping[str, int]) -> WindowPoolingConfig:
        """With the depths of line buffer and FIFO."""
        return replace(config, depth=depths[FIFO], window=replace(config.window, pixels=depths[LINE_BUFFER]))

    def depths(self, config: WindowPoolingConfig) -> dict[str, int]:
        """Depths of line buffer and FIFO."""
        return {
            f"{self.name}.{LINE_BUFFER}": config.window.capacity,
            f"{self.name}.{FIFO}": config.fifo_depth,
        }

    def events(self, config: WindowPoolingConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """A window's last word, and its results."""
        return WindowEvents(*self.buffers(config), config, single_beats)

    def steady(self, config: WindowPoolingConfig) -> Steady | None:
        """None: windows wait for rows."""
        return None

    def lanes_in(self, config: WindowPoolingConfig) -> int:
        """As the output's."""
        return config.lanes

    def lanes_out(self, config: WindowPoolingConfig) -> int:
        """As chosen."""
        return config.lanes

    @property
    def lag(self) -> float:
        """The rows of its first window."""
        return self.config_of(1).window.needed(0, 0) / self.inputs[0].pixels

    def manifest(self, config: WindowPoolingConfig) -> dict[str, Any]:
        """The window, values per beat, tap rows per word, memory."""
        window = config.window
        return {
            "kernel": self.node.kernel, "stride": self.node.stride, "padding": self.node.padding,
            "out_lanes": config.lanes, "taps": window.taps, "line_buffer_in": ram_form(window.bank_words, window.form),
        }  # fmt: skip
