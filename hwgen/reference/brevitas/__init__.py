"""The golden answer of every kind of node, in Brevitas and float64, as cases of `golden_node`."""

from __future__ import annotations

from hwgen.reference.brevitas import convolution as convolution
from hwgen.reference.brevitas.node import golden_node

__all__ = ["golden_node"]
