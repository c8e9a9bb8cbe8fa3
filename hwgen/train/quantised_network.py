"""The quantised DeepJSCC: Brevitas layers in the float network's places, with the same parameter names.

Pixels enter as 8-bit integers * 2**-8. Every layer (hwgen/train/quantised_layers/) takes integers and rounds once to
the next one's; a convolution has a 32-bit bias and its activation on the accumulator. The latent is normalised per
image while training; the transmitter that is emitted multiplies it by a static integer
gain, or normalises it in integers (`transmit`). The receiver quantises what it receives to 8 signed bits (Q to fewer
before a complex layer that has fewer for imaginary parts), and its last layer's output to 8-bit pixels.

All scales are powers of two. Weight scales are chosen when the network is built, activation scales by
`calibrate`, or from the first training batch; then they stay (hwgen/train/quantisers.py says why).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.numerics.complex import power_normalise
from hwgen.numerics.formats import PIXEL, POWER, SYMBOL
from hwgen.train.calibration import Calibrations
from hwgen.train.channel import normalise, normalise_average, symbol_power, through
from hwgen.train.checkpoint import check_finite, check_like
from hwgen.train.network import averages
from hwgen.train.quantised_layers.layer import Rounding
from hwgen.train.quantised_side import QuantSide, share_scales
from hwgen.train.quantisers import (
    freeze_scales,
    plain,
    quant_activation,
    quant_signed,
    rounded,
    set_exponents,
)

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

PIXEL_BITS, PIXEL_EXPONENT = PIXEL.bits, PIXEL.exponent
RECEIVED_BITS = 8
GAIN_BITS = 16
LATENT_POWER_AVERAGE = 0.01
"""Weight of a training batch in the running average of `latent_power`.

More than in float training (`hwgen.train.channel.POWER_AVERAGE`): it starts at a calibrated value and serves
evaluations in between alone, since `calibrate_gain` measures it anew in the end.
"""


def integer_gain(latent_exponent: int, latent_power: float, power: float) -> tuple[int, int]:
    """(factor, shift) of the static gain, the closest with a 16-bit factor.

    factor * 2**-shift = sqrt(power / latent_power) * 2**(latent_exponent + 12), where `latent_power` is the
    average power per complex symbol of the latent: latent integers become Q3.12 symbols of average power `power`.
    """
    real = math.sqrt(power / latent_power) * 2.0 ** (latent_exponent + SYMBOL.fraction)
    shift = GAIN_BITS - 1 - math.floor(math.log2(real))
    factor = round(real * 2.0**shift)
    if factor == 1 << GAIN_BITS:
        factor, shift = factor // 2, shift - 1
    return factor, shift


class QuantDeepJSCC(nn.Module):
    """Integer encoder, power, channel, integer decoder, as `hwgen.train.deep_jscc.DeepJSCC` otherwise.

    Attributes
    ----------
    power : float
        Average power P per complex symbol.
    mode : "static" | "per_image"
        What `transmit` does: the calibrated integer gain, or the integer rule for each image's power.

    State dict: the float network's names; a log2 threshold per scale; ``latent_power``, the latent's average
    power per complex symbol over the training data (0: unknown); ``calibrated``.
    """

    latent_power: Tensor
    calibrated: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.channel, self.power = spec.channel, spec.channel.power
        self.mode: str = spec.gain.mode
        self.average = averages(spec)
        self._snr_db = spec.channel.snr_db[0], spec.channel.snr_db[1]
        self.pixel_quantiser = quant_activation(PIXEL_BITS, signed=False)
        set_exponents(self.pixel_quantiser, PIXEL_EXPONENT, PIXEL_BITS)
        by = Calibrations.of(spec.quantisers)
        pixels = Rounding(self.pixel_quantiser, PIXEL_BITS, False)
        self.encoder = QuantSide(spec.encoder_network, pixels, held=True, by=by)
        self.received_quantiser = quant_signed(RECEIVED_BITS, spec.received_imag_bits)
        received = Rounding(self.received_quantiser, RECEIVED_BITS, True)
        self.decoder = QuantSide(spec.decoder_network, received, held=False, by=by)
        share_scales(self, [*self.encoder.members(), *self.decoder.members()])
        self.kept = False  # the transmitter is another checkpoint's and stays
        self.register_buffer("latent_power", torch.tensor(0.0))
        self.register_buffer("calibrated", torch.tensor(False))

    def encode(self, images: Tensor) -> Tensor:
        """(N, C, H, W) images in 0..255/256 to the latent (N, C', H/s, W/s): integers * 2**latent_exponent."""
        return plain(self.encoder(self.pixel_quantiser(images)))

    def decode(self, received: Tensor) -> Tensor:
        """Received symbols to images in 0..255/256.

        In evaluation as the hardware does it, in float64 to the last bit (a network's `double()`; in float32 sums
        beyond 2**24 are rounded): the symbols are rounded to Q3.12 first, and the result is 8-bit pixels, those of a
        sigmoid from its table. In training everything behind the image's accumulators is left unrounded.
        """
        x = received if self.training else rounded(received, SYMBOL.bounds, SYMBOL.exponent)
        return plain(self.decoder(self.received_quantiser(x)))

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        """As every module's; the scales stay frozen."""
        result = super().load_state_dict(*arguments, **options)
        freeze_scales(self)
        return result

    def forward(self, images: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
        if self.training and not self.calibrated:
            self.calibrate([images])
        latent = self.encode(images)
        if self.training and not self.kept and not self.average:
            with torch.no_grad():
                self.latent_power.lerp_(symbol_power(latent).mean().to(self.latent_power), LATENT_POWER_AVERAGE)
        return self.decode(through(self.channel, self._power(latent), snr_db, generator))

    def transmit(self, images: Tensor) -> Tensor:
        """Images to symbols (N, C, H/s, W/s) in Q3.12, by the transmitter's integers."""
        return self._power(self.encode(images))

    def _power(self, latent: Tensor) -> Tensor:
        if self.training:
            return self._trained_power(latent, update=not self.kept)
        if self.mode == "per_image":
            frames = (latent.double() * 2.0**-self.latent_exponent).round().long().cpu().numpy()
            power = round(self.power * 2**POWER.fraction)
            symbols = np.stack([power_normalise(frame, power) for frame in frames])
            return (torch.from_numpy(symbols) * 2.0**-SYMBOL.fraction).to(latent)
        factor, shift = self.gain
        scaled = latent.double() * (2.0 ** (-self.latent_exponent - SYMBOL.fraction) * factor * 2.0**-shift)
        return rounded(scaled, SYMBOL.bounds, SYMBOL.exponent).to(latent.dtype)

    def _trained_power(self, latent: Tensor, update: bool = False) -> Tensor:
        if not self.average:
            return normalise(latent, self.power)
        return normalise_average(latent, self.latent_power, self.power, update)

    @property
    def latent_exponent(self) -> int:
        """Exponent of the latent's scale."""
        return self.encoder.exponent(self.encoder.network.last.name)

    @property
    def gain(self) -> tuple[int, int]:
        """(factor, shift) of the static gain.

        Raises
        ------
        HwgenError
            No training step and no `calibrate` has measured the latent's power yet.
        """
        if not self.latent_power > 0:
            raise HwgenError("static gain", "a calibrated network", "a latent power of 0")
        return integer_gain(self.latent_exponent, float(self.latent_power), self.power)

    def keep_transmitter(self, tensors: dict[str, Tensor], where: str) -> None:
        """Take a trained transmitter, weights, scales and power, and exclude it from training and calibration.

        Parameters
        ----------
        tensors
            A quantised network's state; its receiver may have other shapes.

        Raises
        ------
        HwgenError
            Its transmitter is not of this network's shapes.
        """
        state = self.state_dict()
        for name in [name for name in state if name.startswith("encoder.") or name == "latent_power"]:
            if name not in tensors:
                raise HwgenError(f"{where}: {name}", "a tensor of the transmitter", "nothing")
            check_like(tensors[name], state[name], f"{where}: {name}")
            check_finite({name: tensors[name]}, where)
            state[name] = tensors[name]
        self.load_state_dict(state)
        self.encoder.requires_grad_(False)
        self.kept = True

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Choose all activation scales, layer after layer, and measure the latent's power.

        Parameters
        ----------
        batches
            Images (N, 3, H, W) in 0..255/256 of one size: some tens of training crops. The activations
            of all layers are held in memory.
        """
        was_training = self.training
        self.eval()
        latent = plain(self.encoder.calibrate(torch.cat(list(batches)), keep=self.kept))
        if not self.kept:
            self.latent_power.copy_(symbol_power(latent).mean())
        snr_db = torch.linspace(*self._snr_db, len(latent))
        received = through(self.channel, self._trained_power(latent), snr_db, torch.Generator().manual_seed(0))
        self.decoder.calibrate(received)
        self.calibrated.fill_(True)
        self.train(was_training)

    @torch.no_grad()
    def calibrate_gain(self, batches: Iterable[Tensor]) -> None:
        """Measure the latent's average power over these images (any sizes), for the static gain."""
        if self.kept:
            return
        powers = torch.cat([symbol_power(self.encode(images)) for images in batches])
        self.latent_power.copy_(powers.double().mean())
