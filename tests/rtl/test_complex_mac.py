# amaranth: UnusedElaboratable=no
"""ComplexMac against Python's own integers: sums of changing length, back to back and with gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.streaming import simulate

from hwgen.rtl.complex_mac import ComplexMac, ComplexMacConfig
from hwgen.rtl.complex_multiply import FORMS, Form, Widths

Complex = tuple[int, int]


def check(dut: ComplexMac, sums: list[int], gaps: float, seed: int) -> None:
    """Sums of so many steps each: `done` exactly `latency` cycles behind each one's last step and never else."""
    random = np.random.default_rng(seed)
    widths = dut.config.widths

    def number(bits: tuple[int, int]) -> Complex:
        ends = [(-(1 << width - 1), (1 << width - 1) - 1) for width in bits]
        return tuple(int(random.choice([low, high, random.integers(low, high + 1)])) for low, high in ends)  # type: ignore

    steps = [(at == 0, at == length - 1) for length in sums for at in range(length)]
    wanted: list[tuple[int, int, int]] = []
    found: list[tuple[int, int, int]] = []

    async def bench(ctx: Any) -> None:
        cycle = after = 0
        re = im = 0
        waiting = list(steps)
        while waiting or after < dut.config.latency + 20:
            issue = bool(waiting) and random.random() >= gaps
            ctx.set(dut.issue, issue)
            a = [number((widths.a_re, widths.a_im)) for _ in range(dut.config.lanes)]
            b = [number((widths.b_re, widths.b_im)) for _ in range(dut.config.lanes)]
            ctx.set(dut.a, [dict(zip(("re", "im"), each, strict=True)) for each in a])
            ctx.set(dut.b, [dict(zip(("re", "im"), each, strict=True)) for each in b])
            first, last = waiting.pop(0) if issue else (bool(random.integers(2)), bool(random.integers(2)))
            ctx.set(dut.first, first)
            ctx.set(dut.last, last)
            if issue:
                if first:
                    re = im = 0
                for (a_re, a_im), (b_re, b_im) in zip(a, b, strict=True):
                    b_im = -b_im if dut.config.conjugate else b_im
                    re, im = re + a_re * b_re - a_im * b_im, im + a_re * b_im + a_im * b_re
                if last:
                    wanted.append((cycle + dut.config.latency, re, im))
            if ctx.get(dut.done):
                found.append((cycle, ctx.get(dut.re), ctx.get(dut.im)))
            after += not waiting
            cycle += 1
            await ctx.tick()

    simulate(dut, bench)
    assert found == wanted


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_sums(form: Form, conjugate: bool, lanes: int, gaps: float) -> None:
    widths = Widths(8, 6, 5, 7)
    config = ComplexMacConfig(lanes=lanes, terms=4 * lanes, widths=widths, form=form, conjugate=conjugate)
    check(config.build(), [1, 2, 4, 1, 1, 3, 4, 4] * 6, gaps, lanes)


@pytest.mark.parametrize("form", FORMS)
def test_wide_sums(form: Form) -> None:
    config = ComplexMacConfig(lanes=2, terms=4, widths=Widths(16, 16, 16, 16), form=form)
    check(config.build(), [2, 1] * 30, 0.2, 7)


def test_latency_and_width() -> None:
    def config(lanes: int, form: Form, terms: int = 8) -> ComplexMacConfig:
        return ComplexMacConfig(lanes=lanes, terms=terms, widths=Widths(16, 16, 16, 16), form=form)

    assert [config(lanes, "three").latency for lanes in (1, 2, 3, 4, 5)] == [6, 7, 8, 8, 9]
    assert [config(lanes, "four").latency for lanes in (1, 2)] == [5, 6]
    assert config(1, "three", terms=4).results == (34, 35)


@pytest.mark.parametrize(("change", "message"), [
    (dict(lanes=0), "lanes: wanted at least 1, got 0"),
    (dict(terms=1), "terms: wanted at least the 2 of a step, got 1"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ComplexMacConfig(**(dict(lanes=2, terms=2, widths=Widths(4, 4, 4, 4), form="four") | change))
