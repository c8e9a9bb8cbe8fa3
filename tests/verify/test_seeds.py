"""Several seeds on one design and one simulator, and the waveform of a proven run."""

from __future__ import annotations

import errno
import json
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from hwgen.cli.main import main
from hwgen.sim import runner
from hwgen.sim.check import Finding
from hwgen.sim.simulate import Settings
from hwgen.verify import command, run as verifying

SPEC = """
format_version: 1
description: one small layer
frame: {width: 8, height: 4}
encoder:
  - {kernel: 3, stride: 2, channels: 2, activation: none}
"""


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC)
    return ["verify", "--model", "spec.yaml", "--init", "random:2", "--fps", "1000", "--frames", "2", "--directed", "0"]


def test_several_seeds_are_one_verdict(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [*words, "--stall", "0.3", "--seeds", "1..3,7", "--jobs", "2", "--json", "--junit", "j.xml"]
    assert main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["error"], found["frames"]) == ("proven", None, 8)
    assert [seed["seed"] for seed in found["seeds"]] == [1, 2, 3, 7]
    assert found["values_compared"] == 4 * found["seeds"][0]["values_compared"] > 0
    assert found["coverage"]["conv0"]["values"] == 16 * 4 * 2 * 2
    assert len(list(xml.parse("j.xml").iter("testsuite"))) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["j.xml", "spec.yaml"]

    check, simulate, full = verifying.check, verifying.simulate, False

    def judged(design: object, recording: object, settings: Settings, *rest: object) -> object:
        verdict = check(design, recording, settings, *rest)  # type: ignore[arg-type]
        if settings.seed != 2:
            return verdict
        finding = Finding("hang", "output", "hang: nothing moves")
        return type(verdict)(1, 1, (finding,), None, None)

    def simulated(design: object, sent: object, settings: Settings, *rest: object, **options: object) -> object:
        if settings.seed == 3:
            raise runner.SimulationError("the simulator", "a run that comes to its end", "signal 9 (SIGKILL)")
        if settings.seed == 7 and full:
            raise OSError(errno.ENOSPC, "No space left on device", "input.bin")
        return simulate(design, sent, settings, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(verifying, "simulate", simulated)
    assert main([*asked, "--out", "out"]) == 2, "one that was not run"
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["verdict"] == "not run" and found["error"].startswith("seed 3: the simulator: wanted")
    assert [seed["verdict"] for seed in found["seeds"]] == ["proven", "proven", "not run", "proven"]
    monkeypatch.setattr(verifying, "check", judged)
    assert main([word for word in asked if word != "--json"]) == 1, "one that differs outweighs it"
    printed = capsys.readouterr()
    assert "_tx: differs, 1 mismatches. hang: nothing moves" in printed.err
    assert "--seed 2" in printed.err and "error: seed 3: the simulator" in printed.err
    assert "proven with 2 of 4 seeds" in printed.out
    suites = {suite.get("name"): suite for suite in xml.parse("j.xml").iter("testsuite")}
    assert [(suite.get("failures"), suite.get("errors")) for suite in suites.values()] == [
        ("0", "0"), ("1", "0"), ("0", "1"), ("0", "0"),
    ]  # fmt: skip
    full = True
    assert main([*asked, "--out", "out"]) == 1, "a full disk hides no difference of another seed"
    found = json.loads(capsys.readouterr().out)
    assert [seed["verdict"] for seed in found["seeds"]] == ["proven", "differs", "not run", "not run"]
    assert "got No space left on device" in found["seeds"][3]["error"]


@pytest.mark.parametrize("option", ["--junit", "--waveform"])
def test_files_that_cannot_be_written_are_refused_at_once(
    words: list[str], option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not behind the verdict: with --json one object is printed, and a difference would be lost."""
    monkeypatch.setattr(command, "run_verification", None)
    assert main([*words, "--json", option, "spec.yaml/a.vcd"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "not run"
    assert found["error"].startswith(f"{option}: wanted a file that can be written, got spec.yaml/a.vcd (")


def test_a_relative_folder_and_a_waveform(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # what verify wrote it replaces
        assert main([*words, "--out", "deep/out", "--waveform", "waves/a.vcd", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["verdict"] == "proven"
    assert (tmp_path / "waves" / "a.vcd").read_text().startswith("$version")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "spec.yaml", "waves"]
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == ["design", "run", "waveform"]
    (tmp_path / "deep" / "out" / "mine").touch()
    assert main([*words, "--out", "deep/out"]) == 2
    assert "or one that verify wrote, got deep/out, with mine in it" in capsys.readouterr().err
    assert main([*words, "--out", "deep", "--design", "deep/out/design"]) == 2
    assert "--out: wanted a folder that does not hold --design" in capsys.readouterr().err
