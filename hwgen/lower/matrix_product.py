"""The hardware side of a precoder, an equaliser or a combiner."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import MatrixProduct
from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering
from hwgen.rtl.complex_multiply import FORMS, Form
from hwgen.rtl.matrix_product import MatrixProduct as rtl_matrix
from hwgen.rtl.primitives import Cost

LOADING = 4
"""Cycles that a frame must last beyond those of its coefficients' words, for their loading never to hold up a frame."""


class MatrixProductLowering(EndLowering[Form]):
    """Complex multipliers; its config is their form."""

    node: MatrixProduct
    choices = FORMS

    @property
    def groups(self) -> int:
        """Groups of symbols in a frame."""
        return self.inputs[0].columns // self.node.columns

    def cost(self, config: Form, family: str) -> Cost:
        """The component's own."""
        node = self.node
        return rtl_matrix.cost_of(
            rows=node.rows,
            columns=node.columns,
            groups=self.groups,
            family=family,
            conjugate=node.conjugate,
            tables=node.tables,
            form=config,
        )

    def cycles(self, config: Form) -> int:
        """The values that become symbols or come of them, two for each one, or the groups.

        An odd last value's symbol takes as long as any.
        """
        return max(2 * self.output.columns, self.groups * rtl_matrix.group_cycles_of(self.node.rows, self.node.columns))

    def build(self, config: Form) -> Component:
        """The product of frames of that many groups."""
        node = self.node
        return rtl_matrix(
            rows=node.rows,
            columns=node.columns,
            groups=self.groups,
            conjugate=node.conjugate,
            tables=node.tables,
            form=config,
        )

    def depths(self, config: Form) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": rtl_matrix.places_of(self.node.columns, config)}

    def steady(self, config: Form) -> Steady:
        """A group's symbols are taken one in every cycle, its results leave a row after the other."""
        latency = rtl_matrix.latency_of(self.node.columns, config)
        rest = (self.node.rows - 1) * rtl_matrix.steps_of(self.node.columns)
        return Steady(self.node.columns - 1 + latency, latency + rest)

    def manifest(self, config: Form) -> dict[str, Any]:
        """The matrices."""
        node = self.node
        size = {"rows": node.rows, "columns": node.columns, "tables": node.tables}
        return size | {"conjugate": list(node.conjugate)}

    @property
    def least_frame_cycles(self) -> int:
        """In shorter frames, frames wait for their coefficients."""
        return self.node.coefficient_words + LOADING
