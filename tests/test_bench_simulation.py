"""`bench sim`: the phases add up, both speeds are measured, and a fresh simulator is built."""

from __future__ import annotations

import json

import pytest

from hwgen.cli import main


def test_everything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sim", "--model", "tiny", "--frame", "16x8", "--cycles", "2000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["design"], found["frame"], found["frames"], found["mismatches"]) == ("tiny_tx", "16x8", 3, 0)
    seconds = found["seconds"]
    total = seconds.pop("all")
    assert list(seconds) == ["emit", "model", "build", "simulation", "rest"]
    assert min(seconds.values()) > 0
    assert sum(seconds.values()) == pytest.approx(total)
    assert seconds["build"] > 1  # from the cache it would be nothing
    assert found["ratio"] == found["bench_cycles_per_second"] / found["bare_cycles_per_second"]
