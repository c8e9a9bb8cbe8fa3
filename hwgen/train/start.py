"""Warm start: weights of another model's float network where names and shapes agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.train.batch_norm import fold_batch_norm
from hwgen.train.checkpoint import read, sha256, terms

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec
    from hwgen.train.network import DeepJSCC


def warm_start(network: DeepJSCC, path: Path, spec: ModelSpec, partly: bool = False) -> dict[str, Any]:
    """Load every layer of ``path`` that has this network's names and shapes; the other layers stay as they are.

    With ``partly``, a layer of another shape takes the channels that both have; what it has beyond them stays, but for
    the weights from new inputs to old outputs, which become zero.

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
    tensors = _folded(tensors, own, spec)
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
    loaded = own | {name: tensors[name] for layer in taken for name in layers[layer]}
    grown = [layer for layer in layers if partly and layer not in taken and set(layers[layer]) <= set(tensors)]
    for name in (name for layer in grown for name in layers[layer]):
        transposed = name.startswith("decoder.") and name.endswith(".conv.weight")
        loaded[name] = _common(own[name], tensors[name], transposed)
    network.load_state_dict(loaded)
    return {
        "model": header.get("model"),
        "phase": header.get("phase"),
        "sha256": sha256(path),
        "layers": taken,
        **({"partly": grown} if partly else {}),
    }


def _folded(tensors: dict[str, Tensor], own: dict[str, Tensor], spec: ModelSpec) -> dict[str, Tensor]:
    """With the file's batch normalisations folded in layers of one shape where this network has none."""
    kernel = ".conv.weight"
    plain = {
        name.removesuffix(kernel)
        for name in own
        if name.endswith(kernel) and name in tensors and tensors[name].shape == own[name].shape
    } - {name.split(".norm.")[0] for name in own if ".norm." in name}
    some = {name: value for name, value in tensors.items() if ".".join(name.split(".")[:2]) in plain}
    return {name: value for name, value in tensors.items() if name not in some} | fold_batch_norm(some, spec)


def _common(own: Tensor, other: Tensor, transposed: bool) -> Tensor:
    """``own`` with the channels of ``other`` where both have them. A transposed kernel's first axis are its inputs."""
    result = own.clone()
    if own.ndim == 1:
        shared = min(len(own), len(other))
        result[:shared] = other[:shared]
        return result
    mine, theirs = (kernel.transpose(0, 1) if transposed else kernel for kernel in (result, other))
    outputs, inputs = (min(a, b) for a, b in zip(mine.shape[:2], theirs.shape[:2], strict=True))
    mine[:outputs] = 0.0
    mine[:outputs, :inputs] = theirs[:outputs, :inputs]
    return result
