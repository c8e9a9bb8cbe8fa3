"""The command line: what each subcommand prints, and that every error is one line, status 2 and nothing written."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hwgen import board
from hwgen.cli import main as cli
from hwgen.cli.main import main
from hwgen.spec import model as spec

TINY = ["emit", "--model", "tiny", "--init", "random:1", "--frame", "16x8"]


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, whatever its name, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_alone(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd,
                          check=False)


MAIN = "import sys; from hwgen.cli.main import main; sys.exit(main(sys.argv[1:]))"


def full_disk(limit: int) -> str:
    """The command line on a disk where no file can grow beyond `limit` bytes, so that writing really fails."""
    return f"""
import resource
import hwgen.emit

def verilog(*arguments):
    # Yosys needs room of its own: the disk fills up when it is done.
    text = original(*arguments)
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    return text

original, hwgen.emit.verilog = hwgen.emit.verilog, verilog
{MAIN}
"""


@pytest.mark.parametrize("command", ["models", "boards", "train", "export", "emit", "verify", "synth", "bench",
                                     "picture", "link"])
def test_help_is_complete(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: hwgen {command}" in text
    for action in cli.build_parser()._subparsers._group_actions[0].choices[command]._actions:  # type: ignore
        assert action.help, f"{command} {action.option_strings}: no help"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("hwgen ")


def test_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    for name in spec.available():
        model = spec.load(name)
        (line,) = [line for line in text.splitlines() if f" {name} " in line]
        assert "-".join(map(str, model.encoder_channels)) in line
        assert f"{model.frame.width}x{model.frame.height}" in line


def test_boards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards"]) == 0
    text = capsys.readouterr().out
    for name in board.available():
        (line,) = [line for line in text.splitlines() if f" {name} " in line]
        assert f" {board.load(name).resources.lut:,} " in line


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "hwgen: wanted arguments as `hwgen --help` lists them, got the following arguments are required: COMMAND"),
    (["emit"], "hwgen emit: wanted arguments as `hwgen emit --help` lists them, "
               "got the following arguments are required: --model"),
    (["emit", "--model", "nix"], f"--model: wanted a path or one of {', '.join(spec.available())}, got 'nix'"),
    (["emit", "--model", "tiny", "--board", "nix"],
     f"--board: wanted a path or one of {', '.join(board.available())}, got 'nix'"),
    (["emit", "--model", "tiny", "--frame", "512"],
     "--frame: wanted WIDTHxHEIGHT in pixels, such as 512x256, got '512'"),
    (["emit", "--model", "tiny", "--frame", "0x16"],
     "--frame: wanted WIDTHxHEIGHT in pixels, such as 512x256, got '0x16'"),
    (["emit", "--model", "tiny", "--frame=-4x16"],
     "--frame: wanted WIDTHxHEIGHT in pixels, such as 512x256, got '-4x16'"),
    (["emit", "--model", "tiny", "--frame", "36x20", "--channel", "ofdm"],
     "--frame: wanted a frame whose number of symbols is a multiple of 64 (channel ofdm), got 36x20 with 90 symbols"),
    (["emit", "--model", "tiny", "--frame", "18x16", "--init", "random:1"],
     "--frame: wanted width and height that are multiples of 4 (the encoder's strides), got 18x16"),
    (["emit", "--model", "tiny", "--init", "ones"], "--init: wanted random:SEED, such as random:1, got 'ones'"),
    (["emit", "--model", "tiny", "--fps", "0"], "--fps: wanted a number from 0.001 to 1000000000, got '0'"),
    (["emit", "--model", "tiny", "--fps", "inf"], "--fps: wanted a number from 0.001 to 1000000000, got 'inf'"),
    (["emit", "--model", "tiny", "--fps", "nan"], "--fps: wanted a number from 0.001 to 1000000000, got 'nan'"),
    (["verify", "--model", "tiny", "--stall", "1"], "--stall: wanted a number from 0 to 0.95, got '1'"),
    (["verify", "--model", "tiny", "--frames", "0"], "--frames: wanted an integer from 1 to 1000000, got '0'"),
    (["verify", "--model", "tiny", "--frames", "1.5"], "--frames: wanted an integer from 1 to 1000000, got '1.5'"),
    (["verify", "--model", "tiny", "--seed", "-1"], "--seed: wanted an integer from 0 to 4294967295, got '-1'"),
    (["verify", "--model", "tiny", "--seeds", "3..1"],
     "--seeds: wanted seeds such as 1..20 or 1,5,9..12, at most 10000, got '3..1'"),
    (["verify", "--model", "tiny", "--seeds", "1..3,2"],
     "--seeds: wanted at most 10000 seeds, each once, got '1..3,2'"),
    (["verify", "--model", "tiny", "--waveform", "a.fst"],
     "--waveform: wanted a .vcd file, and one seed, got a.fst, 1 seeds"),
    (["emit", "--model", "tiny", "--top", "module"],
     "--top: wanted a name that is no word of SystemVerilog's, got 'module'"),
    (["emit", "--model", "tiny", "--top", "stream_sink"],
     "--top: wanted a name that no module of the simulation has, got 'stream_sink'"),
    (["emit", "--model", "tiny", "--top", "a-b"],
     "--top: wanted at most 63 letters, digits and _, a letter first, got 'a-b'"),
    (["bench"], "hwgen bench: wanted arguments as `hwgen bench --help` lists them, "
                "got the following arguments are required: BENCH"),
    (["bench", "datapath", "--frames", "2"], "--frames: wanted an integer from 3 to 1000000, got '2'"),
    (["bench", "datapath", "--model", "nix"],
     f"--model: wanted a path or one of {', '.join(spec.available())}, got 'nix'"),
    (["export", "--model", "nix"], f"--model: wanted a path or one of {', '.join(spec.available())}, got 'nix'"),
    (["train", "--model", "nix"], f"--model: wanted a path or one of {', '.join(spec.available())}, got 'nix'"),
])
def test_error_is_one_line(arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                           capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {message}\n")
    assert files_below(tmp_path) == {}


def test_emit_writes_what_is_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(TINY) == 0
    assert "conv0" in capsys.readouterr().out
    done = run_alone(MAIN, *TINY, "--out", "elsewhere", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first = files_below(tmp_path / "hwgen_out" / "tiny_tx_pynq_z2")
    assert first == files_below(tmp_path / "elsewhere")
    assert {"hwgen_tx.v", "manifest.json", "graph.json", "weights.npz", "README.md", "sample_input.hex",
            "sample_output.hex"} <= set(first)


def test_a_bad_specification_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.yaml"
    text = spec.load("tiny").path.read_text(encoding="utf-8")
    bad.write_text(re.sub(r"kernel: \d", "kernel: 4", text, count=1))
    before = files_below(tmp_path)
    assert main(["emit", "--model", str(bad), "--init", "random:1", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {bad}:")
    assert error.endswith("kernel: wanted an odd number from 1 to 9 (with padding even ones too), got 4\n")
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("limit", [0, 100, 20_000])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, limit: int) -> None:
    done = run_alone(full_disk(limit), *TINY, "--out", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert os.strerror(errno.EFBIG) in done.stderr
    assert done.stderr.count("\n") == 1
    assert files_below(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_last_design_alone(tmp_path: Path) -> None:
    assert main([*TINY, "--out", str(tmp_path / "out")]) == 0
    before = files_below(tmp_path)
    done = run_alone(full_disk(20_000), *TINY, "--frame", "32x16", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert files_below(tmp_path) == before


def test_an_output_that_cannot_be_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main([*TINY, "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([*TINY, "--out", str(tmp_path / "file" / "below")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --out: wanted a folder that can be written") and "file is no folder" in error
    assert error.count("\n") == 1
    assert files_below(tmp_path) == {"file": b"mine"}


def test_emit_does_not_load_torch(tmp_path: Path) -> None:
    code = ("import sys; from hwgen.cli.main import main; status = main(sys.argv[1:]); "
            "sys.exit(status or 'torch' in sys.modules or 'brevitas' in sys.modules)")
    assert run_alone(code, *TINY, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(("package", "extra", "arguments"), [
    ("torch", "train", ["train", "--model", "tiny"]),
    ("torch", "train", ["export", "--model", "tiny"]),
    ("PIL", "verify", ["verify", "--model", "tiny", "--init", "random:1"]),
    ("cocotb_tools", "verify", ["verify", "--model", "tiny", "--init", "random:1"]),
    ("matplotlib", "plot", ["bench", "datapath", "--model", "tiny", "--plot", "roofline.svg"]),
])
def test_a_missing_extra_is_named(package: str, extra: str, arguments: list[str], tmp_path: Path) -> None:
    code = f"import sys; sys.modules['{package}'] = None; " + MAIN
    done = run_alone(code, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"error: Python package {package}: wanted `pip install "
                                                 f"'hwgen[{extra}]'` first, got no such package in this environment\n")


def test_a_defect_keeps_its_traceback() -> None:
    """Its status is that of trouble: 1 would say that a design differs."""
    code = "import sys; from hwgen.__main__ import main; sys.modules['hwgen.{}'] = None; sys.exit(main())"
    done = run_alone(code.format("spec.model"), "models")
    assert done.returncode == 2 and "Traceback" in done.stderr
    done = run_alone(code.format("verify.run"), "verify", "--model", "tiny", "--json")
    assert done.returncode == 2 and "Traceback" in done.stderr
    assert "hwgen itself is at fault: ModuleNotFoundError" in done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["mismatches"]) == ("not run", None) and "ModuleNotFoundError" in found["error"]


def test_a_closed_pipe_is_no_error() -> None:
    """Its status is that of other programs which SIGPIPE ends, and no verdict."""
    reader = subprocess.run([f"( {sys.executable} -c '{MAIN}' boards; echo $? >&2 ) | true"], shell=True,
                            capture_output=True, text=True, check=True)
    assert (reader.stdout, reader.stderr) == ("", "141\n")


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(board, "available", interrupt)
    assert main(["boards"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
