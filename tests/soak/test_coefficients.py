"""Faults through designs whose frames meet coefficients, right ones and some with a bug in the coefficients' framer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.emission import emit_tiny

from hwgen.sim import design as designs
from hwgen.sim.design import Design
from hwgen.soak.faults import MIXED
from hwgen.soak.run import BOTH, Soak

NOT_DROPPED = r"(= there & )(\\\$\d+ )(?=;\n  assign o__valid = )", r"\1(\2 | (bug == 1))"
"""In the Verilog of a framer: what is too long is handed on, where the plusarg says so."""


@pytest.fixture(scope="module", params=["rayleigh", "mimo2x2"])
def design(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Design:
    """tiny's receiver: one coefficient for a frame, or four."""
    folder = emit_tiny(tmp_path_factory.mktemp("soak") / "design", side="rx", channel=request.param).folder
    path = folder / "hwgen_rx.v"
    text = path.read_text()
    framer = re.search(r"^module \\hwgen_rx\.framer\.coefficients .*?^endmodule", text, re.MULTILINE | re.DOTALL)
    assert framer is not None
    body, count = re.subn(*NOT_DROPPED, framer[0])
    assert count == 1
    own = '  integer bug = 0;\n  initial if (!$value$plusargs("bug=%d", bug)) bug = 0;\n'
    path.write_text(text.replace(framer[0], body.replace("  input clk;\n", f"{own}  input clk;\n", 1)))
    return designs.load(folder)


def test_all_right(design: Design, tmp_path: Path) -> None:
    """Faults on frames, on coefficients, and on both at once; each frame meets its own coefficients behind them."""
    outcomes = Soak(design, 1).run(60, tmp_path)
    assert all(outcome.right for outcome in outcomes), [outcome for outcome in outcomes if not outcome.right]
    ports = ("s_axis", "s_coef", BOTH)
    kinds = {port: {outcome.kind for outcome in outcomes if outcome.port == port} for port in ports}
    assert [len(each) for each in kinds.values()] == [9, 5 if design.coefficient_beats == 1 else 9, 1]
    assert kinds[BOTH] == {MIXED}
    total = sum(outcomes[1:], outcomes[0])
    assert total.faults >= 60 and min(total.good, total.padded, total.cut) > 10


def test_a_bug_in_the_coefficients_framer_is_found(design: Design, tmp_path: Path) -> None:
    """Where coefficients are too long, and nowhere else."""
    outcomes = Soak(design, 1, plusargs=["+bug=1"]).run(60, tmp_path)
    assert all(outcome.right for outcome in outcomes if outcome.port == "s_axis")
    wrong = {outcome.kind: outcome for outcome in outcomes if outcome.port == "s_coef" and not outcome.right}
    assert {"missing TLAST", "late TLAST", "surplus beat"} <= set(wrong) and "extra TLAST" not in wrong
    assert wrong["missing TLAST"].wrong_good, "all frames behind it meet a neighbour's"
