"""The quick proofs hold, the list has every component, and docs/formal.md is the list."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Fragment
from amaranth.lib.wiring import Component

from hwgen import rtl
from hwgen.formal.command import main, table
from hwgen.formal.components import SMALL
from hwgen.formal.proofs import CLAIMS, PROOFS, Proof
from hwgen.program import PIPE_CLOSED

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formal.md"
INSIDE = {"Pipeline"}
"""A base of others, no component of its own."""


def with_streams() -> set[str]:
    """Names of the classes in rtl/ that have a stream, or inherit from one that has."""
    found = set()
    for module in pkgutil.walk_packages(rtl.__path__, "hwgen.rtl."):
        for name, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(value, Component) and any(
                "stream.Signature" in inspect.getsource(base)
                for base in value.__mro__ if base.__module__.startswith("hwgen.")
            ):  # fmt: skip
                found.add(name)
    return found - INSIDE


def test_every_component_with_streams_is_in_the_list() -> None:
    assert set(SMALL) == with_streams()
    for name, forms in SMALL.items():
        for small in forms:
            dut = small.build()
            assert type(dut).__name__ == name
            Fragment.get(dut, None)  # Amaranth wants components to be used
    for kind in ("rules", "paths"):
        assert {proof.component for proof in PROOFS if proof.kind == kind} == set(SMALL)


def test_the_document_is_the_list() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = "<!-- list -->\n", "\n<!-- end of the list -->"
    assert text[text.index(begin) + len(begin) : text.index(end)] == table()
    assert f"It printed: {len(PROOFS)} hold, 0 refuted, 0 not run." in text, "`make formal` is to be run again"
    assert {proof.kind for proof in PROOFS} == set(CLAIMS)
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    words = [sys.executable, "-m", "hwgen.formal", "--list"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        assert (running.stderr.read(), running.wait()) == (b"", PIPE_CLOSED)


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof.quick], ids=lambda proof: proof.name)
def test_a_proof_holds(proof: Proof) -> None:
    record = proof.record()
    assert (record["verdict"], record["error"]) == ("proven", None)


def test_the_command_runs_what_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "rules: Table", "--jobs", "1"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("holds    rules: Table, 2 bits: unbounded (")
    assert out[1:] == ["1 hold, 0 refuted, 0 not run"]
    assert main(["--only", "no such proof"]) == main(["--proof", "no such proof"]) == 2
    assert "--only: wanted a text that some proof's name has" in capsys.readouterr().err
    assert main(["--list"]) == 0
    assert capsys.readouterr().out == f"{table()}\n"
