"""training/street/one_profile.py: what it takes out of a network with profiles computes what that profile does."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch

from hwgen.spec.model import load
from hwgen.train.checkpoint import read
from hwgen.train.network import dense

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("profile", [0, 3])
@torch.no_grad()
def test_as_the_profile(profile: int, tmp_path: Path) -> None:
    """Up to the half precision of its file, which moves symbols by 0.0016 of their deviation, pixels by 0.00026."""
    model, start = ROOT / "hwgen" / "models" / "street_int8", tmp_path / "start.safetensors"
    runpy.run_path(str(ROOT / "training" / "street" / "one_profile.py"))["main"](str(model), str(profile), str(start))
    one, all_of_them = dense(load(ROOT / "training" / "mimo2x2" / "spec.yaml")), dense(load("street_int8"))
    one.load_state_dict({name: value.float() for name, value in read(start)[0].items()})
    tensors, _ = read(model / "finetune.safetensors")
    all_of_them.load_state_dict({name: value.float() for name, value in tensors.items()})
    one.eval()
    all_of_them.eval().chosen.take(profile)
    images = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    latent = all_of_them.encode(images)
    assert torch.allclose(one.encode(images), latent, atol=3e-3 * float(latent.std()))
    received = latent / latent.std()
    wanted = all_of_them.decode(received)
    assert torch.allclose(one.decode(received), wanted, atol=5e-4)
    all_of_them.chosen.take(5 - profile)
    assert not torch.allclose(all_of_them.decode(received), wanted, atol=5e-3)
