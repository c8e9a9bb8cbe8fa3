"""Parts of fine-tuning, from the specification to the phase's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.train_samples import specification

from hwgen.errors import HwgenError
from hwgen.train.checkpoint import read, write
from hwgen.train.loop import pick_device
from hwgen.train.network import dense
from hwgen.train.phases import run_phase
from hwgen.train.pruning_schedule import parts

COUNTS = "channels: {encoder: [5, 7, 6], decoder: [3, 5, 3]}"


@pytest.mark.parametrize(("more", "steps", "wanted"), [
    ("", 7, (7,)), (", rounds: 3", 8, (2, 2, 4)), (", rounds: 3", 2, (0, 0, 2)), (", soft: true", 7, (3, 4)),
])  # fmt: skip
def test_steps_are_shared(tmp_path: Path, more: str, steps: int, wanted: tuple[int, ...]) -> None:
    assert parts(specification(tmp_path, COUNTS + more), steps) == wanted
    assert sum(wanted) == steps


@pytest.mark.parametrize(("more", "files"), [
    (", rounds: 3", {"finetune_round_1": 1, "finetune_round_2": 1, "finetune": 1}),
    (", soft: true", {"finetune_soft": 1, "finetune": 2}),
])  # fmt: skip
def test_a_phase_has_them_and_goes_on(tmp_path: Path, more: str, files: dict[str, int]) -> None:
    """Run again over its states it trains nothing and leaves the same."""
    spec = specification(tmp_path, COUNTS + more, hidden="prelu")
    torch.manual_seed(1)
    terms = spec.data.model_dump() if spec.data else {}
    write(tmp_path / "float.safetensors", dense(spec).state_dict(), {"terms": terms})
    images = list(np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8))

    def tuned() -> bytes:
        run_phase(spec, "finetune", images, images, pick_device("cpu"), tmp_path)
        return (tmp_path / "finetune.safetensors").read_bytes()

    first = tuned()
    assert {path.stem: read(path)[1]["step"] for path in (tmp_path / "state").glob("*.safetensors")} == files
    assert read(tmp_path / "finetune.safetensors")[1]["schedule"]["steps"] == 3
    assert tuned() == first
    other = spec.model_copy(update={"pruning": spec.pruning.model_copy(update={"criterion": "l2"})})
    with pytest.raises(HwgenError, match=r"finetune_(round_1|soft).safetensors: .*delete the file to start again"):
        run_phase(other, "finetune", images, images, pick_device("cpu"), tmp_path)
