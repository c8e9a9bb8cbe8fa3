"""Warm start: layers of one shape come along, others stay, what does not belong is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from train_samples import SPEC, specification

from hwgen.errors import HwgenError
from hwgen.spec import load
from hwgen.train import phases
from hwgen.train.checkpoint import read, write
from hwgen.train.network import pruned
from hwgen.train.start import warm_start


def other(folder: Path, **changes: tuple[str, str]) -> Path:
    text = SPEC.format(pruning="channels: {encoder: [5, 7, 6], decoder: [3, 5, 3]}", hidden="relu")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    folder.mkdir()
    (folder / "spec.yaml").write_text(text)
    return folder / "spec.yaml"


def test_takes_what_fits(tmp_path: Path) -> None:
    first = load(other(tmp_path / "first"))
    torch.manual_seed(1)
    file = tmp_path / "first" / "finetune.safetensors"
    write(file, pruned(first).state_dict(), {"model": "first", "phase": "finetune"})
    second = load(other(tmp_path / "second", a=("channels: 6, activation: none", "channels: 4, activation: none"),
                        b=("[5, 7, 6]", "[5, 7, 4]")))  # fmt: skip
    torch.manual_seed(2)
    network = pruned(second)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    told = warm_start(network, file, second)
    assert told["layers"] == ["encoder.0", "encoder.1", "decoder.1", "decoder.2"]
    assert (told["model"], told["phase"], len(told["sha256"])) == ("first", "finetune", 64)
    tensors, _ = read(file)
    for name, value in network.state_dict().items():
        layer = ".".join(name.split(".")[:2])
        assert torch.equal(value, tensors[name] if layer in told["layers"] else fresh[name])


def test_refuses_what_does_not_belong(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    file = tmp_path / "x.safetensors"
    write(file, {"encoder.0.conv.weight": torch.zeros(1)}, {})
    with pytest.raises(HwgenError, match=r"x.safetensors: wanted layers of the shapes of .*, got none"):
        warm_start(pruned(spec), file, spec)
    write(file, pruned(spec).state_dict(), {"terms": {"license": "secret", "source": "noise"}})
    with pytest.raises(HwgenError, match="terms: license: wanted 'CC0'"):
        warm_start(pruned(spec), file, spec)
    with pytest.raises(HwgenError, match="--start: wanted phase finetune or all, got qat"):
        phases.train(spec.path, data="skimage", phase="qat", start=file)
