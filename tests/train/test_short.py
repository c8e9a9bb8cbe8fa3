"""Short trainings: rungs, what they leave, and what is taken up again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.train_samples import specification

from hwgen import process
from hwgen.spec.model import ModelSpec
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense, pruned
from hwgen.train.quantised import from_checkpoint
from hwgen.train.short import Bench, short_training, untrained
from hwgen.train.trained import trained

Case = tuple[ModelSpec, DeepJSCC, Bench]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    spec = specification(tmp_path)
    torch.manual_seed(0)
    images = list(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8))
    return spec, dense(spec), Bench(Crops(images, 16, "noise"), images, images[:1], 10.0)


def go_on(step: int, psnr: float) -> bool:
    """Stop nowhere."""
    return False


def state(network: torch.nn.Module) -> dict[str, list[float]]:
    return {name: value.flatten().tolist() for name, value in network.state_dict().items()}


def test_rungs_and_files(case: Case) -> None:
    spec, parent, bench = case
    rungs = list(short_training(*case, spec.folder, 2, 4, go_on))
    assert [step for step, _ in rungs] == [2, 4, 6]
    left = trained(spec, "finetune", spec.folder)
    assert rungs[0][1] == bench.measured(spec, left, transmit=False)
    quantised = from_checkpoint(spec, spec.folder / "checkpoint.safetensors")
    assert rungs[-1][1] == bench.measured(spec, quantised, transmit=True)
    assert not (spec.folder / "state").exists()
    assert list(short_training(*case, spec.folder, 2, 4, go_on)) == [rungs[0], rungs[-1]], "taken up"


def test_it_ends_where_it_promises_nothing(case: Case) -> None:
    spec = case[0]
    asked: list[int] = []

    def stop(step: int, psnr: float) -> bool:
        asked.append(step)
        return step == 4

    assert [step for step, _ in short_training(*case, spec.folder, 2, 4, stop)] == [2, 4]
    assert asked == [2, 4] and not (spec.folder / "checkpoint.safetensors").exists()


def test_interrupted_it_ends_with_the_same_weights(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, parent, bench = case
    folders = [tmp_path / name for name in ("whole", "twice")]
    for folder in folders:
        folder.mkdir()
    whole = list(short_training(*case, folders[0], 2, 4, go_on))
    with monkeypatch.context() as patch:
        patch.setattr(Bench, "measure_gain", _interrupted_second())
        with pytest.raises(process.Interrupted):
            list(short_training(*case, folders[1], 2, 4, go_on))
    assert (folders[1] / "state" / "qat.safetensors").is_file()
    again = list(short_training(*case, folders[1], 2, 4, go_on))
    assert again == whole
    first, second = (state(from_checkpoint(spec, folder / "checkpoint.safetensors")) for folder in folders)
    assert first == second


def _interrupted_second() -> object:
    """Bench.measure_gain, whose second call (behind the first rung) is interrupted."""
    calls: list[int] = []
    usual = Bench.measure_gain

    def measure(self: Bench, spec: ModelSpec, network: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise process.Interrupted(15)
        usual(self, spec, network)  # type: ignore[arg-type]

    return measure


def test_without_training(case: Case) -> None:
    spec, parent, bench = case
    psnr, path = untrained(spec, parent, bench, spec.folder)
    assert path is not None
    network = from_checkpoint(spec, path)
    assert psnr == bench.measured(spec, network, transmit=True) == untrained(spec, parent, bench)[0]
    mine = network.state_dict()
    assert all(mine[name].shape == value.shape for name, value in pruned(spec).state_dict().items() if name in mine)
