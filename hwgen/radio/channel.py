"""The radio channel between a transmitter's symbols and a receiver's, in float64, and the nodes that it asks for.

    awgn      y = x + n
    rayleigh  y = h x + n, one h ~ CN(0, 1) per frame; the equaliser multiplies by g = 1/h (zf) or
              conj(h) / (|h|^2 + s) (mmse), s = sigma^2 / P
    mimo2x2   Y = H X + n, H 2x2 of CN(0, 1) per frame, H = U S V^H; words alternate between antennas 0 and 1.
              svd: the precoder sends X = V x, the combiner is S^-1 U^H (zf) or S (S^2 + s)^-1 U^H (mmse).
              alamouti: Y = H X / sqrt(2) + n, so that both antennas together send P; the combiner is A^H / a (zf) or
              A^H / (a + s) (mmse), with A the 4x2 matrix from two symbols to the two slots received, the second one
              conjugated, and A^H A = a I, a = |H|_F^2 / 2 (Alamouti 1998).
    ofdm      `taps` of CN(0, 1 / taps) per frame; blocks of `subcarriers` symbols, IFFT, cyclic prefix, convolution,
              noise, FFT (both unitary): y_n = H_n x_n + n on subcarrier n, H the FFT of the taps. An equaliser as for
              rayleigh for each subcarrier.

SNR_dB = 10 log10(P / sigma^2): P per complex symbol (the specification's `power`), sigma^2 / 2 in each real component;
with fading it is the average one. Nothing is rounded but once: what is received, to Q3.12, saturated, as the
receiver's converters do. Coefficients are Q5.10, saturated.

A realisation follows from its seed alone: the same fading and the same noise (but for its scale) at every SNR.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT
from hwgen.ir.nodes import Alamouti, MatrixProduct
from hwgen.ir.nodes.matrix_product import COEFFICIENT, COEFFICIENT_FRACTION
from hwgen.numerics.integer import IntArray, saturate
from hwgen.numerics.words import pack_symbols
from hwgen.spec.model import Channel

Complex = npt.NDArray[np.complex128]
Words = npt.NDArray[np.uint32]
Medium = Callable[[Complex, Complex], Complex]
"""Symbols sent and noise to symbols received."""

ALAMOUTI_SCALE = math.sqrt(0.5)
"""Factor of each antenna's amplitude: two of them share the power."""


def nodes(channel: Channel, side: str) -> tuple[MatrixProduct | Alamouti, ...]:
    """The symbol-level nodes that a side needs for a channel: the last of a tx, the first of an rx; often none."""
    coded = channel.kind == "mimo2x2" and channel.scheme == "alamouti"
    if side == "tx":
        if coded:
            return (Alamouti("alamouti"),)
        return (MatrixProduct("precoder", 2, 2, (False, False)),) if channel.kind == "mimo2x2" else ()
    if coded:
        return (MatrixProduct("equaliser", 2, 4, (False, False, True, True)),)
    if channel.kind == "mimo2x2":
        return (MatrixProduct("equaliser", 2, 2, (False, False)),)
    if channel.kind == "awgn" or channel.equaliser == "none":
        return ()
    return (MatrixProduct("equaliser", 1, 1, (False,), channel.subcarriers if channel.kind == "ofdm" else 1),)


@dataclass(frozen=True, eq=False)
class Realisation:
    """A channel as one frame meets it.

    Attributes
    ----------
    channel, snr_db : what it was drawn for
    noise_variance : sigma^2 of a received complex symbol
    h : complex: () of awgn (1) and rayleigh, (2, 2) [receiving, sending antenna] of mimo2x2, (subcarriers,) of ofdm
    words : symbols that are sent, and received, per frame
    tx_coefficients, rx_coefficients : (tables, rows, columns, 2) integers, Q5.10, real and imaginary part, for the
        `MatrixProduct` of that side; None where it has none
    """

    channel: Channel
    snr_db: float
    noise_variance: float
    h: Complex
    words: int
    tx_coefficients: IntArray | None
    rx_coefficients: IntArray | None
    _through: Callable[[Complex], Complex]

    def receive(self, sent: Complex) -> Complex:
        """Symbols received for the symbols sent, complex128 (words,) each, noise and all, before they are quantised.

        Raises
        ------
        HwgenError : another number of symbols
        """
        if sent.shape != (self.words,):
            raise HwgenError("channel", f"{self.words} symbols", str(sent.shape))
        return self._through(sent)

    def apply(self, words: Words) -> Words:
        """The words received for the words sent, both Q3.12 (I low, Q high): quantised once, saturated."""
        return quantise(self.receive(symbols(words)))


def draw(channel: Channel, snr_db: float, words: int, seed: int) -> Realisation:
    """The channel of one frame.

    Parameters
    ----------
    snr_db : infinity for no noise at all
    words : symbols that the transmitter sends per frame, behind its precoder or its code
    seed : of fading and noise

    Raises
    ------
    HwgenError : that many symbols cannot be sent over this channel
    """
    check_words(channel, words)
    rng = np.random.Generator(np.random.PCG64(seed))
    variance = channel.power * 10.0 ** (-snr_db / 10)
    ratio = variance / channel.power
    h: Complex = np.ones((), np.complex128)
    tx = rx = None
    length = words

    through = _flat(h)
    if channel.kind == "rayleigh":
        h = _gaussian(rng, ())
        through = _flat(h)
        rx = _scalars(channel, h.reshape(1), ratio)
    elif channel.kind == "mimo2x2":
        h = _gaussian(rng, (2, 2))
        if channel.scheme == "svd":
            left, gains, right = svd(h)
            tx = quantise_coefficients(right[None])
            scale = 1 / gains if channel.equaliser == "zf" else gains / (gains**2 + ratio)
            rx = quantise_coefficients((scale[:, None] * left.conj().T)[None])
            through = _antennas(h)
        else:
            path = alamouti_matrix(h)
            gain = float(np.sum(np.abs(h) ** 2)) / 2
            rx = quantise_coefficients((path.conj().T / (gain + (ratio if channel.equaliser == "mmse" else 0.0)))[None])
            through = _antennas(h * ALAMOUTI_SCALE)
    elif channel.kind == "ofdm":
        taps = _gaussian(rng, (channel.taps,)) / math.sqrt(channel.taps)
        h = np.asarray(np.fft.fft(taps, channel.subcarriers))
        rx = _scalars(channel, h, ratio)
        length = words // channel.subcarriers * (channel.subcarriers + channel.taps - 1)
        through = _ofdm(taps, channel.subcarriers)
    noise = _gaussian(rng, (length,)) * math.sqrt(variance)
    return Realisation(channel, snr_db, variance, h, words, tx, rx, lambda sent: through(sent, noise))


def check_words(channel: Channel, words: int) -> None:
    """Refuse a number of symbols (behind the transmitter's precoder or code) that a channel cannot carry.

    Raises
    ------
    HwgenError
    """
    coded = channel.kind == "mimo2x2" and channel.scheme == "alamouti"
    multiple = 4 if coded else channel.symbol_multiple
    if words < 1 or words % multiple:
        per = {"mimo2x2": "two antennas in two slots" if coded else "two antennas", "ofdm": "subcarriers"}
        why = f" ({per[channel.kind]})" if channel.kind in per else ""
        raise HwgenError("channel", f"a multiple of {multiple} symbols per frame{why}", f"k = {words}")


def symbols(words: Words) -> Complex:
    """(n,) words, I in the low and Q in the high half, Q3.12, as complex values."""
    parts = words.astype("<u4").view("<i2").reshape(-1, 2) * 2.0**SYMBOL_EXPONENT
    return np.asarray(parts[:, 0] + 1j * parts[:, 1])


def quantise(received: Complex) -> Words:
    """Complex values as words: both parts to the nearest Q3.12 (ties to even), saturated."""
    return pack_symbols(_parts(received, -SYMBOL_EXPONENT, SYMBOL.bits))


def quantise_coefficients(values: Complex) -> IntArray:
    """Complex values (...) as Q5.10 integers (..., 2): real, imaginary; what is beyond +-32 is saturated."""
    return _parts(values, COEFFICIENT_FRACTION, COEFFICIENT.bits)


def svd(h: Complex) -> tuple[Complex, npt.NDArray[np.float64], Complex]:
    """U, s, V of h = U diag(s) V^H; each column of V has a real, positive first entry, which makes them unique."""
    left, gains, right = np.linalg.svd(h)
    columns = right.conj().T
    phase = np.exp(-1j * np.angle(columns[0]))
    return np.asarray(left * phase), gains, np.asarray(columns * phase)


def alamouti_matrix(h: Complex) -> Complex:
    """(4, 2): two symbols to what two antennas receive in the first slot and, conjugated, in the second one."""
    second = np.conj(h) @ np.array([[0, -1], [1, 0]])  # the antennas send -conj(s1), conj(s0)
    return np.asarray(np.concatenate([h, second]) * ALAMOUTI_SCALE)


def _parts(values: Complex, fraction: int, bits: int) -> IntArray:
    scaled = np.stack([values.real, values.imag], axis=-1) * 2.0**fraction
    # Clipped before the conversion, too: an integer of what is far beyond 64 bits is undefined.
    return saturate(np.rint(np.clip(scaled, -(2.0**40), 2.0**40)).astype(np.int64), bits, True)


def _gaussian(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """CN(0, 1): half of the variance in each component."""
    parts = rng.normal(0.0, math.sqrt(0.5), (*shape, 2))
    return np.asarray(parts[..., 0] + 1j * parts[..., 1])


def _scalars(channel: Channel, h: Complex, ratio: float) -> IntArray | None:
    """(tables, 1, 1, 2) coefficients that undo one gain each."""
    if channel.equaliser == "none":
        return None
    power = np.abs(h) ** 2
    found = np.conj(h) / (power + (ratio if channel.equaliser == "mmse" else 0.0))
    return quantise_coefficients(np.asarray(found, np.complex128)[:, None, None])


def _flat(h: Complex) -> Medium:
    return lambda sent, noise: np.asarray(h * sent + noise)


def _antennas(matrix: Complex) -> Medium:
    def through(sent: Complex, noise: Complex) -> Complex:
        return np.asarray((sent.reshape(-1, 2) @ matrix.T).reshape(-1) + noise)

    return through


def _ofdm(taps: Complex, subcarriers: int) -> Medium:
    prefix = len(taps) - 1  # the shortest one that keeps blocks apart

    def through(sent: Complex, noise: Complex) -> Complex:
        blocks = np.fft.ifft(sent.reshape(-1, subcarriers), norm="ortho", axis=1)
        samples = np.concatenate([blocks[:, subcarriers - prefix :], blocks], axis=1).reshape(-1)
        received = np.convolve(samples, taps)[: len(samples)] + noise
        kept = received.reshape(-1, prefix + subcarriers)[:, prefix:]
        return np.asarray(np.fft.fft(kept, norm="ortho", axis=1).reshape(-1))

    return through
