"""A small network with profiles and branches on both sides, in floating point and quantised, for tests."""

from __future__ import annotations

from pathlib import Path

import torch

from hwgen.spec.model import ModelSpec, load
from hwgen.train.network import dense
from hwgen.train.profiles import ProfiledDeepJSCC
from hwgen.train.quantised import build
from hwgen.train.quantised_profiles import ProfiledQuantDeepJSCC
from support.train_samples import branched

PROFILES = "  seed: 1\n  power: average\n  profiles: [4.0, 10]\n  shares: [2, 1, 1]"


def profiled_spec(folder: Path) -> ModelSpec:
    """Branches on both sides, nothing pruned, three profiles."""
    spec = branched(folder)
    text = spec.path.read_text().replace("  seed: 1", PROFILES)
    pruning = next(line for line in text.splitlines() if line.startswith("pruning:"))
    spec.path.write_text(text.replace(pruning, "pruning: {criterion: none}"))
    return load(spec.path)


def float_network(spec: ModelSpec) -> ProfiledDeepJSCC:
    """Every table with numbers of its own."""
    torch.manual_seed(3)
    network = dense(spec)
    assert isinstance(network, ProfiledDeepJSCC)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith(("_offset", "_gain")):
                value.normal_(0.0, 0.1)
    network.latent_power.copy_(torch.tensor([0.5, 1.0, 2.0]))
    return network.eval()


def blurred(count: int, seed: int = 0) -> torch.Tensor:
    """Smooth images (count, 3, 32, 32) in 0..255/256."""
    small = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    large = torch.nn.functional.interpolate(small, size=(32, 32), mode="bilinear")
    return (large * 256).floor().clamp(0, 255) / 256


def quantised(spec: ModelSpec) -> ProfiledQuantDeepJSCC:
    network = build(spec, float_network(spec).state_dict())
    assert isinstance(network, ProfiledQuantDeepJSCC)
    network.calibrate([blurred(6)])
    return network.eval()
