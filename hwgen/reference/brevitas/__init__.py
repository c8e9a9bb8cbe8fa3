"""The golden answer of every kind of node, in Brevitas and float64: one file a kind, registered with `golden_node`."""

from __future__ import annotations

from hwgen.reference.brevitas import (
    add as add,
    alamouti as alamouti,
    concat as concat,
    convolution as convolution,
    gain as gain,
    matrix_product as matrix_product,
    pooling as pooling,
    power as power,
    receive as receive,
    reshaping as reshaping,
    table as table,
)
from hwgen.reference.brevitas.node import golden_node

__all__ = ["golden_node"]
