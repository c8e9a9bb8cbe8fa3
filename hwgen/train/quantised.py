"""The quantised DeepJSCC: Brevitas layers in the float network's places, with the same parameter names.

Pixels enter as 8-bit integers * 2**-8. Every layer is an integer convolution with a 32-bit bias, PReLU with a
fixed-point slope (or ReLU, or nothing) on the accumulator, and one rounding to the next layer's integers. The
latent is normalised per image while training; the transmitter that is emitted multiplies it by a static integer
gain instead (`transmit`). The receiver quantises what it receives to 8 signed bits, and its last layer's output
to 8-bit pixels.

All scales are powers of two. Weight scales are chosen when the network is built, activation scales by
`calibrate`, or from the first training batch; then they stay (hwgen/train/quantisers.py says why).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.train.channel import normalise, symbol_power, through
from hwgen.train.checkpoint import read
from hwgen.train.network import activation
from hwgen.train.quantisers import (
    DECODER_SLOPE_BITS,
    DECODER_SLOPE_FRACTION,
    SCALE_NAME,
    SLOPE_BITS,
    SLOPE_FRACTION,
    QuantPReLU,
    best_exponent,
    exponents,
    fit_weight_exponents,
    freeze_scales,
    quant_activation,
    quant_conv,
    quant_conv_transpose,
    set_exponents,
)

if TYPE_CHECKING:
    from hwgen.spec import Layer, ModelSpec

PIXEL_BITS, PIXEL_EXPONENT = 8, -8
RECEIVED_BITS = 8
SYMBOL_BITS, SYMBOL_FRACTION = 16, 12
GAIN_BITS = 16
POWER_AVERAGE = 0.01
"""Weight of a training batch in the running average of the latent's power."""
SAMPLE_VALUES = 200_000
"""Activations per layer that an exponent is fitted to."""


class QuantLayer(nn.Module):
    """Convolution (or transposed convolution), activation on the accumulator, requantisation.

    `bits` and `signed` are of the output; None for `bits` leaves the output unquantised (a decoder's last
    layer, which `QuantDeepJSCC.decode` turns into pixels).
    """

    def __init__(
        self, in_channels: int, out_channels: int, layer: Layer, transposed: bool, quantise: bool = True
    ) -> None:
        super().__init__()
        make = quant_conv_transpose if transposed else quant_conv
        self.weight_bits, self.bits, self.signed = layer.weight_bits, layer.activation_bits, layer.activation != "relu"
        self.conv = make(in_channels, out_channels, layer.kernel, layer.stride, layer.weight_bits)
        if layer.activation == "prelu":
            slope = (DECODER_SLOPE_BITS, DECODER_SLOPE_FRACTION) if transposed else (SLOPE_BITS, SLOPE_FRACTION)
            self.activation: nn.Module = QuantPReLU(out_channels, *slope)
        elif layer.activation == "relu":
            self.activation = nn.Identity()  # the unsigned quantiser's own clamp at 0
        else:
            self.activation = activation(layer.activation, out_channels)
        self.quantiser = quant_activation(self.bits, self.signed) if quantise else nn.Identity()

    @property
    def magnitude_bits(self) -> int:
        """Bits of the output's largest integer."""
        return self.bits - self.signed

    @property
    def exponent(self) -> int:
        """Exponent of the output's scale."""
        return int(exponents(self.quantiser, self.magnitude_bits))

    def forward(self, x: Tensor) -> Tensor:
        return self.quantiser(self.activation(self.conv(x)))

    def calibrate(self, x: Tensor) -> None:
        """Choose the output's scale for this input."""
        high = 2**self.magnitude_bits - 1
        values = _sample(self.activation(self.conv(x)))
        chosen = best_exponent(values if self.signed else values.relu(), -high - 1 if self.signed else 0, high)
        set_exponents(self.quantiser, chosen, self.magnitude_bits)


def _stack(in_channels: int, layers: Sequence[Layer], channels: Sequence[int], transposed: bool) -> nn.Sequential:
    stack: list[nn.Module] = []
    for layer, out_channels in zip(layers, channels, strict=True):
        last = transposed and len(stack) == len(layers) - 1
        stack.append(QuantLayer(in_channels, out_channels, layer, transposed, quantise=not last))
        in_channels = out_channels
    return nn.Sequential(*stack)


def _sample(values: Tensor) -> Tensor:
    """At most SAMPLE_VALUES of them, evenly spread."""
    flat = values.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLE_VALUES)]


def _plain(x: Tensor) -> Tensor:
    """The float tensor of a Brevitas quantised tensor."""
    return x.value if hasattr(x, "value") else x


def integer_gain(latent_exponent: int, latent_power: float, power: float) -> tuple[int, int]:
    """(factor, shift) of the static gain, the closest with a 16-bit factor.

    factor * 2**-shift = sqrt(power / latent_power) * 2**(latent_exponent + 12), where `latent_power` is the
    average power per complex symbol of the latent: latent integers become Q3.12 symbols of average power `power`.
    """
    real = math.sqrt(power / latent_power) * 2.0 ** (latent_exponent + SYMBOL_FRACTION)
    shift = GAIN_BITS - 1 - math.floor(math.log2(real))
    factor = round(real * 2.0**shift)
    if factor == 1 << GAIN_BITS:
        factor, shift = factor // 2, shift - 1
    return factor, shift


class QuantDeepJSCC(nn.Module):
    """Integer encoder, power, AWGN, integer decoder, as `hwgen.train.network.DeepJSCC` otherwise.

    Attributes
    ----------
    power : float
        Average power P per complex symbol.
    mode : "static" | "per_image"
        What `transmit` does: the calibrated integer gain, or float normalisation of each image.

    State dict: the float network's names; a log2 threshold per scale; ``latent_power``, the latent's average
    power per complex symbol over the training data (0: unknown); ``calibrated``.
    """

    latent_power: Tensor
    calibrated: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.channel, self.power = spec.channel, spec.channel.power
        self.mode: str = spec.gain.mode
        self._snr_db = spec.channel.snr_db[0], spec.channel.snr_db[1]
        self.pixel_quantiser = quant_activation(PIXEL_BITS, signed=False)
        set_exponents(self.pixel_quantiser, PIXEL_EXPONENT, PIXEL_BITS)
        self.encoder = _stack(3, spec.encoder, spec.encoder_channels, transposed=False)
        self.received_quantiser = quant_activation(RECEIVED_BITS, signed=True)
        self.decoder = _stack(spec.encoder_channels[-1], spec.decoder, spec.decoder_channels, transposed=True)
        self.register_buffer("latent_power", torch.tensor(0.0))
        self.register_buffer("calibrated", torch.tensor(False))

    def encode(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in 0..255/256 to the latent (N, C, H/s, W/s): integers * 2**latent_exponent."""
        return _plain(self.encoder(self.pixel_quantiser(images)))

    def decode(self, received: Tensor) -> Tensor:
        """Received symbols to images in 0..255/256: 8-bit pixels in evaluation, unrounded in training."""
        images = _plain(self.decoder(self.received_quantiser(received)))
        return images if self.training else _plain(self.pixel_quantiser(images))

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        """As every module's; the scales stay frozen."""
        result = super().load_state_dict(*arguments, **options)
        freeze_scales(self)
        return result

    def forward(self, images: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
        if self.training and not self.calibrated:
            self.calibrate([images])
        latent = self.encode(images)
        if self.training:
            with torch.no_grad():
                self.latent_power.lerp_(symbol_power(latent).mean().to(self.latent_power), POWER_AVERAGE)
        return self.decode(through(self.channel, self._power(latent), snr_db, generator))

    def transmit(self, images: Tensor) -> Tensor:
        """Images to symbols (N, C, H/s, W/s): Q3.12 in mode static, float in mode per_image."""
        return self._power(self.encode(images))

    def _power(self, latent: Tensor) -> Tensor:
        if self.training or self.mode == "per_image":
            return normalise(latent, self.power)
        factor, shift = self.gain
        integers = latent.double() * (2.0**-self.latent_exponent * factor * 2.0**-shift)
        limit = 2.0 ** (SYMBOL_BITS - 1)
        return (integers.round().clamp(-limit, limit - 1.0) * 2.0**-SYMBOL_FRACTION).to(latent.dtype)

    @property
    def latent_exponent(self) -> int:
        """Exponent of the latent's scale."""
        last = self.encoder[-1]
        assert isinstance(last, QuantLayer)
        return last.exponent

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

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Choose all activation scales, layer after layer, and measure the latent's power.

        Parameters
        ----------
        batches
            Images (N, 3, H, W) in 0..255/256 of one size: some tens of training crops. All their activations
            of one layer are held in memory.
        """
        was_training = self.training
        self.eval()
        x = self.pixel_quantiser(torch.cat(list(batches)))
        for layer in self.encoder:
            assert isinstance(layer, QuantLayer)
            layer.calibrate(x)
            x = layer(x)
        latent = _plain(x)
        self.latent_power.copy_(symbol_power(latent).mean())
        snr_db = torch.linspace(*self._snr_db, len(latent))
        received = through(self.channel, normalise(latent, self.power), snr_db, torch.Generator().manual_seed(0))
        high = 2 ** (RECEIVED_BITS - 1) - 1
        set_exponents(self.received_quantiser, best_exponent(_sample(received), -high - 1, high), RECEIVED_BITS - 1)
        x = self.received_quantiser(received)
        for layer in list(self.decoder)[:-1]:
            assert isinstance(layer, QuantLayer)
            layer.calibrate(x)
            x = layer(x)
        self.calibrated.fill_(True)
        self.train(was_training)

    @torch.no_grad()
    def calibrate_gain(self, batches: Iterable[Tensor]) -> None:
        """Measure the latent's average power over these images (any sizes), for the static gain."""
        powers = torch.cat([symbol_power(self.encode(images)) for images in batches])
        self.latent_power.copy_(powers.double().mean())


def build(spec: ModelSpec, float_state: dict[str, Tensor] | None = None) -> QuantDeepJSCC:
    """The quantised network of a specification.

    Parameters
    ----------
    float_state
        State dict of the pruned `hwgen.train.network.DeepJSCC`; without it, weights are fresh.

    Raises
    ------
    HwgenError
        The specification has no decoder, or the state is not of this network.
    """
    if not spec.decoder:
        raise HwgenError(spec.where("decoder"), "a decoder: the quantised network is trained end to end", "none")
    network = QuantDeepJSCC(spec)
    if float_state is not None:
        wanted = {name for name in network.state_dict() if name.split(".")[0] in ("encoder", "decoder")
                  and name.split(".", 2)[2] in ("conv.weight", "conv.bias", "activation.weight")}  # fmt: skip
        if wanted != set(float_state):
            odd = f"{sorted(wanted ^ set(float_state))[0]} missing or surplus"
            raise HwgenError("float weights", f"the parameters of {spec.name}'s pruned network", odd)
        try:
            network.load_state_dict(network.state_dict() | float_state)
        except RuntimeError as error:
            raise HwgenError("float weights", f"the shapes of {spec.name}'s pruned network", _line(error)) from None
    for layer in [*network.encoder, *network.decoder]:
        assert isinstance(layer, QuantLayer)
        fit_weight_exponents(layer.conv, layer.weight_bits)
    return network


def from_checkpoint(spec: ModelSpec, path: Path) -> QuantDeepJSCC:
    """The trained network of a safetensors checkpoint, in evaluation mode.

    Raises
    ------
    HwgenError
        The file is missing, damaged, of another network, or not calibrated.
    """
    tensors, _ = read(path)
    network = build(spec)
    for name, value in network.state_dict().items():
        if name not in tensors:
            raise HwgenError(f"{path}: {name}", f"a tensor of {spec.name}'s quantised network", "nothing")
        if tensors[name].shape != value.shape:
            raise HwgenError(f"{path}: {name}", f"shape {tuple(value.shape)}", str(tuple(tensors[name].shape)))
        if not bool(torch.isfinite(tensors[name].float()).all()):
            raise HwgenError(f"{path}: {name}", "finite values", "infinities or NaN")
        if name.endswith(SCALE_NAME) and not torch.equal(tensors[name], tensors[name].round()):
            raise HwgenError(f"{path}: {name}", "powers of two as scales", "others")
    surplus = sorted(set(tensors) - set(network.state_dict()))
    if surplus:
        raise HwgenError(f"{path}: {surplus[0]}", f"no tensor but those of {spec.name}'s quantised network", "it")
    network.load_state_dict(tensors)
    pixel_exponent = int(exponents(network.pixel_quantiser, PIXEL_BITS))
    if pixel_exponent != PIXEL_EXPONENT:
        raise HwgenError(f"{path}: pixel_quantiser", f"scale 2**{PIXEL_EXPONENT}", f"2**{pixel_exponent}")
    if not network.calibrated:
        raise HwgenError(f"{path}: calibrated", "a calibrated network", "one that was never trained or calibrated")
    return network.eval()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
