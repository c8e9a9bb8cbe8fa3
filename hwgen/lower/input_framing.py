"""The hardware side of the frames at the input ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.lower.base import BEAT_BITS, Options, Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rewrite.hardware import InputFraming
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.input_framing import InputFramingConfig
from hwgen.rtl.primitives import Cost


class InputFramingLowering(EndLowering[NoChoice]):
    """Whole pixels or symbols in and out, in frames of whole length; coefficients beside them."""

    node: InputFraming
    choices = (NoChoice(),)

    @property
    def component(self) -> InputFramingConfig:
        """The component's config."""
        stream, words = self.inputs[0], self.node.coefficient_words
        bits = BEAT_BITS if stream.symbols else stream.channels * stream.type.bits
        return InputFramingConfig(
            FramerConfig(stream.pixels, bits), FramerConfig(words, BEAT_BITS) if words else None
        )

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[NoChoice]:
        """One, whatever a beat holds."""
        found = super().options(board, inputs, outputs)
        return replace(found, lanes=np.zeros_like(found.lanes))

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return self.component.cost(family)

    def cycles(self, config: NoChoice) -> int:
        """A pixel or symbol in every cycle."""
        return self.inputs[0].pixels

    def build(self, config: NoChoice) -> Component:
        """The framers of frames of that many pixels or symbols."""
        return self.component.build()

    def depths(self, config: NoChoice) -> dict[str, int]:
        """None to tell of."""
        return {}

    def steady(self, config: NoChoice) -> Steady:
        """A beat leaves in the cycle in which it comes."""
        return Steady(InputFramingConfig.latency, InputFramingConfig.latency)

    def payloads(self, config: NoChoice) -> dict[str, int]:
        """A beat of frames, and one of coefficients where there are any."""
        framing = self.component
        found = {"o": framing.frames.width}
        return found if framing.coefficients is None else found | {"coefficients_o": framing.coefficients.width}

    def lanes_in(self, config: NoChoice) -> int:
        """A pixel, or a symbol."""
        return 1 if self.inputs[0].symbols else self.inputs[0].channels

    def lanes_out(self, config: NoChoice) -> int:
        """As it comes."""
        return self.lanes_in(config)
