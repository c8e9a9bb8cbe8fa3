"""The linear code: the best picture that a linear transmitter and a linear receiver make of noisy symbols.

It is what a network is to be compared with, and what one can start from. Nothing in it is learned but the
principal components of blocks of pixels. With components y_i of variance v_i sent as g_i y_i over noise of variance s,
the least squared error of a component behind its receiver's weight g_i v_i / (g_i^2 v_i + s) is
v_i s / (g_i^2 v_i + s). Two ways to share the power T = sum g_i^2 v_i among the components:

- ``quarter``: g_i = c v_i^(-1/4), the limit of many symbols at little noise, over the m components for which the sum
  of all errors, those of what is left out included, is least;
- ``optimal``: g_i^2 v_i = c sqrt(v_i) - s where that is positive, which minimises the sum (K.-H. Lee and
  D. P. Petersen, Optimal Linear Coding for Vector Channels, IEEE Transactions on Communications 24(12), 1976).

White noise looks alike from every side, so the weighted components may be turned by any orthogonal matrix on the way:
`rotation` spreads them evenly, so that all channels of a latent have one variance and none needs more bits than others.

NumPy alone, float64. Pixels are value * 2^-8; a block's values are ordered (colour, row, column), as in torch's
pixel_unshuffle.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.metrics.psnr import psnr
from hwgen.numerics.formats import PIXEL

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
Allocation = Literal["quarter", "optimal"]


def blocks(image: Image, size: int) -> Array:
    """(H, W, C) uint8 -> (H // size, W // size, C * size^2): whole blocks, pixel * 2^-8."""
    rows, columns = (side // size for side in image.shape[:2])
    colours = image.shape[2]
    cut = image[: rows * size, : columns * size].reshape(rows, size, columns, size, colours)
    return cut.transpose(0, 2, 4, 1, 3).reshape(rows, columns, -1).astype(np.float64) * PIXEL.scale


def picture(values: Array, size: int) -> Image:
    """The inverse of `blocks`, rounded half to even and clamped to 0..255."""
    rows, columns, count = values.shape
    colours = count // size**2
    pixels = values.reshape(rows, columns, colours, size, size).transpose(0, 3, 1, 4, 2)
    return np.clip(np.rint(pixels.reshape(rows * size, columns * size, colours) / PIXEL.scale), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of blocks of pixels.

    Attributes
    ----------
    size : int
        Width and height of a block in pixels.
    mean : (d,) float64
        Of the blocks; d = colours * size^2.
    variances : (d,) float64
        Of the components, largest first.
    basis : (d, d) float64
        Orthonormal columns: component i of a block b is ``basis[:, i] @ (b - mean)``. The entry of the largest
        magnitude in each column is positive.
    where : str
        The images' place, for errors.
    """

    size: int
    mean: Array
    variances: Array
    basis: Array
    where: str = "linear code"

    @classmethod
    def of(cls, images: Iterable[Image], size: int, where: str = where) -> Components:
        """Principal components of all whole blocks of the images, (H, W, C) uint8 each, of any sizes.

        Parameters
        ----------
        where
            The images' place, for errors.

        Raises
        ------
        HwgenError
            There are fewer than two blocks.
        """
        count, total, products = 0, np.zeros(1), np.zeros((1, 1))
        for image in images:
            found = blocks(image, size)
            values = found.reshape(-1, found.shape[-1]) - 0.5  # about the mean: sums of squares lose less
            count, total, products = count + len(values), total + values.sum(0), products + values.T @ values
        if count < 2:
            raise HwgenError(where, f"images with at least two blocks of {size}x{size} pixels", str(count))
        mean = total / count
        variances, basis = np.linalg.eigh((products - count * np.outer(mean, mean)) / (count - 1))
        variances, basis = np.maximum(variances[::-1], 0.0), basis[:, ::-1]
        largest = np.take_along_axis(basis, np.abs(basis).argmax(0)[None], 0)
        return cls(size, mean + 0.5, variances, basis * np.sign(largest), where)


def allocate(variances: Array, power: float, noise: float, allocation: Allocation = "quarter") -> Array:
    """Power of every component that is sent, (m,) float64, m at most as many as there are: the sum is `power`.

    Parameters
    ----------
    variances : (n,) of the components that could be sent, largest first; more may exist, they are lost in any case
    power : T, of all of them together
    noise : s, variance of the noise that is added to each
    """
    usable = variances[: np.count_nonzero(variances > 0.0)]
    best, least = usable[:0], math.inf
    for count in range(1, len(usable) + 1):
        roots = np.sqrt(usable[:count])
        spare = 0.0 if allocation == "quarter" else noise
        shares = roots * ((power + count * spare) / roots.sum()) - spare
        if shares[-1] <= 0.0:
            break
        error = float((usable[:count] * noise / (shares + noise)).sum() + usable[count:].sum())
        if error < least:
            best, least = shares, error
    return best


def rotation(channels: int) -> Array:
    """An orthogonal matrix that spreads each of its inputs evenly over its outputs: (channels, channels) float64.

    The Kronecker product of the Hadamard matrix of the largest power of two that divides `channels` and the orthonormal
    cosine transform (DCT-II) of the rest. Where `channels` is a power of two, all entries have one magnitude.
    """
    rest = channels
    matrix: Array = np.ones((1, 1))
    while rest % 2 == 0:
        matrix = np.kron(matrix, np.array([[1.0, 1.0], [1.0, -1.0]]) * math.sqrt(0.5)).astype(np.float64)
        rest //= 2
    frequency, sample = np.mgrid[0:rest, 0:rest]
    cosines = np.cos(math.pi * (2 * sample + 1) * frequency / (2 * rest)) * math.sqrt(2.0 / rest)
    cosines[0] = math.sqrt(1.0 / rest)
    return np.kron(matrix, cosines.T)


@dataclass(frozen=True, eq=False)
class LinearCode:
    """A linear transmitter and receiver for one SNR.

    Attributes
    ----------
    size : int
        Width and height of a block in pixels.
    mean : (d,) float64
        Of the blocks.
    transmitter : (k, d) float64
        Block without its mean -> k real symbols. Their power is `power` / 2 each on average over what the
        components were measured on: a static gain.
    receiver : (d, k) float64
        Noisy symbols -> block without its mean.
    sent : int
        Components that are sent; the others are left out.
    error : float
        Expected squared error of a value, pixel * 2^-8.
    """

    size: int
    mean: Array
    transmitter: Array
    receiver: Array
    sent: int
    error: float

    def transmit(self, image: Image) -> Array:
        """(H, W, C) uint8 -> (rows, columns, k) real symbols."""
        return (blocks(image, self.size) - self.mean) @ self.transmitter.T

    def receive(self, symbols: Array) -> Image:
        """(rows, columns, k) real symbols -> (rows * size, columns * size, C) uint8."""
        return picture(symbols @ self.receiver.T + self.mean, self.size)


def channels_of(share: Fraction, values: int, where: str) -> int:
    """Real symbols of a block of so many values, for k/n complex symbols per value.

    Raises
    ------
    HwgenError
        They are not a whole number from 1 to `values`.
    """
    found = 2 * share * values
    if found.denominator != 1 or not 1 <= found <= values:
        wanted = f"a k/n that gives 1 to {values} real symbols for a block's {values} values"
        raise HwgenError(where, wanted, str(found))
    return int(found)


def linear_code(
    components: Components,
    channels: int,
    snr_db: float,
    power: float = 1.0,
    allocation: Allocation = "quarter",
    rotated: bool = False,
) -> LinearCode:
    """The linear code of a block's strongest components for one SNR.

    Parameters
    ----------
    channels : k, real symbols per block, two to a complex one
    snr_db : 10 log10(power / sigma^2); each real symbol gets noise of sigma^2 / 2
    power : P, average power per complex symbol
    rotated : whether the symbols are turned by `rotation`; the error does not change

    Raises
    ------
    HwgenError
        More channels than a block has values, or blocks without any contrast.
    """
    if not 1 <= channels <= len(components.mean):
        wanted = f"1 to {len(components.mean)} channels, the values of a block"
        raise HwgenError(components.where, wanted, str(channels))
    noise = power * 10.0 ** (-snr_db / 10.0) / 2.0
    shares = allocate(components.variances[:channels], channels * power / 2.0, noise, allocation)
    sent = len(shares)
    if not sent:
        raise HwgenError(components.where, "images with some contrast, for the linear code", "none")
    variances, basis = components.variances[:sent], components.basis[:, :sent]
    gains = np.sqrt(shares / variances)
    turn = rotation(channels)[:, :sent] if rotated else np.eye(channels, sent)
    transmitter = turn @ (basis * gains).T
    receiver = (basis * (gains * variances / (shares + noise))) @ turn.T
    lost = (variances * noise / (shares + noise)).sum() + components.variances[sent:].sum()
    return LinearCode(components.size, components.mean, transmitter, receiver, sent, float(lost) / len(components.mean))


@dataclass(frozen=True)
class Measured:
    """A linear code at the SNR that it was made for, over AWGN.

    Attributes
    ----------
    sent : components of a block that are sent
    power : average power per complex symbol over the images measured, with the static gain of the training images
    static_psnr_db : mean over images of their PSNR, with that gain
    psnr_db : the same with the gain that gives the images measured exactly the wanted power on average: how a network
        is measured whose power is normalised
    """

    snr_db: float
    sent: int
    power: float
    static_psnr_db: float
    psnr_db: float


def measure(
    code: LinearCode, images: Collection[Image], snr_db: float, power: float = 1.0, seed: int = 0
) -> Measured:
    """Send images over AWGN, whole blocks of them; image i has the noise of ``default_rng(seed + i)``.

    They are gone through twice, one at a time: none but one of them, and its symbols, is held.

    Parameters
    ----------
    code : made for `snr_db` and `power`
    images : (H, W, C) uint8, of any sizes

    Raises
    ------
    HwgenError
        There are none.
    """
    if not len(images):
        raise HwgenError("linear code", "images to measure", "none")
    found = power_of(code, images)
    each = received(code, images, snr_db, power, (1.0, found / power), seed)
    quality = [[psnr(original, one) for one in seen] for original, seen in each]
    static, equal = (float(np.mean(values)) for values in zip(*quality, strict=True))
    return Measured(snr_db, code.sent, found, static, equal)


def power_of(code: LinearCode, images: Collection[Image]) -> float:
    """Average power per complex symbol over the images, at least one, with the code's own gain."""
    return sum(float(2.0 * np.square(code.transmit(image)).mean()) for image in images) / len(images)


def received(
    code: LinearCode, images: Iterable[Image], snr_db: float, power: float, scales: Sequence[float], seed: int
) -> Iterator[tuple[Image, list[Image]]]:
    """Whole blocks of every image, (H, W, C) uint8, as they are and as they are received over AWGN.

    Parameters
    ----------
    scales : of the noise's power, a picture for each: a gain that divides the symbols' power by so much is a noise
        that is multiplied by it
    """
    deviation = math.sqrt(power * 10.0 ** (-snr_db / 10.0) / 2.0)
    for index, image in enumerate(images):
        symbols = code.transmit(image)
        rows, columns = (count * code.size for count in symbols.shape[:2])
        noise = deviation * np.random.default_rng(seed + index).normal(size=symbols.shape)
        yield image[:rows, :columns], [code.receive(symbols + noise * np.sqrt(scale)) for scale in scales]
