"""The base of all nodes of the integer graph: what every kind must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import Field, field, fields
from typing import Any, ClassVar, cast

from hwgen.ir.edge import Edge, Shape
from hwgen.ir.types import IntType, check
from hwgen.numerics.integer import IntArray


def optional(default: Any, since: int = 1, like: str | None = None) -> Any:
    """A field of a node that graph.json holds only where it differs from its default.

    Parameters
    ----------
    since
        The version of the format that can hold another value.
    like
        The field whose value the default stands for.
    """
    return field(default=default, metadata={"since": since, "like": like})


def written(node: Node) -> list[Field[Any]]:
    """The node's fields, without those `optional` ones that have their default values."""

    def is_default(f: Field[Any]) -> bool:
        like, value = f.metadata.get("like"), getattr(node, f.name)
        default = getattr(node, like) if like else f.default
        return "since" in f.metadata and (value is None if default is None else value == default)

    return [f for f in fields(cast("Any", node)) if not is_default(f)]


class Node(ABC):
    """One operation of the graph; subclasses are frozen dataclasses whose constructors check their fields.

    What is abstract here has no default on purpose: a new kind of node cannot forget it.

    Attributes
    ----------
    name
        Of the node, and of the edge that it gives.
    output, output_exponent
        Of that edge: a field, or a property of the kinds that change no type.
    format_version
        The first version of graph.json that knows this kind.
    takes_symbols
        Whether the inputs are streams of complex symbols.
    array_fields
        The fields that weights.npz holds.
    table_fields
        Those that are a number, or an array in weights.npz, which says something of every profile and channel.
    """

    name: str
    output: IntType
    output_exponent: int
    format_version: ClassVar[int] = 2
    takes_symbols: ClassVar[bool] = False
    array_fields: ClassVar[tuple[str, ...]] = ()
    table_fields: ClassVar[tuple[str, ...]] = ()

    @property
    def least_version(self) -> int:
        """The first version of graph.json that can hold this node."""
        return max([self.format_version, *(f.metadata.get("since", 1) for f in written(self))])

    @property
    def profiles(self) -> int:
        """Profiles that the node has numbers of its own for; 1 where it is the same in all of them."""
        return 1

    def at_profile(self, profile: int) -> Node:
        """The node as it is in one profile."""
        return self

    @property
    def arity(self) -> int:
        """Number of inputs."""
        return 1

    @property
    def coefficient_words(self) -> int:
        """Words of coefficients that come with every frame."""
        return 0

    @property
    def divides(self) -> int:
        """The factor by which both sides of the frame shrink."""
        return 1

    @property
    def multiplies(self) -> int:
        """The factor by which both sides of the frame grow."""
        return 1

    def infer(self, *inputs: Edge) -> Edge:
        """The output's edge for those inputs.

        Raises
        ------
        HwgenError
            At NODE.FIELD: the inputs are not what the node was made for.
        """
        self._check_arity(len(inputs))
        return self._infer(*inputs)

    def output_shape(self, *shapes: Shape) -> Shape:
        """The output's shape for inputs of those shapes.

        Raises
        ------
        HwgenError
            At NODE or NODE.FIELD: the node cannot take inputs of those sizes.
        """
        self._check_arity(len(shapes))
        return self._output_shape(*shapes)

    def _check_arity(self, count: int) -> None:
        check(count == self.arity, f"{self.name}.inputs", str(self.arity), count)

    @abstractmethod
    def _infer(self, *inputs: Edge) -> Edge:
        """`infer` for the right number of inputs."""

    @abstractmethod
    def _output_shape(self, *shapes: Shape) -> Shape:
        """`output_shape` for the right number of inputs."""

    @abstractmethod
    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """The output (H', W', C') int64 for inputs (H, W, C) int64, exactly; symbols are (1, words, 2).

        Parameters
        ----------
        coefficients
            For the kinds that have `coefficient_words`.
        """

    @abstractmethod
    def macs(self, *shapes: Shape) -> int:
        """Multiply-accumulates for inputs of those shapes."""

    @abstractmethod
    def arrays(self) -> Mapping[str, IntArray]:
        """The arrays of `array_fields` that the node has, in the type that weights.npz holds them in."""


class ValueByValue(Node):
    """A node with one input that gives one value for every value that it takes."""

    channels: int
    input: IntType

    @property
    def in_channels(self) -> int:
        """Channels of the input."""
        return self.channels

    @property
    def out_channels(self) -> int:
        """Channels of the output: as the input's."""
        return self.channels

    def _output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def macs(self, *shapes: Shape) -> int:
        """0: what such a node multiplies is not counted as MACs."""
        return 0

    def arrays(self) -> Mapping[str, Any]:
        """None."""
        return {}
