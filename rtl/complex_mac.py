"""Complex multiply-accumulate: sums of complex products, several at a time."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, tree_levels
from hwgen.rtl.checks import check_positive
from hwgen.rtl.complex_multiply import ComplexMultiplyConfig, Form, Widths
from hwgen.rtl.primitives import Cost, adder_lut


def complex_layout(re: int, im: int) -> data.StructLayout:
    """A complex integer of so many signed bits."""
    return data.StructLayout({"re": signed(re), "im": signed(im)})


@dataclass(frozen=True, kw_only=True)
class ComplexMacConfig:
    """The sum of a * b over a sequence of steps, `lanes` products each.

    Parameters
    ----------
    lanes
        Products of a step, at least 1.
    terms
        The most products of a sum: it is exact up to so many.
    widths
        Of the operands' parts.
    form
        "three" or "four" multipliers a product.
    conjugate
        Of b.

    Raises
    ------
    ValueError
        No lane, fewer terms than lanes; what ComplexMultiplyConfig refuses.
    """

    lanes: int
    terms: int
    widths: Widths
    form: Form
    conjugate: bool = False

    def __post_init__(self) -> None:
        check_positive(lanes=self.lanes)
        if self.terms < self.lanes:
            raise ValueError(f"terms: wanted at least the {self.lanes} of a step, got {self.terms}")
        ComplexMultiplyConfig(self.widths, self.form, self.conjugate)

    @property
    def multiplier(self) -> ComplexMultiplyConfig:
        """One of the lanes."""
        return ComplexMultiplyConfig(self.widths, self.form, self.conjugate)

    @property
    def results(self) -> tuple[int, int]:
        """Bits of re and im of a sum."""
        re, im = self.widths.results(self.conjugate)
        return re + ceil_log2(self.terms), im + ceil_log2(self.terms)

    @property
    def latency(self) -> int:
        """Cycles from a sum's last step to `done`: product, one per level of the adder tree, accumulator 1."""
        return self.multiplier.latency + tree_levels(self.lanes) + 1

    def cost(self, family: str) -> Cost:
        """Resources: DSPs exactly."""
        bits = sum(self.results)
        sums = Cost(adder_lut(bits), bits) * (self.lanes - 1)
        return self.multiplier.cost(family) * self.lanes + sums + Cost(adder_lut(bits) + 1, bits + 2 * self.latency)

    def build(self) -> ComplexMac:
        """The component."""
        return ComplexMac(self)


class ComplexMac(Component):
    """Sums complex products; never stalls.

    Latency: `config.latency`. Interval: one step per cycle, sums back to back.

    Parameters
    ----------
    config
        See ComplexMacConfig.

    Members
    -------
    issue, first, last : In(1), a step; whether it is its sum's first, and its last
    a, b : In(lanes operands), with `issue`
    done : Out(1), `re` and `im` hold a sum
    re, im : Out(signed), valid with `done` only
    """

    def __init__(self, config: ComplexMacConfig) -> None:
        self.config = config
        widths, (re, im) = config.widths, config.results
        super().__init__(
            {
                "issue": In(1),
                "first": In(1),
                "last": In(1),
                "a": In(data.ArrayLayout(complex_layout(widths.a_re, widths.a_im), config.lanes)),
                "b": In(data.ArrayLayout(complex_layout(widths.b_re, widths.b_im), config.lanes)),
                "done": Out(1),
                "re": Out(signed(re)),
                "im": Out(signed(im)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        products: dict[str, list[Term]] = {"re": [], "im": []}
        for lane in range(self.config.lanes):
            multiplier = self.config.multiplier.build()
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
        for cycle in range(self.config.latency - 1):
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
