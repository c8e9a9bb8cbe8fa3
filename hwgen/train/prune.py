"""Structured channel pruning: channels are really removed, on both sides of every layer.

torch-pruning finds what a channel drags along (PReLU slopes, the next layer's inputs); the specification's criterion
(`hwgen.train.criteria`) scores it by those weights; how many survive is the specification's, any integer.

It does not know complex convolutions. In a network that has any, the same rule is applied by hand, and what goes or
stays are pairs wherever a layer or the next one is complex: a complex channel goes only when both of its parts together
are weak, its score the sum of theirs, and real channels before a complex layer keep their partners.
"""

from __future__ import annotations

import copy

import torch
import torch_pruning as tp
from torch import Tensor, nn

from hwgen.spec.model import ModelSpec
from hwgen.train.complex_layers import ComplexConv2d, interleaved
from hwgen.train.criteria import Criterion, criterion, l1
from hwgen.train.float_layers import Convolution
from hwgen.train.network import DeepJSCC, pruned


def prune(parent: DeepJSCC, spec: ModelSpec) -> DeepJSCC:
    """A trained parent -> the network with the specification's surviving channels.

    The weights of surviving channels are the parent's; ``parent`` is left as it is. The last layers of
    encoder and decoder keep all their channels: they are the symbols and the image.
    """
    if any(layer.complex for layer in (*spec.convolutions("encoder"), *spec.convolutions("decoder"))):
        return _prune_pairs(parent, spec)
    network = copy.deepcopy(parent).float().cpu()
    example = torch.zeros(1, 3, 4 * spec.downscale, 4 * spec.downscale)
    with torch.enable_grad():  # the dependencies are traced through autograd
        graph = tp.DependencyGraph().build_dependency(
            network, example_inputs=example, forward_fn=lambda model, images: model.decode(model.encode(images))
        )
    score = _criterion(spec)
    for stack, counts in ((network.encoder, spec.encoder_channels), (network.decoder, spec.decoder_channels)):
        for layer, count in zip(list(stack)[:-1], counts[:-1], strict=True):
            assert isinstance(layer, Convolution)
            _keep(graph, score, layer.conv, count)
    # into a fresh network: its shapes are the specification's, so a wrong removal cannot pass
    result = pruned(spec)
    result.load_state_dict(network.state_dict())
    return result


def _keep(graph: tp.DependencyGraph, score: Criterion, layer: nn.Module, count: int) -> None:
    """Remove all but the ``count`` most important output channels of a layer."""
    channels = int(layer.out_channels)  # type: ignore[arg-type]
    everything = graph.get_pruning_group(layer, tp.prune_conv_out_channels, list(range(channels)))
    order = torch.argsort(score(_kernels(everything)), stable=True)  # ties by index: the same on every machine
    doomed = sorted(order[: channels - count].tolist())
    if doomed:
        graph.get_pruning_group(layer, tp.prune_conv_out_channels, doomed).prune()


def _criterion(spec: ModelSpec) -> Criterion:
    """The specification's; where nothing is pruned, any."""
    name = spec.pruning.criterion
    return l1 if name == "none" else criterion(name, spec.training.seed if spec.training else 0)


def _kernels(group: tp.Group) -> list[Tensor]:
    """The weights of a group's channels in each convolution that makes or reads them, (channels, weights) each."""
    found = []
    for dependency, channels in group:
        layer = dependency.layer
        if dependency.pruning_fn not in (tp.prune_conv_out_channels, tp.prune_conv_in_channels):
            continue
        makes = dependency.pruning_fn == tp.prune_conv_out_channels
        kernel = layer.weight.detach()
        kernel = kernel if makes != layer.transposed else kernel.transpose(0, 1)
        found.append(kernel[channels].flatten(1))
    return found


@torch.no_grad()
def _prune_pairs(parent: DeepJSCC, spec: ModelSpec) -> DeepJSCC:
    score = _criterion(spec)
    state = {name: value.detach().float().cpu().clone() for name, value in parent.state_dict().items()}
    for side, stack, counts in (
        ("encoder", parent.encoder, spec.encoder_stream_channels),
        ("decoder", parent.decoder, spec.decoder_stream_channels),
    ):
        layers = [(f"{side}.{index}", layer.get_submodule("conv")) for index, layer in enumerate(stack)]
        for (name, conv), (after, reader), count in zip(layers, layers[1:], counts, strict=False):
            unit = 2 if isinstance(conv, ComplexConv2d) or isinstance(reader, ComplexConv2d) else 1
            reads = _kernel(state, after, reader).transpose(0, 1).flatten(1)
            scores = score([_kernel(state, name, conv).flatten(1), reads])
            order = torch.argsort(scores.reshape(-1, unit).sum(1), stable=True, descending=True)
            units = order[: count // unit].sort().values
            kept = (units[:, None] * unit + torch.arange(unit)).flatten()
            _select(state, name, conv, kept, 0)
            _select(state, after, reader, kept, 1)
            for more in (f"{name}.conv.bias", f"{name}.activation.weight"):
                if more in state:
                    state[more] = state[more][kept]
    result = pruned(spec)
    result.load_state_dict(state)
    return result


def _kernel(state: dict[str, Tensor], name: str, conv: nn.Module) -> Tensor:
    """A layer's kernel (out, in, K, K) on channels of the stream."""
    if isinstance(conv, ComplexConv2d):
        return interleaved(state[f"{name}.conv.real.weight"], state[f"{name}.conv.imag.weight"])
    kernel = state[f"{name}.conv.weight"]
    return kernel.transpose(0, 1) if isinstance(conv, nn.ConvTranspose2d) else kernel


def _select(state: dict[str, Tensor], name: str, conv: nn.Module, kept: Tensor, axis: int) -> None:
    """Keep these channels of the stream of a layer's outputs (axis 0) or inputs (axis 1)."""
    if isinstance(conv, ComplexConv2d):
        for part in ("real", "imag"):
            key = f"{name}.conv.{part}.weight"
            state[key] = state[key].index_select(axis, kept[::2] // 2)
        return
    key = f"{name}.conv.weight"
    state[key] = state[key].index_select(1 - axis if isinstance(conv, nn.ConvTranspose2d) else axis, kept)
