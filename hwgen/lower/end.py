"""The hardware side that components at the ends of a design share: nothing waits for them, and little is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwgen.board import Board
from hwgen.lower.base import Buffer, Config, Lowering, NodeEvents, Options, amounts
from hwgen.plan.events import Beats


@dataclass(frozen=True)
class NoChoice:
    """The config of a component that is what its node says."""


class EndLowering(Lowering[Config]):
    """A component whose depths are those with which it passes a beat whenever one comes."""

    choices: tuple[Config, ...]
    """Configs that it may have on any part."""

    def choices_on(self, board: Board) -> tuple[Config, ...]:
        """Configs that it may have on a board."""
        return self.choices

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[Config]:
        """Every one of `choices_on`, with one value per beat on either side."""
        choices = self.choices_on(board)  # equally fast
        return Options(
            np.array([self.cycles(config) for config in choices], dtype=np.int64),
            np.array([amounts(self.cost(config, board.family)) for config in choices], dtype=np.int64),
            np.ones((len(choices), len(self.inputs) + 1), dtype=np.int64),
            choices,
        )

    def buffers(self, config: Config) -> tuple[Buffer, ...]:
        """None that is chosen."""
        return ()

    def with_depths(self, config: Config, depths: Mapping[str, int]) -> Config:
        """As it is."""
        return config

    def events(self, config: Config, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents | None:
        """None."""
        return None

    def manifest(self, config: Config) -> dict[str, Any]:
        """Nothing."""
        return {}
