"""Complex multiply-accumulate: sums of complex products, several at a time."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, tree_levels
from hwgen.rtl.complex_multiply import ComplexMultiply, Form, Widths, latency_of
from hwgen.rtl.primitives import Cost, adder_lut


def complex_layout(re: int, im: int) -> data.StructLayout:
    """A complex integer of so many signed bits."""
    return data.StructLayout({"re": signed(re), "im": signed(im)})


class ComplexMac(Component):
    """The sum of a * b over a sequence of steps, `lanes` products each; never stalls.

    Latency: `latency` cycles from a sum's last step to `done`. Interval: one step per cycle, sums back to back.

    Parameters
    ----------
    lanes : int, products of a step, at least 1
    terms : int, the most products of a sum: it is exact up to so many
    widths : Widths of the operands' parts
    form : "three" or "four" multipliers a product
    conjugate : bool, of b

    Members
    -------
    issue, first, last : In(1), a step; whether it is its sum's first, and its last
    a, b : In(lanes operands), with `issue`
    done : Out(1), `re` and `im` hold a sum
    re, im : Out(signed), valid with `done` only

    Raises
    ------
    ValueError : no lane, fewer terms than lanes; what ComplexMultiply refuses, when it is elaborated
    """

    def __init__(self, *, lanes: int, terms: int, widths: Widths, form: Form, conjugate: bool = False) -> None:
        if lanes < 1:
            raise ValueError(f"lanes: wanted at least 1, got {lanes}")
        if terms < lanes:
            raise ValueError(f"terms: wanted at least the {lanes} of a step, got {terms}")
        self.lanes, self.terms = lanes, terms
        self.widths, self.conjugate = widths, conjugate
        self.form: Form = form
        re, im = self.results(terms, widths, conjugate)
        super().__init__(
            {
                "issue": In(1),
                "first": In(1),
                "last": In(1),
                "a": In(data.ArrayLayout(complex_layout(widths.a_re, widths.a_im), lanes)),
                "b": In(data.ArrayLayout(complex_layout(widths.b_re, widths.b_im), lanes)),
                "done": Out(1),
                "re": Out(signed(re)),
                "im": Out(signed(im)),
            }
        )

    @staticmethod
    def results(terms: int, widths: Widths, conjugate: bool = False) -> tuple[int, int]:
        """Bits of re and im of a sum."""
        re, im = widths.results(conjugate)
        return re + ceil_log2(terms), im + ceil_log2(terms)

    @staticmethod
    def latency_of(lanes: int, form: Form) -> int:
        """Product, one per level of the adder tree, accumulator 1."""
        return latency_of(form) + tree_levels(lanes) + 1

    @property
    def latency(self) -> int:
        return self.latency_of(self.lanes, self.form)

    @staticmethod
    def cost_of(
        *, lanes: int, terms: int, widths: Widths, form: Form, family: str, conjugate: bool = False
    ) -> Cost:
        """Resources: DSPs exactly."""
        bits = sum(ComplexMac.results(terms, widths, conjugate))
        flags = ComplexMac.latency_of(lanes, form)
        sums = Cost(adder_lut(bits), bits) * (lanes - 1)
        multipliers = ComplexMultiply.cost_of(form, widths, family, conjugate) * lanes
        return multipliers + sums + Cost(adder_lut(bits) + 1, bits + 2 * flags)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        products: dict[str, list[Term]] = {"re": [], "im": []}
        for lane in range(self.lanes):
            multiplier = ComplexMultiply(self.widths, self.form, self.conjugate)
            m.submodules[f"multiplier{lane}"] = multiplier
            m.d.comb += [
                multiplier.a_re.eq(self.a[lane].re),
                multiplier.a_im.eq(self.a[lane].im),
                multiplier.b_re.eq(self.b[lane].re),
                multiplier.b_im.eq(self.b[lane].im),
            ]
            products["re"].append(Term(multiplier.re))
            products["im"].append(Term(multiplier.im))
        # The flags walk beside the data: they arrive with the step's products.
        flags: list[Value] = [self.issue, self.issue & self.first, self.issue & self.last]
        for cycle in range(self.latency - 1):
            late = [Signal(name=f"{name}{cycle}") for name in ("valid", "first", "last")]
            m.d.sync += [register.eq(flag) for register, flag in zip(late, flags, strict=True)]
            flags = list(late)
        valid, first, last = flags
        for key, terms in products.items():
            step = adder_tree(m, terms, f"sum_{key}").value
            total = Signal(Shape.cast(getattr(self, key).shape()), name=f"total_{key}", reset_less=True)
            with m.If(valid):
                m.d.sync += total.eq(step + Mux(first, 0, total))
            m.d.comb += getattr(self, key).eq(total)
        m.d.sync += self.done.eq(last)
        return m
