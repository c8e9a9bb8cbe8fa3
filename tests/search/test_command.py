"""The command from a trained model to a point's folder, resumed in between."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.train_samples import specification

from hwgen import process
from hwgen.cli.main import main
from hwgen.errors import HwgenError
from hwgen.model import load_graph
from hwgen.search.front import RESOURCES
from hwgen.search.trial import Trials
from hwgen.search.write import write
from hwgen.spec.model import load
from hwgen.train.checkpoint import write as write_checkpoint
from hwgen.train.network import pruned

LIMITS = ("--least-channels", "0.8", "--least-weight-bits", "6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with pruned weights, in the folder m, and images beside it."""
    base = tmp_path_factory.mktemp("search")
    (base / "m").mkdir()
    spec = specification(base / "m")
    header = {"model": "m", "phase": "finetune", "schedule": {}, "terms": spec.data.model_dump() if spec.data else {}}
    write_checkpoint(base / "m" / "finetune.safetensors", pruned(spec).state_dict(), header)
    (base / "images").mkdir()
    rng = np.random.default_rng(1)
    for index in range(3):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(base / "images" / f"{index}.png")
    return base


def words(folder: Path, trials: int, *more: str) -> list[str]:
    return ["search", "--model", str(folder / "m"), "--data", str(folder / "images"), "--out", str(folder / "out"),
            "--trials", str(trials), "--steps", "1", "2", "--images", "1", *LIMITS, *more]  # fmt: skip


def test_from_a_model_to_a_point(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words(folder, 1, "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["trials"] == 1 and len(first["front"]) == 1 and "encoder.0.weight_bits" in first["losses"]

    # interrupted in the second trial: the third call goes on
    with monkeypatch.context() as patch:
        patch.setattr(Trials, "_run", _interrupted)
        assert main(words(folder, 2)) == 128 + 15
    capsys.readouterr()
    assert main(words(folder, 2)) == 0
    out = capsys.readouterr().out
    assert "trial 0:" not in out and "trial 2:" in out and "the front of 2 trials" in out
    assert (folder / "out" / "front.png").is_file()
    assert len((folder / "out" / "points.csv").read_text().splitlines()) == 3
    assert not list((folder / "out").glob("points/*/state")) and not list((folder / "out").glob("points/*/untrained*"))

    point, target = first["front"][0], folder / "written"
    assert main(["search", "--model", str(folder / "m"), "--out", str(folder / "out"), "--write", point["point"],
                 str(target), "--json"]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["psnr_db"] == point["psnr_db"]
    spec = load(target)
    assert {path.name for path in target.iterdir()} == {
        "spec.yaml", "float.safetensors", "finetune.safetensors", "checkpoint.safetensors", "graph.json", "weights.npz",
        "rx"}  # fmt: skip
    assert [load_graph(spec, side=side).side for side in ("tx", "rx")] == ["tx", "rx"]

    # what the search says of it, `evaluate` says too: the one first image, the circuit of the same integers
    assert main(["evaluate", "--model", str(target), "--data", str(folder / "images"), "--snr", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["networks"]["quantised"]["power"]["static"][0]["psnr"] == pytest.approx(point["psnr_db"], abs=1e-6)
    assert set(found["networks"]) == {"float", "pruned", "quantised"}
    for side in ("tx", "rx"):
        sized = found["circuit"][side]
        assert sized["interval_cycles"] == point[f"{side}_cycles"]
        assert [sized["used"][key] for key in RESOURCES] == [point[f"{side}_{key}"] for key in RESOURCES]

    assert (target / "float.safetensors").read_bytes() == (folder / "m" / "finetune.safetensors").read_bytes()
    with pytest.raises(HwgenError, match="--write: wanted a folder that is not there yet"):
        write(folder / "out", point["point"], target)
    with pytest.raises(HwgenError, match="--write: wanted a point's name as the table shows it"):
        write(folder / "out", "", folder / "other")


def _interrupted(*arguments: object) -> None:
    raise process.Interrupted(15)


def test_a_point_beyond_the_target_is_not_trained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And one that the board has no room for: neither is an error."""
    assert main(words(folder, 1, "--fps", "1000000", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["front"] == []
    assert "too slow" in (folder / "out" / "points.csv").read_text()
    assert main(words(folder, 1, "--fps", "1000000")) == 0
    assert "none of 1 trials meets what is asked for" in capsys.readouterr().out
    small = folder / "small.yaml"
    text = (Path(load("tiny").path).parents[2] / "boards" / "pynq_z2.yaml").read_text()
    small.write_text(text.replace("lut: 53200", "lut: 900"))
    assert main(words(folder, 1, "--board", str(small), "--json")) == 0
    assert "lut: wanted at least" in (folder / "out" / "points.csv").read_text()


def test_a_target_is_part_of_what_a_point_is(folder: Path) -> None:
    from hwgen import board as boards
    from hwgen.search.command import _asked
    from hwgen.search.question import question

    asked = question(boards.load("pynq_z2"), "tx", (32, 32), "best")
    assert _asked(asked) != _asked(replace(asked, fps=1.0)) and "board" in _asked(asked)
    assert asdict(asked)["side"] == "tx"


@pytest.mark.parametrize(("more", "error"), [
    (["--least-channels", "1", "--least-weight-bits", "8"], "--least-channels, --least-weight-bits: wanted something"),
    (["--parent", "float"], "float.safetensors: wanted a checkpoint"),
    (["--fps", "1", "--psnr", "30"], "--psnr: wanted one target at most"),
    (["--dsp", "400"], "--dsp: wanted at most 220, which pynq_z2 has, got 400"),
    (["--steps", "1", "0"], "--steps: wanted at least 1 quantised step"),
    (["--storage", "nosuch://x"], "--storage: wanted the URL of a database"),
])  # fmt: skip
def test_refusals(more: list[str], error: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(folder, 1, *more)) == 2
    out, err = capsys.readouterr()
    assert error in err
    assert "dB" not in out, "before anything is probed"
