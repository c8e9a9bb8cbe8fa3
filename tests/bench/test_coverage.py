"""`hwgen bench coverage` of the smallest shipped models: all cases met, all wrong rules found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.profiles import SPEC

from hwgen.bench.coverage import measure
from hwgen.cli.main import main


@pytest.mark.parametrize("model", ["tiny", "cifar10_conv"])
def test_the_default_frames_find_every_wrong_rule(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "coverage", "--model", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [f"{model} tx", f"{model} rx"]
    for one in found.values():
        assert (one["frames"], one["not_met"], one["percent"]) == (3, 0, 100)
        assert one["wrong_rules"] == one["found"] + one["harmless"] and one["wrong_rules_left"] == []
        assert one["harmless"] < one["found"] and 1 <= one["directed_frames"] <= 5
        cases = [case for layer in one["coverage"].values() for case in layer["cases"].values()]
        assert all(case["state"] == "met" or case["reason"] for case in cases)
        assert sum(case["state"] == "unreachable" for case in cases) == one["unreachable"]


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_every_profile_has_cases_of_its_own(side: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    found = measure(tmp_path / "spec.yaml", side, frame=(16, 8), init=1)
    assert found.complete and found.frame == (16, 8) and found.frames == 3, found.not_met
    layers = {name.split("@")[0] for name in found.coverage}
    assert set(found.coverage) == {f"{layer}@{profile}" for layer in layers for profile in range(3)}
    assert found.wrong_rules == found.found + found.harmless
    alone = measure(tmp_path / "spec.yaml", side, directed=0, frame=(16, 8), init=1)
    left = {case.partition(" ")[0] for case in alone.not_met} | {wrong.partition(" ")[0] for wrong in alone.missed}
    assert {name.partition("@")[2] for name in left} == {"0", "1", "2"}


def test_a_refused_frame(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "coverage", "--model", "tiny", "--frame", "7x7"]) == 2
    assert capsys.readouterr().err == "error: frame width: wanted a multiple of 4, got 7\n"


def test_photos_alone_do_not() -> None:
    """The case for directed frames: designs without saturation that are right on photos."""
    found = measure("tiny", "tx", 3, 0)
    assert {"conv1 no upper limit", "conv2 no lower limit", "conv2 no upper limit"} <= set(found.missed)
    assert "conv1 saturated low" in found.not_met and not found.complete
