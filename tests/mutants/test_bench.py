"""A small design with a handful of mutants, two of them planted: one that breaks it, one that is no fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.mutants import command, store, yosys
from hwgen.mutants.bench import TESTS, Bench, Netlist, Trial
from hwgen.mutants.netlist import Mutation, draw, mutations
from hwgen.mutants.origin import Origins
from hwgen.mutants.score import EQUIVALENT, KILLED, NOT_RUN, SURVIVED
from hwgen.mutants.subjects import Subject
from hwgen.sim.runner import SimulationError

SPEC = """
format_version: 1
description: one small layer
frame: {width: 8, height: 8}
encoder:
  - {kernel: 1, stride: 1, channels: 2, activation: none, weight_bits: 4}
channel: {kind: awgn, snr_db: [0, 20], power: 1.0}
data: {license: none, source: random}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Netlist:
    """The design, its output's valid with a term that says nothing: v | (v & aresetn)."""
    folder = tmp_path_factory.mktemp("mutants")
    (folder / "spec.yaml").write_text(SPEC)
    options = DesignOptions(folder / "spec.yaml", fps=1000, init=1)
    emitted = emit(options, folder / "design", quiet=True)
    text = (folder / "design" / "hwgen_tx.v").read_text()
    planted = "wire planted; assign m_axis_tvalid = planted | (planted & aresetn);"
    pattern = r"(.*wire m_axis_tvalid;)(.*)\(m_axis_tvalid\)"
    text, count = re.subn(pattern, rf"\1 {planted}\2(planted)", text, flags=re.DOTALL)
    assert count == 1
    netlist = yosys.prepare(text, "hwgen_tx", folder)
    return Netlist(options, folder, emitted.plan, mutations(netlist, Origins([()] * (text.count("\n") + 2))))


def drawn(source: Netlist) -> list[Mutation]:
    """Valid without its term, which is no fault; valid upside down, which is one; and some others."""
    top = [one for cells in source.cells.values() for cell in cells for one in cell if one.module == "hwgen_tx"]
    (harmless,) = [one for one in top if (one.kind, one.port, one.mode) == ("$and", "B", "const1")]
    (broken,) = [one for one in top if (one.kind, one.port, one.mode) == ("$or", "Y", "inv")]
    return [harmless, broken, *draw([cell for cells in source.cells.values() for cell in cells], 6, 1)]


def test_verdicts(source: Netlist, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the netlist to the verdicts, as the command goes, once: all faults are in one simulator."""
    kept: dict[str, store.Verdicts] = {}
    monkeypatch.setattr(store, "load", kept.get)
    monkeypatch.setattr(store, "save", kept.__setitem__)
    chosen = drawn(source)
    found = command._results(Subject("small", source.options), source, chosen, 2, source.folder)
    assert [result.mutation for result in found] == chosen
    assert (found[0].verdict, found[0].by) == (EQUIVALENT, "")
    assert found[1].verdict == KILLED and found[1].by in ("missing", "protocol", "hang", "surplus")
    assert sum(result.verdict == KILLED for result in found) >= 4
    simulated, proven = kept.values()
    assert proven == [(result.verdict, result.by) for result in found]
    assert simulated == [(SURVIVED, "") if verdict == EQUIVALENT else (verdict, by) for verdict, by in proven]
    with monkeypatch.context() as patch:
        patch.setattr(command, "_simulated", None)
        patch.setattr(command, "equivalent", lambda *of: [])
        kept.pop(list(kept)[1])  # other proofs, as behind a change of theirs: nothing is simulated again
        again = command._results(Subject("small", source.options), source, chosen, 2, source.folder)
        assert [(result.verdict, result.by) for result in again] == simulated
        kept[list(kept)[1]] = proven
    monkeypatch.setattr(command, "_simulated", None)
    monkeypatch.setattr(command, "_proven", None)
    assert command._results(Subject("small", source.options), source, chosen, 2, source.folder) == found


def test_a_design_that_is_not_proven_has_no_mutants(source: Netlist, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in every copy: what is counted would mean nothing."""
    built = Bench(source, drawn(source))
    run = Bench._run
    monkeypatch.setattr(Bench, "_run", lambda self, number, *rest: run(self, 2, *rest))
    with pytest.raises(HwgenError, match=r"without a fault, --frames 3 --stall 0 --seed 1: wanted proven, got"):
        built.prove(TESTS, source.folder / "unproven")


@pytest.mark.parametrize("error", [SimulationError("the simulator", "an end", "signal 9"), OSError("no such program")])
def test_a_simulation_that_does_not_end_is_no_kill(
    error: Exception, source: Netlist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither found nor left: its simulation alone, the others go on."""
    built = Bench(source, drawn(source))
    run = Bench._run

    def broken(self: Bench, number: int, *rest: Any) -> dict[str, int]:
        if number == 1:
            raise error
        return run(self, number, *rest)

    monkeypatch.setattr(Bench, "_run", broken)
    found = command._round(built, [1, 2], (Trial(1, 0.0, 1),), 1, source.folder, "small")
    assert found[1] == (NOT_RUN, str(error)) and found[2][0] == KILLED


def test_no_such_component(monkeypatch: pytest.MonkeyPatch, source: Netlist) -> None:
    monkeypatch.setattr(command, "netlist", lambda options, folder: source)
    with pytest.raises(HwgenError, match="--component: wanted one of datapath, got nothing_like_it"):
        command.bench("tiny", ["nothing_like_it"])


def test_too_many(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="mutants of one design: wanted 1 to 65535, got 0"):
        yosys.mutated([], "top", tmp_path)


