"""Convolutions and transposed ones: a Brevitas layer, the activation on its accumulators, one rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hwgen.assembly.convolution import Integers, ceiling, leaky_slopes
from hwgen.assembly.tables import table_values
from hwgen.ir.nodes.convolution import BIAS_BITS
from hwgen.ir.types import IntType
from hwgen.numerics.formats import SLOPE, FixedPointFormat
from hwgen.numerics.integer import IntArray
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.network import Placed
from hwgen.train.calibration import Calibrations
from hwgen.train.calibration.choice import WEIGHT_EXPONENTS
from hwgen.train.quantised_layers.activations import activation_of
from hwgen.train.quantised_layers.layer import PLAIN, Requantised, Rounding, Stage, exponent_of
from hwgen.train.quantised_layers.profiles import ProfiledQuantActivation
from hwgen.train.quantisers import (
    QuantPReLU,
    codebook_of,
    exponents,
    fit_weight_exponents,
    plain,
    quant_activation,
    quant_conv,
    quant_conv_transpose,
    sample,
    set_exponents,
)

CODEBOOK_ROUNDS = 3
"""Times that scales and codebook are chosen for each other."""


class QuantLayer(Requantised):
    """Convolution (or transposed convolution), activation on the accumulator, requantisation.

    Parameters
    ----------
    decoder
        Whether it stands in the decoder.
    quantise
        False leaves the output unrounded: the image's.
    """

    def __init__(self, placed: Placed, decoder: bool, quantise: bool = True) -> None:
        super().__init__()
        assert isinstance(placed.layer, Layer)
        self.layer = placed.layer
        self.weight_bits = self.layer.weight_bits
        self.conv: Any = self._convolution(placed)
        self.activation = activation_of(self.layer, placed.given.channels, decoder)
        self._round_to(self.layer.activation_bits, self.layer.signed, self.layer.imag_activation_bits, quantise)

    def _convolution(self, placed: Placed) -> nn.Module:
        layer, channels = self.layer, (placed.taken[0].channels, placed.given.channels)
        if isinstance(layer, DecoderLayer):
            kernel = layer.kernel_size[0]
            return quant_conv_transpose(*channels, kernel, layer.stride, layer.weight_bits, codebook=layer.weights)
        return quant_conv(
            *channels, layer.kernel_size, layer.stride, layer.weight_bits,
            padding=layer.pads, dilation=layer.dilation, groups=placed.groups, codebook=layer.weights,
        )  # fmt: skip

    def values(self, *inputs: Any) -> Tensor:
        """The activated accumulators."""
        if isinstance(self.activation, ProfiledQuantActivation):
            sums = plain(self.conv(*inputs))
            return self.activation(sums, self.steps(exponent_of(inputs[0])).to(sums))
        return plain(self.activation(self.conv(*inputs)))

    def steps(self, input_exponent: int) -> Tensor:
        """(C,) float64 steps of the accumulators' integers, for an input of scale 2**input_exponent."""
        return 2.0 ** (exponents(self.conv, self.weight_bits - 1).double() + input_exponent)

    def forward(self, *inputs: Any) -> Any:
        """The rounded values; a limit is the output's integer that `ceiling` says, whatever the limit itself is."""
        if self.layer.limit is None:
            return self.quantiser(self.values(*inputs))
        kind, exponent = IntType(self.bits, self.signed), self.exponent
        most = ceiling(self.layer, kind, exponent) * 2.0**exponent
        return self.quantiser(plain(self.conv(*inputs)).clamp(max=most))

    def fit_weights(self, by: Calibrations = PLAIN) -> None:
        """Choose the scales for the present weights, then the codebook where there is one.

        With the least squared error by channel, scales follow the codebook; any other calibration's stay.
        """
        fit_weight_exponents(self.conv, self.weight_bits, by.weights, by.per_tensor)
        if (book := codebook_of(self.conv)) is None:
            return
        book.fit(self._scaled())
        if by.weights is not PLAIN.weights or by.per_tensor:
            return
        for _ in range(CODEBOOK_ROUNDS):  # scales for the codebook, then a codebook for the scales
            found = exponents(self.conv, self.weight_bits - 1) + book.better_exponents(self._scaled())
            set_exponents(self.conv, found.clamp(*WEIGHT_EXPONENTS), self.weight_bits - 1)
            book.fit(self._scaled())

    def _scaled(self) -> Tensor:
        """(out, in, rows, columns) weights in steps of their integers, in float64."""
        kernel = self.conv.weight.detach().double()
        kernel = kernel.transpose(0, 1) if isinstance(self.conv, nn.ConvTranspose2d) else kernel
        return kernel / (2.0 ** exponents(self.conv, self.weight_bits - 1).double()).view(-1, 1, 1, 1)

    def node_integers(self, input_exponent: int) -> Integers:
        """Integers of the graph's node, for an input of scale 2**input_exponent; computed in float64, so exactly."""
        weight_exponent, book = exponents(self.conv, self.weight_bits - 1), codebook_of(self.conv)
        scaled = self._scaled() if book is None else book.nearest(self._scaled())
        weight = integers(scaled, self.weight_bits, narrow=True)
        if isinstance(self.layer, DecoderLayer) and self.layer.stride == 1:
            weight = np.ascontiguousarray(weight[:, :, ::-1, ::-1])
        bias = integers(self._biases(input_exponent), BIAS_BITS, narrow=False)
        values = None if book is None else book.integers()
        return Integers(weight, shared(bias), weight_exponent.numpy(), *self._slopes(), codebook=values)

    def _biases(self, input_exponent: int) -> Tensor:
        """(C,) float64 biases in steps of the accumulators, or (profiles, C) ones, whose parts are rounded."""
        steps = self.steps(input_exponent)
        scaled = self.conv.bias.detach().double() / steps
        if isinstance(self.activation, ProfiledQuantActivation) and self.activation.biased:
            return scaled.round() + self.activation.offsets(steps)
        return scaled

    def clipped(self, input_exponent: int) -> dict[str, tuple[int, int]]:
        """How many weights, biases and slopes are beyond their integers, of how many, by kind.

        Parameters
        ----------
        input_exponent
            The input's scale is 2**input_exponent.
        """
        weights = beyond(self._scaled(), self.weight_bits, narrow=True)
        if self.layer.weights is not None and self.layer.weights.binary:  # of which nothing but signs is taken
            weights = 0, weights[1]
        return {
            "weights": weights,
            "biases": beyond(self._biases(input_exponent), BIAS_BITS, narrow=False),
        } | self._clipped_slopes()

    def _clipped_slopes(self) -> dict[str, tuple[int, int]]:
        if isinstance(self.activation, ProfiledQuantActivation) and self.activation.prelu:
            return {"slopes": beyond(self.activation.scaled_slopes(), self.activation.bits, narrow=False)}
        if not isinstance(self.activation, QuantPReLU):
            return {}
        scaled = self.activation.weight.detach().double() * 2.0**self.activation.fraction
        return {"slopes": beyond(scaled, self.activation.bits, narrow=False)}

    def _slopes(self) -> tuple[IntArray | None, FixedPointFormat]:
        if isinstance(self.activation, ProfiledQuantActivation) and self.activation.prelu:
            kind = FixedPointFormat(self.activation.bits, True, self.activation.fraction)
            return shared(integers(self.activation.scaled_slopes(), kind.bits, narrow=False)), kind
        if isinstance(self.activation, QuantPReLU):
            kind = FixedPointFormat(self.activation.bits, True, self.activation.fraction)
            return self.activation.integers().numpy().astype(np.int64), kind
        if self.layer.activation == "leaky_relu":
            return leaky_slopes(self.layer, self.conv.out_channels), SLOPE
        return None, SLOPE


class QuantTableLayer(QuantLayer):
    """Convolution, rounding to signed integers, and a function of these as a table.

    In both modes the output is the table's; the gradient is the function's.
    """

    def __init__(self, placed: Placed, decoder: bool) -> None:
        super().__init__(placed, decoder)
        self.argument = quant_activation(self.bits, signed=True)

    @property
    def addressing(self) -> Rounding:
        """The rounding of the table's argument."""
        return Rounding(self.argument, self.bits, True)

    def prepare(self, by: Calibrations, *inputs: Any) -> None:
        """Choose the argument's scale."""
        accumulators = plain(self.conv(*inputs))
        chosen = by.activations.exponent([(sample(accumulators), *self.addressing.range)])
        self.addressing.set(chosen, accumulators, by.activations)

    def values(self, *inputs: Any) -> Tensor:
        """The function of the rounded argument."""
        return self.activation(plain(self.argument(self.conv(*inputs))))

    def forward(self, *inputs: Any) -> Any:
        """The table's entries."""
        return self._looked_up(plain(self.argument(self.conv(*inputs))))

    def inner(self, *inputs: Any) -> tuple[Stage, ...]:
        """The argument."""
        return ((plain(self.argument(self.conv(*inputs))), self.addressing.exponent),)

    def _looked_up(self, argument: Tensor) -> Any:
        real = self.activation(argument)
        kind, exponent = IntType(self.bits, True), self.addressing.exponent
        values = table_values(self.layer.activation, kind, exponent, IntType(self.bits, self.signed), self.exponent)
        codes = (argument.detach() * 2.0**-exponent).round().long()
        table = torch.from_numpy(values).to(real)
        entries = table[codes % len(table)] * 2.0**self.exponent
        return self.quantiser(entries + (real - real.detach()))  # exactly the entries, with the function's gradient


def shared(table: IntArray) -> IntArray:
    """(C,) or (profiles, C) integers; the former where all profiles have the same."""
    return table[0] if table.ndim == 2 and (table == table[0]).all() else table


def beyond(scaled: Tensor, bits: int, narrow: bool) -> tuple[int, int]:
    """How many values the integers of `integers` do not reach, rounded, and how many there are."""
    limit = 2.0 ** (bits - 1) - 1.0
    rounded = scaled.round()
    reached = (rounded >= (-limit if narrow else -limit - 1.0)) & (rounded <= limit)
    return int((~reached).sum()), scaled.numel()


def integers(scaled: Tensor, bits: int, narrow: bool) -> IntArray:
    """Round half to even and saturate, as Brevitas's weight (narrow range) and bias quantisers do."""
    limit = 2.0 ** (bits - 1) - 1.0
    rounded = scaled.round().clamp(-limit if narrow else -limit - 1.0, limit)
    return rounded.numpy().astype(np.int64)
