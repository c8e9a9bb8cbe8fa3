"""The hardware side of every kind of node, one file a kind; `lowering` is the one place that joins the two."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.errors import HwgenError
from hwgen.ir.nodes import (
    Add,
    Alamouti,
    AveragePool,
    Concat,
    Convolution,
    DepthToSpace,
    Gain,
    MatrixProduct,
    MaxPool,
    Power,
    Receive,
    SpaceToDepth,
    Table,
)
from hwgen.lower.add import AddLowering
from hwgen.lower.alamouti import AlamoutiLowering
from hwgen.lower.base import Lowering, Stream
from hwgen.lower.concat import ConcatLowering
from hwgen.lower.convolution import ConvolutionLowering
from hwgen.lower.fork import ForkLowering
from hwgen.lower.gain import gain
from hwgen.lower.input_framing import InputFramingLowering
from hwgen.lower.matrix_product import MatrixProductLowering
from hwgen.lower.pixel_packer import PixelPackerLowering
from hwgen.lower.pixel_serialiser import PixelSerialiserLowering
from hwgen.lower.pooling import pooling
from hwgen.lower.power import PowerLowering
from hwgen.lower.receive import receive
from hwgen.lower.reorder import DepthToSpaceLowering, SpaceToDepthLowering
from hwgen.lower.symbol_packer import SymbolPackerLowering
from hwgen.lower.symbol_unpacker import SymbolUnpackerLowering
from hwgen.lower.table import TableLowering
from hwgen.rewrite.hardware import Fork, InputFraming, PixelPacker, PixelSerialiser, SymbolPacker, SymbolUnpacker

LOWERINGS: dict[type, Callable[..., Lowering[Any]]] = {
    Add: AddLowering,
    Alamouti: AlamoutiLowering,
    AveragePool: pooling,
    Concat: ConcatLowering,
    Convolution: ConvolutionLowering,
    DepthToSpace: DepthToSpaceLowering,
    Fork: ForkLowering,
    Gain: gain,
    InputFraming: InputFramingLowering,
    MaxPool: pooling,
    MatrixProduct: MatrixProductLowering,
    PixelPacker: PixelPackerLowering,
    PixelSerialiser: PixelSerialiserLowering,
    Power: PowerLowering,
    Receive: receive,
    SpaceToDepth: SpaceToDepthLowering,
    SymbolPacker: SymbolPackerLowering,
    SymbolUnpacker: SymbolUnpackerLowering,
    Table: TableLowering,
}
"""Maker of the hardware side of every kind of node, its class mostly; a base class stands for all kinds below it."""
NOT_IN_HARDWARE: tuple[type, ...] = ()
"""Kinds that the graph has and hardware does not, if any: a design with one of them is refused."""


@singledispatch
def lowering(
    node: object, inputs: tuple[Stream, ...], output: Stream, consumers: int = 1,
    half_block_luts: int = HALF_BLOCK_LUTS,
) -> Lowering[Any]:  # fmt: skip
    """The hardware side of a node that takes and gives those streams: see Lowering.

    Raises
    ------
    HwgenError
        The kind has none.
    """
    known = ", ".join(sorted(kind.__name__ for kind in LOWERINGS))
    raise HwgenError(getattr(node, "name", "node"), f"a kind that hardware has: {known}", type(node).__name__)


for _kind, _class in LOWERINGS.items():
    lowering.register(_kind, _class)
