"""The hardware side of a precoder, an equaliser or a combiner."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import MatrixProduct
from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering
from hwgen.rtl.complex_multiply import FORMS, Form
from hwgen.rtl.matrix_product import MatrixProductConfig
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

    def component(self, form: Form) -> MatrixProductConfig:
        """The component's config."""
        node = self.node
        return MatrixProductConfig(
            rows=node.rows,
            columns=node.columns,
            groups=self.groups,
            conjugate=node.conjugate,
            tables=node.tables,
            form=form,
            storage=self.storage,
        )

    def cost(self, config: Form, family: str) -> Cost:
        """The component's own."""
        return self.component(config).cost(family)

    def cycles(self, config: Form) -> int:
        """The values that become symbols or come of them, two for each one, or the groups.

        An odd last value's symbol takes as long as any.
        """
        return max(2 * self.output.columns, self.groups * self.component(config).cycles)

    def build(self, config: Form) -> Component:
        """The product of frames of that many groups."""
        return self.component(config).build()

    def depths(self, config: Form) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": self.component(config).depth}

    def steady(self, config: Form) -> Steady:
        """A group's symbols are taken one in every cycle, its results leave a row after the other."""
        component = self.component(config)
        rest = (component.rows - 1) * component.steps
        return Steady(component.columns - 1 + component.latency, component.latency + rest)

    def manifest(self, config: Form) -> dict[str, Any]:
        """The matrices."""
        node = self.node
        size = {"rows": node.rows, "columns": node.columns, "tables": node.tables}
        return size | {"conjugate": list(node.conjugate)}

    @property
    def least_frame_cycles(self) -> int:
        """In shorter frames, frames wait for their coefficients."""
        return self.node.coefficient_words + LOADING
