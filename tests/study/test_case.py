"""A case from the parent to its rows: each is a model of its own, and nothing is done twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.train_samples import specification

from hwgen.model import load_graph
from hwgen.raster import Picture
from hwgen.spec.counts import macs, parameters
from hwgen.spec.model import load
from hwgen.study import case as module
from hwgen.study.case import Settings, main, run_case, words
from hwgen.study.grid import Case, Grid, Width, folders
from hwgen.train.checkpoint import write
from hwgen.train.network import dense

GRID = Grid(("taylor",), (0.5,), (Width(8, 8), Width(4, 8, "sigma/tensor")), (1,), 2, 1)
CASE = Case("taylor", 0.5, 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A parent with random weights."""
    (tmp_path / "parent").mkdir()
    spec = specification(tmp_path / "parent")
    torch.manual_seed(1)
    write(spec.folder / "float.safetensors", dense(spec).state_dict(), {})
    return Settings(str(spec.path), str(spec.folder / "float.safetensors"), "data", 2, "pynq_z2", None, ("w", "i"),
                    str(tmp_path / "study"), 1)  # fmt: skip


def pictures() -> list[Picture]:
    return list(np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8))


def test_a_case(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = run_case(CASE, GRID, settings, pictures(), pictures()[:2])
    parent, base = load(settings.parent), Path(settings.base)
    tuned, places = folders(base, parent, CASE, GRID, settings.inputs)
    assert [row["bits"] for row in rows] == ["w8a8", "w4a8"]
    for row, folder in zip(rows, places, strict=True):
        spec = load(folder)
        sides = spec.encoder_network, spec.decoder_network
        assert row["folder"] == folder.name
        assert row["parameters"] == sum(map(parameters, sides))
        assert row["macs"] == sum(macs(sides[0], 32, 32).values()) + sum(macs(sides[1], 8, 8).values())
        assert row["float_psnr_10_db"] == rows[0]["float_psnr_10_db"], "fine-tuned once"
        assert row["short"] is None
        manifest = json.loads((folder / "design" / "manifest.json").read_text())
        predicted = manifest["predicted"]
        assert (row["cycles"], row["dsp"]) == (predicted["frame_interval_cycles"], predicted["dsp"])
        assert (folder / "design" / "rx" / "hwgen_rx.v").is_file()
        bits = {layer.weight_bits for layer in spec.convolutions("encoder")}
        assert bits == {8 if row["bits"] == "w8a8" else 4}
        scales = "channel" if row["calibration"] == "mse" else "tensor"
        assert (spec.quantisers.weights, spec.quantisers.weight_scales) == (row["calibration"].split("/")[0], scales)
        assert load_graph(spec, None, "tx").nodes
    assert rows[1]["weight_bits"] < rows[0]["weight_bits"]

    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(module, "run_phase", never)
    assert run_case(CASE, GRID, settings, [], []) == rows
    (places[1] / module.ROW_FILE).unlink()  # killed before its last file: training is not lost
    again = run_case(CASE, GRID, settings, pictures(), pictures()[:2])
    assert again == rows


def test_a_row_without_its_design_is_incomplete_where_it_is_wanted(tmp_path: Path) -> None:
    """Another study may have emitted another seed's design."""
    path = tmp_path / module.ROW_FILE
    assert not module._complete(path, emitted=False)
    for cycles, short, complete in ((None, None, False), (100, None, True), (None, "lut: got 900", True)):
        path.write_text(json.dumps({"cycles": cycles, "short": short}))
        assert module._complete(path, emitted=True) == complete
        assert module._complete(path, emitted=False)


def test_a_job_prints_its_rows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    def told(case: Case, grid: Grid, given: Settings, *images: list[Picture]) -> list[dict[str, str]]:
        seen.append((case, grid, given, [len(some) for some in images]))
        print("a phase says how far it is")
        return [{"row": case.name}]

    monkeypatch.setattr(module, "run_case", told)
    monkeypatch.setattr(module.image_data, "load", lambda data, split: pictures())
    other = Case("random", 0.5, 1)
    monkeypatch.setattr("sys.argv", ["case", *words([CASE, other], GRID, settings)])
    assert main() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == {case.name: [{"row": case.name}] for case in (CASE, other)}
    assert seen == [(case, GRID, settings, [5, 2]) for case in (CASE, other)]
