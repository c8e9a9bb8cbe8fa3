"""Running Yosys: its netlists, the cache by content, errors, and what an interruption leaves behind.

All but one of these tests put a small program in Yosys' place, which does to a folder what Yosys does.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from amaranth.back import verilog
from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.synth import yosys
from hwgen.synth.statistics import count
from hwgen.synth.yosys import Job, netlists

STUB = """
import json, os, pathlib, re, sys, time
verilog = pathlib.Path("design.v").read_text()
with open(RUNS, "a") as runs:
    runs.write("run\\n")
if "syntax" in verilog:
    print("Warning: this\\ndesign.v:7: ERROR: syntax error, unexpected ';'\\n", file=sys.stderr)
    sys.exit(1)
if "killed" in verilog:
    print("so far", flush=True)
    os.kill(os.getpid(), 9)
while "hang" in verilog:
    time.sleep(1)
top = re.search("-top (\\\\S+)", sys.argv[-1])[1]
cells = {f"lut{n}": {"type": "LUT2", "parameters": {}, "connections": {}} for n in range(verilog.count("lut"))}
module = {"ports": {}, "cells": cells, "netnames": {}}
json.dump({"modules": {top: module}}, open("netlist.json", "w"))
"""


class Stub:
    """Where the program notes that it ran, and the cache."""

    def __init__(self, folder: Path) -> None:
        self.notes, self.cache = folder / "runs", folder / "cache"

    @property
    def runs(self) -> int:
        return len(self.notes.read_text().splitlines()) if self.notes.exists() else 0

    def luts(self, *jobs: Job, workers: int = 1) -> list[int]:
        return [len(netlist.cells) for netlist in netlists(jobs, workers, self.cache).values()]

    def entries(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub(tmp_path)
    monkeypatch.setattr(yosys, "PROGRAM", f"RUNS = {str(made.notes)!r}\n{STUB}")
    monkeypatch.setattr(yosys, "_prepare", lambda cache: None)
    return made


def test_a_netlist_is_made_once(stub: Stub) -> None:
    job = Job("lut lut", "top", "xc7")
    assert stub.luts(job) == [2]
    assert stub.runs == 1
    assert stub.entries() == [f"{job.key}.json.gz"]
    assert stub.luts(job) == [2]
    assert stub.luts(job, Job("lut lut", "top", "xc7")) == [2]  # the same, twice
    assert stub.runs == 1


def test_everything_that_matters_is_in_the_key(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("lut", "top", "xc7")
    keys = {job.key, Job("lut ", "top", "xc7").key, Job("lut", "top2", "xc7").key, Job("lut", "top", "xcup").key}
    monkeypatch.setattr(yosys, "version", lambda: "0.71")
    keys |= {job.key}
    monkeypatch.setitem(yosys.SCRIPTS, "xc7", "synth_xilinx -family {family} -top {top}")
    keys |= {job.key}
    assert len(keys) == 6


@pytest.mark.parametrize("damage", [b"", b"no gzip", "cut", "flipped", "without a seal", "another's", "no netlist"])
def test_a_damaged_entry_is_made_again(stub: Stub, damage: bytes | str) -> None:
    job = Job("lut lut lut", "top", "xc7")
    assert stub.luts(job) == [3]
    entry = stub.cache / f"{job.key}.json.gz"
    whole = entry.read_bytes()
    if damage == "cut":
        entry.write_bytes(whole[:-9])
    elif damage == "flipped":
        entry.write_bytes(whole[:30] + bytes([whole[30] ^ 64]) + whole[31:])
    elif isinstance(damage, str):
        seal, _, text = gzip.decompress(whole).partition(b"\n")
        other = {"without a seal": text, "another's": seal + b"\n" + text.replace(b"lut", b"LUT"),
                 "no netlist": seal + b"\n[]"}  # fmt: skip
        entry.write_bytes(gzip.compress(other[damage]))
    else:
        entry.write_bytes(damage)
    assert stub.luts(job) == [3]
    assert stub.runs == 2
    assert entry.read_bytes() == whole


def test_several_at_a_time_in_their_order(stub: Stub) -> None:
    jobs = [Job("lut " * number, "top", "xc7") for number in (3, 1, 2)]
    told: list[Job] = []
    found = netlists(jobs, 2, stub.cache, told.append)
    assert {job: len(netlist.cells) for job, netlist in found.items()} == dict(zip(jobs, (3, 1, 2), strict=True))
    assert sorted(told, key=jobs.index) == jobs
    assert stub.runs == 3
    assert len(stub.entries()) == 3


def test_the_tools_error_is_told(stub: Stub) -> None:
    text = re.escape("synthesis of top: wanted Verilog that Yosys accepts, got design.v:7: ERROR: syntax error, "
                     "unexpected ';'")
    with pytest.raises(HwgenError, match=f"^{text}$"):
        stub.luts(Job("syntax", "top", "xc7"))
    assert stub.entries() == []


def test_a_yosys_that_is_killed_says_nothing_about_the_verilog(stub: Stub) -> None:
    with pytest.raises(HwgenError) as caught:
        stub.luts(Job("killed", "top", "xc7"))
    assert str(caught.value) == "synthesis of top: wanted a Yosys that comes to its end, got signal 9 (SIGKILL): so far"
    assert stub.entries() == []


def test_an_interruption_leaves_nothing(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    original = subprocess.Popen

    def started(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        processes.append(original(*arguments, **options))  # type: ignore[call-overload]
        return processes[-1]

    def interrupt(seconds: float) -> None:
        if stub.runs == 2:  # both are at work
            raise KeyboardInterrupt

    monkeypatch.setattr(process.subprocess, "Popen", started)
    monkeypatch.setattr(yosys.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stub.luts(Job("hang", "top", "xc7"), Job("hang", "top2", "xc7"), workers=2)
    assert [process.returncode for process in processes] == [-9, -9]
    assert stub.entries() == []


def test_the_least_recently_used_go_first(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yosys, "ENTRIES_KEPT", 2)
    first, second, third = (Job("lut " * number, "top", "xc7") for number in (1, 2, 3))
    stub.luts(first, second)
    for age, job in ((200, first), (100, second)):
        path = stub.cache / f"{job.key}.json.gz"
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    stub.luts(first)  # used again
    stub.luts(third)
    assert stub.entries() == sorted(f"{job.key}.json.gz" for job in (first, third))


def test_what_a_killed_process_left_goes_after_a_day(stub: Stub) -> None:
    job = Job("lut", "top", "xc7")
    for name, age in (("work_old", yosys.STALE_SECONDS + 60), ("work_new", 0)):
        (stub.cache / name).mkdir(parents=True)
        (stub.cache / name / "design.v").touch()
        os.utime(stub.cache / name, (time.time() - age,) * 2)
    stub.luts(job)
    assert stub.entries() == sorted([f"{job.key}.json.gz", "work_new"])


class Cascade(Component):
    """Two multipliers whose products are summed, every register that a DSP has in use."""

    def __init__(self) -> None:
        super().__init__({"a": In(signed(8)), "b": In(signed(8)), "o": Out(signed(20))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = None
        for place in range(2):
            operands = [Signal(signed(8), name=f"{name}{place}") for name in "ab"]
            m.d.sync += [operand.eq(port + place) for operand, port in zip(operands, (self.a, self.b), strict=True)]
            product, total_next = Signal(signed(18), name=f"product{place}"), Signal(signed(20), name=f"total{place}")
            m.d.sync += product.eq(operands[0] * operands[1])
            m.d.sync += total_next.eq(product if total is None else product + total)
            total = total_next
        m.d.comb += self.o.eq(total)
        return m


def test_yosys_itself(tmp_path: Path) -> None:
    """A real synthesis for either family: the DSPs have their registers and their cascade in both."""
    text = verilog.convert(Cascade(), name="cascade", emit_src=False, strip_internal_attrs=True)
    jobs = [Job(text, "cascade", family) for family in ("xc7", "xcup")]
    for job, netlist in netlists(jobs, cache=tmp_path).items():
        found = count(netlist)
        assert set(found.cells) & {"DSP48E1", "DSP48E2"} == {"DSP48E1" if job.family == "xc7" else "DSP48E2"}
        assert (found.dsp, found.dsp_mreg, found.dsp_preg, found.dsp_pcin) == (2, 2, 2, 1), job.family
        assert found.bram36 == 0
