"""Forks: one stream to several consumers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import ClassVar

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from hwgen.rtl.primitives import Cost
from hwgen.rtl.skip_fifo import SkipFifo, SkipFifoConfig
from hwgen.rtl.storage import Storage


@dataclass(frozen=True)
class ForkConfig:
    """One stream to several consumers, each behind a FIFO of its own.

    A beat is accepted when every FIFO has room:

        available[j](k) = max(accepted(k) + latency, left[j](k - 1) + 1)
        accepted(b) >= left[j](b - depths[j]) + 1 for every j

    Parameters
    ----------
    width
        Bits of a beat.
    depths
        Of each branch's FIFO, in beats; a skip connection's is the one that waits. At least two.
    storages
        Of each FIFO's beats; all as by default where there are none.

    Raises
    ------
    ValueError
        Fewer than two branches, a width or depth below 1, another number of storages.
    """

    width: int
    depths: tuple[int, ...]
    storages: tuple[Storage, ...] = ()

    latency: ClassVar[int] = SkipFifoConfig.latency
    """Cycles from an accepted beat to its `valid` at every empty branch."""

    def __post_init__(self) -> None:
        if len(self.depths) < 2:
            raise ValueError(f"depths: wanted at least 2, got {len(self.depths)}")
        if not self.storages:
            object.__setattr__(self, "storages", (Storage(),) * len(self.depths))
        if len(self.storages) != len(self.depths):
            raise ValueError(f"storages: wanted one for each of {len(self.depths)} depths, got {len(self.storages)}")
        _ = self.branches

    @property
    def branches(self) -> tuple[SkipFifoConfig, ...]:
        """The FIFO of each branch."""
        return tuple(
            SkipFifoConfig(self.width, depth, storage)
            for depth, storage in zip(self.depths, self.storages, strict=True)
        )

    def cost(self, family: str) -> Cost:
        """Resources: those of the FIFOs, and whether all have room."""
        return sum((branch.cost(family) for branch in self.branches), Cost(2))

    def build(self) -> Fork:
        """The component."""
        return Fork(self)


class Fork(Component):
    """Gives every beat to all consumers; they take it when they like, as far apart as the FIFOs are deep.

    Parameters
    ----------
    config
        See ForkConfig.

    Members
    -------
    i : In(stream of unsigned(width)), o : Out(stream of unsigned(width)) for each branch
    """

    def __init__(self, config: ForkConfig) -> None:
        self.config = config
        beats = stream.Signature(unsigned(config.width))
        super().__init__({"i": In(beats), "o": Out(beats).array(len(config.depths))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fifos: list[SkipFifo] = []
        for index, branch in enumerate(self.config.branches):
            fifo = m.submodules[f"fifo{index}"] = branch.build()
            fifos.append(fifo)
            connect(m, fifo.o, flipped(self.o[index]))
        taken = Signal()
        m.d.comb += [self.i.ready.eq(reduce(and_, [fifo.i.ready for fifo in fifos])),
                     taken.eq(self.i.valid & self.i.ready)]  # fmt: skip
        for fifo in fifos:
            m.d.comb += [fifo.i.payload.eq(self.i.payload), fifo.i.valid.eq(taken)]
        return m
