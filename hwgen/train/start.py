"""Warm start: weights of another model's float network where names and shapes agree."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwgen.errors import HwgenError
from hwgen.train.checkpoint import read, terms

if TYPE_CHECKING:
    from hwgen.spec import ModelSpec
    from hwgen.train.network import DeepJSCC


def warm_start(network: DeepJSCC, path: Path, spec: ModelSpec) -> dict[str, Any]:
    """Load every layer of ``path`` that has this network's names and shapes; the other layers stay as they are.

    Returns
    -------
    What a checkpoint's header says about it: the file's model, phase and SHA-256, and the layers that were taken.

    Raises
    ------
    HwgenError
        The file is missing or damaged, its data has other terms than the specification's, or no layer fits.
    """
    tensors, header = read(path)
    terms(path, header, spec)
    own = network.state_dict()
    layers: dict[str, list[str]] = {}
    for name in own:
        layers.setdefault(".".join(name.split(".")[:2]), []).append(name)
    taken = [
        layer
        for layer, names in layers.items()
        if all(name in tensors and tensors[name].shape == own[name].shape for name in names)
    ]
    if not taken:
        raise HwgenError(str(path), f"layers of the shapes of {spec.path}", "none")
    network.load_state_dict(own | {name: tensors[name] for layer in taken for name in layers[layer]})
    return {
        "model": header.get("model"),
        "phase": header.get("phase"),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "layers": taken,
    }
