"""What is observed: features are the network's own, gradients are the loss's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.train_samples import branched

from hwgen.train.criteria import observe as module
from hwgen.train.criteria.observe import observe
from hwgen.train.data import Crops
from hwgen.train.network import dense


def test_gradients_are_those_of_the_training_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step along one weight, and a gate on one feature map, change the loss by what the gradients say."""
    spec = branched(tmp_path)
    torch.manual_seed(5)
    parent = dense(spec)
    images = np.random.default_rng(1).integers(60, 200, (4, 24, 24, 3), dtype=np.uint8)
    crops = Crops(list(images), 16)
    losses: list[torch.Tensor] = []
    original = module.log_mse

    def noted(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        losses.append(original(output, target))
        return losses[-1]

    monkeypatch.setattr(module, "log_mse", noted)
    state = parent.state_dict()
    seen = observe(state, spec, crops, 3)
    again = observe(state, spec, crops, 3)
    assert torch.equal(losses[0], losses[1]), "everything drawn has the seed"
    assert all(torch.equal(seen.gradients[name], again.gradients[name]) for name in seen.gradients)
    assert [name for _, name in seen.features] == ["stem", "conv1", "branch", "conv4", "deconv0", "deconv3", "deconv4"]
    name, step = "encoder.1.conv.weight", 2.0**-9
    direction = seen.gradients[name].sign()
    moved = []
    for factor in (step, -step):
        observe(state | {name: state[name] + factor * direction}, spec, crops, 3)
        moved.append(float(losses[-1].detach()))
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(float(seen.gradients[name].abs().sum()), rel=0.05)
    values, gradient = seen.features["encoder", "conv1"], seen.feature_gradients["encoder", "conv1"]
    # behind a PReLU without bias a map is homogeneous in its kernel, so both gates say the same
    kernel = state[name]
    of_weights = (kernel * seen.gradients[name]).sum()
    of_bias = (state["encoder.1.conv.bias"] * seen.gradients["encoder.1.conv.bias"]).sum()
    torch.testing.assert_close((values * gradient).sum(), of_weights + of_bias, rtol=1e-3, atol=1e-5)
