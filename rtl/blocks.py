"""Blocks of pixels read in another order, single values in and out: what space to depth and back share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hwgen.rtl.checks import check_positive
from hwgen.rtl.primitives import Cost
from hwgen.rtl.reorder import Beats, Reorder, ReorderConfig
from hwgen.rtl.storage import Storage


@dataclass(frozen=True)
class BlocksConfig(ABC):
    """A reordering of blocks of factor x factor pixels, in one direction or the other.

    One value per beat. Events as `ReorderConfig` says, with `needed` and `released` of a band's values in turn.

    Parameters
    ----------
    channels
        Of an input pixel.
    width
        Columns of the input.
    factor
        2 to 16.
    bits
        Of a value.
    depth
        Values of the ring: `least_depth` at least; `full_rate_depth`, by default, for a value in every cycle.
    fifo_depth
        Of the FIFO behind it.
    storage
        Of the ring.

    Raises
    ------
    ValueError
        No channel or column, a factor out of range, a size that it does not divide as the kind wants, and what
        ReorderConfig refuses.
    """

    channels: int
    width: int
    factor: int
    bits: int
    depth: int | None = None
    fifo_depth: int = ReorderConfig.fifo_depth
    storage: Storage = Storage()

    latency: ClassVar[int] = ReorderConfig.latency
    """Cycles from the last value that an output waits for to that output."""
    release: ClassVar[int]
    """Index of the loop whose turns free the ring's values, see ReorderConfig."""

    def __post_init__(self) -> None:
        check_positive(channels=self.channels, width=self.width)
        if not 2 <= self.factor <= 16:
            raise ValueError(f"factor: wanted 2 .. 16, got {self.factor}")
        self.check_divisible()
        _ = self.reorder

    @abstractmethod
    def check_divisible(self) -> None:
        """Refuse a size that has no whole blocks."""

    @property
    @abstractmethod
    def loops(self) -> tuple[tuple[int, int], ...]:
        """(length, stride) of each loop over a band, the outermost first."""

    @cached_property
    def reorder(self) -> ReorderConfig:
        """The ring buffer that these loops read."""
        return ReorderConfig.sized(self.loops, self.release, self.bits, self.depth, self.fifo_depth, self.storage)

    @property
    def needed(self) -> Beats:
        """int64 (values of a band,): see ReorderConfig."""
        return self.reorder.needed

    @property
    def released(self) -> Beats:
        """int64 (values of a band,): see ReorderConfig."""
        return self.reorder.released

    @property
    def least_depth(self) -> int:
        """The least ring in which every output finds its value."""
        return self.reorder.least_depth

    @property
    def full_rate_depth(self) -> int:
        """The least ring with which a value passes in every cycle."""
        return self.reorder.full_rate_depth

    def cost(self, family: str) -> Cost:
        """Resources: block RAM exactly, no DSP."""
        return self.reorder.cost(family)

    def build(self) -> Reorder:
        """The component."""
        return self.reorder.build()
