"""Random integers as weights, so that a specification nobody has trained can be emitted and verified.

A random network proves nothing where its values do not go: a layer that is mostly zero hides errors, one that
never saturates or never meets a rounding tie leaves those rules untested. So every layer is drawn, run on three
synthetic images of at least 36x20, measured (`coverage`) and, if need be, drawn again, until its output

- takes at least 16 distinct values, or its type's whole range;
- is not mostly zero;
- saturates, at both ends where it is signed (a gain: at one);
- meets rounding ties that half-even and half-up round differently.

Where no draw reaches all of it (one 1x1 kernel of 2-bit weights on one 2-bit channel has four outputs at most),
the best one is taken. Layers are measured on integers, a transmitter's on images drawn as integers; a receiver's
symbols are normally distributed floats, rounded to Q3.12, and a sigmoid's table is rounded from float64.
"""

from __future__ import annotations

from hwgen.random_init.coverage import Coverage, coverage
from hwgen.random_init.graph import random_graph
from hwgen.random_init.images import synthetic_image

__all__ = ["Coverage", "coverage", "random_graph", "synthetic_image"]
