"""Structured L1 channel pruning: channels are really removed, on both sides of every layer.

torch-pruning finds what a channel drags along (PReLU slopes, the next layer's inputs) and scores it by
the mean L1 norm of all those weights; how many survive is the specification's, any integer.
"""

from __future__ import annotations

import copy

import torch
import torch_pruning as tp
from torch import nn

from hwgen.spec import ModelSpec
from hwgen.train.network import DeepJSCC, Layer, pruned


def prune(parent: DeepJSCC, spec: ModelSpec) -> DeepJSCC:
    """A trained parent -> the network with the specification's surviving channels.

    The weights of surviving channels are the parent's; ``parent`` is left as it is. The last layers of
    encoder and decoder keep all their channels: they are the symbols and the image.
    """
    network = copy.deepcopy(parent).float().cpu()
    example = torch.zeros(1, 3, 4 * spec.downscale, 4 * spec.downscale)
    with torch.enable_grad():  # the dependencies are traced through autograd
        graph = tp.DependencyGraph().build_dependency(
            network, example_inputs=example, forward_fn=lambda model, images: model.decode(model.encode(images))
        )
    importance = tp.importance.GroupMagnitudeImportance(p=1)
    for stack, counts in ((network.encoder, spec.encoder_channels), (network.decoder, spec.decoder_channels)):
        for layer, count in zip(list(stack)[:-1], counts[:-1], strict=True):
            assert isinstance(layer, Layer)
            _keep(graph, importance, layer.conv, count)
    # into a fresh network: its shapes are the specification's, so a wrong removal cannot pass
    result = pruned(spec)
    result.load_state_dict(network.state_dict())
    return result


def _keep(graph: tp.DependencyGraph, importance: tp.importance.Importance, layer: nn.Module, count: int) -> None:
    """Remove all but the ``count`` most important output channels of a layer."""
    channels = int(layer.out_channels)  # type: ignore[arg-type]
    everything = graph.get_pruning_group(layer, tp.prune_conv_out_channels, list(range(channels)))
    order = torch.argsort(importance(everything), stable=True)  # ties by index: the same on every machine
    doomed = sorted(order[: channels - count].tolist())
    if doomed:
        graph.get_pruning_group(layer, tp.prune_conv_out_channels, doomed).prune()
