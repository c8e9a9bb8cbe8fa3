"""Warm start: weights of another model's float network where names and shapes agree."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic_core import PydanticCustomError
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import Layer
from hwgen.spec.network import Network, Placed, place
from hwgen.train.batch_norm import fold_batch_norm
from hwgen.train.checkpoint import check_finite, read, sha256, terms
from hwgen.train.kernels import from_stream_kernel, stream_kernel

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec
    from hwgen.train.deep_jscc import DeepJSCC

State = Mapping[str, Tensor]


def warm_start(network: DeepJSCC, path: Path, spec: ModelSpec, partly: bool = False) -> dict[str, Any]:
    """Load every layer of ``path`` that has this network's names and shapes; the other layers stay as they are.

    With ``partly``, a layer with other numbers of channels takes the channels that both have; what it has beyond them
    stays, but for the weights from new inputs to old outputs, which become zero. Then old channels have their old
    values, through branches too. Layers of several groups that are not depthwise are taken whole or not at all.

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
    check_finite(tensors, str(path))
    own = network.state_dict()
    tensors = _folded(tensors, own, spec)
    layers: dict[str, list[str]] = {}
    for name in own:
        if "." in name:  # the latent's power is no layer's
            layers.setdefault(_layer(name), []).append(name)
    taken = [
        layer
        for layer, names in layers.items()
        if all(name in tensors and tensors[name].shape == own[name].shape for name in names if not _profiles(name))
    ]
    if not taken:
        raise HwgenError(str(path), f"layers of the shapes of {spec.path}", "none")
    # What is one number without profiles, the power, is every profile's at first.
    loaded = own | {name: tensors[name].expand_as(own[name]) for name in own if name in tensors and "." not in name}
    loaded |= {name: tensors[name] for layer in taken for name in layers[layer] if name in tensors}
    grown: list[str] = []
    for side in (network.encoder.network, network.decoder.network) if partly else ():
        found = _grown(side, own, tensors, taken)
        loaded |= found
        grown += dict.fromkeys(_layer(name) for name in found)
    network.load_state_dict(loaded)
    return {
        "model": header.get("model"),
        "phase": header.get("phase"),
        "sha256": sha256(path),
        "layers": taken,
        **({"partly": grown} if partly else {}),
    }


def _profiles(name: str) -> bool:
    """Whether a tensor is a table of profiles (`hwgen.train.profiles`), which a network without them does not have."""
    return name.endswith("_offset")


def _layer(name: str) -> str:
    """SIDE.INDEX of a tensor."""
    return ".".join(name.split(".")[:2])


def _folded(tensors: dict[str, Tensor], own: State, spec: ModelSpec) -> dict[str, Tensor]:
    """With the file's batch normalisations folded in layers of one shape where this network has none."""
    kernel = ".conv.weight"
    plain = {
        _layer(name)
        for name in own
        if name.endswith(kernel) and name in tensors and tensors[name].shape == own[name].shape
    } - {_layer(name) for name in own if ".norm." in name}
    some = {name: value for name, value in tensors.items() if _layer(name) in plain}
    return {name: value for name, value in tensors.items() if name not in some} | fold_batch_norm(some, spec)


def _grown(network: Network, own: State, tensors: State, taken: Sequence[str]) -> dict[str, Tensor]:
    """The tensors of one side's layers of which both networks have some channels."""
    other = _network_of(network, own, tensors)
    if other is None:
        return {}
    mine, theirs = origins(network), origins(other)
    found: dict[str, Tensor] = {}
    for placed, before in zip(network.layers, other.layers, strict=True):
        at, layer = f"{network.side}.{placed.index}", placed.layer
        names = [name for name in own if _layer(name) == at]
        if at in taken or not names or any(name not in tensors for name in names):
            continue
        assert isinstance(layer, Layer), "nothing else has tensors"
        if placed.groups > 1 and layer.groups < layer.channels:
            continue
        kernel, old = stream_kernel(own, network.side, placed).clone(), stream_kernel(tensors, network.side, before)
        if kernel.shape[2:] != old.shape[2:]:
            continue
        outputs = min(len(kernel), len(old))
        inputs = {origin: index for index, origin in enumerate(theirs[placed.sources[0]])}
        kernel[:outputs] = 0.0
        for index, origin in enumerate(mine[placed.sources[0]]):
            if origin in inputs:
                kernel[:outputs, index] = old[:outputs, inputs[origin]]
        found |= from_stream_kernel(kernel, network.side, placed)
        for name in (name for name in names if own[name].ndim == 1):
            found[name] = torch.cat([tensors[name][:outputs], own[name][outputs:]])
    return found


def _network_of(network: Network, own: State, tensors: State) -> Network | None:
    """The same layers with a file's channels; None where these do not fit together."""
    counts = []
    for placed in network.layers:
        if isinstance(placed.layer, Layer):
            bias = f"{network.side}.{placed.index}.conv.bias"
            counts.append(len(tensors.get(bias, own[bias])) // placed.layer.parts)
    try:
        return place(network.side, [placed.layer for placed in network.layers], network.port, counts)
    except PydanticCustomError:
        return None


def origins(network: Network) -> dict[str, list[Hashable]]:
    """For every stream: which convolution's channel each of its channels is, by name and index, of a sum the first one.

    They are those of a network with other numbers of channels too, whatever stands before them in a concatenation.
    """
    found: dict[str, list[Hashable]] = {network.source: [(network.source, i) for i in range(network.port.channels)]}
    for placed in network.layers:
        found[placed.name] = _origins(placed.layer, placed, [found[name] for name in placed.sources])
    return found


Origins = list[Hashable]


@singledispatch
def _origins(layer: Kinds, placed: Placed, taken: list[Origins]) -> Origins:
    raise NotImplementedError(type(layer).__name__)


@_origins.register
def _(layer: Layer, placed: Placed, taken: list[Origins]) -> Origins:
    return [(placed.name, index) for index in range(placed.given.channels)]


@_origins.register
def _(layer: Concat, placed: Placed, taken: list[Origins]) -> Origins:
    return [(position, one) for position, stream in enumerate(taken) for one in stream]


@_origins.register
def _(layer: SpaceToDepth, placed: Placed, taken: list[Origins]) -> Origins:
    return [(one, corner) for one in taken[0] for corner in range(layer.factor**2)]


@_origins.register
def _(layer: DepthToSpace, placed: Placed, taken: list[Origins]) -> Origins:
    return taken[0][:: layer.factor**2]


@_origins.register(Add)
@_origins.register(MaxPool)
@_origins.register(AveragePool)
def _(layer: Add | MaxPool | AveragePool, placed: Placed, taken: list[Origins]) -> Origins:
    return taken[0]
