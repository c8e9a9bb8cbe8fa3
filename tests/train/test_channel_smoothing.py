"""Smoothing: what depends linearly on the survivors is not missed; the fit against plain arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.train_samples import specification

from hwgen.errors import HwgenError
from hwgen.train.channel_smoothing import fitted
from hwgen.train.data import Crops
from hwgen.train.network import dense
from hwgen.train.prune import prune


def images() -> Crops:
    return Crops(list(np.random.default_rng(2).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)), 16)


def test_the_fit() -> None:
    """The third channel is twice the first minus the second."""
    values = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    third = 2 * values[:, :1] - values[:, 1:]
    found = fitted(torch.cat([values, third], 1), torch.tensor([True, True, False]))
    assert torch.allclose(found, torch.tensor([[2.0, -1.0]], dtype=torch.float64), atol=1e-4)


def test_channels_of_zeros_weigh_nothing() -> None:
    values = torch.zeros(1, 3, 4, 4)
    assert fitted(values, torch.tensor([True, False, True])).tolist() == [[0.0, 0.0]]


def test_copies_of_channels_go_without_loss(tmp_path: Path) -> None:
    """Half of the first layers' channels are copies of the others, at half the strength, so that l1 removes them."""
    counts = "channels: {encoder: [5, 8, 6], decoder: [4, 7, 3]}"
    spec = specification(tmp_path, f"{counts}, smoothing: true", hidden="prelu")
    plain = spec.model_copy(update={"pruning": spec.pruning.model_copy(update={"smoothing": False})})
    torch.manual_seed(1)
    parent = dense(spec).eval()
    with torch.no_grad():
        for layer, count in ((parent.encoder[0], 5), (parent.decoder[0], 4)):
            kernel = layer.conv.weight if layer is parent.encoder[0] else layer.conv.weight.transpose(0, 1)
            kernel[count:] = 0.5 * kernel[: len(kernel) - count]
            layer.conv.bias[count:] = 0.5 * layer.conv.bias[: len(kernel) - count]
        x = torch.rand(2, 3, 16, 16)
        latent = torch.randn(2, 6, 4, 4)
        wanted = parent.encode(x), parent.decode(latent)
        errors = []
        for own in (spec, plain):
            network = prune(parent, own, images()).eval()
            errors.append([float((one - other).abs().max() / other.abs().max()) for one, other in
                           zip((network.encode(x), network.decode(latent)), wanted, strict=True)])  # fmt: skip
    assert max(errors[0]) < 2e-3 < 0.02 < min(errors[1])


def test_it_needs_images(tmp_path: Path) -> None:
    spec = specification(tmp_path, "ratio: 0.5, smoothing: true")
    with pytest.raises(HwgenError, match="pruning.smoothing: wanted images to fit channels to each other, got none"):
        prune(dense(spec), spec)
