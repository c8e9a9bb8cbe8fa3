"""The channel is what its definition says: measured power, measured SNR."""

from __future__ import annotations

import math
import typing

import numpy as np
import pytest
import torch
from torch import Tensor

from hwgen.radio import channel as channels
from hwgen.spec.model import Channel
from hwgen.train import channel as channel_module
from hwgen.train.channel import (
    alamouti,
    awgn,
    complex_normal,
    frequency_response,
    noise_std,
    normalise,
    normalise_average,
    parallel,
    svd_2x2,
    symbol_power,
    through,
    to_latent,
    to_symbols,
    uniform_snr,
)


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


def test_one_factor_for_all_images() -> None:
    """The first images set the average, later ones move it by a thousandth; without training nothing does."""
    latent = torch.randn(3, 4, 6, 5, generator=generator())
    power, known = symbol_power(latent).mean(), torch.tensor(0.0)
    sent = normalise_average(latent, known, 2.0, update=True)
    assert known == power
    assert symbol_power(sent).mean().item() == pytest.approx(2.0)
    assert torch.equal(sent / latent, (sent / latent)[0, 0, 0, 0].expand_as(sent)) or sent[0, 0, 0, 0] != 0
    normalise_average(2.0 * latent, known, 2.0, update=True)
    assert known.item() == pytest.approx(power.item() * (0.999 + 0.001 * 4))
    before = known.clone()
    normalise_average(latent, known, 2.0)
    assert torch.equal(known, before)


def test_a_larger_latent_gains_nothing() -> None:
    """The gradient is that of dividing by these images' own average: orthogonal to the latent."""
    latent = torch.randn(2, 4, 6, 6, generator=generator(), requires_grad=True)
    known = symbol_power(latent.detach()).mean()
    towards = torch.randn(2, 4, 6, 6, generator=generator(2))
    (normalise_average(latent, known, update=True) * towards).sum().backward()
    assert latent.grad is not None
    assert (latent.grad * latent).sum().item() == pytest.approx(0.0, abs=1e-3)
    assert latent.grad.abs().sum() > 1.0


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


def test_symbols_are_pairs_in_raster_order() -> None:
    latent = torch.arange(2 * 3 * 2 * 3.0).reshape(2, 3, 2, 3)
    symbols = to_symbols(latent)
    values = latent.permute(0, 2, 3, 1).reshape(2, -1)
    assert torch.equal(torch.view_as_real(symbols).flatten(1), values)
    odd = latent[:, :, :1, :]
    symbols = to_symbols(odd)
    assert symbols.shape == (2, 5) and symbols[0, 4].imag == 0
    for shaped in (latent, odd):
        assert torch.equal(to_latent(to_symbols(shaped), shaped.shape), shaped)


KINDS: list[dict[str, object]] = [
    {"kind": "rayleigh", "equaliser": "zf"},
    {"kind": "mimo2x2", "equaliser": "zf"},
    {"kind": "mimo2x2", "equaliser": "zf", "scheme": "alamouti"},
    {"kind": "ofdm", "equaliser": "zf", "taps": 3, "subcarriers": 16},
]


@pytest.mark.parametrize("settings", KINDS, ids=str)
@pytest.mark.parametrize("shape", [(4, 3, 8, 8), (2, 3, 3, 3)])
def test_without_noise_zero_forcing_gives_the_symbols_back(settings: dict[str, object], shape: tuple[int, ...]) -> None:
    latent = torch.randn(shape, generator=generator(3)).requires_grad_()
    got = through(Channel(**settings), latent, torch.full(shape[:1], 200.0), generator(4))  # type: ignore[arg-type]
    assert torch.allclose(got, latent, atol=2e-4)
    got.square().sum().backward()  # differentiable
    assert latent.grad is not None and torch.allclose(latent.grad, 2 * latent.detach(), atol=5e-3)


def test_rayleigh_coefficients() -> None:
    """h is CN(0, 1): mean power 1, circular, and |h|**2 exponential (half of it below ln 2)."""
    h = frequency_response(40_000, 1, 1, generator())[:, 0]
    assert h.abs().square().mean().item() == pytest.approx(1.0, abs=0.02)
    assert h.square().mean().abs().item() < 0.02
    assert (h.abs().square() < math.log(2.0)).float().mean().item() == pytest.approx(0.5, abs=0.01)


def test_ofdm_coefficients() -> None:
    """Mean power 1 on every subcarrier, and neighbours correlate as L equal taps make them."""
    taps, carriers = 4, 16
    h = frequency_response(20_000, taps, carriers, generator())
    assert h.abs().square().mean(0).tolist() == pytest.approx([1.0] * carriers, abs=0.04)
    wanted = sum(complex(math.cos(a), -math.sin(a)) for a in (2 * math.pi * t / carriers for t in range(taps))) / taps
    assert complex((h[:, 1:] * h[:, :-1].conj()).mean()) == pytest.approx(wanted, abs=0.03)


def test_ofdm_is_a_cyclic_convolution() -> None:
    """Per-subcarrier coefficients = the taps' convolution in time behind a cyclic prefix."""
    taps, carriers = 3, 8
    h = complex_normal((taps,), generator(1), 1.0 / taps)
    x = complex_normal((carriers,), generator(2))
    time = torch.fft.ifft(x, norm="ortho")
    prefixed = torch.cat([time[-(taps - 1) :], time])
    late = [sum(h[t] * prefixed[n + taps - 1 - t] for t in range(taps)) for n in range(carriers)]
    received = torch.fft.fft(torch.stack([torch.as_tensor(value) for value in late]), norm="ortho")
    coefficients = frequency_response(1, taps, carriers, generator(1))[0]
    assert torch.allclose(received, coefficients * x, atol=1e-5)


def measured(
    over: typing.Callable[..., Tensor], h: Tensor, settings: dict[str, object], snr_db: float, power: float = 2.0
) -> tuple[Tensor, Tensor]:
    """Symbols sent and what came back, (N, k), for given coefficients."""
    sent = complex_normal((len(h), 60_000), generator(5), power)
    ratio = torch.full((len(h),), 10.0 ** (snr_db / 10.0))
    channel = Channel(power=power, **settings)  # type: ignore[arg-type]
    return sent, over(sent, h, ratio, channel, generator(6))


def gain_and_noise(sent: Tensor, got: Tensor) -> tuple[Tensor, Tensor]:
    """The least-squares gain of each row and the power of the rest."""
    gain = (got * sent.conj()).mean(1) / sent.abs().square().mean(1)
    return gain, (got - gain[:, None] * sent).abs().square().mean(1)


def check_snr(gain: Tensor, noise: Tensor, power: float, wanted: Tensor) -> None:
    """Within five standard errors: the gain's is sqrt(noise / (n power)), from at least 30 000 symbols."""
    found = gain.abs().square() * power / noise
    tolerance = 5.0 * (2.0 / (wanted * 30_000).sqrt() + math.sqrt(1 / 30_000)) * wanted
    assert bool(((found - wanted).abs() < tolerance).all()), (found, wanted)


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
@pytest.mark.parametrize("equaliser", ["none", "zf", "mmse"])
def test_rayleigh_equalisers(snr_db: float, equaliser: str) -> None:
    """The SNR behind any equaliser is |h|**2 P / sigma**2; zf has unit gain; the error of mmse is
    P / (1 + |h|**2 P / sigma**2). All measured from symbols and noise."""
    h = torch.tensor([[1.2 - 0.4j], [0.1 + 0.3j], [-0.9j]])
    power, ratio, energy = 2.0, 10.0 ** (snr_db / 10.0), h[:, 0].abs().square()
    sent, got = measured(parallel, h, {"kind": "rayleigh", "equaliser": equaliser}, snr_db, power)
    gain, noise = gain_and_noise(sent, got)
    check_snr(gain, noise, power, energy * ratio)
    wanted = {"none": h[:, 0], "zf": torch.ones(3), "mmse": energy * ratio / (1.0 + energy * ratio)}[equaliser]
    assert torch.allclose(gain, wanted.to(gain.dtype), atol=0.03)
    if equaliser == "mmse":
        error = (got - sent).abs().square().mean(1)
        assert error.tolist() == pytest.approx((power / (1.0 + energy * ratio)).tolist(), rel=0.03)


H = torch.tensor([[[0.9 + 0.2j, -0.3j], [0.4, 1.1 - 0.5j]], [[0.1, 0.2j], [0.3 - 0.1j, -0.2]]])


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
@pytest.mark.parametrize("equaliser", ["zf", "mmse"])
def test_svd_streams(snr_db: float, equaliser: str) -> None:
    """Two parallel streams of SNR s_i**2 P / sigma**2, nothing of one in the other, the stronger one first."""
    power, ratio = 2.0, 10.0 ** (snr_db / 10.0)
    sent, got = measured(svd_2x2, H, {"kind": "mimo2x2", "equaliser": equaliser}, snr_db, power)
    singular = torch.linalg.svdvals(H)
    for stream in (0, 1):
        s, g = sent[:, stream::2], got[:, stream::2]
        gain, noise = gain_and_noise(s, g)
        snr = singular[:, stream].square() * ratio
        check_snr(gain, noise, power, snr)
        assert gain.imag.abs().max() < 0.03
        wanted = torch.ones(2) if equaliser == "zf" else snr / (1.0 + snr)
        assert gain.real.tolist() == pytest.approx(wanted.tolist(), abs=0.03)
        other = sent[:, 1 - stream :: 2]
        leak = (g * other.conj()).mean(1).abs() / power
        assert bool((leak < 6.0 * (noise / power / g.shape[1]).sqrt() + 0.03).all())


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
@pytest.mark.parametrize("equaliser", ["zf", "mmse"])
def test_alamouti_combining(snr_db: float, equaliser: str) -> None:
    """Every symbol has SNR |H|**2 / 2 * P / sigma**2, whatever the angle between the antennas."""
    power, ratio = 2.0, 10.0 ** (snr_db / 10.0)
    settings: dict[str, object] = {"kind": "mimo2x2", "scheme": "alamouti", "equaliser": equaliser}
    sent, got = measured(alamouti, H, settings, snr_db, power)
    snr = H.abs().square().sum((1, 2)) / 2.0 * ratio
    for which in (0, 1):
        gain, noise = gain_and_noise(sent[:, which::2], got[:, which::2])
        check_snr(gain, noise, power, snr)
        wanted = torch.ones(2) if equaliser == "zf" else snr / (1.0 + snr)
        assert gain.real.tolist() == pytest.approx(wanted.tolist(), abs=0.03)
        assert gain.imag.abs().max() < 0.03


def test_one_realisation_per_image_from_the_generator() -> None:
    channel = Channel(kind="rayleigh", equaliser="none")
    latent, quiet = torch.ones(3, 2, 4, 4), torch.full((3,), 200.0)
    got = to_symbols(through(channel, latent, quiet, generator(7)))
    assert got.std(dim=1).max() < 1e-6 and got[:, 0].abs().unique().numel() == 3
    assert torch.equal(got, to_symbols(through(channel, latent, quiet, generator(7))))
    assert not torch.equal(got, to_symbols(through(channel, latent, quiet, generator(8))))


def test_awgn_of_a_specification_is_awgn() -> None:
    latent, snr = torch.randn(2, 3, 4, 4, generator=generator()), torch.tensor([3.0, 9.0])
    assert torch.equal(through(Channel(power=2.0), latent, snr, generator(2)), awgn(latent, snr, generator(2), 2.0))


def test_autocast_does_not_reach_the_symbols() -> None:
    channel, latent = Channel(kind="mimo2x2"), torch.randn(2, 4, 4, 4, generator=generator())
    plain = through(channel, latent, torch.full((2,), 10.0), generator(2))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(through(channel, latent, torch.full((2,), 10.0), generator(2)), plain)


@pytest.mark.parametrize("settings", [s | {"equaliser": e} for s in KINDS for e in ("zf", "mmse")], ids=str)
def test_is_the_channel_around_a_design(settings: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same coefficients as `hwgen.radio.channel`, but for their rounding, which the hardware's streams carry."""
    channel, snr_db, count = Channel(**settings), 6.0, 64  # type: ignore[arg-type]
    coded = channel.scheme == "alamouti"
    drawn = channels.draw(channel, snr_db, count * (2 if coded else 1), seed=11)
    sent = complex_normal((1, count), generator(12))
    x = sent[0].numpy().astype(np.complex128)
    if drawn.tx_coefficients is not None:
        precoder = drawn.tx_coefficients[0] @ [1, 1j] / 1024
        x = (x.reshape(-1, 2) @ precoder.T).reshape(-1)
    if coded:
        a, b = x[0::2], x[1::2]
        x = np.stack([a, b, -b.conj(), a.conj()], axis=1).reshape(-1)
    y = drawn.receive(x) - drawn.receive(np.zeros_like(x))
    assert drawn.rx_coefficients is not None
    tables, rows, columns, _ = drawn.rx_coefficients.shape
    groups = y.reshape(-1, columns)
    if coded:
        groups = np.concatenate([groups[:, :2], groups[:, 2:].conj()], axis=1)
    matrices = drawn.rx_coefficients @ [1, 1j] / 1024
    wanted = np.einsum("grc,gc->gr", matrices[np.arange(len(groups)) % tables], groups).reshape(-1)

    monkeypatch.setattr(channel_module, "_noise", lambda like, *_: torch.zeros_like(like))
    h = torch.from_numpy(np.atleast_1d(drawn.h)).to(torch.complex64)[None]
    over = parallel if channel.kind != "mimo2x2" else alamouti if coded else svd_2x2
    got = over(sent, h, torch.tensor([10.0 ** (snr_db / 10.0)]), channel, generator())[0].numpy()
    assert np.abs(got - wanted).max() < 0.02 * np.abs(wanted).max()
