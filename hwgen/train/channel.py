"""Power normalisation and the radio channels, on latents of shape (N, C, H, W).

A complex channel symbol is two consecutive values of an image's latent in raster order, channel last, so the average
power per complex symbol of an image with M latent values is 2/M * sum(values**2) (half-filled last symbols
of an odd M carry Q = 0 and are counted as half a symbol).

SNR_dB = 10 log10(P / sigma**2), with sigma**2 / 2 of noise in each real component
(DeepJSCC: Bourtsoulatze, Kurka, Gunduz 2019). Fading channels have gain 1 on average, and P is what is sent: an image
in a fade has a lower SNR. Every image has one realisation of the channel (slow fading), which the receiver knows.

All channels are differentiable in the symbols. `hwgen.radio.channel` simulates the same ones around a design.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from hwgen.spec.model import Channel

POWER_AVERAGE = 0.001
"""Weight of a training batch in the running average of the latent's power: crops differ by a factor of two and more."""


def symbol_power(latent: Tensor) -> Tensor:
    """Average power per complex symbol of every image: (N, C, H, W) -> (N,)."""
    return 2.0 * latent.square().flatten(1).mean(1)


def normalise(latent: Tensor, power: float = 1.0) -> Tensor:
    """Scale each image's latent to an average power per complex symbol of ``power``.

    An all-zero latent stays zero: the floor below only keeps the division finite.
    """
    scale = torch.sqrt(power / symbol_power(latent).clamp_min(1e-12))
    return latent * scale.view(-1, 1, 1, 1)


def normalise_average(latent: Tensor, mean_power: Tensor, power: float = 1.0, update: bool = False) -> Tensor:
    """Scale all images' latents by one factor, for an average power per complex symbol of ``power`` over the data.

    Parameters
    ----------
    mean_power : () float, in place: the latent's average power per complex symbol so far, 0 where nothing is known
    update : whether these images count: the running average moves by `POWER_AVERAGE` of the way to theirs. Its own
        value is what is divided by, but the gradient is theirs: what makes a latent larger gains nothing.
    """
    if update:
        now = symbol_power(latent).mean()
        with torch.no_grad():
            mean_power.copy_(torch.where(mean_power > 0, mean_power.lerp(now, POWER_AVERAGE), now))
        used = mean_power.clone() + (now - now.detach())
    else:
        used = mean_power
    return latent * torch.sqrt(power / used.clamp_min(1e-12))


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


def snr_of_ranges(
    count: int, edges: Sequence[float], shares: Sequence[float], generator: torch.Generator
) -> Tensor:
    """One SNR per image, (count,) float32: a range drawn in proportion to `shares`, uniform in dB within it.

    Parameters
    ----------
    edges : the ranges' ends in dB, ascending, one more than there are shares
    """
    chosen = torch.multinomial(torch.tensor(shares), count, replacement=True, generator=generator)
    low, high = torch.tensor(edges[:-1])[chosen], torch.tensor(edges[1:])[chosen]
    return low + (high - low) * torch.rand(count, generator=generator)


def through(channel: Channel, latent: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
    """Symbols over a specification's channel and its equaliser.

    Parameters
    ----------
    latent : (N, C, H, W) float, of power ``channel.power`` per complex symbol
    snr_db : (N,) float, one SNR per image
    generator : a CPU generator, for the channel's realisation and the noise

    Returns
    -------
    (N, C, H, W) float32: what the receiver makes of the symbols
    """
    if channel.kind == "awgn":
        return awgn(latent, snr_db, generator, channel.power)
    ratio = 10.0 ** (snr_db.float() / 10.0)
    with torch.autocast(latent.device.type, enabled=False):
        sent = to_symbols(latent.float())
        if channel.kind == "mimo2x2":
            matrix = complex_normal((len(sent), 2, 2), generator).to(sent.device)
            over = svd_2x2 if channel.scheme == "svd" else alamouti
            received = over(sent, matrix, ratio, channel, generator)
        else:
            count, taps = (channel.subcarriers, channel.taps) if channel.kind == "ofdm" else (1, 1)
            coefficients = frequency_response(len(sent), taps, count, generator).to(sent.device)
            received = parallel(sent, coefficients, ratio, channel, generator)
        return to_latent(received, latent.shape)


def to_symbols(latent: Tensor) -> Tensor:
    """(N, C, H, W) float32 -> (N, k) complex64; an odd last value becomes the I of a symbol whose Q is 0."""
    values = latent.permute(0, 2, 3, 1).flatten(1)
    if values.shape[1] % 2:
        values = torch.nn.functional.pad(values, (0, 1))
    return torch.view_as_complex(values.reshape(len(values), -1, 2))


def to_latent(symbols: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of `to_symbols` for a latent of ``shape``."""
    count, channels, height, width = shape
    values = torch.view_as_real(symbols.contiguous()).flatten(1)[:, : channels * height * width]
    return values.reshape(count, height, width, channels).permute(0, 3, 1, 2)


def complex_normal(shape: tuple[int, ...], generator: torch.Generator, variance: float = 1.0) -> Tensor:
    """CN(0, variance): circularly symmetric, half of the variance in each part; complex64 on the CPU."""
    parts = torch.randn((*shape, 2), generator=generator, dtype=torch.float32)
    return torch.view_as_complex(parts * math.sqrt(variance / 2.0))


def frequency_response(count: int, taps: int, subcarriers: int, generator: torch.Generator) -> Tensor:
    """(count, subcarriers) complex coefficients of channels of ``taps`` taps of CN(0, 1/taps)."""
    return torch.fft.fft(complex_normal((count, taps), generator, 1.0 / taps), subcarriers, dim=1)


def equaliser_gain(h: Tensor, ratio: Tensor, kind: str) -> Tensor:
    """The factor of an equaliser, for complex coefficients ``h`` and P / sigma**2.

    zf: 1 / h, so that only noise is left; mmse: conj(h) / (|h|**2 + sigma**2 / P), the least mean squared error.
    """
    if kind == "none":
        return torch.ones_like(h)
    energy = h.abs().square()
    return h.conj() / (energy.clamp_min(1e-12) if kind == "zf" else energy + 1.0 / ratio)


def parallel(sent: Tensor, h: Tensor, ratio: Tensor, channel: Channel, generator: torch.Generator) -> Tensor:
    """Symbol i over the scalar channel ``h[:, i % h.shape[1]]``: flat fading (one) or OFDM (its subcarriers).

    Parameters
    ----------
    sent : (N, k) complex64
    h : (N, subcarriers) complex64
    ratio : (N,) P / sigma**2
    """
    repeats = -(-sent.shape[1] // h.shape[1])
    spread = h.repeat(1, repeats)[:, : sent.shape[1]]
    received = spread * sent + _noise(sent, ratio, channel.power, generator)
    return received * equaliser_gain(spread, ratio.to(sent.device).view(-1, 1), channel.equaliser)


def svd_2x2(sent: Tensor, h: Tensor, ratio: Tensor, channel: Channel, generator: torch.Generator) -> Tensor:
    """Pairs of symbols over two antennas each: x = V s, y = H x + n, combined by S**-1 U^H (zf) or
    diag(S / (S**2 + sigma**2 / P)) U^H (mmse), H = U S V^H. The first of a pair gets the stronger stream.

    Parameters
    ----------
    sent : (N, k) complex64; an odd k is padded with a symbol of 0
    h : (N, 2, 2) complex64
    """
    u, s, vh = torch.linalg.svd(h)
    pairs = _pairs(sent)
    antennas = pairs @ vh.conj()  # rows are pairs: (V s)^T = s^T V^T, and V^T = conj(V^H)
    received = antennas @ h.transpose(1, 2) + _noise(antennas, ratio, channel.power, generator)
    gain = equaliser_gain(s.to(h.dtype), ratio.to(s.device).view(-1, 1), channel.equaliser)
    return ((received @ u.conj()) * gain.unsqueeze(1)).flatten(1)[:, : sent.shape[1]]


def alamouti(sent: Tensor, h: Tensor, ratio: Tensor, channel: Channel, generator: torch.Generator) -> Tensor:
    """Two symbols in two slots, (s0, s1) and then (-conj(s1), conj(s0)) on the two antennas, each with half of P;
    combined to s * g with g = |H|**2 / sqrt(2), then scaled to unit gain (zf) or for the least squared error (mmse).

    The SNR behind the combiner is |H|**2 / 2 times P / sigma**2 (Alamouti 1998). Parameters as of `svd_2x2`.
    """
    pairs = _pairs(sent)
    first, second = pairs[..., 0], pairs[..., 1]
    slots = torch.stack([pairs, torch.stack([-second.conj(), first.conj()], dim=-1)], dim=2) * math.sqrt(0.5)
    received = slots @ h.transpose(1, 2).unsqueeze(1) + _noise(slots, ratio, channel.power, generator)
    early, late = received[:, :, 0], received[:, :, 1].conj()  # (N, pairs, receiving antenna)
    from_first, from_second = h[:, None, :, 0], h[:, None, :, 1]
    combined = torch.stack(
        [
            (from_first.conj() * early + from_second * late).sum(2),
            (from_second.conj() * early - from_first * late).sum(2),
        ],
        dim=2,
    )
    energy = h.abs().square().sum((1, 2))
    floor = 0.0 if channel.equaliser == "zf" else 1.0 / ratio.to(energy.device)
    scale = math.sqrt(0.5) / (energy / 2.0 + floor)
    return (combined * scale.view(-1, 1, 1)).flatten(1)[:, : sent.shape[1]]


def _pairs(sent: Tensor) -> Tensor:
    if sent.shape[1] % 2:
        sent = torch.cat([sent, torch.zeros_like(sent[:, :1])], dim=1)
    return sent.reshape(len(sent), -1, 2)


def _noise(like: Tensor, ratio: Tensor, power: float, generator: torch.Generator) -> Tensor:
    """Complex noise of the shape of ``like`` (N, ...), of variance power / ratio for each image."""
    deviation = torch.sqrt(power / ratio).view(-1, *[1] * (like.ndim - 1))
    return (complex_normal(tuple(like.shape), generator) * deviation).to(like.device)
