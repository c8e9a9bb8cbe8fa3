"""Soft filter pruning: the worst channels are set to zero while all are trained, and may come back.

Y. He, G. Kang, X. Dong, Y. Fu, Y. Yang, Soft Filter Pruning for Accelerating Deep Convolutional Neural Networks, IJCAI
2018. There the kernels of the filters with the smallest L2 norms become zero after every epoch; here after every
`EVERY` steps those of the channels that the specification's criterion and counts would remove at that moment. Biases
and slopes stay, and so do the kernels that read the channel: gradients reach it again. Behind a ReLU they do so only
where its bias is above zero.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.prune import Alive, state_of, survivors
from hwgen.train.scores import SIDES

EVERY = 50
"""Optimiser steps between two times."""


def softener(network: DeepJSCC, spec: ModelSpec, steps: int) -> Callable[[int], None]:
    """What is to be called after each of so many steps of the dense network's training, with its number from 1.

    It depends on the weights alone, so that a training that goes on needs nothing of it.
    """

    def after(step: int) -> None:
        if step % EVERY == 0 or step == steps:
            silence(network, spec, survivors(state_of(network), spec))

    return after


@torch.no_grad()
def silence(network: DeepJSCC, spec: ModelSpec, alive: Alive) -> None:
    """Set the kernels that make channels which are not alive to zero, in place."""
    tensors = network.state_dict()  # the parameters themselves
    for side in SIDES:
        parent = spec.parent(side)
        streams = channel_groups(parent).streams
        for placed in parent.layers:
            if not isinstance(layer := placed.layer, Layer):
                continue
            gone = [index for index, unit in enumerate(streams[placed.name]) if unit not in alive[side]]
            gone = [index // layer.parts for index in gone[:: layer.parts]]
            out = 1 if isinstance(layer, DecoderLayer) and not layer.complex else 0
            for name, value in tensors.items():
                if name.startswith(f"{side}.{placed.index}.conv.") and value.ndim == 4:
                    value.index_fill_(out, torch.tensor(gone, dtype=torch.long, device=value.device), 0.0)
