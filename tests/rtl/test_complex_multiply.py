# amaranth: UnusedElaboratable=no
"""ComplexMultiply against Python's own integers: every operand at small widths, random and corners at large ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.streaming import simulate

from hwgen.rtl.complex_multiply import FORMS, ComplexMultiplyConfig, Form, Widths, cheapest_form

Operands = tuple[int, int, int, int]


def plain(operands: Operands, conjugate: bool) -> tuple[int, int]:
    a_re, a_im, b_re, b_im = operands
    if conjugate:
        b_im = -b_im
    return a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re


def check(widths: Widths, form: Form, conjugate: bool, operands: list[Operands]) -> None:
    """A product in every cycle, exactly `latency` cycles behind its operands."""
    config = ComplexMultiplyConfig(widths, form, conjugate)
    dut = config.build()
    found = []

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for at in range(len(operands) + config.latency):
            if at < len(operands):
                for key, value in zip(("a_re", "a_im", "b_re", "b_im"), operands[at], strict=True):
                    ctx.set(getattr(dut, key), value)
            if at >= config.latency:
                found.append((ctx.get(dut.re), ctx.get(dut.im)))
            await ctx.tick()

    simulate(dut, bench)
    assert found == [plain(each, conjugate) for each in operands]


def every(widths: Widths) -> list[Operands]:
    ranges = [range(-(1 << bits - 1), 1 << bits - 1) for bits in (widths.a_re, widths.a_im, widths.b_re, widths.b_im)]
    return list(product(*ranges))


BOTH = [(2, 3, 3, 2), (3, 2, 3, 2)]
SMALL = [Widths(*bits) for bits in product((1, 2, 3), repeat=4) if sum(bits) <= 8 or bits in BOTH]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("conjugate", [False, True])
def test_every_operand_at_small_widths(form: Form, conjugate: bool) -> None:
    """All operands of all combinations of 1 to 3 bits whose widths sum to 8 at most, and two of 10."""
    for widths in SMALL:
        check(widths, form, conjugate, every(widths))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("conjugate", [False, True])
def test_every_operand_of_3_bits(form: Form, conjugate: bool) -> None:
    check(Widths(3, 3, 3, 3), form, conjugate, every(Widths(3, 3, 3, 3)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize(
    "bits",
    [(8, 8, 8, 8), (8, 6, 8, 6), (8, 8, 6, 6), (6, 8, 8, 6), (16, 16, 16, 16), (24, 24, 17, 17), (1, 16, 16, 1)],
)
def test_random_and_corners(form: Form, conjugate: bool, bits: Operands) -> None:
    random = np.random.default_rng(sum(bits))
    ends = [(-(1 << width - 1), (1 << width - 1) - 1) for width in bits]
    operands: list[Operands] = list(product(*ends))
    operands += [tuple(int(random.integers(low, high + 1)) for low, high in ends) for _ in range(1500)]
    check(Widths(*bits), form, conjugate, operands)


@pytest.mark.parametrize("conjugate", [False, True])
def test_results_are_as_wide_as_need_be(conjugate: bool) -> None:
    for widths in (Widths(3, 3, 3, 3), Widths(2, 3, 1, 3), Widths(1, 1, 1, 1)):
        values = np.array([plain(each, conjugate) for each in every(widths)])
        wanted = [max(int(part.max()).bit_length(), (-int(part.min()) - 1).bit_length()) + 1 for part in values.T]
        assert list(widths.results(conjugate)) == wanted


def test_latency() -> None:
    assert [ComplexMultiplyConfig(Widths(8, 8, 8, 8), form).latency for form in ("three", "four")] == [5, 4]


def test_cheapest_form() -> None:
    assert cheapest_form(Widths(16, 16, 16, 16), "xc7") == "three"  # 3 DSPs against 4
    assert cheapest_form(Widths(8, 6, 8, 6), "xc7") == "three"
    assert cheapest_form(Widths(3, 3, 3, 3), "xc7") == "four"  # no DSP in either: fewer LUTs
    assert cheapest_form(Widths(4, 4, 4, 4), "xc7") == "four"  # the sums would need DSPs
    assert cheapest_form(Widths(25, 25, 18, 18), "xc7") == "four"  # sums of 26 and 19 bits fit no DSP
    assert cheapest_form(Widths(26, 26, 17, 17), "xcup") == "three"
    with pytest.raises(ValueError, match="widths: wanted products of at most 25 x 18 bits in the form of four, got 26"):
        cheapest_form(Widths(26, 26, 18, 18), "xc7")


def test_errors() -> None:
    with pytest.raises(ValueError, match="^a_im: wanted at least 1, got 0$"):
        Widths(1, 0, 1, 1)
    with pytest.raises(ValueError, match="^form: wanted three or four, got 'five'$"):
        ComplexMultiplyConfig(Widths(1, 1, 1, 1), "five")  # type: ignore[arg-type]
    message = "^widths: wanted products of at most 25 x 18 bits in the form of three, got 26 x 17$"
    wide = ComplexMultiplyConfig(Widths(25, 25, 17, 17), "three")  # fits the other family's DSP
    assert wide.cost("xcup").dsp == 3
    with pytest.raises(ValueError, match=message):
        wide.cost("xc7")
    with pytest.raises(ValueError, match="^widths: wanted products of at most 27 x 18 bits"):
        ComplexMultiplyConfig(Widths(28, 28, 2, 2), "four")
