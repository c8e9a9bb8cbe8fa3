"""FIFOs with a fault that a neighbour's rhythm may hide: the claims find it, and do not find one that is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.fifos import claims, refuted
from hwgen.mutants.netlist import Mutation, mutations
from hwgen.mutants.origin import Origins
from hwgen.rtl.skip_fifo import SkipFifoConfig
from hwgen.rtl.stream import CreditFifoConfig


def prepared(component: Any, folder: Path, text: str = "", instead: str = "") -> list[Mutation]:
    """Its mutants, in `folder`; with a text of its Verilog put in the place of another."""
    emitted = verilog.convert(component, name="top", emit_src=False)
    assert text in emitted
    netlist = yosys.prepare(emitted.replace(text, instead) if text else emitted, "top", folder)
    known = mutations(netlist, Origins([()] * 999))
    return [one for cells in known.values() for cell in cells for one in cell]


def of_register(known: list[Mutation], name: str, port: str, bit: int, mode: str) -> Mutation:
    found = [one for one in known if one.cell.startswith(f"{name}_$") and "dff" in one.kind]
    return next(one for one in found if (one.port, one.bit, one.mode) == (port, bit, mode))


def test_a_fifo_that_is_fed_by_credits(tmp_path: Path) -> None:
    """Its memory is left by another word than was the next; the count of credits that never says that there is room
    breaks none of these claims: a run that hangs does."""
    known = prepared(CreditFifoConfig(2, 3).build(), tmp_path)
    asked = [of_register(known, "some", "D", 0, "const1"), of_register(known, "lacking", "Q", 2, "const0")]
    assert refuted(dict(enumerate(asked)), tmp_path) == [0]


def test_one_of_several_that_give_in_turn(tmp_path: Path) -> None:
    """Its memory is left by another word than was the next."""
    known = prepared(CreditFifoConfig(2, 4, in_turn=True).build(), tmp_path)
    assert refuted({5: of_register(known, "some", "D", 0, "const1")}, tmp_path) == [5]


def test_a_fifo_between_streams(tmp_path: Path) -> None:
    """Another component between two streams, whose beats are others than came in, is not asked."""
    known = prepared(SkipFifoConfig(2, 3).build(), tmp_path)
    mutant = of_register(known, "read_at", "Q", 0, "const0")
    assert refuted({1: replace(mutant, component="skip_fifo"), 2: replace(mutant, component="gain")}, tmp_path) == [1]


def test_a_fifo_of_which_the_claims_do_not_hold(tmp_path: Path) -> None:
    known = prepared(CreditFifoConfig(2, 3).build(), tmp_path, "o__payload <= ", "o__payload <= ~ ")
    with pytest.raises(HwgenError, match="the FIFO top: wanted each beat in its turn and as it came, got another run"):
        refuted({1: of_register(known, "some", "D", 0, "const1")}, tmp_path)


def test_other_modules_have_no_such_claims() -> None:
    assert claims({name: {"bits": [0]} for name in ("clk", "rst", "write", "payload")}) is None
