"""Layers without weights: sums and concatenations of branches, blocks and pixels, pooling."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Strict, Tag, model_validator

from hwgen.spec.layers import DecoderLayer, Entry, Identifier, Layer
from hwgen.spec.values import Bits
from hwgen.yamlmarks import TAG, between, wrong

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


class Pool(Entry):
    """Windows of kernel x kernel pixels, `stride` apart: by default blocks, side by side.

    Attributes
    ----------
    stride : int or None
        1 to `kernel`; None stands for `kernel`.
    padding : int
        Rows and columns of border on each side, 0 to kernel // 2.
    """

    kernel: Annotated[int, Strict(), between(2, 16)]
    stride: Annotated[int, Strict(), between(1, 16)] | None = None
    padding: Annotated[int, Strict(), between(0, 8)] = 0

    @property
    def step(self) -> int:
        """Pixels from one window to the next."""
        return self.stride or self.kernel

    @model_validator(mode="after")
    def _windows(self) -> Pool:
        if self.step > self.kernel:
            raise wrong(f"at most the kernel, {self.kernel}", self.stride, "stride")
        if self.padding > self.kernel // 2:
            raise wrong(f"at most half of the kernel, {self.kernel // 2}", self.padding, "padding")
        return self

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output for an input of that size."""
        rows, columns = ((side + 2 * self.padding - self.kernel) // self.step + 1 for side in (height, width))
        return rows, columns


class MaxPool(Pool):
    """The largest value of every window; its border does not count."""

    kind: Literal["max_pool"]


class AveragePool(Pool):
    """The average of every window, whose border counts as zeros."""

    kind: Literal["average_pool"]
    activation_bits: Bits | None = None

    @model_validator(mode="after")
    def _exact(self) -> AveragePool:
        if self.kernel % 2 == 0 and self.kernel & (self.kernel - 1):
            raise wrong("a power of two or an odd number", self.kernel, "kernel")
        return self


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
