"""The interface of the quantised network's layers, and the two ways to a quantised output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hwgen.numerics.formats import PIXEL
from hwgen.train.calibration import MSE, Calibration, Calibrations
from hwgen.train.quantisers import QuantParts, coarse, exponents, quant_activation, quant_signed, set_exponents

Stage = tuple[Tensor, int]
"""Values, multiples of 2**exponent, and the exponent."""
PLAIN = Calibrations()
"""Where nothing else is said."""


@dataclass(frozen=True)
class Rounding:
    """A quantiser with the type of its integers.

    Parameters
    ----------
    quantiser
        Brevitas's, or one each for real and imaginary parts.
    """

    quantiser: nn.Module
    bits: int
    signed: bool

    @property
    def magnitude_bits(self) -> int:
        """Bits of the largest integer."""
        return self.bits - self.signed

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest integer."""
        high = 2**self.magnitude_bits - 1
        return -high - 1 if self.signed else 0, high

    @property
    def exponent(self) -> int:
        """Exponent of the scale; of parts, of the finer one."""
        return int(exponents(self.quantiser, self.magnitude_bits))

    def set(self, exponent: int, values: Tensor, by: Calibration = MSE) -> None:
        """Set the scale. That of imaginary parts, where they have their own, is chosen for `values` (N, C, H, W)."""
        set_exponents(self.quantiser, exponent, self.magnitude_bits)
        if isinstance(self.quantiser, QuantParts):
            self.quantiser.fit_imag(values, exponent, by)


class QuantisedLayer(nn.Module, ABC):
    """Takes the quantised tensors of its sources and gives one; the image's layer gives a plain one."""

    @abstractmethod
    def values(self, *inputs: Any) -> Tensor:
        """The output before it is rounded."""

    def inner(self, *inputs: Any) -> tuple[Stage, ...]:
        """In evaluation: what the layer's nodes in a graph give, where there are several, but for the last one."""
        return ()

    def fit_weights(self, by: Calibrations = PLAIN) -> None:
        """Choose the scales of the present weights, where there are some."""

    def prepare(self, by: Calibrations, *inputs: Any) -> None:
        """Choose the scales between the layer's nodes for these inputs, where there are some."""


class Requantised(QuantisedLayer):
    """A layer that rounds its output to integers of its own type.

    Attributes
    ----------
    bits, signed
        Of the output.
    quantiser
        An identity where the output is not rounded: it is the image's.
    """

    def _round_to(self, bits: int, signed: bool, imag_bits: int = 0, quantise: bool = True) -> None:
        self.bits, self.signed = bits, signed
        made = quant_signed(bits, imag_bits) if signed else quant_activation(bits, signed=False)
        self.quantiser = made if quantise else nn.Identity()

    @property
    def rounding(self) -> Rounding | None:
        """The rounding of the output."""
        return None if isinstance(self.quantiser, nn.Identity) else Rounding(self.quantiser, self.bits, self.signed)

    @property
    def exponent(self) -> int:
        """Exponent of the output's scale."""
        return Rounding(self.quantiser, self.bits, self.signed).exponent

    @property
    def coarse(self) -> tuple[int, int] | None:
        """(imag_bits, imag_left) of the output, where imaginary parts have a grid of their own."""
        return coarse(self.quantiser)

    def forward(self, *inputs: Any) -> Any:
        """The rounded values."""
        return self.quantiser(self.values(*inputs))


class Unchanged(QuantisedLayer):
    """A layer that moves or picks values: the output has the input's scale."""

    def forward(self, *inputs: Any) -> Any:
        """The values with the first input's scale, where it has one."""
        first, found = inputs[0], self.values(*inputs)
        return first.set(value=found) if hasattr(first, "value") else found


def exponent_of(x: Any) -> int:
    """Exponent of a quantised tensor's scale; of a plain tensor, a pixel's."""
    return int(torch.log2(x.scale.detach().reshape(()).double()).round()) if hasattr(x, "value") else PIXEL.exponent
