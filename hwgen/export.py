"""Export: a trained, quantised network to the integer graph. The only bridge from torch to the rest.

Every integer is computed in float64, where dividing by a power of two and rounding are exact. The graph's
constructors then prove, channel by channel, that no accumulator can overflow and that all integers are in range
(hwgen/ir/graph.py); what they refuse is not written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.fixedpoint import IntArray
from hwgen.ir.graph import BIAS_BITS, Conv2d, Gain, Graph, IntType, Node, accumulator_bits
from hwgen.ir.serialize import save
from hwgen.train.checkpoint import read, terms
from hwgen.train.quantised import GAIN_BITS, PIXEL_BITS, PIXEL_EXPONENT, QuantLayer, from_checkpoint
from hwgen.train.quantisers import SLOPE_BITS, SLOPE_FRACTION, QuantPReLU, exponents

if TYPE_CHECKING:
    from hwgen.spec import ModelSpec


def export(spec: ModelSpec, checkpoint: Path) -> Graph:
    """The transmitter's integer graph of a checkpoint.

    Raises
    ------
    HwgenError
        The checkpoint is missing, damaged or of another network, was trained on data of other terms than the
        specification names, or its integers do not fit the graph.
    """
    network = from_checkpoint(spec, checkpoint).double()
    carried = terms(checkpoint, read(checkpoint)[1], spec)
    nodes: list[Node] = []
    kind, exponent = IntType(PIXEL_BITS, False), PIXEL_EXPONENT
    try:
        for index, layer in enumerate(network.encoder):
            assert isinstance(layer, QuantLayer)
            node = _conv2d(f"conv{index}", layer, kind, exponent)
            nodes.append(node)
            kind, exponent = node.output, node.output_exponent
        factor, shift = network.gain
        nodes.append(Gain("gain", nodes[-1].out_channels, factor, GAIN_BITS, shift, kind))
        return Graph(spec.name, (spec.frame.width, spec.frame.height), tuple(nodes), terms=carried)
    except HwgenError as error:
        raise HwgenError(f"{checkpoint}: {error.where}", error.wanted, error.got) from None


def export_model(spec: ModelSpec, checkpoint: Path | None = None, out: Path | None = None) -> Graph:
    """Export a model's checkpoint and write graph.json and weights.npz.

    Parameters
    ----------
    checkpoint, out
        By default the model's own checkpoint and folder.
    """
    graph = export(spec, checkpoint or spec.checkpoint_path)
    folder = out or spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    save(graph, folder)
    return graph


def _conv2d(name: str, layer: QuantLayer, kind: IntType, exponent: int) -> Conv2d:
    conv = layer.conv
    weight_exponent = exponents(conv, layer.weight_bits - 1)
    scale = 2.0 ** weight_exponent.double()
    weight = _integers(conv.weight.detach() / scale.view(-1, 1, 1, 1), layer.weight_bits, narrow=True)
    bias = _integers(conv.bias.detach() / (scale * 2.0**exponent), BIAS_BITS, narrow=False)
    slope = None
    if isinstance(layer.activation, QuantPReLU):
        slope = layer.activation.integers().numpy().astype(np.int64)
    per_channel = weight_exponent.numpy()
    return Conv2d(
        name=name,
        in_channels=conv.in_channels,
        out_channels=conv.out_channels,
        kernel=conv.kernel_size[0],
        stride=conv.stride[0],
        padding=conv.kernel_size[0] // 2,
        weight=weight,
        weight_bits=layer.weight_bits,
        bias=bias,
        activation="relu" if not layer.signed else "none" if slope is None else "prelu",
        slope=slope,
        slope_bits=0 if slope is None else SLOPE_BITS,
        slope_fraction=0 if slope is None else SLOPE_FRACTION,
        shift=layer.exponent - (exponent + per_channel),
        input=kind,
        output=IntType(layer.bits, layer.signed),
        input_exponent=exponent,
        weight_exponent=per_channel,
        output_exponent=layer.exponent,
        accumulator_bits=accumulator_bits(weight, bias, kind),
    )


def _integers(scaled: Tensor, bits: int, narrow: bool) -> IntArray:
    """Round half to even and saturate, as Brevitas's weight (narrow range) and bias quantisers do."""
    limit = 2.0 ** (bits - 1) - 1.0
    rounded = scaled.round().clamp(-limit if narrow else -limit - 1.0, limit)
    return rounded.numpy().astype(np.int64)
