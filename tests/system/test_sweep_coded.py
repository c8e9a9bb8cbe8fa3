"""Random specifications with codebooks are seeded, and the chosen ones are proven with memories of indices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from hwgen.sweep import coded, command
from hwgen.sweep.case import Case

INDICES = {
    21: [("lut", "Conv2d", 1), ("dsp", "Conv2d", 2)],
    22: [("lut", "Conv2d", 2), ("dsp", "ConvTranspose2d", 1)],
}
"""By the case's seed: form, kind and groups of the layers whose memories hold indices."""


@pytest.mark.parametrize("case", coded.DIRECTED, ids=lambda case: f"seed{case.seed}")
def test_a_case_is_proven_and_predicted_with_indices(case: Case, tmp_path: Path) -> None:
    still, stalled = command.run(case, tmp_path, "direct")
    assert command.complaints(still, stalled) == []
    assert still.interval is not None and still.latency is not None
    manifest = json.loads((still.design.folder / "manifest.json").read_text())
    layers = [layer for layer in manifest["predicted"]["layers"] if "pe" in layer]
    found = [layer for layer in layers if layer["weights_stored_as"] == "indices"]
    groups = {f"layer{index}": entry.get("groups", 1) for index, entry in enumerate(_layers(case))}
    assert [(layer["packing"]["form"], layer["kind"], groups[layer["name"]]) for layer in found] == INDICES[case.seed]


def test_cases_are_seeded_and_varied() -> None:
    cases = [coded.draw(seed) for seed in range(40)]
    assert [case.spec() for case in cases] == [coded.draw(seed).spec() for seed in range(40)]
    assert {case.side for case in cases} == {"tx", "rx"}
    layers = [layer for case in cases for layer in _layers(case)]
    assert {layer["weights"]["codebook"] for layer in layers} >= {2, 4, 8, 16, 32}
    assert {layer["weight_bits"] for layer in layers} == {2, 3, 4, 5, 6, 8}
    assert {layer.get("groups", 1) for layer in layers} == {1, 2}


def test_a_small_board(tmp_path: Path) -> None:
    path = command.board_of(coded.DIRECTED[0], tmp_path)
    assert isinstance(path, Path)
    assert yaml.safe_load(path.read_text())["resources"]["dsp"] == 12
    assert yaml.safe_load(path.read_text())["resources"]["bram36"] == 140


def _layers(case: Case) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load(case.spec())["encoder" if case.side == "tx" else "decoder"]
    return found
