"""Power normalisation and the AWGN channel, on latents of shape (N, C, H, W).

A complex channel symbol is two consecutive values of an image's latent, so the average power per
complex symbol of an image with M latent values is 2/M * sum(values**2) (half-filled last symbols
of an odd M carry Q = 0 and are counted as half a symbol).

SNR_dB = 10 log10(P / sigma**2), with sigma**2 / 2 of noise in each real component
(DeepJSCC: Bourtsoulatze, Kurka, Gunduz 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor


def symbol_power(latent: Tensor) -> Tensor:
    """Average power per complex symbol of every image: (N, C, H, W) -> (N,)."""
    return 2.0 * latent.square().flatten(1).mean(1)


def normalise(latent: Tensor, power: float = 1.0) -> Tensor:
    """Scale each image's latent to an average power per complex symbol of ``power``.

    An all-zero latent stays zero: the floor below only keeps the division finite.
    """
    scale = torch.sqrt(power / symbol_power(latent).clamp_min(1e-12))
    return latent * scale.view(-1, 1, 1, 1)


def noise_std(snr_db: Tensor, power: float = 1.0) -> Tensor:
    """Standard deviation of the noise of each REAL component, for an SNR in dB."""
    return torch.sqrt(power * 10.0 ** (-snr_db / 10.0) / 2.0)


def awgn(symbols: Tensor, snr_db: Tensor, generator: torch.Generator, power: float = 1.0) -> Tensor:
    """Add white Gaussian noise.

    Parameters
    ----------
    symbols : (N, C, H, W) float
    snr_db : (N,) float, one SNR per image
    generator : a CPU generator: the same noise is drawn whatever device the symbols are on
    power : average power per complex symbol that the SNR refers to
    """
    noise = torch.randn(symbols.shape, generator=generator, dtype=torch.float32).to(symbols.device)
    return symbols + noise * noise_std(snr_db, power).to(symbols.device).view(-1, 1, 1, 1)


def uniform_snr(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """One SNR per image, uniform in dB: (count,) float32."""
    return low + (high - low) * torch.rand(count, generator=generator)
