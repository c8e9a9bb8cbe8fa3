"""The golden model: what the hardware must equal, computed by Brevitas in float64.

Convolutions, biases, rounding and saturation are Brevitas's unmodified layers (`hwgen.train.quantisers` only
picks their bit widths and scales). All values are integers times powers of two and every intermediate one has at
most 53 significant bits, so float64 is exact. Brevitas has no PReLU with integer slopes and no gain; theirs are
a product in float64, rounded by a Brevitas quantiser, and tested against plain Python integers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.fixedpoint import IntArray, pack_symbols
from hwgen.ir.graph import Conv2d, Graph
from hwgen.train.quantised import PIXEL_BITS, PIXEL_EXPONENT, SYMBOL_BITS, SYMBOL_FRACTION, QuantLayer, from_checkpoint
from hwgen.train.quantisers import QuantPReLU, quant_activation, quant_conv, set_exponents

if TYPE_CHECKING:
    from hwgen.spec import ModelSpec

EXACT_BITS = 53
"""Significant bits of a float64."""

Outputs = dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint32]]


def golden(spec: ModelSpec, graph: Graph, pixels: npt.NDArray[np.uint8], checkpoint: Path | None = None) -> Outputs:
    """One frame through Brevitas.

    Parameters
    ----------
    graph
        Its integers are loaded into fresh Brevitas layers.
    pixels
        (H, W, 3) uint8.
    checkpoint
        If given, the trained network itself is run instead, and `graph` names the layers only: a graph that was
        not exported from this checkpoint shows as a mismatch.

    Returns
    -------
    As `hwgen.ir.execute.execute`: "pixels", every node's name, "symbols".

    Raises
    ------
    HwgenError
        Wrong pixels; a layer's products would not be exact in float64; the checkpoint is not this network's.
    """
    if checkpoint is not None:
        return golden_from_checkpoint(spec, checkpoint, pixels)
    x = _pixels(pixels, graph.stride)
    found: Outputs = {"pixels": pixels.astype(np.int64)}
    exponent = graph.input_exponent
    with torch.no_grad():
        for node in graph.nodes:
            if isinstance(node, Conv2d):
                x = brevitas_layer(node)(x)
                exponent = node.output_exponent
                found[node.name] = _integers(x, exponent)
            else:
                found[node.name] = _gain(x, node.factor, node.shift, exponent)
    return found | {"symbols": pack_symbols(found[graph.nodes[-1].name].astype(np.int64))}


def golden_from_checkpoint(spec: ModelSpec, checkpoint: Path, pixels: npt.NDArray[np.uint8]) -> Outputs:
    """One frame through the trained network of a checkpoint, as `golden`; nodes conv0, conv1, ..., gain."""
    network = from_checkpoint(spec, checkpoint).double()
    x = _pixels(pixels, spec.downscale)
    found: Outputs = {"pixels": pixels.astype(np.int64)}
    with torch.no_grad():
        for index, layer in enumerate(network.encoder):
            assert isinstance(layer, QuantLayer)
            x = layer(x)
            found[f"conv{index}"] = _integers(x, layer.exponent)
        found["gain"] = _gain(x, *network.gain, network.latent_exponent)
    return found | {"symbols": pack_symbols(found["gain"].astype(np.int64))}


def brevitas_layer(node: Conv2d) -> nn.Sequential:
    """A convolution node as float64 Brevitas layers: convolution, activation, requantisation."""
    needed = node.accumulator_bits + node.slope_bits
    if needed > EXACT_BITS:
        raise HwgenError(f"{node.name}.accumulator_bits", f"at most {EXACT_BITS} with the slope's", str(needed))
    conv = quant_conv(node.in_channels, node.out_channels, node.kernel, node.stride, node.weight_bits)
    quantiser = quant_activation(node.output.bits, node.output.signed)
    activation: nn.Module = nn.Identity()
    if node.slope is not None:
        activation = QuantPReLU(node.out_channels, node.slope_bits, node.slope_fraction)
        activation.weight.data = torch.from_numpy(node.slope * 2.0**-node.slope_fraction)
    layer = nn.Sequential(conv, activation, quantiser).double().eval()
    scale = 2.0**node.weight_exponent
    conv.weight.data = torch.from_numpy(node.weight * scale[:, None, None, None])
    conv.bias.data = torch.from_numpy(node.bias * scale * 2.0**node.input_exponent)
    set_exponents(conv, torch.from_numpy(node.weight_exponent.copy()), node.weight_bits - 1)
    set_exponents(quantiser, node.output_exponent, node.output.bits - node.output.signed)
    return layer


def _pixels(pixels: npt.NDArray[np.uint8], stride: int) -> Tensor:
    """(H, W, 3) uint8 to the network's quantised input, (1, 3, H, W) float64 in 0..255/256."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise HwgenError("pixels", "uint8 (H, W, 3)", f"{pixels.dtype} {pixels.shape}")
    if pixels.shape[0] % stride or pixels.shape[1] % stride:
        raise HwgenError("pixels", f"height and width that are multiples of {stride}", f"{pixels.shape[:2]}")
    quantiser = quant_activation(PIXEL_BITS, signed=False).double().eval()
    set_exponents(quantiser, PIXEL_EXPONENT, PIXEL_BITS)
    image = torch.from_numpy(pixels.astype(np.float64) * 2.0**PIXEL_EXPONENT)
    with torch.no_grad():
        return quantiser(image.permute(2, 0, 1)[None])


def _gain(latent: Tensor, factor: int, shift: int, exponent: int) -> IntArray:
    """Q3.12 integers (H, W, C) of a quantised latent (1, C, H, W) with scale 2**exponent."""
    quantiser = quant_activation(SYMBOL_BITS, signed=True).double().eval()
    set_exponents(quantiser, -SYMBOL_FRACTION, SYMBOL_BITS - 1)
    value = latent.value if hasattr(latent, "value") else latent
    scaled = value * 2.0**-exponent * factor * 2.0 ** -(shift + SYMBOL_FRACTION)
    return _integers(quantiser(scaled), -SYMBOL_FRACTION)


def _integers(x: Tensor, exponent: int) -> IntArray:
    """Brevitas's quantised tensor (1, C, H, W) to integers (H, W, C); refuses what is no multiple of its scale."""
    value = (x.value if hasattr(x, "value") else x) * 2.0**-exponent
    integers = value.round()
    if not torch.equal(integers, value):
        raise ArithmeticError(f"Brevitas gave values that are no multiples of 2**{exponent}")
    return np.ascontiguousarray(integers[0].permute(1, 2, 0).numpy()).astype(np.int64)
