"""Layers without weights: sums and concatenations of branches, blocks and pixels, pooling."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Strict, Tag

from hwgen.spec.layers import DecoderLayer, Entry, Identifier, Layer
from hwgen.spec.values import Bits
from hwgen.yamlmarks import TAG, between

Inputs = Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Add(Entry):
    """Sum of two branches, value by value, then perhaps a rectifier: a residual connection.

    `clamp` is for a sum that is the image: pixels, saturated at 0 and 255.
    """

    arity: ClassVar[tuple[int, int]] = (2, 2)

    kind: Literal["add"]
    inputs: Inputs
    activation: Literal["none", "relu", "clamp"] = "none"
    activation_bits: Bits = 8


class Concat(Entry):
    """The channels of 2 to 4 branches, those of the first input first."""

    arity: ClassVar[tuple[int, int]] = (2, 4)

    kind: Literal["concat"]
    inputs: Inputs


class SpaceToDepth(Entry):
    """Every block of factor x factor pixels becomes one pixel of factor**2 times as many channels."""

    kind: Literal["space_to_depth"]
    factor: Annotated[int, Strict(), between(2, 16)]


class DepthToSpace(Entry):
    """The inverse of `SpaceToDepth`."""

    kind: Literal["depth_to_space"]
    factor: Annotated[int, Strict(), between(2, 16)]


class MaxPool(Entry):
    """The largest value of every block of kernel x kernel pixels."""

    kind: Literal["max_pool"]
    kernel: Annotated[int, Strict(), between(2, 16)]


class AveragePool(Entry):
    """The average of every block of kernel x kernel pixels."""

    kind: Literal["average_pool"]
    kernel: Literal[2, 4, 8, 16]
    activation_bits: Bits | None = None


def _kind(default: str) -> Discriminator:
    def tag(value: object) -> str:
        kind = value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", default)
        return f"{TAG}{kind}"

    return Discriminator(tag)


AnyLayer = (
    Annotated[Layer, Tag(f"{TAG}conv")]
    | Annotated[DecoderLayer, Tag(f"{TAG}deconv")]
    | Annotated[Add, Tag(f"{TAG}add")]
    | Annotated[Concat, Tag(f"{TAG}concat")]
    | Annotated[SpaceToDepth, Tag(f"{TAG}space_to_depth")]
    | Annotated[DepthToSpace, Tag(f"{TAG}depth_to_space")]
    | Annotated[MaxPool, Tag(f"{TAG}max_pool")]
    | Annotated[AveragePool, Tag(f"{TAG}average_pool")]
)
EncoderEntry = Annotated[AnyLayer, _kind("conv")]
DecoderEntry = Annotated[AnyLayer, _kind("deconv")]
Kinds = Layer | DecoderLayer | Add | Concat | SpaceToDepth | DepthToSpace | MaxPool | AveragePool
