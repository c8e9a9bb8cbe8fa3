"""`hwgen bench peer` without a network and without NNgen: its set-up's errors, its parsing, its table."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from hwgen.cli.main import main
from hwgen.errors import HwgenError
from hwgen.peer import command, environment, simulation, synthesis
from hwgen.peer.simulation import Setting, Simulated
from hwgen.peer.synthesis import Synthesised, synthesise
from hwgen.peer.table import Row, as_record, table
from hwgen.synth.yosys import Job

LAYERS = ((5, 2, 16, True), (5, 2, 32, True), (5, 1, 32, True), (5, 1, 32, True), (5, 1, 16, False))
JOB = Job("module m(input clk, input signed [7:0] a, b, output reg signed [15:0] y);\n"
          "always @(posedge clk) y <= a*b;\nendmodule\n", "m", "xc7")  # fmt: skip

PYTHON = """[ "$1" = -c ] && exit 0; [ "$2" = venv ] && { mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit 0; }"""
"""A Python, as a shell script: starts, makes environments."""


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a shim of python3.10 that does not start, and a uv without a network; returns its cache folder."""
    program(tmp_path / "bin", "python3.10", "exit 127")
    program(tmp_path / "bin", "uv", "echo 'error: no download' >&2; echo '  cause: no network' >&2; exit 2")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return environment.default_cache()


def test_pins_come_from_pyproject() -> None:
    assert environment.pins("nngen")[0] == "nngen==1.3.4"
    assert "numpy==1.26.4" in environment.pins("nngen")
    assert [pin.split("==")[0] for pin in environment.pins("nngen-python")] == ["uv"]


@pytest.mark.parametrize("group", ["", 'other = ["a==1"]', "nngen = []", 'nngen = ["numpy>=1"]', "nngen = [{}]"])
def test_pins_that_are_none_are_refused(group: str, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[dependency-groups]\n{group}\n")
    with pytest.raises(HwgenError, match=r"dependency-groups\.nngen: wanted a list of NAME==VERSION, got "):
        environment.pins("nngen", path)


def test_without_python_one_line_says_so(no_python: Path) -> None:
    with pytest.raises(HwgenError) as error:
        environment.environment(no_python)
    assert str(error.value) == (
        "Python 3.10 for NNgen: wanted python3.10 on PATH or in pyenv, or a network where `uv python install 3.10` "
        "finds one, got cause: no network"
    )
    assert not list(no_python.glob("python_*"))


def test_the_command_line_without_python_exits_2(no_python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peer", "--no-synth"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith("error: Python 3.10 for NNgen: wanted python3.10 on PATH")
    assert captured.err.count("error:") == 1


def test_a_package_that_does_not_install_is_one_line(no_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(no_python.parent.parent.parent / "bin", "python3.10", f"{PYTHON}; echo 'ERROR: no index' >&2; exit 1")
    with pytest.raises(HwgenError, match=r"wanted `pip install --group nngen` in Python 3.10, got ERROR: no index$"):
        environment.environment(no_python)
    assert not list(no_python.glob("python_*"))


def test_an_environment_is_made_once(no_python: Path) -> None:
    program(no_python.parent.parent.parent / "bin", "python3.10", f"{PYTHON}; exit 0")
    said: list[str] = []
    first = environment.environment(no_python, said.append)
    assert environment.environment(no_python, said.append) == first
    assert first.is_relative_to(no_python)
    assert said == ["setting up Python 3.10 with nngen==1.3.4"]


def test_pythons_newest_of_pyenv_first(no_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = Path(os.environ["PYENV_ROOT"]) / "versions"
    for name in ("3.10.9", "3.10.13", "3.10.x", "3.11.2"):
        (versions / name).mkdir(parents=True)
    found = list(environment._candidates())
    assert found[0].parent == no_python.parent.parent.parent / "bin"
    assert [path.parent.parent.name for path in found[1:]] == ["3.10.13", "3.10.9"]


@pytest.mark.parametrize(("parallel", "multipliers"), [(1, 25), (2, 100), (4, 400)])
def test_setting(parallel: int, multipliers: int) -> None:
    setting = Setting(32, 32, LAYERS, parallel, parallel)
    assert setting.multipliers == multipliers
    assert setting.macs == 5_222_400
    assert replace(setting, width=64, height=16).macs == 5_222_400


def test_what_the_bench_prints() -> None:
    printed = "cycles      238753\nwrong           0\ncycles 238754\nwrong 3\n- bench.v:1469: Verilog $finish\n"
    assert simulation.parse(printed) == ([238753, 238754], 3)


@pytest.mark.parametrize("printed", ["", "cycles 1\nwrong 0\n", "cycles 1\nwrong 0\ncycles 2\n"])
def test_a_bench_that_stops_early_is_refused(printed: str) -> None:
    with pytest.raises(HwgenError, match="wanted cycles and wrong words of two frames"):
        simulation.parse(printed)


def test_simulated_before_needs_no_nngen(no_python: Path) -> None:
    setting = Setting(32, 32, LAYERS, 1, 1)
    folder = no_python / f"nngen_{simulation._key(setting)}"
    folder.mkdir(parents=True)
    (folder / "nngen_encoder.v").write_text("module nngen_encoder; endmodule\n")
    (folder / "result.json").write_text('{"cycles": [5, 7], "wrong": 1}')
    assert simulation.simulated(setting, no_python) == Simulated("module nngen_encoder; endmodule\n", (5, 7), 1)
    assert simulation._key(replace(setting, axi_bits=128)) != simulation._key(setting)


PLENTY = 36_000.0
"""A limit that no machine reaches, in seconds."""


def test_synthesis_that_finishes_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = synthesise(JOB, PLENTY, tmp_path)
    assert replace(found, seconds=0) == Synthesised(0, True, dsp=1, lut=0, ff=0, bram36=0.0)
    assert found.seconds > 0
    monkeypatch.setattr(synthesis, "_run", None)  # from here on nothing can run
    assert synthesise(JOB, 1, tmp_path) == found


def test_the_limit_is_one_of_processor_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "PROGRAM", f"open({str(tmp_path / 'limits')!r}, 'w').write("
                        "str(resource.getrlimit(resource.RLIMIT_CPU))); import sys; sys.exit('over')")  # fmt: skip
    synthesise(JOB, PLENTY, tmp_path / "cache")
    assert (tmp_path / "limits").read_text() == f"({PLENTY:.0f}, {PLENTY + 5:.0f})"


OVER = "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)"
"""The end that the limit brings, without having to wait for it."""


def test_synthesis_out_of_time_keeps_the_dsps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"design": {"num_cells_by_type": {"DSP48E1": 7, "LUT2": 3}}})
    log = "1. Executing PROC pass (a).\n4.2. Executing ABC pass (b).\n"
    monkeypatch.setattr(synthesis, "PROGRAM", f"open('mapped.json', 'w').write({text!r})\n"
                        f"open('yosys.log', 'w').write({log!r})\n{OVER}")  # fmt: skip
    monkeypatch.setattr(synthesis, "PRELUDE", "")
    assert synthesise(JOB, 1, tmp_path) == Synthesised(1.0, False, dsp=7, step="ABC")
    monkeypatch.setattr(synthesis, "_run", lambda *_: Synthesised(3.0, True, 1, 2, 3, 4.0))
    assert not synthesise(JOB, 1, tmp_path).finished  # no more time than it had: known
    assert synthesise(JOB, 2, tmp_path).finished


def test_synthesis_out_of_time_before_the_dsps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "PROGRAM", OVER)
    monkeypatch.setattr(synthesis, "PRELUDE", "")
    assert synthesise(JOB, 1, tmp_path) == Synthesised(1.0, False, dsp=None, step="")


def test_a_synthesis_that_breaks_off_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "PROGRAM", "import sys; sys.exit('wasm trap')")
    found = synthesise(JOB, PLENTY, tmp_path)
    assert replace(found, seconds=0) == Synthesised(0, False, dsp=None, crashed=True)
    assert found.seconds > 0
    monkeypatch.setattr(synthesis, "_run", None)
    assert synthesise(JOB, 10 * PLENTY, tmp_path) == found


def test_a_synthesis_that_is_stopped_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(HwgenError, match=r"a Yosys that nobody stops, got signal 9 \(SIGKILL\)$"):
        synthesise(JOB, 60, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_verilog_that_yosys_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "PROGRAM", "import sys; sys.exit('warning\\ndesign.v:1: ERROR: syntax')")
    with pytest.raises(HwgenError, match=r"^synthesis of m: wanted Verilog that Yosys accepts, got design.v:1: ERROR"):
        synthesise(JOB, 60, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_total_of_parts() -> None:
    done, more = Synthesised(1, True, 2, 3, 4, 0.5), Synthesised(1, True, 5, 6, 7, 1.0)
    assert command.total([done, more, more], 2.5) == Synthesised(2.5, True, 12, 15, 18, 2.5)
    assert command.total([done, Synthesised(9, False, 5, step="ABC")], 10) == Synthesised(
        10, False, 7, None, None, None, "ABC"
    )


ROWS = (
    Row("NNgen 1.3.4", "a", 25, 238_753, 5_222_400, 0, Synthesised(414.3, True, 27, 32435, 22440, 102.5), 30),
    Row("NNgen 1.3.4", "b", 400, 43_657, 5_222_400, 2, Synthesised(1800, False, 408, step="ABC"), 30),
    Row("hwgen", "b", 440, 12_000, 5_222_400, 0, Synthesised(99.6, False, 205, crashed=True), 30),
    Row("hwgen", "c", 440, 12_000, 5_222_400, 0, None, 0),
)


def test_table() -> None:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(table(ROWS, "t"))
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capture.get().splitlines() if "│" in line]
    assert lines == [
        ["NNgen 1.3.4", "a", "25", "238,753", "5.22", "21.9", "27", "0.81", "32,435", "22,440", "102.5", "414 s", "0"],
        ["NNgen 1.3.4", "b", "400", "43,657", "5.22", "119.6", "408", "0.29", "-", "-", "-",
         "no result in 30 min, in ABC", "2"],
        ["hwgen", "b", "440", "12,000", "5.22", "435.2", "205", "2.12", "-", "-", "-", "broke off after 100 s", "0"],
        ["hwgen", "c", "440", "12,000", "5.22", "435.2", "-", "-", "-", "-", "-", "-", "0"],
    ]  # fmt: skip


def test_record() -> None:
    assert as_record(ROWS[1]) == {
        "system": "NNgen 1.3.4", "setting": "b", "multipliers": 400, "frame_interval_cycles": 43_657,
        "mmac_per_frame": 5.2224, "macs_per_cycle": 5_222_400 / 43_657, "dsp": 408,
        "macs_per_cycle_per_dsp": 5_222_400 / 43_657 / 408, "lut": None, "ff": None, "bram36": None,
        "synthesis": "no result in 30 min, in ABC", "mismatches": 2, "synthesis_finished": False,
        "synthesis_seconds": 1800,
    }  # fmt: skip
    assert as_record(ROWS[3])["synthesis_finished"] is None


@dataclass
class Fake:
    """Both generators replaced: what `bench` measures, and what it was asked for."""

    wrong: int
    boards: list[Path]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    made = Fake(0, [])

    def nngen(frame: tuple[int, int], parallel: int, axi_bits: int, cache: Path, minutes: float | None) -> Row:
        done = None if minutes is None else Synthesised(1, True, 25 * parallel**2, 1, 1, 1.0)
        return Row("N", f"{parallel}", 25 * parallel**2, 1000, frame[0] * frame[1], made.wrong, done, minutes or 0)

    def hwgen(model: Path, frame: tuple[int, int], board: Path, folder: Path, name: str, cache: Path,
              minutes: float | None) -> Row:  # fmt: skip
        made.boards.append(board)
        assert "activation: relu" in (model / "spec.yaml").read_text()
        dsp = command.boards.load(board).resources.dsp
        done = None if minutes is None else Synthesised(1, True, dsp, 1, 1, 1.0)
        return Row("hwgen", name, 2 * dsp, 100, frame[0] * frame[1], 0, done, minutes or 0)

    monkeypatch.setattr(command, "_nngen", nngen)
    monkeypatch.setattr(command, "_hwgen", hwgen)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return made


def test_hwgen_gets_nngens_dsps_too(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peer", "--frame", "64x16", "--synth-limit", "5", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {key: printed[key] for key in printed if key != "designs"} == {
        "frame": [64, 16], "encoder": "16-32-32-32-16", "board": "pynq_z2", "synth_limit_minutes": 5,
    }  # fmt: skip
    assert [(row["system"], row["setting"], row["dsp"]) for row in printed["designs"]] == [
        ("N", "1", 25), ("N", "2", 100), ("N", "4", 400), ("N", "4", 400),
        ("hwgen", "pynq_z2", 220), ("hwgen", "pynq_z2, at most 25 DSP", 25), ("hwgen", "pynq_z2, at most 100 DSP", 100),
    ]  # fmt: skip


def test_without_synthesis_there_is_the_board_alone(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peer", "--no-synth"]) == 0
    assert [path.name for path in fake.boards] == ["pynq_z2.yaml"]
    assert "encoder 16-32-32-32-16, 32x32" in capsys.readouterr().out


def test_a_wrong_value_makes_it_fail(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake.wrong = 1
    assert main(["bench", "peer", "--no-synth"]) == 1
    assert "hwgen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "kv260"], "error: --board: wanted a board whose family is xc7, which both are synthesised for, "
                               "got xcup\n"),
        (["--frame", "30x32"], "error: --frame: wanted width and height that are multiples of 4 (the encoder's "
                               "strides), got 30x32\n"),
        (["--synth-limit", "0"], "error: --synth-limit: wanted a number from 0.1 to 100000, got '0'\n"),
    ],
)  # fmt: skip
def test_bad_input(arguments: list[str], message: str, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peer", *arguments]) == 2
    assert capsys.readouterr() == ("", message)
