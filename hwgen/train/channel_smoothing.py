"""Smoothing by 1x1 convolutions between pruned layers, folded into the kernels behind them.

Huang et al. put a 1x1 convolution behind a pruned layer, which makes of the channels that are left something near all
of them. Without an activation behind it a circuit need not have it: the next layer's kernel W, over channels x, takes

    x ~ [A; 1] x_left        A = argmin |x_gone - A x_left|^2 over the parent's values on training crops
    W x ~ (W_left + W_gone A) x_left

so that the layers, their sizes and their cycles are those of plain pruning. There is no constant in the fit: at the
border of a frame a kernel sees zeros, which A must leave zeros. Y. He, X. Zhang, J. Sun, Channel Pruning for
Accelerating Very Deep Neural Networks, ICCV 2017, section 3.1.2, fits whole kernels to what a layer gave before.
Kernels with groups and complex ones stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Side
from hwgen.train.channel import through, uniform_snr
from hwgen.train.data import Crops
from hwgen.train.network import dense
from hwgen.train.scores import SIDES

IMAGES = 16
"""Crops whose values are fitted."""
VALUES = 20_000
"""Values of a channel that are fitted, less than twice as many."""
RIDGE = 1e-6
"""Of the mean square of the channels that are left: keeps those that are all but equal from large opposite weights."""


@torch.no_grad()
def smoothed_kernels(
    state: Mapping[str, Tensor], spec: ModelSpec, alive: Mapping[Side, frozenset[int]], crops: Crops | None
) -> dict[str, Tensor]:
    """The kernels that read a channel which goes, by their names in the state, with the survivors standing in for it.

    Parameters
    ----------
    state
        Of the dense parent; it may have zeros for what went before.
    alive
        Units that are left.

    Raises
    ------
    HwgenError
        There are no images.
    """
    if crops is None:
        raise HwgenError(spec.where("pruning", "smoothing"), "images to fit channels to each other", "none")
    values = _values(state, spec, crops)
    found = {}
    for side in SIDES:
        network = spec.parent(side)
        streams = channel_groups(network).streams
        for placed in network.layers:
            layer, source = placed.layer, placed.sources[0]
            left = torch.tensor([unit in alive[side] for unit in streams[source]])
            if not isinstance(layer, Layer) or layer.complex or placed.groups > 1 or bool(left.all()):
                continue
            name = f"{side}.{placed.index}.conv.weight"
            kernel, of = state[name].clone(), fitted(values[side][source], left).to(state[name])
            if isinstance(layer, DecoderLayer):  # (in, out, rows, columns)
                kernel[left] += torch.einsum("gl,gokm->lokm", of, kernel[~left])
            else:
                kernel[:, left] += torch.einsum("gl,ogkm->olkm", of, kernel[:, ~left])
            found[name] = kernel
    return found


def fitted(values: Tensor, left: Tensor) -> Tensor:
    """(gone, left) A: the channels that go, of the ones that are left.

    Parameters
    ----------
    values
        (N, C, H, W) of all channels.
    left
        (C,) bool.
    """
    rows = values.transpose(0, 1).flatten(1).double()
    rows = rows[:, :: max(1, rows.shape[1] // VALUES)]
    kept, gone = rows[left], rows[~left]
    square = kept @ kept.T
    ridge = RIDGE * square.diagonal().mean().clamp(min=1e-30) * torch.eye(len(kept), dtype=torch.float64)
    return torch.linalg.solve(square + ridge, kept @ gone.T).T


def _values(state: Mapping[str, Tensor], spec: ModelSpec, crops: Crops) -> dict[Side, dict[str, Tensor]]:
    """All layers' outputs and the ports' values in the dense parent, over its radio channel; drawn with the seed."""
    generator = torch.Generator().manual_seed(spec.training.seed if spec.training else 0)
    network = dense(spec)
    network.load_state_dict(dict(state))
    network.eval()
    images = crops.batch(IMAGES, generator)
    low, high = spec.channel.snr_db
    snr_db = uniform_snr(len(images), low, high, generator)
    sent = network.encoder.outputs(images)
    received = through(network.channel, network.transmit(images), snr_db, generator)
    return {"encoder": sent, "decoder": network.decoder.outputs(received)}
