"""Untrained transmitter specifications nobody tuned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from hwgen.spec.model import ModelSpec, load

COUNTS = [3, 7, 13, 29, 31, 5]


def spec_of(folder: Path, layers: list[dict[str, object]], width: int = 36, height: int = 20) -> ModelSpec:
    content = {
        "format_version": 1,
        "description": "untrained",
        "frame": {"width": width, "height": height},
        "encoder": layers,
    }
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(content))
    return load(path)


def random_layers(rng: np.random.Generator) -> list[dict[str, object]]:
    """1 to 6 layers; at most two of stride 2, so that a frame of 36x20 stays divisible."""
    count = int(rng.integers(1, 7))
    halving = set(rng.permutation(6)[: rng.integers(0, 3)].tolist())
    start = int(rng.integers(0, 6))
    return [
        {
            "kernel": int(rng.choice([1, 3, 5, 7])),
            "stride": 2 if i in halving else 1,
            "channels": COUNTS[(start + i) % 6],
            "activation": str(rng.choice(["none", "relu", "prelu"])),
            "weight_bits": int(rng.integers(2, 9)),
            "activation_bits": int(rng.integers(2, 9)),
        }
        for i in range(count)
    ]
