"""`bench sim`: a verification with a simulator built anew; its phases add up; both speeds and their ratio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.bench import simulation
from hwgen.cli.main import main
from hwgen.sim.design import Design


def test_everything_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def speeds(design: Design, cycles: int, cache: Path) -> tuple[float, float]:
        (built,) = cache.glob("sim/*/hwgen_harness")
        assert (design.width, design.height, cycles, built.is_file()) == (16, 8, 2000, True)
        return 300.0, 400.0

    monkeypatch.setattr(simulation, "speeds", speeds)
    assert main(["bench", "sim", "--model", "tiny", "--frame", "16x8", "--cycles", "2000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["design"], found["frame"], found["frames"]) == ("tiny_tx", "16x8", 3)
    assert found["values_compared"] == 3 * (8 * 4 * 5 + 4 * 2 * (7 + 4 + 4 + 2))
    seconds = found["seconds"]
    total = seconds.pop("all")
    assert list(seconds) == ["emit", "model", "build", "simulation", "rest"]
    assert min(seconds.values()) > 0
    assert sum(seconds.values()) == pytest.approx(total)
    assert (found["bench_cycles_per_second"], found["bare_cycles_per_second"], found["ratio"]) == (300, 400, 0.75)


def test_what_is_not_proven_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hwgen.emit import manifest

    right = manifest.latency
    monkeypatch.setattr(manifest, "latency", lambda plan: right(plan) - 1)
    monkeypatch.setattr(simulation, "_fresh_cache", lambda folder: None)  # the user's: other tests build this one, too
    assert main(["bench", "sim", "--model", "tiny", "--frame", "32x16"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "output: latency: predicted" in printed.err


def test_missing_programs_are_told_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("hwgen.sim.runner.missing_tools", lambda: ["perl"])
    for bench in ("sim", "datapath"):
        assert main(["bench", bench]) == 2
        error = "error: PATH: wanted g++, make and perl to build the simulation, got no perl\n"
        assert capsys.readouterr() == ("", error)
