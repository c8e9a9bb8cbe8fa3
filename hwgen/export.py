"""Export: a trained, quantised network to the integer graph. The only bridge from torch to the rest.

Every integer is computed in float64, where dividing by a power of two and rounding are exact. The graph's
constructors then prove, channel by channel, that no accumulator can overflow and that all integers are in range
(hwgen/ir/graph.py); what they refuse is not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT
from hwgen.ir.graph import SIDES, Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import ComplexConv2d, Conv2d, Convolution, ConvTranspose2d, Gain, Power, Receive, Table
from hwgen.ir.nodes.complex_conv2d import complex_weight
from hwgen.ir.nodes.convolution import BIAS_BITS, accumulator_bits
from hwgen.ir.nodes.table import TABLE, TABLE_EXPONENT, sigmoid_values
from hwgen.ir.serialize import save
from hwgen.ir.types import IntType
from hwgen.model import RX_FOLDER
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray
from hwgen.train.checkpoint import read, terms
from hwgen.train.quantised import (
    GAIN_BITS,
    PIXEL_BITS,
    PIXEL_EXPONENT,
    RECEIVED_BITS,
    QuantComplexLayer,
    QuantDeepJSCC,
    QuantLayer,
    from_checkpoint,
)
from hwgen.train.quantisers import QuantPReLU, coarse, exponents

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec


def export(spec: ModelSpec, checkpoint: Path, side: str = "tx") -> Graph:
    """One side's integer graph of a checkpoint.

    Raises
    ------
    HwgenError
        The checkpoint is missing, damaged or of another network, was trained on data of other terms than the
        specification names, or its integers do not fit the graph.
    """
    network = from_checkpoint(spec, checkpoint).double()
    carried = terms(checkpoint, read(checkpoint)[1], spec)
    names = _names(spec, side)
    size = spec.frame.width, spec.frame.height
    try:
        if side == "tx":
            return Graph(spec.name, size, _transmitter(network, names), terms=carried)
        latent = spec.latent_channels
        nodes = _receiver(network, latent, names)
        return Graph(spec.name, size, nodes, "rx", latent, SYMBOL, SYMBOL_EXPONENT, terms=carried)
    except HwgenError as error:
        raise HwgenError(f"{checkpoint}: {error.where}", error.wanted, error.got) from None


def export_model(spec: ModelSpec, checkpoint: Path | None = None, out: Path | None = None) -> tuple[Graph, Graph]:
    """Export both sides of a model's checkpoint: graph.json and weights.npz, the receiver's in the folder rx.

    Parameters
    ----------
    checkpoint, out
        By default the model's own checkpoint and folder.
    """
    sides = [export(spec, checkpoint or spec.checkpoint_path, side) for side in SIDES]
    folder = out or spec.folder
    for graph, target in zip(sides, (folder, folder / RX_FOLDER), strict=True):
        target.mkdir(parents=True, exist_ok=True)
        save(graph, target)
    return sides[0], sides[1]


def _names(spec: ModelSpec, side: str) -> list[str]:
    """Of a side's layers."""
    network = spec.encoder_network if side == "tx" else spec.decoder_network
    return [placed.name for placed in network.layers]


def _transmitter(network: QuantDeepJSCC, names: Sequence[str]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    kind, exponent = IntType(PIXEL_BITS, False), PIXEL_EXPONENT
    for index, layer in enumerate(network.encoder):
        assert isinstance(layer, QuantLayer)
        node = _convolution(names[index], layer, kind, exponent, *_output(layer))
        nodes.append(node)
        kind, exponent = node.output, node.output_exponent
    channels = nodes[-1].out_channels  # type: ignore[attr-defined]
    if network.mode == "per_image":
        return (*nodes, Power("power", channels, round(network.power * 2**POWER.fraction), kind))
    return (*nodes, Gain("gain", channels, network.gain[0], GAIN_BITS, network.gain[1], kind))


def _receiver(network: QuantDeepJSCC, latent: int, names: Sequence[str]) -> tuple[Node, ...]:
    received = receive_node(network, latent)
    nodes: list[Node] = [received]
    kind, exponent = received.output, received.output_exponent
    for index, layer in enumerate(network.decoder):
        assert isinstance(layer, QuantLayer)
        last = index == len(network.decoder) - 1
        sigmoid = last and isinstance(layer.activation, nn.Sigmoid)
        if sigmoid:
            output, output_exponent = TABLE, TABLE_EXPONENT
        elif last:  # a clamp is what the saturation of unsigned pixels does
            output, output_exponent = IntType(PIXEL_BITS, False), PIXEL_EXPONENT
        else:
            output, output_exponent = _output(layer)
        node = _convolution(names[index], layer, kind, exponent, output, output_exponent)
        nodes.append(node)
        kind, exponent = node.output, node.output_exponent
        if sigmoid:
            values = sigmoid_values(kind.bits, exponent)
            nodes.append(Table("sigmoid", node.out_channels, values, kind, exponent))
    return tuple(nodes)


def receive_node(network: QuantDeepJSCC, latent: int) -> Receive:
    """What quantises the received symbols."""
    exponent = int(exponents(network.received_quantiser, RECEIVED_BITS - 1))
    imag_bits, imag_left = coarse(network.received_quantiser) or (0, 0)
    return Receive(
        "received", latent, exponent - SYMBOL_EXPONENT, IntType(RECEIVED_BITS, True), exponent,
        imag_bits=imag_bits, imag_left=imag_left,
    )  # fmt: skip


def _output(layer: QuantLayer) -> tuple[IntType, int]:
    """Type and exponent of a layer's output."""
    return IntType(layer.bits, layer.signed), layer.exponent


def _convolution(
    name: str, layer: QuantLayer, kind: IntType, exponent: int, output: IntType, output_exponent: int
) -> Convolution:
    conv = layer.conv
    transposed = isinstance(conv, nn.ConvTranspose2d)
    if isinstance(layer, QuantComplexLayer):
        found = layer.integers(exponent)
        weight, bias = complex_weight(found.weight_real, found.weight_imag), found.bias
        per_channel = np.repeat(found.weight_exponent, 2)
    else:
        weight_exponent = exponents(conv, layer.weight_bits - 1)
        scale = 2.0 ** weight_exponent.double()
        kernel = conv.weight.detach().transpose(0, 1) if transposed else conv.weight.detach()
        weight = _integers(kernel / scale.view(-1, 1, 1, 1), layer.weight_bits, narrow=True)
        bias = _integers(conv.bias.detach() / (scale * 2.0**exponent), BIAS_BITS, narrow=False)
        per_channel = weight_exponent.numpy()
    prelu = layer.activation if isinstance(layer.activation, QuantPReLU) else None
    imag_bits, imag_left = layer.coarse or (0, 0)
    shift = output_exponent - (exponent + per_channel)
    shift[1::2] += imag_left
    fields: dict[str, Any] = {
        "name": name,
        "in_channels": conv.in_channels,
        "out_channels": conv.out_channels,
        "kernel": conv.kernel_size[0],
        "stride": conv.stride[0],
        "padding": conv.padding[0],
        "weight": weight,
        "weight_bits": layer.weight_bits,
        "bias": bias,
        "activation": "prelu" if prelu is not None else "none" if output.signed else "relu",
        "slope": None if prelu is None else prelu.integers().numpy().astype(np.int64),
        "slope_bits": 0 if prelu is None else prelu.bits,
        "slope_fraction": 0 if prelu is None else prelu.fraction,
        "shift": shift,
        "input": kind,
        "output": output,
        "input_exponent": exponent,
        "weight_exponent": per_channel,
        "output_exponent": output_exponent,
        "accumulator_bits": accumulator_bits(weight, bias, kind),
        "imag_bits": imag_bits,
        "imag_left": imag_left,
    }
    if isinstance(layer, QuantComplexLayer):
        return ComplexConv2d(**fields)
    if not transposed:
        return Conv2d(**fields)
    node = ConvTranspose2d(**fields, output_padding=conv.output_padding[0])
    return node.flipped() if node.stride == 1 else node


def _integers(scaled: Tensor, bits: int, narrow: bool) -> IntArray:
    """Round half to even and saturate, as Brevitas's weight (narrow range) and bias quantisers do."""
    limit = 2.0 ** (bits - 1) - 1.0
    rounded = scaled.round().clamp(-limit if narrow else -limit - 1.0, limit)
    return rounded.numpy().astype(np.int64)
