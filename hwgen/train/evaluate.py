"""PSNR and SSIM of a trained network over its channel.

Measured on 8-bit images at their native size: the reconstruction times 256 is rounded and clamped
to 0..255, the peak is 255. ``psnr`` is the mean of each image's PSNR, ``psnr_of_mean_mse`` the PSNR of
the mean squared error over all images, ``ssim`` the mean SSIM (11x11 Gaussian, sigma 1.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from hwgen.metrics.psnr import PEAK, psnr_of_mse
from hwgen.metrics.ssim import SIGMA, WINDOW
from hwgen.raster import Picture
from hwgen.spec.model import Channel
from hwgen.train.channel import normalise, symbol_power, through
from hwgen.train.data import to_network
from hwgen.train.imageset import check_sizes, image_set

SNRS_DB = (1.0, 4.0, 7.0, 10.0, 13.0, 19.0)


class Codec(Protocol):
    """The interface that evaluation needs of a network: `DeepJSCC` and the quantised network have it."""

    power: float
    channel: Channel

    def encode(self, images: Tensor) -> Tensor: ...
    def decode(self, received: Tensor) -> Tensor: ...
    def eval(self) -> object: ...


@dataclass(frozen=True)
class Quality:
    """Image quality at one SNR, over one set of images."""

    psnr: float
    psnr_of_mean_mse: float
    ssim: float
    psnr_error: float = 0.0
    """Standard error of `psnr` over what was sent: images, and where there is fading its realisations."""


def check_measurable(images: Sequence[Picture], multiple: int) -> None:
    """Refuse images that would be too small for SSIM's window after `batches` has cropped them."""
    smallest = multiple * math.ceil(WINDOW / multiple)
    reason = f"the encoder's strides, {multiple}, and SSIM's {WINDOW}x{WINDOW} window"
    check_sizes(image_set(images), smallest, reason)


def batches(images: Sequence[Picture], multiple: int, limit: int = 8) -> Iterator[Tensor]:
    """Neighbouring images of one size as batches; sizes are cropped to what the strides divide."""
    group: list[Picture] = []
    for image in images:
        height, width = (side - side % multiple for side in image.shape[:2])
        image = image[:height, :width]
        if group and (group[0].shape != image.shape or len(group) == limit):
            yield to_network(group)
            group = []
        group.append(image)
    if group:
        yield to_network(group)


@torch.no_grad()
def static_gain(network: Codec, images: Sequence[Picture], multiple: int) -> float:
    """The one factor that gives the images' symbols the wanted power on average."""
    network.eval()
    powers = torch.cat([symbol_power(network.encode(batch)) for batch in batches(images, multiple)])
    return math.sqrt(network.power / powers.mean().item())


@torch.no_grad()
def mean_power(transmit: Callable[[Tensor], Tensor], images: Sequence[Picture], multiple: int) -> float:
    """Average power per complex symbol over all images."""
    return torch.cat([symbol_power(transmit(batch)) for batch in batches(images, multiple)]).mean().item()


def largest_power(
    network: Codec, transmit: Callable[[Tensor], Tensor], images: Sequence[Picture], multiple: int,
    snrs_db: Sequence[float],
) -> float:  # fmt: skip
    """The same; of a network with profiles the largest of those that these SNRs choose, so that no other hides it."""
    choose: Callable[[float], None] | None = getattr(network, "choose", None)
    if choose is None:
        return mean_power(transmit, images, multiple)
    powers = []
    for snr_db in snrs_db:
        choose(snr_db)
        powers.append(mean_power(transmit, images, multiple))
    return max(powers)


@torch.no_grad()
def evaluate(
    network: Codec,
    images: Sequence[Picture],
    multiple: int,
    snrs_db: Sequence[float] = SNRS_DB,
    transmit: Callable[[Tensor], Tensor] | None = None,
    seed: int = 0,
    with_ssim: bool = True,
    draws: int = 1,
) -> dict[float, Quality]:
    """Quality per SNR in dB.

    Parameters
    ----------
    network : on the CPU; is put into evaluation mode; one with profiles takes that of each SNR
    images : uint8 (H, W, 3)
    multiple : product of the encoder's strides
    transmit : images -> symbols; by default the latent, its power normalised image by image
    seed : of the noise and of fading, the same for every network compared; with fading, every SNR gets the same
        realisations, so that the curve over the SNR is one of the SNR alone
    draws : how often every image is sent, each time over another realisation of the channel
    """
    network.eval()
    choose: Callable[[float], None] | None = getattr(network, "choose", None)
    measured: dict[float, list[tuple[Tensor, Tensor]]] = {snr: [] for snr in snrs_db}
    generator = torch.Generator().manual_seed(seed)
    for batch in batches(images, multiple):
        symbols: Tensor | None = None
        before = generator.get_state()
        for snr, draw in [(snr, draw) for snr in snrs_db for draw in range(draws)]:
            if choose is not None and draw == 0:
                choose(snr)
                symbols = None  # of another profile
            if symbols is None:
                symbols = transmit(batch) if transmit is not None else normalise(network.encode(batch), network.power)
            if network.channel.kind != "awgn" and draw == 0:
                generator.set_state(before)
            received = through(network.channel, symbols, torch.full((len(batch),), snr), generator)
            output = (network.decode(received) * 256.0).round().clamp(0.0, 255.0)
            error = (output - batch * 256.0).square().flatten(1).mean(1)
            ssim = torch.zeros(len(batch))
            if with_ssim:
                value = structural_similarity_index_measure(
                    output, batch * 256.0, data_range=PEAK, sigma=SIGMA, kernel_size=WINDOW, reduction="none"
                )
                ssim = torch.as_tensor(value).reshape(-1)
            measured[snr].append((error, ssim))
    result = {}
    for snr, pairs in measured.items():
        errors = torch.cat([error for error, _ in pairs]).double()
        ssims = torch.cat([ssim for _, ssim in pairs]).double()
        each = torch.tensor([psnr_of_mse(error) for error in errors.tolist()], dtype=torch.float64)
        spread = each.std().item() / math.sqrt(len(each)) if len(each) > 1 else 0.0
        result[snr] = Quality(each.mean().item(), psnr_of_mse(errors.mean().item()), ssims.mean().item(), spread)
    return result
