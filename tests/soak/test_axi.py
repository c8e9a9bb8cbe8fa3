"""`hwgen soak --ip`: a right IP passes, and what it does wrong is found by the fault that meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.folder_simulation import icarus

from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.ip.emit import writer
from hwgen.ip.options import IpOptions
from hwgen.soak.axi import AxiOutcome, simulated

KINDS = 9
"""Of faults."""


@pytest.mark.skipif(not icarus(), reason="Icarus Verilog (iverilog) is not installed")
def test_faults_are_borne_and_a_wrong_ip_is_found(tmp_path: Path) -> None:
    """The planted fault: the flag of a frame that ends in the midst of a pixel is never set."""
    folder = tmp_path / "design"
    emit(DesignOptions("tiny", "tx", frame=(8, 8), init=1), folder, quiet=True, beside=writer(IpOptions()))
    outcomes = simulated(folder, tmp_path / "right", KINDS, 1, "icarus")
    assert len(outcomes) == KINDS
    assert all(outcome.right and outcome.faults == 1 for outcome in outcomes)
    assert {"short", "torn", "soft reset", "register traffic"} <= {outcome.kind for outcome in outcomes}
    path = folder / "hwgen_tx_ip.v"
    text, found = path.read_text(), r"\.irq_status_length_error_set\([^)]*\)"
    assert len(re.findall(found, text)) == 1
    path.write_text(re.sub(found, ".irq_status_length_error_set(1'b0)", text))
    wrong = [one for one in simulated(folder, tmp_path / "wrong", 3, 1, "icarus") if not one.right]
    assert [(one.kind, one.first) for one in wrong] == [("torn", "fault 2: torn: IRQ_STATUS: wanted 0xf, got 0x7")]


def test_an_outcome_is_right_without_wrongs_and_hangs() -> None:
    assert AxiOutcome("short", 5, 0, 0).right
    assert not AxiOutcome("short", 5, 1, 0).right
    assert not AxiOutcome("short", 5, 0, 1).right


def test_an_ip_is_emitted_anew(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words in (["--design", str(tmp_path)], ["--cache", str(tmp_path)], ["--trust"]):
        assert main(["soak", "--ip", *words]) == 2
        assert f"{words[0]}: wanted no --ip beside it: an IP is emitted anew, got --ip" in capsys.readouterr().err
