"""Trouble of the machine: killed simulators, lost records, damaged builds. None of it says anything of the design."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import sim_toy

from hwgen import cache as caches
from hwgen.cli.main import main
from hwgen.numerics.words import pack_pixels
from hwgen.sim import design as designs, runner, simulate as simulation
from hwgen.sim.simulate import Recording, Settings, simulate

OPTIONS = runner.BuildOptions()
TINY = ["verify", "--model", "tiny", "--init", "random:1", "--frame", "16x8", "--frames", "1", "--json"]


def fake(folder: Path, script: str) -> Path:
    """A folder with a simulator that is a shell script."""
    folder.mkdir()
    program = folder / runner.TOP
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


DEATHS = {
    "kill -KILL $$": r"signal 9 \(SIGKILL\)",
    "kill -SEGV $$": r"signal 11 \(SIGSEGV\)",
    "echo 'hwgen recorder: cannot write a record: No space left on device' >&2; exit 3":
        "exit status 3: hwgen recorder: cannot write a record: No space left on device",
    "exit 0": "no result: an empty log",
    'echo \'{"status": 0\' > result.json': "no result",
    "echo '{}' > result.json": "no result",
}  # fmt: skip


@pytest.mark.parametrize("script", DEATHS)
def test_a_simulator_that_dies_is_no_finding(script: str, tmp_path: Path) -> None:
    with pytest.raises(runner.SimulationError, match=f"a run that comes to its end, got {DEATHS[script]}"):
        runner.run(fake(tmp_path / "built", script), tmp_path, {}, 1)


def test_the_command_line_says_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = fake(tmp_path / "built", "kill -KILL $$")
    monkeypatch.setattr(runner, "build", lambda *arguments: built)
    monkeypatch.chdir(tmp_path)
    assert main([*TINY, "--out", "out", "--junit", "junit.xml"]) == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["verdict"] == "not run" and "SIGKILL" in found["error"] and found["mismatches"] is None
    assert printed.err == f"error: {found['error']}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["built", "junit.xml"]
    assert 'errors="1"' in (tmp_path / "junit.xml").read_text()


def test_a_full_disk_while_it_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, os.strerror(28), "design.v")

    monkeypatch.setattr(runner, "_build_in", full)
    assert main([*TINY, "--cache", str(tmp_path / "cache")]) == 2
    assert json.loads(capsys.readouterr().out)["verdict"] == "not run"
    assert list((tmp_path / "cache" / "sim").iterdir()) == []


def recorded(folder: Path, cache: Path | None = None) -> Recording:
    folder.mkdir()
    (folder / "defect.hex").write_text("00\n")
    design = sim_toy.make(folder / "design")
    return simulate(design, pack_pixels(sim_toy.images()), Settings(3), folder, OPTIONS, cache)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: os.truncate(folder / "stream_2.rec", 80), r"stream_2.rec: wanted 288 beats, got 10"),
        (lambda folder: (folder / "stream_2.rec").unlink(), "wanted a record of every stream, got .*No such file"),
        (lambda folder: (folder / "streams.txt").write_text("0 1 2\n"), "wanted a record of every stream"),
        (lambda folder: (folder / "streams.txt").write_text(""), "wanted records of 4 streams, got of 0"),
    ],
    ids=["cut", "gone", "garbled", "empty"],
)
def test_lost_records_are_no_finding(
    damage: Callable[[Path], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner.run

    def damaged(executable: Path, folder: Path, *rest: object) -> dict[str, int]:
        result = run(executable, folder, *rest)  # type: ignore[arg-type]
        damage(folder)
        return result

    monkeypatch.setattr(simulation.runner, "run", damaged)
    with pytest.raises(runner.SimulationError, match=message):
        recorded(tmp_path / "run")


def test_settings_of_other_tools_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WAVES", "1"), ("GUI", "1"), ("COCOTB_TESTCASE", "other"), ("COCOTB_TEST_FILTER", "other"),
                        ("SIM_CMD_PREFIX", "false"), ("GPI_USERS", "x"), ("PYTHONHOME", "/nowhere")):  # fmt: skip
        monkeypatch.setenv(name, value)
    assert recorded(tmp_path / "run").status == "complete"


def test_paths_of_any_bytes(tmp_path: Path) -> None:
    """Spaces, quotes, a dollar, and a byte that is no UTF-8: nothing of it reaches make."""
    folder = tmp_path / os.fsdecode(b"a 'b\" $(c) \xff")
    for library in caches.folder("sim").glob("library_*"):  # as built before, which saves its time
        shutil.copytree(library, folder / "cache" / "sim" / library.name)
    assert recorded(folder / "run", folder / "cache").status == "complete"


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where builds were made; they are copies of the one that other tests use."""
    design = sim_toy.make(tmp_path / "toy")
    texts = {"probes.svh": designs.probes(design)}
    good = runner.build(design.sources, texts, designs.defines(design), OPTIONS)
    made: list[Path] = []

    def copy(work: Path, *rest: object) -> None:
        made.append(work)
        for path in good.iterdir():
            if path.name != "seal.json":
                shutil.copy(path, work)

    monkeypatch.setattr(runner, "_build_in", copy)
    return made


@pytest.mark.parametrize(
    "damage",
    [lambda file: os.truncate(file, 20_000), lambda file: file.chmod(0o644), lambda file: file.unlink(),
     lambda file: file.write_bytes(file.read_bytes()[:-1] + b"x"), lambda file: (file.parent / "seal.json").unlink()],
    ids=["truncated", "not executable", "gone", "one byte", "no seal"],
)  # fmt: skip
def test_a_damaged_build_is_built_again(damage: Callable[[Path], None], tmp_path: Path, builds: list[Path]) -> None:
    cache = tmp_path / "a cache, with spaces"
    for number, count in ((1, 1), (2, 1)):
        assert recorded(tmp_path / str(number), cache).status == "complete" and len(builds) == count
    (file,) = (cache / "sim").glob(f"*/{runner.TOP}")
    damage(file)
    assert recorded(tmp_path / "3", cache).status == "complete" and len(builds) == 2
    assert [path.name for path in (cache / "sim").iterdir()] == [file.parent.name], "nothing else is left"


def test_one_variable_reaches_the_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    design = sim_toy.make(tmp_path)
    monkeypatch.setenv("CXXFLAGS", "-nonsense")
    plain = runner._key(design.sources, {}, {}, OPTIONS)
    assert not any("nonsense" in flag for flag in runner.make_flags(OPTIONS))
    monkeypatch.setenv("HWGEN_CXXFLAGS", "-march=native")
    assert "OPT_FAST=-O1 -march=native" in runner.make_flags(OPTIONS)
    assert runner._key(design.sources, {}, {}, OPTIONS) != plain, "another build"
