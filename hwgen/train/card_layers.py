"""The card's table of layers, for networks that are more than a row of convolutions."""

from __future__ import annotations

from functools import singledispatch

from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.counts import macs
from hwgen.spec.layers import Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network


def layers_table(spec: ModelSpec) -> list[str]:
    """Lines of a Markdown table with every layer, its inputs, channels before and after pruning and MACs.

    None where encoder and decoder are rows of convolutions, which the channels' list describes.
    """
    sides = [(spec.parent("encoder"), spec.encoder_network)]
    if spec.decoder:
        sides.append((spec.parent("decoder"), spec.decoder_network))
    if all(in_a_row(network) for network, _ in sides):
        return []
    lines = [
        f"\n| layer | | inputs | channels | surviving | MACs per {spec.frame.width}x{spec.frame.height} frame |",
        "|---|---|---|---:|---:|---:|",
    ]
    size = spec.frame.height, spec.frame.width
    for parent, network in sides:
        counted = macs(network, *size)
        for before, placed in zip(parent.layers, network.layers, strict=True):
            lines.append(
                f"| {network.side}: {placed.name} | {description(placed.layer)} | {', '.join(placed.sources)} "
                f"| {before.given.channels} | {placed.given.channels} | {counted[placed.name]:,} |"
            )
        size = network.output_size(*size)
    return lines


def in_a_row(network: Network) -> bool:
    """Whether it is convolutions only, every one behind the one before, without groups."""
    before = network.source
    for placed in network.layers:
        if not isinstance(placed.layer, Layer) or placed.sources != (before,) or placed.groups > 1:
            return False
        before = placed.name
    return True


@singledispatch
def description(layer: Kinds) -> str:
    """A layer's computation, in the specification's words."""
    raise TypeError(f"layer: wanted a kind that has a description, got {type(layer).__name__}")


@description.register
def _(layer: Layer) -> str:
    rows, columns = layer.kernel_size
    depthwise = layer.groups == layer.channels > 1
    keys = {
        f"{layer.kind} {rows}x{columns}": True,
        f"stride {layer.stride}": layer.stride > 1,
        "depthwise": depthwise,
        f"groups {layer.groups}": layer.groups > 1 and not depthwise,
        f"dilation {layer.dilation}": layer.dilation > 1,
        "complex": layer.complex,
        "batch_norm": layer.batch_norm,
        layer.activation: layer.activation != "none",
        f"weights {layer.weight_bits} bits": True,
        f"codebook of {layer.weights.codebook if layer.weights else 0}": layer.weights is not None,
        f"output {layer.activation_bits} bits": True,
    }
    return ", ".join(text for text, there in keys.items() if there)


@description.register
def _(layer: Add) -> str:
    activation = "" if layer.activation == "none" else f", {layer.activation}"
    return f"add{activation}, output {layer.activation_bits} bits"


@description.register
def _(layer: Concat) -> str:
    return layer.kind


@description.register(SpaceToDepth)
@description.register(DepthToSpace)
def _(layer: SpaceToDepth | DepthToSpace) -> str:
    return f"{layer.kind} {layer.factor}"


@description.register(MaxPool)
@description.register(AveragePool)
def _(layer: MaxPool | AveragePool) -> str:
    keys = {
        f"{layer.kind} {layer.kernel}x{layer.kernel}": True,
        f"stride {layer.step}": layer.step != layer.kernel,
        f"padding {layer.padding}": layer.padding > 0,
    }
    return ", ".join(text for text, there in keys.items() if there)
