"""The hardware side of a kind of node: one class a kind, abstract where it must be answered.

A `Lowering` is made for one node in frames of one size. It says what the node can be on a board, and for what was
chosen, its `config`: resources, cycles, buffers, the events of its streams, its component and its lines of the
manifest. Planning and emission know nothing else of a node.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.wiring import Component
from numpy.typing import NDArray

from hwgen import device
from hwgen.board import Board
from hwgen.ir.types import IntType
from hwgen.option_values import Engine
from hwgen.plan.events import Beats, Constraint, Events
from hwgen.rewrite.hardware import AnyNode
from hwgen.rtl.primitives import Cost
from hwgen.rtl.storage import Storage

Config = TypeVar("Config")
Amounts = tuple[int, ...]
RESOURCES = tuple(device.RESOURCES)
BEAT_LANES = (1, 2, 4)
"""Values per beat between layers."""
BEAT_BITS = 32
"""The widest beat: what the bench records."""


def amounts(cost: Cost) -> Amounts:
    """A cost as integers in the order of `RESOURCES`, block RAM in halves."""
    return cost.dsp, cost.lut, cost.ff, round(2 * cost.bram36), cost.uram


def shape_of(kind: IntType) -> Shape:
    """A value's type as Amaranth has it."""
    return Shape(kind.bits, kind.signed)


@dataclass(frozen=True)
class Stream:
    """The values or symbols that one component sends another in a frame.

    Parameters
    ----------
    rows, columns, channels
        Of a frame of values; of symbols 1, their number, 2.
    type
        Of a value, or of a symbol's part.
    symbols
        Whether a beat is a symbol rather than some values of a pixel.
    """

    rows: int
    columns: int
    channels: int
    type: IntType
    symbols: bool = False

    @property
    def pixels(self) -> int:
        """Pixels of a frame, or its symbols."""
        return self.rows * self.columns

    @property
    def values(self) -> int:
        """Values of a frame, or parts of its symbols."""
        return self.pixels * self.channels

    def beats(self, lanes: int) -> int:
        """Beats of a pixel with so many values in each."""
        return 1 if self.symbols else -(-self.channels // lanes)

    @property
    def lane_choices(self) -> list[int]:
        """Values per beat that a stream between layers may have."""
        return [lanes for lanes in BEAT_LANES if lanes * self.type.bits <= BEAT_BITS]


@dataclass(frozen=True)
class Buffer:
    """A buffer whose depth is chosen: the least that works, what a busy stage needs, enough for any neighbours.

    Parameters
    ----------
    node
        Whose it is.
    part
        Which of the node's.
    label
        Its name in the manifest.
    entries
        Number of entries that pass in a frame; 0 where none is held from one frame to the next.
    least, busy, enough
        Depths, multiples of `unit`.
    unit
        1, or the pixels of a row where each row has a memory of its own.
    grows
        Whether it holds pixels of a frame rather than beats in flight: its depth is chosen after those that do not.
    like
        Another part of the node, chosen before, whose depth is about the same: the search begins there.
    """

    node: str
    part: str
    label: str
    entries: int
    least: int
    busy: int
    enough: int
    unit: int = 1
    grows: bool = False
    like: str | None = None


Depths = Mapping[Buffer, int]


@dataclass(frozen=True)
class Options(Generic[Config]):
    """Alternatives for a node's hardware, by rising cycles per frame.

    Parameters
    ----------
    cycles
        int64 (options,): how long a frame keeps it busy at least.
    amounts
        int64 (options, resources), in the order of `RESOURCES`.
    lanes
        int64 (options, inputs + 1): values per beat of each input, then of the output. 0: any.
    configs
        One for each option.
    """

    cycles: NDArray[np.int64]
    amounts: NDArray[np.int64]
    lanes: NDArray[np.int64]
    configs: tuple[Config, ...]

    def take(self, rows: NDArray[np.int64]) -> Options[Config]:
        """Some of the options."""
        configs = tuple(self.configs[row] for row in rows)
        return Options(self.cycles[rows], self.amounts[rows], self.lanes[rows], configs)


class NodeEvents(ABC):
    """The events of one node's hardware: when its streams' beats move, for buffers of given depths.

    Attributes
    ----------
    outputs
        Of each consumer the beats that go to it.
    own
        Events besides those of the outputs.
    """

    outputs: tuple[Beats, ...]
    own: tuple[Events, ...] = ()

    @abstractmethod
    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """Constraints on the node's events in a frame, and on the beats of its inputs that wait for it.

        A buffer that is not in `depths` has no bound.
        """


@dataclass(frozen=True)
class Steady:
    """A node that passes a beat whenever one comes, at an end of the design: it adds its latency and nothing else.

    Parameters
    ----------
    first_latency
        Cycles from a frame's first accepted beat to its first result.
    last_latency
        Cycles from a frame's last accepted beat to its last result.
    pauses
        A buffer with which, at a depth of 1, every pixel takes a cycle longer.
    """

    first_latency: int
    last_latency: int
    pauses: Buffer | None = None


class Lowering(ABC, Generic[Config]):
    """The hardware side of one node in frames of one size.

    Parameters
    ----------
    node
        The node.
    inputs, output
        The streams that it takes and gives.
    consumers
        Number of nodes that take its output.
    half_block_luts
        LUTs that half a block RAM is worth on the board (`hwgen.board.Board.half_block_luts`).

    Attributes
    ----------
    takes_single_beats
        Whether each beat of an input may have to wait by itself, rather than a pixel's beats together.
    engine
        What a convolution may be made of.
    """

    takes_single_beats: ClassVar[bool] = True
    engine: Engine = "direct"

    def __init__(
        self, node: AnyNode, inputs: tuple[Stream, ...], output: Stream, consumers: int = 1,
        half_block_luts: int = device.HALF_BLOCK_LUTS,
    ) -> None:  # fmt: skip
        self.node, self.inputs, self.output, self.consumers = node, inputs, output, consumers
        self.half_block_luts = half_block_luts

    @property
    def storage(self) -> Storage:
        """The form of its memories where nothing else is chosen."""
        return Storage(half_block_luts=self.half_block_luts)

    @property
    def name(self) -> str:
        """The node's name, and that of its module."""
        return self.node.name

    @property
    def lanes_offered(self) -> list[int]:
        """Values per beat that its output may have."""
        return [1]

    @property
    def lanes_accepted(self) -> list[int] | None:
        """Values per beat that its inputs may have; None: whatever is offered."""
        return [1]

    @abstractmethod
    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[Config]:
        """Alternatives for the node's hardware on a board.

        Parameters
        ----------
        inputs, outputs
            Values per beat that its neighbours leave it, of each input and of the output.
        """

    @abstractmethod
    def cost(self, config: Config, family: str) -> Cost:
        """Resources of the component, with its numbers known."""

    @abstractmethod
    def cycles(self, config: Config) -> int:
        """Cycles for which a frame keeps it busy at least."""

    @abstractmethod
    def build(self, config: Config) -> Component | None:
        """The component, whose streams are `i` (`i[0]`, `i[1]`, ... of several) and `o`; None where a wire does."""

    def is_wire(self, config: Config) -> bool:
        """Whether there is no component: what comes in goes out."""
        return False

    @abstractmethod
    def buffers(self, config: Config) -> tuple[Buffer, ...]:
        """The buffers whose depths can be chosen, in the order in which they are."""

    @abstractmethod
    def with_depths(self, config: Config, depths: Mapping[str, int]) -> Config:
        """The config with buffers of these depths, by their `part`."""

    @abstractmethod
    def depths(self, config: Config) -> dict[str, int]:
        """The depth of every buffer, by its label in the manifest."""

    @abstractmethod
    def events(self, config: Config, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents | None:
        """The node's events; None for a kind that only stands at an end of a design (`steady`).

        Parameters
        ----------
        inputs
            When the beats of its inputs move.
        single_beats
            Whether the consumer may make every beat wait by itself.
        """

    @abstractmethod
    def steady(self, config: Config) -> Steady | None:
        """Its share of the latency at an end of a design; None for a kind whose events count there too."""

    @abstractmethod
    def manifest(self, config: Config) -> dict[str, Any]:
        """Entries of the manifest for this kind besides name, output and cycles."""

    def lanes_out(self, config: Config) -> int:
        """Values per beat of the output."""
        return 1

    def payloads(self, config: Config) -> dict[str, int]:
        """Bits of the payload of each output stream of the component, by the stream's name in Verilog."""
        if self.is_wire(config):
            return {}
        return {"o": (2 if self.output.symbols else self.lanes_out(config)) * self.output.type.bits}

    def lanes_in(self, config: Config) -> int:
        """Values per beat of each input."""
        return 1

    @property
    def lag(self) -> float:
        """The share of a frame of its input that has to be there before its first result; a rough figure."""
        return 0.0

    @property
    def least_frame_cycles(self) -> int:
        """Cycles that a frame must last for the predictions to hold."""
        return 0
