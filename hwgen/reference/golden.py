"""The golden model: what the hardware must equal, computed by Brevitas in float64.

Convolutions, biases, rounding and saturation are Brevitas's unmodified layers (`hwgen.train.quantisers` only
picks their bit widths and scales). All values are integers times powers of two and every intermediate one has at
most 53 significant bits, so float64 is exact. Brevitas has no PReLU with integer slopes, no gain and no complex
matrices; theirs are products in float64, rounded by a Brevitas quantiser. It has no power normalisation and no tables
either: those are the integer rule and the table themselves. All of these are tested against plain Python integers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hwgen.ir.execute import Frame, Outputs, run
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas import golden_node
from hwgen.reference.brevitas.trained import trained

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec


def golden(
    spec: ModelSpec,
    graph: Graph,
    frame: Frame,
    checkpoint: Path | None = None,
    coefficients: IntArray | None = None,
    size: tuple[int, int] | None = None,
) -> Outputs:
    """One frame through a graph in Brevitas, node by node in topological order.

    Parameters
    ----------
    graph
        Its integers are loaded into fresh Brevitas layers.
    frame
        What the input port takes: (H, W, C) uint8 pixels, or (words,) uint32 received symbols, I in the low 16 bits,
        Q in the high ones.
    checkpoint
        If given, the trained network itself is run instead, and `graph` names the layers only: a graph that was
        not exported from this checkpoint shows as a mismatch.
    coefficients
        (tables, rows, columns, 2) of the precoder or equaliser, where there is one.
    size
        Of symbols: (width, height) of the image, by default the graph's own.

    Returns
    -------
    As `hwgen.ir.execute.execute`: the ports' names and every node's.

    Raises
    ------
    HwgenError
        A frame of another shape; a layer's products would not be exact in float64; the checkpoint is not this
        network's.
    """
    values: dict[str, IntArray] = {}

    def answer(node: Node, *inputs: IntArray) -> IntArray:
        if checkpoint is None or node.takes_symbols:
            return golden_node(node, *inputs, coefficients=coefficients)
        if not values:  # the first node of the network: it has the network's input
            values.update(trained(spec, checkpoint, graph, *inputs))
        return values[node.name]

    return run(graph, frame, answer, size)
