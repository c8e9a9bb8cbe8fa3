"""The golden model: what the hardware must equal, computed by Brevitas in float64.

Convolutions, biases, rounding and saturation are Brevitas's unmodified layers (`hwgen.train.quantisers` only
picks their bit widths and scales). All values are integers times powers of two and every intermediate one has at
most 53 significant bits, so float64 is exact. Brevitas has no PReLU with integer slopes, no gain and no complex
matrices; theirs are products in float64, rounded by a Brevitas quantiser. It has no power normalisation and no tables
either: those are the integer rule and the table themselves. All of these are tested against plain Python integers.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.ir.graph import (
    COEFFICIENT_FRACTION,
    Alamouti,
    Convolution,
    ConvTranspose2d,
    Gain,
    Graph,
    MatrixProduct,
    Power,
    Receive,
    SymbolNode,
    Table,
)
from hwgen.numerics.complex import POWER_FRACTION, conjugated, negated, power_normalise
from hwgen.numerics.integer import IntArray, pack_symbols, unpack_symbols
from hwgen.train.quantised import (
    PIXEL_BITS,
    PIXEL_EXPONENT,
    SYMBOL_BITS,
    SYMBOL_FRACTION,
    QuantDeepJSCC,
    QuantLayer,
    from_checkpoint,
)
from hwgen.train.quantisers import (
    QuantPReLU,
    quant_activation,
    quant_conv,
    quant_conv_transpose,
    set_exponents,
)

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

EXACT_BITS = 53
"""Significant bits of a float64."""

Outputs = dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint32] | npt.NDArray[np.uint8]]


def golden(
    spec: ModelSpec,
    graph: Graph,
    pixels: npt.NDArray[np.uint8],
    checkpoint: Path | None = None,
    coefficients: IntArray | None = None,
) -> Outputs:
    """One frame through a transmitter in Brevitas.

    Parameters
    ----------
    graph
        Its integers are loaded into fresh Brevitas layers.
    pixels
        (H, W, 3) uint8.
    checkpoint
        If given, the trained network itself is run instead, and `graph` names the layers only: a graph that was
        not exported from this checkpoint shows as a mismatch.
    coefficients
        (tables, rows, columns, 2) of the precoder, where there is one.

    Returns
    -------
    As `hwgen.ir.execute.execute`: "pixels", every node's name, "symbols".

    Raises
    ------
    HwgenError
        Wrong pixels; a layer's products would not be exact in float64; the checkpoint is not this network's.
    """
    x = _pixels(pixels, graph.frame_multiple)
    found: Outputs = {"pixels": pixels.astype(np.int64)}
    with torch.no_grad():
        if checkpoint is not None:
            latent = _encode(_network(spec, checkpoint), x, found)
        else:
            exponent = graph.input_exponent
            for node in graph.convolutions:
                x = brevitas_layer(node)(x)
                exponent = node.output_exponent
                found[node.name] = _integers(x, exponent)
            latent = _end(graph, x, exponent)
        found[graph.value_nodes[-1].name] = latent
        words = pack_symbols(latent)
        if (precoder := graph.symbol_node) is not None:
            symbols = symbol_node(precoder, unpack_symbols(words), coefficients)
            found[precoder.name] = symbols[None]
            words = pack_symbols(symbols)
    return found | {"symbols": words}


def golden_receiver(
    spec: ModelSpec,
    graph: Graph,
    words: npt.NDArray[np.uint32],
    coefficients: IntArray | None = None,
    checkpoint: Path | None = None,
    size: tuple[int, int] | None = None,
) -> Outputs:
    """One frame through a receiver in Brevitas.

    Parameters
    ----------
    graph, checkpoint
        As for `golden`.
    words
        (words,) uint32 received symbols, I in the low 16 bits, Q in the high ones.
    coefficients
        (tables, rows, columns, 2) of the equaliser, where there is one.
    size
        (width, height) of the image, by default the graph's own.

    Returns
    -------
    As `hwgen.ir.execute.execute`: "symbols", every node's name, "pixels" (H, W, 3) uint8.

    Raises
    ------
    HwgenError
        Words of another number; a layer's products would not be exact in float64; not this network's checkpoint.
    """
    size = size or graph.frame
    wanted = graph.symbols(*size)
    if words.dtype != np.uint32 or words.shape != (wanted,):
        raise HwgenError("symbols", f"uint32 ({wanted},)", f"{words.dtype} {words.shape}")
    found: Outputs = {"symbols": words}
    symbols = unpack_symbols(words)
    with torch.no_grad():
        if (node := graph.symbol_node) is not None:
            symbols = symbol_node(node, symbols, coefficients)
            found[node.name] = symbols[None]
        rows, columns, channels = graph.shapes(*size)["symbols"]
        latent = symbols.reshape(-1)[: rows * columns * channels].reshape(rows, columns, channels)
        received = torch.from_numpy(latent * 2.0**-SYMBOL_FRACTION).permute(2, 0, 1)[None]
        if checkpoint is not None:
            _decode(_network(spec, checkpoint), graph, received, found)
        else:
            x = received
            for value_node in graph.value_nodes:
                if isinstance(value_node, Convolution):
                    x = brevitas_layer(value_node)(x)
                elif isinstance(value_node, Receive):
                    x = brevitas_receiver(value_node)(x)
                else:
                    assert isinstance(value_node, Table), "nothing else is in a receiver"
                    found[value_node.name] = _table(value_node, found)
                    continue
                found[value_node.name] = _integers(x, value_node.output_exponent)
    return found | {"pixels": found[graph.nodes[-1].name].astype(np.uint8)}


def _network(spec: ModelSpec, checkpoint: Path) -> QuantDeepJSCC:
    """The trained network in float64; the last ones are kept, as long as their files are the same."""
    return _read(spec, checkpoint, checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0)


@lru_cache(maxsize=2)
def _read(spec: ModelSpec, checkpoint: Path, changed: int) -> QuantDeepJSCC:
    return from_checkpoint(spec, checkpoint).double()


def _encode(network: QuantDeepJSCC, x: Tensor, found: Outputs) -> IntArray:
    """The trained encoder's layers into `found`; returns the latent with its power set, Q3.12."""
    for index, layer in enumerate(network.encoder):
        assert isinstance(layer, QuantLayer)
        x = layer(x)
        found[f"conv{index}"] = _integers(x, layer.exponent)
    if network.mode == "per_image":
        return power_normalise(_integers(x, network.latent_exponent), round(network.power * 2**POWER_FRACTION))
    return _gain(x, *network.gain, network.latent_exponent)


def _end(graph: Graph, x: Tensor, exponent: int) -> IntArray:
    """The gain or the power of a graph."""
    last = graph.value_nodes[-1]
    if isinstance(last, Power):
        return power_normalise(_integers(x, exponent), last.power)
    assert isinstance(last, Gain), "nothing else ends a transmitter's values"
    return _gain(x, last.factor, last.shift, exponent)


def _decode(network: QuantDeepJSCC, graph: Graph, x: Tensor, found: Outputs) -> None:
    """The trained decoder's layers into `found`."""
    received = graph.value_nodes[0]
    x = network.received_quantiser(x)
    found[received.name] = _integers(x, received.output_exponent)
    for index, layer in enumerate(network.decoder):
        assert isinstance(layer, QuantLayer)
        if index < len(network.decoder) - 1:
            x = layer(x)
            found[f"deconv{index}"] = _integers(x, layer.exponent)
            continue
        last = graph.nodes[-1]
        if isinstance(last, Table):
            quantiser = quant_activation(last.input.bits, signed=True).double().eval()
            set_exponents(quantiser, last.input_exponent, last.input.bits - 1)
            found[f"deconv{index}"] = _integers(quantiser(layer.conv(x)), last.input_exponent)
            found[last.name] = _table(last, found)
        else:
            pixels = network.pixel_quantiser(layer.activation(layer.conv(x)))
            found[f"deconv{index}"] = _integers(pixels, PIXEL_EXPONENT)


def _table(node: Table, found: Outputs) -> IntArray:
    """The table's values for what was found last."""
    codes = found[list(found)[-1]].astype(np.int64)
    return node.values[codes % len(node.values)]


def symbol_node(node: SymbolNode, symbols: IntArray, coefficients: IntArray | None) -> IntArray:
    """A symbol-level node in float64: (k, 2) integers to (k', 2)."""
    if isinstance(node, Alamouti):
        pairs = symbols.reshape(-1, 2, 2)
        first, second = pairs[:, 0], pairs[:, 1]
        minus = np.stack([negated(second[:, 0]), second[:, 1]], axis=-1)  # -conj(s) = -re + j im
        return np.stack([first, second, minus, conjugated(first)], axis=1).reshape(-1, 2)
    if coefficients is None or coefficients.shape != (node.tables, node.rows, node.columns, 2):
        wanted = f"integers of shape {(node.tables, node.rows, node.columns, 2)}"
        raise HwgenError(
            f"{node.name}: coefficients", wanted, str(None if coefficients is None else coefficients.shape)
        )
    return _matrix_product(node, symbols, coefficients)


def _matrix_product(node: MatrixProduct, symbols: IntArray, coefficients: IntArray) -> IntArray:
    groups = symbols.reshape(-1, node.columns, 2)
    groups = np.where(np.array(node.conjugate)[:, None], conjugated(groups), groups)
    x = torch.view_as_complex(torch.from_numpy(groups.astype(np.float64)))
    matrices = torch.view_as_complex(torch.from_numpy(np.ascontiguousarray(coefficients).astype(np.float64)))
    turns = torch.arange(len(x)) % node.tables
    # Parts of 16 bits: products and the sum of eight of them are far below 2**53.
    product = (matrices[turns] @ x[:, :, None])[..., 0]
    quantiser = quant_activation(SYMBOL_BITS, signed=True).double().eval()
    set_exponents(quantiser, -SYMBOL_FRACTION, SYMBOL_BITS - 1)
    scaled = torch.view_as_real(product) * 2.0 ** -(COEFFICIENT_FRACTION + SYMBOL_FRACTION)
    rounded = _plain(quantiser(scaled)) * 2.0**SYMBOL_FRACTION
    return rounded.numpy().astype(np.int64).reshape(-1, 2)


def brevitas_layer(node: Convolution) -> nn.Sequential:
    """A convolution node as float64 Brevitas layers: convolution, activation, requantisation."""
    needed = node.accumulator_bits + node.slope_bits
    if needed > EXACT_BITS:
        raise HwgenError(f"{node.name}.accumulator_bits", f"at most {EXACT_BITS} with the slope's", str(needed))
    channels = node.in_channels, node.out_channels
    scale = 2.0**node.weight_exponent
    weight = torch.from_numpy(node.weight * scale[:, None, None, None])
    if isinstance(node, ConvTranspose2d):
        conv: nn.Module = quant_conv_transpose(*channels, node.kernel, node.stride, node.weight_bits)
        setattr(conv, "padding", (node.padding,) * 2)  # noqa: B010  a module's attributes have no type
        setattr(conv, "output_padding", (node.output_padding,) * 2)  # noqa: B010
        weight = weight.transpose(0, 1).contiguous()
    else:
        conv = quant_conv(*channels, node.kernel, node.stride, node.weight_bits)
    activation: nn.Module = nn.Identity()
    if node.slope is not None:
        activation = QuantPReLU(node.out_channels, node.slope_bits, node.slope_fraction)
        activation.weight.data = torch.from_numpy(node.slope * 2.0**-node.slope_fraction)
    quantiser = brevitas_parts(node.output.bits, node.output.signed, node.output_exponent, node.coarse)
    layer = nn.Sequential(conv, activation, quantiser).double().eval()
    conv.weight.data = weight
    conv.bias.data = torch.from_numpy(node.bias * scale * 2.0**node.input_exponent)
    set_exponents(conv, torch.from_numpy(node.weight_exponent.copy()), node.weight_bits - 1)
    return layer


def brevitas_receiver(node: Receive) -> nn.Module:
    """What quantises received values."""
    return brevitas_parts(node.output.bits, True, node.output_exponent, node.coarse).double().eval()


def brevitas_parts(bits: int, signed: bool, exponent: int, coarse: tuple[int, int] | None) -> nn.Module:
    """A quantiser, or one each for real and imaginary parts (see `hwgen.ir.nodes.convolution.Convolution`)."""
    real = quant_activation(bits, signed)
    set_exponents(real, exponent, bits - signed)
    if coarse is None:
        return real
    imag = quant_activation(coarse[0], signed)
    set_exponents(imag, exponent + coarse[1], coarse[0] - signed)
    return _Parts(real, imag)


class _Parts(nn.Module):
    """Odd channels through the imaginary parts' quantiser, then all through the real ones', whose finer grid holds
    what came out of it: that one changes nothing there, and gives the whole tensor one scale."""

    def __init__(self, real: nn.Module, imag: nn.Module) -> None:
        super().__init__()
        self.real, self.imag = real, imag

    def forward(self, x: Tensor) -> Tensor:
        mixed = _plain(x).clone()
        mixed[:, 1::2] = _plain(self.imag(mixed[:, 1::2]))
        return self.real(mixed)


def _plain(x: Tensor) -> Tensor:
    """The float tensor of a Brevitas quantised tensor."""
    return x.value if hasattr(x, "value") else x


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
    scaled = _plain(latent) * 2.0**-exponent * factor * 2.0 ** -(shift + SYMBOL_FRACTION)
    return _integers(quantiser(scaled), -SYMBOL_FRACTION)


def _integers(x: Tensor, exponent: int) -> IntArray:
    """Brevitas's quantised tensor (1, C, H, W) to integers (H, W, C); refuses what is no multiple of its scale."""
    value = _plain(x) * 2.0**-exponent
    integers = value.round()
    if not torch.equal(integers, value):
        raise ArithmeticError(f"Brevitas gave values that are no multiples of 2**{exponent}")
    return np.ascontiguousarray(integers[0].permute(1, 2, 0).numpy()).astype(np.int64)
