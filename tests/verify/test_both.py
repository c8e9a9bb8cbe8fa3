"""`verify --side both`: either side of a pair is proven by itself; one verdict, one JSON object, one command."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from hwgen.cli import main as cli
from hwgen.design_options import DesignOptions
from hwgen.emit.both import emit_both
from hwgen.verify import both

WORDS = ["verify", "--model", "tiny", "--side", "both", "--init", "random:1", "--frames", "2", "--json"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emit_both(DesignOptions("tiny", frame=(8, 8), init=1), tmp_path_factory.mktemp("pair") / "pair", True).folder


def test_both_are_proven_and_a_wrong_one_is_found(
    pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit, design = tmp_path / "junit.xml", tmp_path / "design"
    shutil.copytree(pair, design)
    assert cli.main([*WORDS, "--design", str(design), "--junit", str(junit)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "proven" and found["error"] is None
    for side in ("tx", "rx"):
        assert (found[side]["verdict"], found[side]["mismatches"]) == ("proven", 0)
        assert found[side]["values_compared"] > 100
    suites = xml.parse(junit).getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["hwgen.verify.tiny_tx.seed1", "hwgen.verify.tiny_rx.seed1"]

    commands = [entry.get("value") for entry in xml.parse(junit).iter("property") if entry.get("name") == "reproduce"]
    assert len(commands) == 2 and all(command and f"--side both --design {design}" in command for command in commands)

    path = design / "rx" / "hwgen_rx.v"
    text = path.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("  assign m_axis_tdata =")]
    wrong = line.replace("= ", "= ~ ", 1)
    path.write_text(text.replace(line, wrong), encoding="utf-8")
    assert cli.main([*WORDS, "--design", str(design)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [found["verdict"], found["tx"]["verdict"], found["rx"]["verdict"]] == ["differs", "proven", "differs"]


@pytest.mark.parametrize("missing", [False, True])
def test_both_are_looked_at_before_either_is_simulated(
    missing: bool, pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A receiver that is refused hides no difference of the transmitter: nothing was simulated."""
    design = tmp_path / "design"
    shutil.copytree(pair, design)
    if missing:
        shutil.rmtree(design / "rx")
    else:
        with (design / "rx" / "hwgen_rx.v").open("a", encoding="utf-8") as file:
            file.write('module m; initial $system("true"); endmodule\n')
    simulated: list[Path] = []
    monkeypatch.setattr(both, "outcome_of", lambda one, *rest: simulated.append(one.design))
    assert cli.main([*WORDS, "--design", str(design)]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert ("without rx" if missing else "got $system") in error and simulated == []


@pytest.mark.parametrize(("words", "message"), [
    (["--seeds", "1..3"], "--seeds: wanted one side at a time: --side tx or rx, got --side both"),
    (["--waveform", "x.vcd"], "--waveform: wanted one side at a time: --side tx or rx, got --side both"),
    (["--design", "nowhere"], "--design: wanted a folder of `hwgen emit --side both`, with tx and rx in it, got"),
])  # fmt: skip
def test_what_is_refused(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("nowhere").mkdir()
    assert cli.main([word for word in WORDS if word != "--json"] + words) == 2
    assert message in capsys.readouterr().err
