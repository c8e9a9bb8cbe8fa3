"""A small specification with every kind of layer, and its quantised network, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml

from hwgen.spec.model import ModelSpec, load
from hwgen.train.checkpoint import write
from hwgen.train.network import pruned
from hwgen.train.quantised import build
from hwgen.train.quantised_network import QuantDeepJSCC

LAYERS = {
    "encoder": [
        {"kernel": 5, "stride": 2, "channels": 7, "activation": "prelu", "weight_bits": 6, "activation_bits": 7},
        {"kernel": 3, "stride": 2, "channels": 5, "activation": "relu", "weight_bits": 8, "activation_bits": 5},
        {"kernel": 1, "stride": 1, "channels": 4, "activation": "none", "weight_bits": 4, "activation_bits": 8},
    ],
    "decoder": [
        {"kernel": 3, "stride": 2, "channels": 6, "activation": "relu", "weight_bits": 5},
        {"kernel": 5, "stride": 2, "channels": 3, "activation": "clamp"},
    ],
}


def sample_spec(folder: Path, **changes: Any) -> ModelSpec:
    """The specification above, with top-level keys changed, written to folder/spec.yaml and loaded."""
    content = {
        "format_version": 1,
        "description": "every kind of layer",
        "frame": {"width": 32, "height": 24},
        "channel": {"kind": "awgn", "snr_db": [0, 20], "power": 1.0},
        "data": {"license": "CC0", "source": "noise"},
        **LAYERS,
    } | changes
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
    return load(folder / "spec.yaml")


def sample_images(count: int = 8, height: int = 24, width: int = 32, seed: int = 0) -> torch.Tensor:
    """Smooth random images (count, 3, height, width) in 0..255/256."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 4, 4, generator=generator)
    large = torch.nn.functional.interpolate(small, size=(height, width), mode="bilinear")
    return (large * 256).floor().clamp(0, 255) / 256


def sample_network(spec: ModelSpec, seed: int = 0) -> QuantDeepJSCC:
    """A calibrated network with random weights, some PReLU slopes negative."""
    torch.manual_seed(seed)
    state = pruned(spec).state_dict()
    for name, value in state.items():
        if name.endswith("activation.weight"):
            value.uniform_(-0.5, 1.5)
    network = build(spec, state)
    network.calibrate([sample_images()])
    return network.eval()


def sample_checkpoint(spec: ModelSpec, path: Path, seed: int = 0) -> QuantDeepJSCC:
    """Write such a network's checkpoint."""
    network = sample_network(spec, seed)
    write(path, network.state_dict(), {"model": spec.name})
    return network
