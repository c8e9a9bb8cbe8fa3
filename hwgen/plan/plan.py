"""What the passes hand on: a graph on a board, for one frame size, with the folding of every layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from hwgen.board import Board
from hwgen.ir.graph import Convolution, ConvTranspose2d, Graph
from hwgen.rtl.complex_multiply import Form
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.window import WindowShape


@dataclass(frozen=True)
class Plan:
    """A graph sized for a board.

    Parameters: graph; board; width, height of the frame in pixels; foldings by layer name, in the graph's order;
    places of a transmitter's other buffers (the gain by its node's name, symbols, pixels) that have fewer than their
    own; form of the multiplications of a precoder or equaliser.
    """

    graph: Graph
    board: Board
    width: int
    height: int
    foldings: dict[str, ConvolutionFolding]
    places: dict[str, int] = field(default_factory=dict)
    form: Form = "three"

    @property
    def lanes(self) -> int:
        """Multipliers of all convolutions."""
        return sum(folding.lanes for folding in self.foldings.values())

    @property
    def pixel_lanes(self) -> int:
        """Values per beat that the first layer takes: a transmitter's whole pixels, or one."""
        return next(iter(self.foldings.values())).in_lanes

    @property
    def serialised(self) -> bool:
        """Whether a transmitter's pixels become single values before the first layer."""
        return self.graph.side == "tx" and self.pixel_lanes == 1


def fold_convolution(
    node: Convolution,
    width: int,
    height: int,
    pe: int,
    simd: int,
    *,
    taps: int = 1,
    in_lanes: int = 1,
    out_lanes: int = 1,
) -> ConvolutionFolding:
    """The folding of `node` for an input of width x height.

    pe x simd lanes, `taps` rows of them (see WindowShape); in_lanes and out_lanes values per beat
    """
    window = WindowShape(
        channels=node.in_channels,
        width=width,
        height=height,
        kernel=node.kernel,
        stride=node.stride,
        padding=node.padding,
        simd=simd,
        folds=-(-node.out_channels // pe),
        bits=node.input.bits,
        signed=node.input.signed,
        taps=taps,
        transposed=isinstance(node, ConvTranspose2d),
        output_padding=node.output_padding if isinstance(node, ConvTranspose2d) else 0,
    )
    return ConvolutionFolding(window, node.out_channels, pe, node.activation == "prelu", in_lanes, out_lanes)
