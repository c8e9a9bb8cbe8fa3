"""The hardware side of the frames at the input ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.lower.base import BEAT_BITS, Options, Steady
from hwgen.lower.end import EndLowering
from hwgen.rewrite.hardware import InputFraming
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.input_framing import InputFramingConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.profile_queues import ProfileQueuesConfig

PROFILES = "profiles"
"""The part that is a buffer: of the profiles of frames on their way."""


@dataclass(frozen=True)
class Framing:
    """The config: frames on their way whose profiles are kept, where there are profiles."""

    frames: int = 8


class InputFramingLowering(EndLowering[Framing]):
    """Whole pixels or symbols in and out, in frames of whole length; coefficients and profiles beside them."""

    node: InputFraming
    choices = (Framing(),)

    def component(self, config: Framing) -> InputFramingConfig:
        """The component's config."""
        stream, words = self.inputs[0], self.node.coefficient_words
        bits = BEAT_BITS if stream.symbols else stream.channels * stream.type.bits
        node = self.node
        return InputFramingConfig(
            FramerConfig(stream.pixels, bits),
            FramerConfig(words, BEAT_BITS) if words else None,
            ProfileQueuesConfig(node.profiles, len(node.takers), config.frames) if node.profiles > 1 else None,
        )

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[Framing]:
        """One, whatever a beat holds."""
        found = super().options(board, inputs, outputs)
        return replace(found, lanes=np.zeros_like(found.lanes))

    def cost(self, config: Framing, family: str) -> Cost:
        """The component's own."""
        return self.component(config).cost(family)

    def cycles(self, config: Framing) -> int:
        """A pixel or symbol in every cycle."""
        return self.inputs[0].pixels

    def build(self, config: Framing) -> Component:
        """The framers of frames of that many pixels or symbols."""
        return self.component(config).build()

    def with_depths(self, config: Framing, depths: Mapping[str, int]) -> Framing:
        """That of the profiles."""
        return replace(config, frames=depths[PROFILES])

    def depths(self, config: Framing) -> dict[str, int]:
        """Frames whose profiles are kept, where there are profiles."""
        return {f"{self.name}.{PROFILES}": config.frames} if self.node.profiles > 1 else {}

    def steady(self, config: Framing) -> Steady:
        """A beat leaves in the cycle in which it comes."""
        return Steady(InputFramingConfig.latency, InputFramingConfig.latency)

    def payloads(self, config: Framing) -> dict[str, int]:
        """A beat of frames, and one of coefficients where there are any."""
        framing = self.component(config)
        found = {"o": framing.frames.width}
        return found if framing.coefficients is None else found | {"coefficients_o": framing.coefficients.width}

    def lanes_in(self, config: Framing) -> int:
        """A pixel, or a symbol."""
        return 1 if self.inputs[0].symbols else self.inputs[0].channels

    def lanes_out(self, config: Framing) -> int:
        """As it comes."""
        return self.lanes_in(config)
