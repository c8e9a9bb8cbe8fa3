"""A design folder simulates itself: its testbench and its cocotb test pass, and fail where something is wrong."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from support.emission import emit_tiny
from support.folder_simulation import FAULTS, copy, faulty, flip_sample, icarus, make

from hwgen import process
from hwgen.emit import Emitted
from hwgen.testbench.vectors import write_vectors

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "regression"
NEEDS_ICARUS = pytest.mark.skipif(not icarus(), reason="Icarus Verilog (iverilog) is not installed")
SIMULATORS = ["verilator", pytest.param("icarus", marks=NEEDS_ICARUS)]
TOLD = {
    "data": r"output: frame 1, word 2: expected [0-9a-f]+, got [0-9a-f]+",
    "no TLAST": r"output: frame 1, word \d+: TLAST is 0",
    "early TLAST": r"output: frame 1, word 2: TLAST is 1",
    "VALID falls": r"output: a beat changed or fell before it was taken, frame 1, word 2",
    "data changes": r"output: a beat changed or fell before it was taken",
    "hang": r"timeout: no beat at any port for \d+ cycles",
    "surplus": r"output: a beat behind the last frame",
    "input left": r"input: the design gave all its output and did not take all its input",
}
"""What the testbench says of each fault."""
COCOTB_TOLD = {
    "data": r"Mismatch: output: frame 1, (symbol 2|pixel \(x 2, y 0\), word 2): expected 0x[0-9a-f]+, got 0x[0-9a-f]+",
    "VALID falls": r"ProtocolError: m_axis: TVALID fell before the beat was taken",
    "surplus": r"Mismatch: (output: a frame of|m_axis: \d+ beats instead of \d+)",
}
"""What the cocotb test says of each fault, beside its first test."""


@pytest.fixture(scope="module")
def emitted(design: Emitted, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Emitted]:
    """Either side, without and with coefficients of its channel."""
    others: dict[str, dict[str, str]] = {
        "rx": {"side": "rx"}, "rx rayleigh": {"side": "rx", "channel": "rayleigh"}, "tx svd": {"channel": "mimo2x2"}
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("emitted")
    return {"tx": design} | {name: emit_tiny(folder / name, **options) for name, options in others.items()}


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("name", ["tx", "rx rayleigh"])
def test_the_testbench(
    name: str, simulator: str, emitted: dict[str, Emitted], objects: Path, tmp_path: Path
) -> None:
    """It passes, with pauses and without, each seed in cycles of its own; a wrong bit in what is expected is found."""
    folder = copy(emitted[name].folder, tmp_path / "design")
    top, cycles = f"hwgen_{name[:2]}", set()
    for seed, stall in ((1, 25), (2, 25), (1, 0)):
        ended = make(folder, f"SIM={simulator}", f"SEED={seed}", f"STALL={stall}", objects=objects)
        assert ended.status == 0, ended.output
        line = rf"^PASS: {top}, 3 frames in (\d+) cycles, seed {seed}, stall {stall}$"
        found = re.search(line, ended.output, re.MULTILINE)
        assert found, ended.output
        cycles.add(found[1])
    assert len(cycles) == 3
    was = flip_sample(folder, 5)
    ended = make(folder, f"SIM={simulator}", objects=objects)
    assert ended.status != 0
    assert re.search(rf"^FAIL: {top}, 3 errors", ended.output, re.MULTILINE), ended.output
    assert f"output: frame 0, word 5: expected {int(was, 16) ^ 1:0{len(was)}x}, got {was}" in ended.output


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("name", ["tx", "rx rayleigh"])
def test_without_tlast(
    name: str, simulator: str, emitted: dict[str, Emitted], objects: Path, tmp_path: Path
) -> None:
    """With `USE_TLAST` 0 the design gives the same for a TLAST that is never there and for one on every beat; with 1 it
    does for neither."""
    folder = copy(emitted[name].folder, tmp_path / "design")
    path = folder / f"hwgen_{name[:2]}_tb.v"
    text = path.read_text()
    assert text.count("last <= beat == BEATS - 1;") == 1 and text.count(f"    hwgen_{name[:2]} dut (") == 1
    text = text.replace("last <= beat == BEATS - 1;", 'last <= $test$plusargs("every");')
    for use, passes in ((1, False), (0, True))[simulator == "verilator" :]:  # which takes long to build
        path.write_text(text.replace(" dut (", f" #(.USE_TLAST({use})) dut ("))
        for tlast in ("+never", "+every"):
            ended = make(folder, f"SIM={simulator}", f"PLUSARGS={tlast}", objects=objects)
            assert re.search(rf"^{'PASS' if passes else 'FAIL'}: hwgen_", ended.output, re.MULTILINE), ended.output
            assert (ended.status == 0) == passes


@NEEDS_ICARUS
def test_other_frames_in_both_simulators(emitted: dict[str, Emitted], objects: Path, tmp_path: Path) -> None:
    """Files of the golden model, coefficients among them; a seed is the same run in either simulator."""
    folder = copy(emitted["rx rayleigh"].folder, tmp_path / "design")
    write_vectors(folder, folder / "vectors", frames=6)
    verdicts = []
    for simulator in ("icarus", "verilator"):
        ended = make(folder, f"SIM={simulator}", "SEED=5", "VECTORS=vectors", "FRAMES=6", objects=objects)
        assert ended.status == 0, ended.output
        verdicts += re.findall(r"^PASS: .*$", ended.output, re.MULTILINE)
    assert len(verdicts) == 2 and len(set(verdicts)) == 1


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_testbench_finds_faults(
    simulator: str, emitted: dict[str, Emitted], objects: Path, tmp_path: Path
) -> None:
    folder = copy(emitted["tx"].folder, tmp_path / "design")
    faulty(folder, emitted["tx"].manifest, frames=3)
    for name, number in FAULTS.items():
        ended = make(folder, f"SIM={simulator}", f"PLUSARGS=+fault={number}", "STALL=50", objects=objects)
        assert (ended.status == 0) == (name == "none"), f"{name}: {ended.output}"
        assert re.search(rf"^{'PASS' if name == 'none' else 'FAIL'}: hwgen_tx", ended.output, re.MULTILINE), name
        assert name == "none" or re.search(rf"^{TOLD[name]}", ended.output, re.MULTILINE), f"{name}: {ended.output}"


@NEEDS_ICARUS
def test_a_wrong_weight_is_found(emitted: dict[str, Emitted], tmp_path: Path) -> None:
    folder = copy(emitted["tx"].folder, tmp_path / "design")
    path = folder / "hwgen_tx.v"
    text = path.read_text(encoding="utf-8")
    found = list(re.finditer(r"\w\[\d+\] = \d+'h[0-9a-f]*[1-9a-f]", text))
    assert found, "no memory with a value"
    place = found[0].end() - 1
    path.write_text(text[:place] + "0" + text[place + 1 :], encoding="utf-8")
    ended = make(folder, "SIM=icarus")
    assert ended.status != 0 and "\nFAIL: hwgen_tx" in ended.output


REGRESSION = """\
import sys
from cocotb_tools.runner import get_results, get_runner
folder, simulator, tests = sys.argv[1:]
build = f"{folder}/build/cocotb_{simulator}"
results = get_runner(simulator).test(test_module="regression", hdl_toplevel="hwgen_tx", hdl_toplevel_lang="verilog",
                                     build_dir=build, test_dir=tests, plusargs=[f"+folder={folder}"],
                                     results_xml=f"{build}/regression.xml")
print("of", *get_results(results))
"""
"""Runs the example of docs/your_regression.md with the simulation that a folder has built."""


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_cocotb_test(simulator: str, emitted: dict[str, Emitted], objects: Path, tmp_path: Path) -> None:
    """And the example for a regression of one's own, on a design that takes coefficients."""
    folder = copy(emitted["tx svd"].folder, tmp_path / "design")
    ended = make(folder, "cocotb", f"SIM={simulator}", objects=objects)
    assert ended.status == 0, ended.output
    assert "PASS hwgen_tx: 0 of 2 cocotb tests failed" in ended.output
    tests = shutil.copytree(EXAMPLE, tmp_path / "tests")
    variables = process.environment({"PYTHONPATH": process.python_path()})
    ended = process.run([sys.executable, "-c", REGRESSION, folder, simulator, tests], tests, variables)
    assert ended.status == 0 and ended.output.endswith("of 2 0\n"), ended.output + ended.errors
    flip_sample(folder, 5)
    ended = make(folder, "cocotb", f"SIM={simulator}", objects=objects)
    assert ended.status != 0 and "FAIL hwgen_tx: 1 of 2 cocotb tests failed" in ended.output
    assert "frame 0, word 5 differs, and 0 more bytes" in ended.output


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_cocotb_test_finds_faults(
    simulator: str, emitted: dict[str, Emitted], objects: Path, tmp_path: Path
) -> None:
    folder = copy(emitted["rx"].folder, tmp_path / "design")
    faulty(folder, emitted["rx"].manifest, frames=3)
    for name in ("none", *COCOTB_TOLD):
        words = (f"SIM={simulator}", f"PLUSARGS=+fault={FAULTS[name]}", "STALL=50")
        ended = make(folder, "cocotb", *words, objects=objects)
        failed = {"none": 0, "VALID falls": 1}.get(name, 2)
        assert f" hwgen_rx: {failed} of 2 cocotb tests failed" in ended.output, f"{name}: {ended.output}"
        assert (ended.status == 0) == (name == "none")
        assert name == "none" or re.search(COCOTB_TOLD[name], ended.output), f"{name}: {ended.output}"
