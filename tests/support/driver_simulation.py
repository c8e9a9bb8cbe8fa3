"""Simulations in which drivers run: an IP of `tiny`, built once, and programs on it."""

from __future__ import annotations

import sys
from pathlib import Path

from hwgen import process
from hwgen.sim.runner import verilator_environment
from hwgen.soak.axi_runner import QUIET
from support.folder_simulation import QUICK, icarus

BUILD = """\
import sys
from cocotb_tools.runner import get_runner
simulator, folder, top = sys.argv[1:4]
get_runner(simulator).build(
    sources=[f"{folder}/{top}.v", f"{folder}/{top}_ip.v"], hdl_toplevel=f"{top}_ip", build_dir=f"{folder}/build",
    timescale=("1ns", "1ps"), build_args=sys.argv[4:])
"""
RUN = """\
import sys
from cocotb_tools.runner import get_results, get_runner
simulator, folder, top, programs = sys.argv[1:]
results = get_runner(simulator).test(
    test_module="support.driver_program", hdl_toplevel=f"{top}_ip", hdl_toplevel_lang="verilog", test_dir=folder,
    build_dir=f"{folder}/build", plusargs=[f"+programs={programs}", f"+design={folder}"], timescale=("1ns", "1ps"),
    results_xml=f"{folder}/results.xml")
tests, failed = get_results(results)
sys.exit(failed or not tests)
"""
SIMULATOR = "icarus" if icarus() else "verilator"
"""Icarus has the tiny designs built in a second."""
TESTS = Path(__file__).resolve().parents[1]


def _python(code: str, *words: object, objects: Path | None = None) -> process.Ended:
    path = f"{process.python_path()}:{TESTS}"
    flags = {"MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include " + QUICK + (f" OBJCACHE={objects}" if objects else "")}
    own = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "COCOTB_REWRITE_ASSERTION_FILES": ""}
    environment = verilator_environment() | own | flags
    ended = process.run([sys.executable, "-c", code, *map(str, words)], TESTS, environment, seconds=500)
    return process.Ended(ended.status, ended.output + ended.errors)


def build(folder: Path, top: str, objects: Path | None = None) -> None:
    """Build the simulation of an emitted IP in its folder."""
    options = QUIET if SIMULATOR == "verilator" else ()
    ended = _python(BUILD, SIMULATOR, folder, top, *options, objects=objects)
    assert ended.status == 0, ended.output[-3000:]


def run(folder: Path, top: str, *programs: str) -> str:
    """Run programs, each `module:function`, on a built IP, one after the other; what they printed."""
    ended = _python(RUN, SIMULATOR, folder, top, ",".join(programs))
    assert ended.status == 0, ended.output[-5000:]
    return ended.output
