"""The channel is what its definition says: measured SNR, equalisers that undo it, one quantisation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwgen.errors import HwgenError
from hwgen.ir.nodes import Alamouti, MatrixProduct
from hwgen.radio import channel as channels
from hwgen.radio.channel import draw, nodes
from hwgen.spec.model import Channel

KINDS = (
    Channel(),
    Channel(kind="rayleigh", equaliser="zf"),
    Channel(kind="mimo2x2", equaliser="zf"),
    Channel(kind="mimo2x2", scheme="alamouti", equaliser="zf"),
    Channel(kind="ofdm", equaliser="zf", taps=4, subcarriers=16),
)
IDS = ("awgn", "rayleigh", "svd", "alamouti", "ofdm")


def random_symbols(count: int, seed: int = 5, power: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=count) + 1j * rng.normal(size=count)) * math.sqrt(power / 2)


def real(coefficients: np.ndarray | None) -> np.ndarray:
    """(tables, rows, columns) complex values of Q5.10 coefficients."""
    assert coefficients is not None
    return (coefficients[..., 0] + 1j * coefficients[..., 1]) / 1024


def send(channel: Channel, coefficients: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    """The last node of a transmitter in floating point."""
    if channel.kind != "mimo2x2":
        return x
    pairs = x.reshape(-1, 2)
    if channel.scheme == "svd":
        return (pairs @ real(coefficients)[0].T).reshape(-1)
    return np.stack([pairs[:, 0], pairs[:, 1], -pairs[:, 1].conj(), pairs[:, 0].conj()], axis=1).reshape(-1)


def equalise(channel: Channel, coefficients: np.ndarray | None, y: np.ndarray) -> np.ndarray:
    """The first node of a receiver in floating point: as hwgen.ir.nodes.matrix_product.MatrixProduct says."""
    found = nodes(channel, "rx")
    if not found:
        return y
    (node,) = found
    assert isinstance(node, MatrixProduct)
    matrix = real(coefficients)
    assert matrix.shape == (node.tables, node.rows, node.columns)
    groups = y.reshape(-1, node.columns)
    groups = np.where(node.conjugate, groups.conj(), groups)
    return np.stack([matrix[g % node.tables] @ group for g, group in enumerate(groups)]).reshape(-1)


@pytest.mark.parametrize("channel", KINDS, ids=IDS)
@pytest.mark.parametrize(("snr_db", "power"), [(0.0, 1.0), (10.0, 2.5), (20.0, 1.0)])
def test_measured_snr(channel: Channel, snr_db: float, power: float) -> None:
    """The noise alone: the output for no symbols, before it is quantised. P over its power, and half in each part."""
    channel = channel.model_copy(update={"power": power})
    count = 1 << 16
    noise = draw(channel, snr_db, count, 3).receive(np.zeros(count, np.complex128))
    measured = 10 * math.log10(power / np.mean(np.abs(noise) ** 2))
    # 2**17 real samples: a standard error of sqrt(2 / 2**17) of the power, 0.017 dB
    assert measured == pytest.approx(snr_db, abs=0.06)
    assert np.var(noise.real) == pytest.approx(np.var(noise.imag), rel=0.03)
    assert abs(np.mean(noise.real * noise.imag)) < 0.02 * np.var(noise)


@pytest.mark.parametrize("kind", ["rayleigh", "mimo2x2", "ofdm"])
def test_the_average_gain_is_one(kind: str) -> None:
    """So that the SNR is the average one: E |h|^2 = 1 for each path, over many realisations."""
    gains = [np.mean(np.abs(draw(Channel(kind=kind), 10, 64, seed).h) ** 2) for seed in range(2000)]
    assert np.mean(gains) == pytest.approx(1.0, abs=4 * np.std(gains) / math.sqrt(2000))


@pytest.mark.parametrize("channel", KINDS, ids=IDS)
def test_without_noise_the_symbols_come_back(channel: Channel) -> None:
    """Zero forcing, to the precision of Q5.10 coefficients (and much better where they are exact)."""
    x = random_symbols(192)
    for seed in range(20):
        count = len(send(channel, draw(channel, math.inf, 4 * 192, 0).tx_coefficients, x))
        found = draw(channel, math.inf, count, seed)
        y = equalise(channel, found.rx_coefficients, found.receive(send(channel, found.tx_coefficients, x)))
        largest = 1.0 if found.rx_coefficients is None else np.abs(real(found.rx_coefficients)).max()
        if largest > 31:
            continue  # a fade that Q5.10 does not reach
        gain = max(1.0, np.abs(found.h).max() * 2)
        assert np.abs(y - x).max() < 4 * gain * np.abs(x).max() / 1024 * max(1.0, largest)


@pytest.mark.parametrize("kind", ["rayleigh", "ofdm"])
@pytest.mark.parametrize("snr_db", [0.0, 10.0])
@pytest.mark.parametrize("power", [1.0, 0.25])
def test_scalar_equalisers(kind: str, snr_db: float, power: float) -> None:
    ratio = 10 ** (-snr_db / 10)
    for equaliser, added in (("zf", 0.0), ("mmse", ratio)):
        found = draw(Channel(kind=kind, equaliser=equaliser, power=power), snr_db, 128, 9)
        h = found.h.reshape(-1)
        exact = h.conj() / (np.abs(h) ** 2 + added)
        assert found.rx_coefficients is not None
        assert found.rx_coefficients.shape == (len(h), 1, 1, 2)
        got = real(found.rx_coefficients).reshape(-1)
        assert np.abs(got.real - exact.real).max() <= 2**-11 and np.abs(got.imag - exact.imag).max() <= 2**-11
    assert draw(Channel(kind=kind, equaliser="none"), snr_db, 128, 9).rx_coefficients is None


def test_mmse_leaves_the_least_error() -> None:
    """The mmse multiple of conj(h) is the nearest of all to the symbols sent."""
    channel = Channel(kind="rayleigh")
    found = draw(channel, 3.0, 1 << 16, 4)
    x = random_symbols(1 << 16)
    y = found.receive(x)
    best = np.vdot(y, x) / np.vdot(y, y)
    assert real(found.rx_coefficients)[0, 0, 0] == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("equaliser", ["zf", "mmse"])
def test_svd_makes_the_channel_diagonal(equaliser: str) -> None:
    channel = Channel(kind="mimo2x2", equaliser=equaliser)
    for seed in range(20):
        found = draw(channel, 7.0, 8, seed)
        gains = np.linalg.svd(found.h, compute_uv=False)
        whole = real(found.rx_coefficients)[0] @ found.h @ real(found.tx_coefficients)[0]
        wanted = np.diag(gains**2 / (gains**2 + (10**-0.7 if equaliser == "mmse" else 0)))
        assert np.abs(whole - wanted).max() < 0.01 * max(1, np.abs(real(found.rx_coefficients)).max())
        precoder = real(found.tx_coefficients)[0]
        assert np.abs(precoder @ precoder.conj().T - np.eye(2)).max() < 0.004, "it changes no power"


def test_svd_is_unique() -> None:
    h = draw(Channel(kind="mimo2x2"), 10, 8, 1).h
    left, gains, right = channels.svd(h)
    assert left @ np.diag(gains) @ right.conj().T == pytest.approx(h, abs=1e-12)
    assert right[0].imag == pytest.approx([0, 0], abs=1e-15) and (right[0].real > 0).all()


@pytest.mark.parametrize("equaliser", ["zf", "mmse"])
def test_alamouti(equaliser: str) -> None:
    """A^H A = |H|_F^2 / 2: both symbols see one gain and none of each other."""
    channel = Channel(kind="mimo2x2", scheme="alamouti", equaliser=equaliser)
    for seed in range(20):
        found = draw(channel, 5.0, 8, seed)
        path = channels.alamouti_matrix(found.h)
        gain = np.sum(np.abs(found.h) ** 2) / 2
        assert path.conj().T @ path == pytest.approx(gain * np.eye(2), abs=1e-12)
        wanted = path.conj().T / (gain + (10**-0.5 if equaliser == "mmse" else 0))
        assert np.abs(real(found.rx_coefficients)[0] - wanted).max() < 2**-10
        # The matrix is what the channel does to coded symbols.
        still = draw(channel, math.inf, 4, seed)
        x = random_symbols(2, seed)
        y = still.receive(send(channel, None, x))
        assert np.concatenate([y[:2], y[2:].conj()]) == pytest.approx(path @ x, abs=1e-12)
        assert path.conj().T @ np.concatenate([y[:2], y[2:].conj()]) / gain == pytest.approx(x, abs=1e-12)


@pytest.mark.parametrize(("taps", "subcarriers"), [(1, 2), (4, 64), (16, 16), (3, 8)])
def test_ofdm_is_a_gain_per_subcarrier(taps: int, subcarriers: int) -> None:
    """The simulation in the time domain, prefix and all, against y_n = H_n x_n."""
    channel = Channel(kind="ofdm", taps=taps, subcarriers=subcarriers)
    x = random_symbols(5 * subcarriers)
    found = draw(channel, math.inf, len(x), 2)
    assert found.h.shape == (subcarriers,)
    assert found.receive(x) == pytest.approx(np.tile(found.h, 5) * x, abs=1e-12)


def test_mimo_words_alternate_between_antennas() -> None:
    found = draw(Channel(kind="mimo2x2"), math.inf, 4, 2)
    x = random_symbols(4)
    y = found.receive(x)
    assert y[:2] == pytest.approx(found.h @ x[:2], abs=1e-12)
    assert y[2:] == pytest.approx(found.h @ x[2:], abs=1e-12)


def test_quantised_once_and_saturated() -> None:
    values = np.array([1 / 8192, 3 / 8192, -1 / 8192, 8.0, -9.0, 7.99999, 1e300, -math.pi])
    words = channels.quantise(values + 1j * values[::-1])
    parts = words.view("<i2").reshape(-1, 2)
    wanted = [0, 2, 0, 32767, -32768, 32767, 32767, -12868]
    assert parts[:, 0].tolist() == wanted and parts[:, 1].tolist() == wanted[::-1]
    assert channels.symbols(words)[1] == complex(2 / 4096, 32767 / 4096)
    found = draw(Channel(), 3.0, 1000, 6)
    sent = channels.quantise(random_symbols(1000))
    assert (found.apply(sent) == channels.quantise(found.receive(channels.symbols(sent)))).all()


def test_no_noise_on_awgn_changes_nothing() -> None:
    words = np.random.default_rng(1).integers(0, 1 << 32, 1000, dtype=np.uint32)
    assert (draw(Channel(), math.inf, 1000, 1).apply(words) == words).all()


def test_coefficients_saturate() -> None:
    got = channels.quantise_coefficients(np.array([31.9, 32.0 - 1j, -40.0 + 1e30j, 1 / 2048 + 3j / 2048]))
    assert got.tolist() == [[32666, 0], [32767, -1024], [-32768, 32767], [0, 2]]


@pytest.mark.parametrize("channel", KINDS, ids=IDS)
def test_seeds(channel: Channel) -> None:
    """The same again for the same seed, and at another SNR the same fading and noise, scaled."""
    nothing = np.zeros(64, np.complex128)
    first, again, other = (draw(channel, 0.0, 64, seed) for seed in (1, 1, 2))
    louder = draw(channel, -20.0, 64, 1)
    assert (first.h == again.h).all() and (first.receive(nothing) == again.receive(nothing)).all()
    assert (first.receive(nothing) != other.receive(nothing)).all()
    assert (louder.h == first.h).all()
    assert louder.receive(nothing) == pytest.approx(10 * first.receive(nothing))
    assert (first.receive(nothing) == first.receive(nothing)).all(), "receiving draws nothing"


def test_nodes() -> None:
    assert nodes(Channel(), "tx") == nodes(Channel(), "rx") == ()
    for kind, tables in (("rayleigh", 1), ("ofdm", 64)):
        assert nodes(Channel(kind=kind), "tx") == ()
        assert nodes(Channel(kind=kind), "rx") == (MatrixProduct("equaliser", 1, 1, (False,), tables),)
        assert nodes(Channel(kind=kind, equaliser="none"), "rx") == ()
    two = Channel(kind="mimo2x2")
    assert nodes(two, "tx") == (MatrixProduct("precoder", 2, 2, (False, False)),)
    assert nodes(two, "rx") == (MatrixProduct("equaliser", 2, 2, (False, False)),)
    coded = Channel(kind="mimo2x2", scheme="alamouti")
    assert nodes(coded, "tx") == (Alamouti("alamouti"),)
    assert nodes(coded, "rx") == (MatrixProduct("equaliser", 2, 4, (False, False, True, True)),)


@pytest.mark.parametrize("channel", [KINDS[2], KINDS[3], KINDS[4]], ids=IDS[2:])
def test_a_coefficient_per_entry_of_the_nodes(channel: Channel) -> None:
    found = draw(channel, 10, 64, 1)
    for side, coefficients in (("tx", found.tx_coefficients), ("rx", found.rx_coefficients)):
        wanted = [(n.tables, n.rows, n.columns, 2) for n in nodes(channel, side) if isinstance(n, MatrixProduct)]
        assert wanted == ([] if coefficients is None else [coefficients.shape])


@pytest.mark.parametrize(
    ("channel", "words", "message"),
    [
        (Channel(), 0, r"channel: wanted a multiple of 1 symbols per frame, got k = 0"),
        (Channel(kind="mimo2x2"), 3, r"a multiple of 2 symbols per frame \(two antennas\), got k = 3"),
        (Channel(kind="mimo2x2", scheme="alamouti"), 6, r"a multiple of 4 .*\(two antennas in two slots\), got k = 6"),
        (Channel(kind="ofdm"), 96, r"a multiple of 64 symbols per frame \(subcarriers\), got k = 96"),
    ],
)
def test_numbers_of_symbols_that_do_not_fit(channel: Channel, words: int, message: str) -> None:
    with pytest.raises(HwgenError, match=message):
        draw(channel, 10, words, 1)


def test_another_number_of_symbols_is_refused() -> None:
    with pytest.raises(HwgenError, match=r"channel: wanted 8 symbols, got \(4,\)"):
        draw(Channel(), 10, 8, 1).apply(np.zeros(4, np.uint32))
