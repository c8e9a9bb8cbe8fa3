"""A network that starts as the linear code (`hwgen.linear_code`), with everything else that it has adding nothing yet.

On either side one convolution becomes the code's matrix, and all others whose values reach the symbols or the image as
they are, through sums, start at zero. What lies before those starts as in any network, so that they learn from the
first step on. A network of this kind is at the linear code's PSNR before training; from random weights it takes very
long to find a way through for much information (docs/training.md has figures).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.linear_code import Array, Components, LinearCode, linear_code
from hwgen.raster import Picture
from hwgen.spec.branches import Add, DepthToSpace, SpaceToDepth
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network, Placed
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.float_layers import Convolution
from hwgen.train.layer_graph import LayerGraph

WANTED = {
    "encoder": "one convolution of pixels or space_to_depth that reaches the symbols directly or through sums",
    "decoder": "one convolution of the symbols that reaches the image through depth_to_space and sums alone",
}


@dataclass(frozen=True)
class Linear:
    """The convolution of a side that becomes the code's matrix.

    Attributes
    ----------
    size : int
        Width and height in pixels of what one vector of symbols stands for.
    order : Tensor
        Of the encoder: (channels, rows, columns) indices of a block's values, for each of the kernel's weights that are
        not zero. Of the decoder: (colours, size, size), the output channel that becomes each of a block's values.
    """

    placed: Placed
    size: int
    order: Tensor


def find(network: Network) -> Linear:
    """The convolution that can become the linear code's matrix.

    Raises
    ------
    HwgenError
        At ``encoder`` or ``decoder``: there is none, or more than one.
    """
    found = [one for one in network.layers if one.name in network.fixed and isinstance(one.layer, Layer)]
    look = _analysis if network.side == "encoder" else _synthesis
    fitting = [linear for linear in (look(network, placed) for placed in found) if linear is not None]
    if len(fitting) != 1:
        names = ", ".join(one.placed.name for one in fitting) or "none"
        raise HwgenError(network.side, f"{WANTED[network.side]} (training.start is linear_code)", names)
    return fitting[0]


def check(spec: ModelSpec) -> None:
    """Refuse a specification whose layers cannot start as the linear code.

    Raises
    ------
    HwgenError
        At the specification's encoder or decoder.
    """
    try:
        encoder, decoder = find(spec.parent("encoder")), find(spec.parent("decoder"))
        _check_blocks(encoder, decoder)
    except HwgenError as error:
        raise HwgenError(spec.where(error.where), error.wanted, error.got) from None


def _check_blocks(encoder: Linear, decoder: Linear) -> None:
    if encoder.size != decoder.size:
        raise HwgenError("decoder", f"blocks of {encoder.size}x{encoder.size}, the encoder's", str(decoder.size))


def components(spec: ModelSpec, images: Iterable[Picture], where: str = Components.where) -> Components:
    """Principal components of the images' blocks, of the size that a specification's linear layers work on.

    Parameters
    ----------
    where
        The images' place, for errors.
    """
    return Components.of(images, find(spec.parent("encoder")).size, where)


@torch.no_grad()
def start(network: DeepJSCC, components: Components, snr_db: float) -> LinearCode:
    """Make the network the linear code for an SNR, with the least error and its symbols spread over all channels.

    Parameters
    ----------
    network : fresh, or at least with the weights that the layers beside the linear ones are to have
    components : of blocks of its size

    Raises
    ------
    HwgenError
        Its layers have no linear code in them.
    """
    encoder, decoder = find(network.encoder.network), find(network.decoder.network)
    _check_blocks(encoder, decoder)
    channels = encoder.placed.given.channels
    code = linear_code(components, channels, snr_db, network.power, "optimal", rotated=True)
    for graph in (network.encoder, network.decoder):
        for placed in graph.network.layers:
            if placed.name in graph.network.fixed and isinstance(placed.layer, Layer):
                module = convolution(graph, placed)
                normalised = isinstance(module.norm, nn.BatchNorm2d)  # its scale is what starts at zero, and learns
                for parameter in (module.norm if normalised else module.conv).parameters():
                    parameter.zero_()
    _set(network.encoder, encoder, code.transmitter[:, encoder.order.flatten().numpy()], -code.transmitter @ code.mean)
    place = np.argsort(decoder.order.flatten().numpy())
    _set(network.decoder, decoder, code.receiver[place], code.mean[place])
    if network.average:
        network.latent_power.fill_(network.power)
    return code


def parameters(spec: ModelSpec, network: nn.Module) -> list[Tensor]:
    """Weights and biases of a network's linear layers."""
    found: list[Tensor] = []
    for side in (spec.parent("encoder"), spec.parent("decoder")):
        layers = network.get_submodule(side.side)
        assert isinstance(layers, nn.Sequential | nn.ModuleList)
        conv = layers[find(side).placed.index].get_submodule("conv")
        found += [conv.get_parameter("weight"), conv.get_parameter("bias")]
    return found


def convolution(graph: LayerGraph, placed: Placed) -> Convolution:
    """The module of a convolution."""
    module = graph[placed.index]
    assert isinstance(module, Convolution), "it is one in the specification"
    return module


def _set(graph: LayerGraph, linear: Linear, matrix: Array, bias: Array) -> None:
    conv = convolution(graph, linear.placed).conv
    assert isinstance(conv, nn.Conv2d)
    outputs, inputs, rows, columns = conv.weight.shape
    if linear.placed.layer.patches:  # type: ignore[union-attr]  # a convolution
        conv.weight.copy_(torch.from_numpy(matrix).reshape(conv.weight.shape))
    else:
        conv.weight[:, :, rows // 2, columns // 2] = torch.from_numpy(matrix).reshape(outputs, inputs).to(conv.weight)
    assert conv.bias is not None
    conv.bias.copy_(torch.from_numpy(bias))


def _plain(placed: Placed) -> bool:
    """Whether a convolution can be a matrix for single places: patches, or one whose middle tap sees the output's."""
    layer = placed.layer
    assert isinstance(layer, Layer)
    if layer.complex or isinstance(layer, DecoderLayer) or placed.groups > 1 or layer.batch_norm or layer.weights:
        return False
    middle = all(2 * pad == side - 1 for pad, side in zip(layer.pads, layer.kernel_size, strict=True))
    return layer.patches or (layer.stride == 1 and layer.dilation == 1 and middle)


def _analysis(network: Network, placed: Placed) -> Linear | None:
    """From the pixels, perhaps as channels, through sums to the symbols."""
    layer, by_name = placed.layer, {one.name: one for one in network.layers}
    assert isinstance(layer, Layer)
    before: list[int] = []
    name = placed.sources[0]
    while name != network.source:
        reshaping = by_name[name].layer
        if not isinstance(reshaping, SpaceToDepth):
            return None
        before.insert(0, reshaping.factor)
        name = by_name[name].sources[0]
    if not _plain(placed) or layer.activation != "none" or _way(network, placed, torch.zeros(1, 1, 1, 1)) is None:
        return None
    size = layer.stride
    for factor in before:
        size *= factor
    colours = network.port.channels
    indices = torch.arange(colours * size**2).reshape(1, colours, size, size)
    for factor in before:
        indices = nn.functional.pixel_unshuffle(indices, factor)
    return Linear(placed, size, indices[0])


def _synthesis(network: Network, placed: Placed) -> Linear | None:
    """From the symbols through sums and channels that become pixels to the image."""
    layer = placed.layer
    assert isinstance(layer, Layer)
    if placed.sources != (network.source,) or not _plain(placed) or layer.activation not in ("none", "clamp"):
        return None
    channels = placed.given.channels
    found = _way(network, placed, torch.arange(channels).reshape(1, channels, 1, 1))
    return None if layer.patches or found is None else Linear(placed, found.shape[-1], found[0])


def _way(network: Network, placed: Placed, values: Tensor) -> Tensor | None:
    """A layer's values where they arrive at the output, through sums without a rectifier and depth_to_space alone."""
    found = {placed.name: values}
    for one in network.layers[placed.index + 1 :]:
        sources = [found[name] for name in one.sources if name in found]
        if not sources:
            continue
        if isinstance(one.layer, DepthToSpace):
            found[one.name] = nn.functional.pixel_shuffle(sources[0], one.layer.factor)
        elif isinstance(one.layer, Add) and one.layer.activation != "relu":
            found[one.name] = sources[0]
    return found.get(network.last.name)
