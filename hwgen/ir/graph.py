"""The integer graph: everything the hardware needs of a trained network, as frozen, validated nodes.

A real value is integer * 2**exponent. A graph cannot be built in a state that the numeric contract
(hwgen/numerics/integer.py) does not cover: constructors raise `HwgenError` whose `where` is NODE.FIELD.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hwgen.ir.convolutions import (
    BIAS_BITS,
    MAX_ACCUMULATOR_BITS,
    Activation,
    ComplexConv2d,
    Conv2d,
    Convolution,
    ConvTranspose2d,
    accumulator_bits,
    accumulator_bound,
    complex_weight,
)
from hwgen.ir.ends import (
    COEFFICIENT_FRACTION,
    SYMBOL,
    SYMBOL_EXPONENT,
    TABLE,
    TABLE_EXPONENT,
    Alamouti,
    Gain,
    MatrixProduct,
    Power,
    Receive,
    Table,
    sigmoid_values,
)
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_int

__all__ = [
    "TABLE", "TABLE_EXPONENT",
    "Activation", "Alamouti", "BIAS_BITS", "BITS", "COEFFICIENT_FRACTION", "ComplexConv2d", "Conv2d",
    "ConvTranspose2d", "Convolution", "FORMAT_VERSION", "Gain", "Graph", "IntType", "MAX_ACCUMULATOR_BITS",
    "MAX_CHANNELS", "MatrixProduct", "Node", "Power", "RESERVED_NAMES", "Receive", "SHIFTS", "SIDES", "SYMBOL",
    "SYMBOL_EXPONENT", "Side", "SymbolNode", "Table", "accumulator_bits", "accumulator_bound", "complex_weight",
    "sigmoid_values",
]  # fmt: skip

FORMAT_VERSION = 1
Side = Literal["tx", "rx"]
SIDES: tuple[str, ...] = ("tx", "rx")

RESERVED_NAMES = ("pixels", "symbols", "input", "output")
"""Names of streams and components that stand beside the nodes'."""

ValueNode = Convolution | Gain | Power | Receive | Table
"""Nodes that take and give values, pixel by pixel."""
SymbolNode = MatrixProduct | Alamouti
"""Nodes that take and give complex symbols."""
Node = ValueNode | SymbolNode


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of nodes: from 8-bit RGB pixels (value pixel * 2**-8) to channel symbols, or back.

    tx: convolutions, then a `Gain` or a `Power`; their values pair up to symbols; then perhaps a `MatrixProduct` (a
    precoder) or an `Alamouti`. rx: perhaps a `MatrixProduct` (an equaliser or combiner); the symbols' parts become
    values; `Receive`, convolutions, and where those do not end in pixels a `Table`.

    Parameters
    ----------
    model
        Name of the model it was made from.
    frame
        Default (width, height) of the image in pixels.
    nodes
        Each one's input type, exponent and channels are its predecessor's output's.
    side
        "tx" or "rx".
    input_channels, input, input_exponent
        tx: 3, 8 bits unsigned, -8. rx: the latent's channels, 16 bits signed, -12.
    terms
        Licence and source of the weights, printed by whatever uses them.

    Raises
    ------
    HwgenError
        The nodes do not fit together.
    """

    model: str
    frame: tuple[int, int]
    nodes: tuple[Node, ...]
    side: str = "tx"
    input_channels: int = 3
    input: IntType = IntType(8, False)
    input_exponent: int = -8
    terms: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        check(self.format_version == FORMAT_VERSION, "format_version", str(FORMAT_VERSION), self.format_version)
        check(self.side in SIDES, "side", "tx or rx", repr(self.side))
        if self.side == "tx":
            check(self.input == IntType(8, False), "input", "8 bits, unsigned", self.input)
            check((self.input_channels, self.input_exponent) == (3, -8), "input", "3 channels, exponent -8",
                  f"{self.input_channels} channels, exponent {self.input_exponent}")  # fmt: skip
        else:
            check_int(self.input_channels, "input_channels", 1, MAX_CHANNELS)
            check(self.input == SYMBOL, "input", "16 bits, signed", self.input)
            check(self.input_exponent == SYMBOL_EXPONENT, "input_exponent", "-12", repr(self.input_exponent))
        check(len(self.frame) == 2, "frame", "width and height", self.frame)
        for size in self.frame:
            check_int(size, "frame", 1, 1 << 16)
        self._check_order()
        names = [node.name for node in self.nodes]
        check(len(set(names)) == len(names), "nodes", "distinct names", names)
        for name in names:
            check(name not in RESERVED_NAMES, "nodes", f"names other than {', '.join(RESERVED_NAMES)}", name)
        for key, text in self.terms.items():
            check(isinstance(key, str) and isinstance(text, str), f"terms.{key}", "a text", repr(text))
        self._check_chain()

    def _check_order(self) -> None:
        kinds = [type(node) for node in self.nodes]
        names = [kind.__name__ for kind in kinds]
        inner = list(self.nodes)
        if self.side == "tx":
            if inner and isinstance(inner[-1], SymbolNode):
                inner.pop()
            fits = (
                len(inner) > 1
                and isinstance(inner[-1], Gain | Power)
                and all(isinstance(node, Conv2d) for node in inner[:-1])
            )
            wanted = "convolutions, then one gain or power, then at most one precoder"
        else:
            if inner and isinstance(inner[0], MatrixProduct):
                inner.pop(0)
            if inner and isinstance(inner[-1], Table):
                inner.pop()
            fits = (
                len(inner) > 1
                and isinstance(inner[0], Receive)
                and all(isinstance(node, Convolution) for node in inner[1:])
            )
            wanted = "at most one equaliser, then what receives, then convolutions, then at most one table"
        check(fits, "nodes", wanted, names)

    def _check_chain(self) -> None:
        channels, kind, exponent = self.input_channels, self.input, self.input_exponent
        for node in self.nodes:
            if isinstance(node, SymbolNode):
                continue
            at = node.name
            check(node.in_channels == channels, f"{at}.in_channels", str(channels), node.in_channels)
            check(node.input == kind, f"{at}.input", str(kind), node.input)
            if isinstance(node, Convolution | Receive | Table):
                check(node.input_exponent == exponent, f"{at}.input_exponent", str(exponent), node.input_exponent)
            channels, kind, exponent = node.out_channels, node.output, node.output_exponent
        if self.side == "rx":
            at = self.nodes[-1].name
            check(channels == 3, f"{at}.out_channels", "3 (red, green, blue)", channels)
            check(kind == IntType(8, False), f"{at}.output", "pixels: 8 bits, unsigned", kind)
            check(exponent == -8, f"{at}.output_exponent", "-8, a pixel's", exponent)

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The convolutions, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Convolution))

    @property
    def value_nodes(self) -> tuple[ValueNode, ...]:
        """The nodes between pixels and the pairs of values that make symbols, in order."""
        return tuple(node for node in self.nodes if not isinstance(node, SymbolNode))

    @property
    def symbol_node(self) -> SymbolNode | None:
        """The precoder or equaliser."""
        return next((node for node in self.nodes if isinstance(node, SymbolNode)), None)

    @property
    def coefficient_words(self) -> int:
        """Words of coefficients that come with every frame."""
        node = self.symbol_node
        return node.coefficient_words if isinstance(node, MatrixProduct) else 0

    @property
    def stride(self) -> int:
        """Product of all strides: it must divide an image's width and height."""
        product = 1
        for node in self.convolutions:
            product *= node.stride
        return product

    def shapes(self, width: int, height: int) -> dict[str, tuple[int, int, int]]:
        """(rows, columns, channels) of the input and of every node's output, for an image of width x height.

        The input is "pixels" (tx) or "symbols" (rx: the latent whose values the symbols carry). What a precoder or
        equaliser gives is (1, symbols, 2).

        Raises
        ------
        HwgenError
            A side is below 1 or not divisible by `stride`; layers that do not lead back to the image's size; symbols
            that do not fit a precoder's or equaliser's groups.
        """
        for key, size in (("width", width), ("height", height)):
            check(size >= 1 and size % self.stride == 0, f"frame {key}", f"a multiple of {self.stride}", size)
        scale = self.stride if self.side == "rx" else 1
        rows, columns, channels = height // scale, width // scale, self.input_channels
        values = rows * columns * channels
        found = {"pixels" if self.side == "tx" else "symbols": (rows, columns, channels)}
        for node in self.nodes:
            if isinstance(node, SymbolNode):
                # A precoder stands behind the values that it takes, an equaliser before those that it gives.
                words = (values + 1) // 2
                if self.side == "tx":
                    words = node.words_out(words)
                else:
                    assert isinstance(node, MatrixProduct), "an rx has no other"
                    node.words_in(words)
                found[node.name] = (1, words, 2)
                continue
            rows, columns = node.output_size(rows, columns)
            values = rows * columns * node.out_channels
            found[node.name] = (rows, columns, node.out_channels)
        if self.side == "rx":
            check((rows, columns) == (height, width), "nodes", f"layers that lead to {width}x{height} pixels",
                  f"{columns}x{rows}")  # fmt: skip
        return found

    def symbols(self, width: int, height: int) -> int:
        """Complex symbols per frame on the radio's side: ceil(latent values / 2), more where a code adds some."""
        shapes = self.shapes(width, height)
        node = self.symbol_node
        if self.side == "tx":
            last = self.nodes[-1]
            rows, columns, channels = shapes[last.name]
            return columns if isinstance(last, SymbolNode) else (rows * columns * channels + 1) // 2
        rows, columns, channels = shapes["symbols"]
        words = (rows * columns * channels + 1) // 2
        return node.words_in(words) if isinstance(node, MatrixProduct) else words

    def macs(self, width: int, height: int) -> dict[str, int]:
        """MACs of every node for one frame: output values x kernel taps x input channels, padding counted.

        Taps of transposed convolutions that fall between inputs are not counted; symbol-level nodes count none.
        """
        shapes = self.shapes(width, height)
        rows, columns, _ = next(iter(shapes.values()))
        found = {}
        for node in self.nodes:
            if isinstance(node, SymbolNode):
                found[node.name] = 0
                continue
            found[node.name] = node.macs(rows, columns)
            rows, columns = node.output_size(rows, columns)
        return found
