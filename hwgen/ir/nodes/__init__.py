"""The kinds of nodes, one file each."""

from __future__ import annotations

from hwgen.ir.node import Node
from hwgen.ir.nodes.add import Add
from hwgen.ir.nodes.alamouti import Alamouti
from hwgen.ir.nodes.complex_conv2d import ComplexConv2d
from hwgen.ir.nodes.concat import Concat
from hwgen.ir.nodes.conv2d import Conv2d
from hwgen.ir.nodes.conv_transpose2d import ConvTranspose2d
from hwgen.ir.nodes.convolution import Convolution
from hwgen.ir.nodes.depth_to_space import DepthToSpace
from hwgen.ir.nodes.gain import Gain
from hwgen.ir.nodes.matrix_product import MatrixProduct
from hwgen.ir.nodes.pooling import AveragePool, MaxPool
from hwgen.ir.nodes.power import Power
from hwgen.ir.nodes.receive import Receive
from hwgen.ir.nodes.space_to_depth import SpaceToDepth
from hwgen.ir.nodes.table import Table

__all__ = [
    "KINDS", "NETWORK",
    "Add", "Alamouti", "AveragePool", "ComplexConv2d", "Concat", "Conv2d", "ConvTranspose2d", "Convolution",
    "DepthToSpace", "Gain", "MatrixProduct", "MaxPool", "Power", "Receive", "SpaceToDepth", "Table",
]  # fmt: skip

KINDS: dict[str, type[Node]] = {
    "conv2d": Conv2d,
    "complex_conv2d": ComplexConv2d,
    "conv_transpose2d": ConvTranspose2d,
    "gain": Gain,
    "power": Power,
    "receive": Receive,
    "table": Table,
    "matrix_product": MatrixProduct,
    "alamouti": Alamouti,
    "add": Add,
    "concat": Concat,
    "space_to_depth": SpaceToDepth,
    "depth_to_space": DepthToSpace,
    "max_pool": MaxPool,
    "average_pool": AveragePool,
}
"""Every kind by the name that graph.json has for it."""

NETWORK: tuple[type[Node], ...] = (
    Conv2d, ComplexConv2d, ConvTranspose2d, Table, Add, Concat, SpaceToDepth, DepthToSpace, MaxPool, AveragePool,
)  # fmt: skip
"""The kinds of which networks are made, anywhere between their ends."""
