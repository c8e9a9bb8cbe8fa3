"""Faults through emitted designs, and through one whose framer has faults of its own."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.emission import emit_tiny

from hwgen.cli.main import main
from hwgen.sim import design as designs
from hwgen.sim.design import Design
from hwgen.soak.run import BOTH, Outcome, Soak

BUGS = {
    # The framer's Verilog, a pattern where it has a backslash, and what takes its place.
    "padded with the last beat instead of zeros": ("padding ? 24'h000000", "(padding & bug != 1) ? 24'h000000"),
    "what is too long is not dropped": (r"(= \\\$\d+  & )(\\\$\d+ )(?=;\n  assign \\\$\d+  = ~ last_place)",
                                        r"\1(\2 & (bug != 2))"),
    "stands still in what is dropped": ("i__ready = ~ full;", "i__ready = ~ full & ~(dropping & bug == 3);"),
    "a waiting beat's TLAST is not looked at": (r"full \? (held\[\d+\])", r"(full & bug != 4) ? \1"),
    "a padded frame is a beat short": (r"assign (\\\$\d+)  = place == 6'h3e;",
                                       r"assign \1  = place == 6'h3e || (bug == 5 && padding && place == 6'h3d);"),
    "long frames are not counted": ("= last != last_place;", "= (last != last_place) & (bug != 6 | last);"),
}  # fmt: skip
"""Planted in one Verilog text, by a plusarg at run time: number n is the n-th."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Design:
    """tiny's transmitter with all bugs, none of which is there unless asked for."""
    folder = emit_tiny(tmp_path_factory.mktemp("soak") / "design").folder
    path = folder / "hwgen_tx.v"
    text = path.read_text()
    framer = re.search(r"^module \\hwgen_tx\.framer\.frames .*?^endmodule", text, re.MULTILINE | re.DOTALL)
    assert framer is not None
    body = framer[0]
    for old, new in BUGS.values():
        body, count = re.subn(old if "\\" in old else re.escape(old), new, body)
        assert count == 1, old
    own = '  integer bug = 0;\n  initial if (!$value$plusargs("bug=%d", bug)) bug = 0;\n'
    body = body.replace("  input clk;\n", f"{own}  input clk;\n", 1)
    path.write_text(text.replace(framer[0], body))
    return designs.load(folder)


def total(soak: Soak, folder: Path, faults: int = 400) -> Outcome:
    outcomes = soak.run(faults, folder)
    found = Outcome("", "")
    for outcome in outcomes:
        found += outcome
    assert all(outcome.right for outcome in outcomes) == (
        found.right and found.pulses == found.frame_errors == found.expected_errors
    )
    return found


def test_all_right(planted: Design, tmp_path: Path) -> None:
    found = total(Soak(planted, 1), tmp_path)
    assert found.right and found.faults >= 400
    assert found.good > 300 and found.padded > 200 and found.cut > 100 and found.expected_errors > 400


@pytest.mark.parametrize(("number", "wrong"), [
    (1, {"wrong_padded"}), (2, {"wrong_good", "wrong_padded"}), (3, {"hangs", "wrong_good"}), (4, {"wrong_good"}),
    (5, {"wrong_good"}), (6, set()),
])  # fmt: skip
def test_a_planted_bug_is_found(planted: Design, tmp_path: Path, number: int, wrong: set[str]) -> None:
    """With few faults already; counted where it belongs."""
    found = total(Soak(planted, 1, plusargs=[f"+bug={number}"]), tmp_path, 60)
    assert not found.right
    kinds = ("wrong_good", "wrong_padded", "wrong_cut", "hangs", "broken")
    seen = {key for key in kinds if getattr(found, key)}
    assert wrong <= seen
    if not wrong:
        assert seen == set() and found.frame_errors < found.expected_errors


def test_command(planted: Design, capfd: pytest.CaptureFixture[str]) -> None:
    """Status 0 and a table; one object with --json; a folder without the counter is refused."""
    words = ["soak", "--design", str(planted.folder), "--faults", "18", "--seed", "3", "--trust"]
    assert main(words) == 0
    out = capfd.readouterr().out
    assert "tiny tx 8x8: proven. 18 faults, 0 hangs, 0 of " in out and "surplus end" in out
    assert main([*words, "--json"]) == 0
    record = json.loads(capfd.readouterr().out)
    assert record["verdict"] == "proven" and record["designs"][0]["hangs"] == 0
    assert [kind["port"] for kind in record["designs"][0]["kinds"]] == ["s_axis"] * 9
    assert all(kind["right"] and kind["faults"] == 2 for kind in record["designs"][0]["kinds"])


def test_status_of_a_design_that_differs(
    planted: Design, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = Soak.run
    monkeypatch.setattr(Soak, "run", lambda self, *given: run(Soak(self.design, 1, plusargs=["+bug=1"]), *given))
    assert main(["soak", "--design", str(planted.folder), "--faults", "18", "--trust"]) == 1
    assert "tiny tx 8x8: differs. 18 faults, 0 hangs" in (out := capfd.readouterr().out) and "not right: s_axis" in out


def test_a_design_without_the_counter_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = emit_tiny(tmp_path / "design").folder
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["ports"]["frame_errors"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert main(["soak", "--design", str(folder)]) == 2
    assert "ports: wanted frame_errors, a count of the input's faults, got none" in capfd.readouterr().err


def test_verilog_that_reaches_out_is_refused(
    planted: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is built of it, unless the user trusts it."""
    folder, started = tmp_path / "design", []
    shutil.copytree(planted.folder, folder)
    path = folder / "hwgen_tx.v"
    path.write_text('module other; initial $system("true"); endmodule\n' + path.read_text())

    def run(soak: Soak, *given: object) -> list[Outcome]:
        started.append(soak.design.folder)
        return [Outcome("s_axis", "x")]

    monkeypatch.setattr(Soak, "run", run)
    words = ["soak", "--design", str(folder)]
    assert main(words) == 2
    error = capfd.readouterr().err
    assert "hwgen_tx.v:1: wanted Verilog such as hwgen writes, or --trust: " in error and "got $system" in error
    assert started == []
    assert main([*words, "--trust"]) == 0 and started == [folder]


@pytest.mark.parametrize("words", [
    ["--model", "tiny"], ["--side", "both"], ["--frame", "8x8"], ["--fps", "1"], ["--init", "random:0"],
    ["--board", "pynq_z2"], ["--channel", "awgn"],
])  # fmt: skip
def test_what_says_what_to_emit_is_refused_beside_a_design(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All in one error."""
    assert main(["soak", "--design", str(tmp_path), *words]) == 2
    wanted = "--design: wanted none of the options that choose what is emitted, got "
    assert f"{wanted}{words[0]}\n" in capsys.readouterr().err
    assert main(["soak", "--design", str(tmp_path), "--fps", "2", *words, "--side", "tx"]) == 2
    line = capsys.readouterr().err
    assert wanted in line and all(option in line for option in ("--fps", "--side", words[0]))


@pytest.mark.parametrize("change", [
    {"wrong_good": 1}, {"wrong_padded": 1}, {"wrong_cut": 1}, {"hangs": 1}, {"broken": 1}, {"frame_errors": 4},
    {"pulses": 4}, {"pulses": 6},
])  # fmt: skip
def test_one_thing_wrong_is_wrong(change: dict[str, int]) -> None:
    """On both ports two faults may share a pulse, and no more."""
    right = Outcome("s_axis", "x", faults=5, expected_errors=5, frame_errors=5, pulses=5)
    assert right.right and not replace(right, **change).right
    assert replace(right, port=BOTH, pulses=3).right and not replace(right, port=BOTH, pulses=2).right
