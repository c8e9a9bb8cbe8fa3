"""Small files from which a phase in training goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.train_samples import specification

from hwgen.errors import HwgenError
from hwgen.train import loop
from hwgen.train.checkpoint import read, write
from hwgen.train.data import Crops
from hwgen.train.network import dense
from hwgen.train.snapshot import main, snapshot
from hwgen.train.start import warm_start

CPU = torch.device("cpu")


def trained(folder: Path, smoothing: float) -> Path:
    """A state after two of five steps."""
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    crops = Crops([random.integers(0, 256, (24, 24, 3), dtype=np.uint8)], 16)
    schedule = loop.Schedule("float", 5, 3e-3, 2, 16, 1, (0.0, 20.0), smoothing=smoothing)
    torch.manual_seed(7)
    loop.fit(dense(specification(folder)), crops, schedule, folder / "state", CPU, stop_after=2)
    return folder / "state"


@pytest.mark.parametrize(("smoothing", "kept"), [(0.0, "network"), (0.9, "smoothed")])
def test_weights_in_half_precision(
    tmp_path: Path, smoothing: float, kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state, out = trained(tmp_path, smoothing), tmp_path / "small.safetensors"
    assert main([str(state), str(out), "--model", str(tmp_path / "spec.yaml")]) == 0
    assert capsys.readouterr().out == f"{out}: step 2, {out.stat().st_size / 1e6:.1f} MB\n"
    tensors, header = read(out)
    before, _ = read(state)
    spec = specification(tmp_path)
    assert (header["phase"], header["step"], header["terms"]["license"]) == ("float", 2, "CC0")
    assert list(tensors) and all(torch.equal(value, before[f"{kept}.{name}"].half()) for name, value in tensors.items())
    network = dense(spec)
    taken = warm_start(network, out, spec)["layers"]
    assert len(taken) == 6
    for name, value in network.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value.half(), tensors[name])


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, state, out = specification(tmp_path), trained(tmp_path, 0.0), tmp_path / "small.safetensors"
    tensors, header = read(state)
    header.pop("format_version")
    write(state, tensors, header | {"schedule": header["schedule"] | {"phase": "qat"}})
    with pytest.raises(HwgenError, match="wanted the state of a float phase: float, finetune or control, got qat"):
        snapshot(spec, state, out)
    name = "network.encoder.0.conv.bias"
    write(state, {key: value for key, value in tensors.items() if key != name}, header)
    with pytest.raises(HwgenError, match="encoder.0.conv.bias: wanted a weight of .*, got nothing"):
        snapshot(spec, state, out)
    write(state, tensors | {name: tensors[name] + 1e6}, header)
    with pytest.raises(HwgenError, match="encoder.0.conv.bias: wanted weights of at most 65504, got 1"):
        snapshot(spec, state, out)
    assert not out.exists()
    capsys.readouterr()  # the progress bar
    assert main([str(tmp_path / "none"), str(out), "--model", str(spec.path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'none'}: wanted a checkpoint")
