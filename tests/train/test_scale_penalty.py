"""Penalties on scales by hand, their gradients, and who has none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.train_samples import specification
from torch import nn

from hwgen.errors import HwgenError
from hwgen.train.scale_penalty import T, check, penalty


def network() -> nn.Module:
    found = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3))
    with torch.no_grad():
        found[0].weight.fill_(2.0)
        found[2].weight.copy_(torch.tensor([0.0, -1.0, 3.0]))
    return found


def test_by_hand() -> None:
    """Of 2, 0, -1, 3 the mean is 1: magnitudes 6, deviations 1 + 1 + 2 + 2."""
    assert penalty(network(), 0.5, 0.0).item() == 3.0
    assert penalty(network(), 0.0, 0.5).item() == pytest.approx(0.5 * (T * 6 - 6))


def test_polarisation_takes_more_of_small_scales() -> None:
    """Of two the smaller one falls with T + 1, the larger one with T - 1."""
    found = nn.BatchNorm2d(2)
    with torch.no_grad():
        found.weight.copy_(torch.tensor([0.1, 0.9]))
    penalty(found, 0.0, 1.0).backward()
    assert found.weight.grad is not None
    assert found.weight.grad.tolist() == pytest.approx([T + 1, T - 1])


def test_a_few_large_scales_grow() -> None:
    """One of four above the mean: T - 2 * 3 / 4 is negative, and the others fall with T + 2 / 4."""
    found = nn.BatchNorm2d(4)
    with torch.no_grad():
        found.weight.copy_(torch.tensor([0.1, 0.1, 0.1, 0.9]))
    penalty(found, 0.0, 1.0).backward()
    assert found.weight.grad is not None
    assert found.weight.grad.tolist() == pytest.approx([T + 0.5, T + 0.5, T + 0.5, T - 1.5])


def test_a_network_without_normalisation_has_no_scales(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    assert spec.training is not None
    for key in ("slimming", "polarisation"):
        own = spec.model_copy(update={"training": spec.training.model_copy(update={key: 1e-4})})
        with pytest.raises(HwgenError, match=f"training.{key}: wanted this key with batch_norm in some layers only"):
            check(own)
    check(spec)
