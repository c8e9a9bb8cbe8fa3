"""Objects that builds share: which builds they are of, and that only whole ones are taken."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hwgen.sim import runner, shared_objects

OPTIONS = runner.BuildOptions()


def test_what_is_kept_is_taken_newer_than_its_sources(tmp_path: Path) -> None:
    build, work, kept = tmp_path / "build", tmp_path / "work", tmp_path / "kept"
    build.mkdir()
    work.mkdir()
    for name in ("verilated.o", "verilated_vpi.o", "main.o", "verilated.d"):
        (build / name).write_text(name)
        os.utime(build / name, (0, 0))
    assert not shared_objects.take(kept, work), "nothing is kept yet"
    shared_objects.keep(build, ("verilated*.o", "recorder.o"), kept)
    (work / "Vtop.mk").touch()
    assert shared_objects.take(kept, work)
    assert {path.name for path in work.iterdir()} == {"Vtop.mk", "verilated.o", "verilated_vpi.o"}
    assert (work / "verilated.o").stat().st_mtime_ns >= (work / "Vtop.mk").stat().st_mtime_ns
    (kept / "verilated.o").write_text("cut")
    assert not shared_objects.take(kept, work)
    shared_objects.keep(build, ("verilated*.o",), kept)
    assert shared_objects.take(kept, work), "the damaged one is replaced"


def shared(work: Path, header: str = "", options: runner.BuildOptions = OPTIONS, *macros: str) -> list[str]:
    """Keys of the run-time library and of the program."""
    for name, text in (("Vtop.h", header), ("main.cpp", "main"), ("recorder.cpp", "recorder")):
        (work / name).write_text(text)
    return list(runner._shared(work, options, macros))


def test_which_builds_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library whatever is simulated and however it is optimised, the program with the header that it includes."""
    monkeypatch.delenv(runner.CXXFLAGS, raising=False)
    library, program = shared(tmp_path)
    assert shared(tmp_path, "", OPTIONS, "-DSTREAMS=3") == [library, program], "the harness's macros are Verilog's"
    assert shared(tmp_path, "other ports") != [library, program]
    assert shared(tmp_path, "other ports")[0] == library
    assert set(shared(tmp_path, "", replace(OPTIONS, trace=True))).isdisjoint([library, program])
    top = replace(OPTIONS, top="ip")
    assert shared(tmp_path, "", top, "-DBEAT_BITS=64")[1] != shared(tmp_path, "", top, "-DBEAT_BITS=32")[1]
    monkeypatch.setenv(runner.CXXFLAGS, "-O0")
    assert shared(tmp_path)[0] == library and shared(tmp_path)[1] != program
    monkeypatch.setenv(runner.CXXFLAGS, "-march=native")
    assert set(shared(tmp_path)).isdisjoint([library, program])
