"""Complex multiplication, exact, by three real multiplications or by four.

    four    re = a_re * b_re - a_im * b_im          three    common = (a_re - a_im) * b_im
            im = a_re * b_im + a_im * b_re                   re = (b_re - b_im) * a_re + common
                                                             im = (b_re + b_im) * a_im + common

Three are Gauss's: one multiplier less, for three sums that are a bit wider than what they sum. Every multiplier has
registers before it, behind it, and behind the adder that follows: a DSP's own, as synthesis finds with no primitive
named. It takes sums into the DSPs, but no differences behind a product: -x * y is written (~x) * y + y, where the y is
added by the DSP whose result comes before.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import product
from typing import Literal

from amaranth.hdl import Module, Value, signed
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.adders import delay
from hwgen.rtl.checks import check_positive
from hwgen.rtl.packing import DSP_NARROW, DSP_WIDE
from hwgen.rtl.primitives import Cost, adder_lut, signed_bits

Form = Literal["three", "four"]
FORMS: tuple[Form, ...] = ("three", "four")

LEAST_OPERAND, LEAST_PRODUCT = 2, 9
"""Bits below which synthesis makes a multiplier of LUTs, whatever the form."""


@dataclass(frozen=True)
class Widths:
    """Signed bits of the parts of a complex product's operands a and b.

    Raises
    ------
    ValueError : a width below 1
    """

    a_re: int
    a_im: int
    b_re: int
    b_im: int

    def __post_init__(self) -> None:
        check_positive(a_re=self.a_re, a_im=self.a_im, b_re=self.b_re, b_im=self.b_im)

    @property
    def a_sum(self) -> int:
        """Bits of a_re + a_im, or of their difference."""
        return max(self.a_re, self.a_im) + 1

    @property
    def b_sum(self) -> int:
        return max(self.b_re, self.b_im) + 1

    def factors(self, form: Form) -> tuple[tuple[int, int], ...]:
        """Bits of the two factors of each multiplication."""
        if form == "three":
            return (self.a_sum, self.b_im), (self.b_sum, self.a_re), (self.b_sum, self.a_im)
        return (self.a_re, self.b_re), (self.a_im, self.b_im), (self.a_re, self.b_im), (self.a_im, self.b_re)

    def results(self, conjugate: bool = False) -> tuple[int, int]:
        """Bits that hold re and im of every product, and no bit more."""
        low_high = [(-(1 << bits - 1), (1 << bits - 1) - 1) for bits in astuple(self)]
        corners = list(product(*low_high))
        sign = -1 if conjugate else 1
        return (
            signed_bits(ar * br - sign * ai * bi for ar, ai, br, bi in corners),
            signed_bits(sign * ar * bi + ai * br for ar, ai, br, bi in corners),
        )


def in_dsp(first: int, second: int, kept: int) -> bool:
    """Whether synthesis gives a product of so many bits, of which so many are kept, a DSP."""
    return min(first, second) >= LEAST_OPERAND and min(first + second, kept) >= LEAST_PRODUCT


def small_multiplier_lut(first: int, second: int) -> int:
    """A multiplier of LUTs, about: one each of its bits while a LUT sees both factors, rows of adders beyond."""
    if first + second <= 6:
        return first + second
    if min(first, second) == 1:
        return max(first, second) + 1
    return first * second * 8 // 5


@dataclass(frozen=True)
class ComplexMultiplyConfig:
    """a * b, or a * conj(b), exact.

    Parameters
    ----------
    widths
        Of the operands' parts.
    form
        "three" or "four" multiplications.
    conjugate
        Of b.

    Raises
    ------
    ValueError
        A multiplication that needs more than a DSP of any family, an unknown form.
    """

    widths: Widths
    form: Form
    conjugate: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form: wanted three or four, got {self.form!r}")
        self.check("xcup")

    def check(self, family: str) -> None:
        """Check that a DSP of the family holds every multiplication.

        Raises
        ------
        ValueError
            One that needs more.
        """
        most = (DSP_WIDE[family], DSP_NARROW)
        for pair in self.widths.factors(self.form):
            if max(pair) > most[0] or min(pair) > most[1]:
                raise ValueError(
                    f"widths: wanted products of at most {most[0]} x {most[1]} bits in the form of {self.form}, "
                    f"got {max(pair)} x {min(pair)}"
                )

    @property
    def latency(self) -> int:
        """Cycles from operands to their product.

        Operands 1, sums 1 (three), first product 1, its adder 1, the last product's adder 1.
        """
        return 5 if self.form == "three" else 4

    @property
    def results(self) -> tuple[int, int]:
        """Bits of re and im."""
        return self.widths.results(self.conjugate)

    def _in_dsps(self) -> list[bool]:
        """Whether each multiplication of `Widths.factors` gets a DSP.

        Bits of a product that the result has no place for count for nothing.
        """
        re, im = self.results
        kept = (max(re, im), re, im) if self.form == "three" else (re, re, im, im)
        return [in_dsp(*pair, bits) for pair, bits in zip(self.widths.factors(self.form), kept, strict=True)]

    def cost(self, family: str) -> Cost:
        """Resources: DSPs exactly. LUTs and flip-flops exactly where all products are in DSPs.

        Then LUTs are the sums of b of three multiplications (a DSP's pre-adder takes that of a), with the operands'
        registers before them; of four the inverted part of a.

        Raises
        ------
        ValueError
            A multiplication that needs more than a DSP of the family.
        """
        self.check(family)
        widths, found = self.widths, self._in_dsps()
        if self.form == "three":
            cost = Cost(2 * adder_lut(widths.b_sum - 1), sum(astuple(widths)), sum(found))
        else:
            turned = widths.a_re if self.conjugate else widths.a_im
            cost = Cost(turned, turned + widths.b_im, sum(found))
        re, im = self.results
        for number, (pair, inside) in enumerate(zip(widths.factors(self.form), found, strict=True)):
            if not inside:
                # The product with its registers, and the adder behind it.
                result = max(re, im) if self.form == "three" and not number else re if number < 2 else im
                cost += Cost(small_multiplier_lut(*pair) + result * 2 // 3, 2 * sum(pair) + result)
        return cost

    def build(self) -> ComplexMultiply:
        """The component."""
        return ComplexMultiply(self)


class ComplexMultiply(Component):
    """Multiplies complex numbers; never stalls.

    Latency: `config.latency` cycles. Interval: one product per cycle.

    Parameters
    ----------
    config
        See ComplexMultiplyConfig.

    Members
    -------
    a_re, a_im, b_re, b_im : In(signed), as wide as `widths` says
    re, im : Out(signed), as wide as `config.results` says: exact
    """

    def __init__(self, config: ComplexMultiplyConfig) -> None:
        self.config = config
        widths, (re, im) = config.widths, config.results
        super().__init__(
            {
                "a_re": In(signed(widths.a_re)),
                "a_im": In(signed(widths.a_im)),
                "b_re": In(signed(widths.b_re)),
                "b_im": In(signed(widths.b_im)),
                "re": Out(signed(re)),
                "im": Out(signed(im)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Cycle 1: the operands.
        a_re, a_im, b_re, b_im = (
            delay(m, getattr(self, key), 1, key) for key in ("a_re", "a_im", "b_re", "b_im")
        )
        if self.config.form == "three":
            self._three(m, a_re, a_im, b_re, b_im)
        else:
            self._four(m, a_re, a_im, b_re, b_im)
        return m

    def _three(self, m: Module, a_re: Value, a_im: Value, b_re: Value, b_im: Value) -> None:
        # Cycle 2: the sums. Conjugation turns the sign of b_im, which changes the places of sum and difference.
        difference, total = delay(m, b_re - b_im, 1, "difference"), delay(m, b_re + b_im, 1, "total")
        if self.config.conjugate:
            difference, total = total, difference
        a_difference = delay(m, a_im - a_re if self.config.conjugate else a_re - a_im, 1, "a_difference")
        # Cycles 3 and 4: the common product, and the register behind the adder that it does not need.
        common = delay(m, a_difference * delay(m, b_im, 1, "b_im_late"), 2, "common")
        # Cycles 4 and 5: what differs.
        for key, factor, operand in (("re", difference, a_re), ("im", total, a_im)):
            own = delay(m, factor, 1, f"{key}_factor") * delay(m, operand, 2, f"{key}_operand")
            result = delay(m, own, 1, f"{key}_product") + common
            m.d.comb += getattr(self, key).eq(delay(m, result, 1, key))

    def _four(self, m: Module, a_re: Value, a_im: Value, b_re: Value, b_im: Value) -> None:
        if self.config.conjugate:
            self._chain(m, "re", (a_re, b_re), (a_im, b_im), subtract=False)
            self._chain(m, "im", (a_im, b_re), (a_re, b_im), subtract=True)
        else:
            self._chain(m, "re", (a_re, b_re), (a_im, b_im), subtract=True)
            self._chain(m, "im", (a_re, b_im), (a_im, b_re), subtract=False)

    def _chain(
        self, m: Module, key: str, first: tuple[Value, Value], second: tuple[Value, Value], subtract: bool
    ) -> None:
        """Two products and their sum, or what the first one is more than the second."""
        # Cycle 2: the first product; cycle 3: the register behind its adder, the second product; cycle 4: both.
        x, y = second
        late = delay(m, (~x).as_signed() if subtract else x, 1, f"{key}_x"), delay(m, y, 1, f"{key}_y")
        started: Value = delay(m, first[0] * first[1], 1, f"{key}_first")
        started = delay(m, started + late[1] if subtract else started, 1, f"{key}_started")
        own = delay(m, late[0] * late[1], 1, f"{key}_second")
        m.d.comb += getattr(self, key).eq(delay(m, own + started, 1, key))


def cheapest_form(widths: Widths, family: str, conjugate: bool = False) -> Form:
    """The form of fewest DSPs, then of fewest LUTs, then of the shortest latency, among those that a DSP can hold.

    Raises
    ------
    ValueError : neither form's multiplications fit a DSP
    """
    possible: list[tuple[int, int, int, Form]] = []
    refused = None
    for form in FORMS:
        try:
            config = ComplexMultiplyConfig(widths, form, conjugate)
            cost = config.cost(family)
        except ValueError as error:
            refused = error
            continue
        possible.append((cost.dsp, cost.lut, config.latency, form))
    if not possible:
        assert refused is not None
        raise refused
    return min(possible)[-1]
