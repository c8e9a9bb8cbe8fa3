"""The channel is what its definition says: measured power, measured SNR."""

from __future__ import annotations

import math

import pytest
import torch

from hwgen.train.channel import awgn, noise_std, normalise, symbol_power, uniform_snr


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("power", [1.0, 2.5])
def test_every_image_has_the_power(power: float) -> None:
    """Per complex symbol: the mean of I**2 + Q**2 over an image's value pairs, image by image."""
    scales = torch.tensor([0.01, 1.0, 300.0]).view(-1, 1, 1, 1)
    latent = torch.randn(3, 4, 6, 5, generator=generator()) * scales + scales
    pairs = normalise(latent, power).double().flatten(1).view(3, -1, 2)
    measured = pairs.square().sum(2).mean(1)
    assert measured.tolist() == pytest.approx([power] * 3, rel=1e-5)
    assert symbol_power(normalise(latent, power)).tolist() == pytest.approx([power] * 3, rel=1e-5)


def test_an_all_zero_latent_stays_finite() -> None:
    assert torch.equal(normalise(torch.zeros(1, 2, 3, 3)), torch.zeros(1, 2, 3, 3))


@pytest.mark.parametrize("power", [1.0, 4.0])
@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_measured_snr(snr_db: float, power: float) -> None:
    """10 log10 of signal power over noise power, both measured, per complex symbol."""
    symbols = normalise(torch.randn(2, 16, 128, 128, generator=generator()), power)
    noise = awgn(symbols, torch.full((2,), snr_db), generator(2), power) - symbols
    for image in range(2):
        measured = 10.0 * math.log10(symbol_power(symbols)[image] / symbol_power(noise)[image])
        # 2**18 samples of noise: the power's standard error is sqrt(2 / 2**18) = 0.012 dB
        assert measured == pytest.approx(snr_db, abs=0.05)


def test_half_of_the_noise_is_in_each_component() -> None:
    assert noise_std(torch.tensor(0.0)).item() == pytest.approx(math.sqrt(0.5))
    assert noise_std(torch.tensor(10.0), 2.0).item() == pytest.approx(math.sqrt(2.0 / 10.0 / 2.0))
    noise = awgn(torch.zeros(1, 2, 256, 256), torch.zeros(1), generator())
    in_phase, quadrature = noise.flatten()[0::2], noise.flatten()[1::2]
    assert in_phase.var().item() == pytest.approx(0.5, rel=0.03)
    assert quadrature.var().item() == pytest.approx(0.5, rel=0.03)
    assert (in_phase * quadrature).mean().abs().item() < 0.01


def test_each_image_has_its_own_snr() -> None:
    noise = awgn(torch.zeros(2, 2, 64, 64), torch.tensor([0.0, 20.0]), generator())
    ratio = (noise[0].square().mean() / noise[1].square().mean()).item()
    assert 10.0 * math.log10(ratio) == pytest.approx(20.0, abs=0.5)


def test_snr_range_and_seed() -> None:
    drawn = uniform_snr(4000, -3.0, 20.0, generator())
    assert drawn.min() >= -3.0 and drawn.max() <= 20.0
    assert drawn.mean().item() == pytest.approx(8.5, abs=0.4)
    assert torch.equal(drawn, uniform_snr(4000, -3.0, 20.0, generator()))
    assert not torch.equal(drawn, uniform_snr(4000, -3.0, 20.0, generator(2)))
