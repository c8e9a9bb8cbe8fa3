"""The words of a design's streams: packing and unpacking of pixels, symbols, coefficients and values, once for all.

Every word is 32 bits (uint32) with the first value in the lowest bits. Emission, verification, the radio link and the
simulation (which imports nothing else of hwgen but its errors) take them from here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwgen.numerics.formats import COEFFICIENT, PIXEL, SYMBOL
from hwgen.numerics.integer import IntArray, IntLike

Words = npt.NDArray[np.uint32]

COMPLEX_PARTS = 2
"""Parts of a complex number, the real one (I) first."""
MOST_CHANNELS = 3
"""Channels of a pixel word: R, G, B."""

assert COEFFICIENT.bits == SYMBOL.bits  # one packing serves both


def pack_symbols(values: IntLike) -> Words:
    """Pair latent values into channel symbols: value 2i is I in bits 15..0, value 2i+1 is Q in bits 31..16.

    Parameters
    ----------
    values
        Signed 16-bit values in an array of any shape, read in C order: (H, W, C) is raster order, channel last.

    Returns
    -------
    uint32 array of shape (ceil(values.size / 2),). The Q of an odd last value is 0.

    Raises
    ------
    ValueError
        A value does not fit 16 signed bits.
    """
    flat = np.asarray(values, dtype=np.int64).reshape(-1)
    low, high = SYMBOL.bounds
    if flat.size and (int(flat.min()) < low or int(flat.max()) > high):
        raise ValueError(f"values: wanted {low}..{high}, got {int(flat.min())}..{int(flat.max())}")
    padded = np.zeros((flat.size + 1) // 2 * 2, dtype=np.int64)
    padded[: flat.size] = flat
    return _pack(padded.reshape(-1, COMPLEX_PARTS), SYMBOL.bits)


def unpack_symbols(words: npt.NDArray[np.integer]) -> IntArray:
    """Inverse of `pack_symbols`: (k,) words to (k, 2) int64, I and Q, signed."""
    return signed_values(_unpack(words, COMPLEX_PARTS, SYMBOL.bits), SYMBOL.bits, SYMBOL.signed)


def pack_coefficients(coefficients: npt.NDArray[np.integer]) -> Words:
    """Coefficients of several frames as the words of the second input stream.

    Parameters
    ----------
    coefficients
        (frames, ..., 2) integers of 16 signed bits, real and imaginary part.

    Returns
    -------
    (frames, words), the real part in the low half.

    Raises
    ------
    ValueError
        The last axis is no pair, or a value has more bits.
    """
    if not coefficients.ndim or coefficients.shape[-1] != COMPLEX_PARTS:
        raise ValueError(f"coefficients: wanted pairs (frames, ..., 2), got shape {coefficients.shape}")
    return pack_symbols(coefficients).reshape(len(coefficients), -1)


def pack_pixels(images: npt.NDArray[np.uint8]) -> Words:
    """Images as words of the pixel stream: R in bits 7..0, G in 15..8, B in 23..16.

    Parameters
    ----------
    images
        (..., H, W, C) uint8 with at most 3 channels.

    Returns
    -------
    (..., H * W) in raster order.

    Raises
    ------
    ValueError
        Another shape or type.
    """
    if images.dtype != np.uint8 or images.ndim < 3 or not 1 <= images.shape[-1] <= MOST_CHANNELS:
        raise ValueError(
            f"images: wanted uint8 (..., H, W, C) with C from 1 to {MOST_CHANNELS}, got {images.dtype} {images.shape}"
        )
    return _pack(images, PIXEL.bits).reshape(*images.shape[:-3], -1)


def unpack_pixels(
    words: npt.NDArray[np.integer], height: int, width: int, channels: int = MOST_CHANNELS
) -> npt.NDArray[np.uint8]:
    """Inverse of `pack_pixels`: (..., height * width) words to (..., height, width, channels) uint8."""
    return _unpack(words, channels, PIXEL.bits).astype(np.uint8).reshape(*words.shape[:-1], height, width, channels)


def slot_bytes(words: Words, item_bytes: int, used_bytes: int) -> bytes:
    """The words of a design's stream as bytes of an IP's.

    Parameters
    ----------
    words : (items,) uint32
    item_bytes, used_bytes : bytes of an item, and those of them that the word's lowest ones fill; the others are 0
    """
    content = np.zeros((len(words), item_bytes), np.uint8)
    plain = np.ascontiguousarray(words, dtype="<u4").view(np.uint8).reshape(-1, 4)
    content[:, :used_bytes] = plain[:, :used_bytes]
    return content.tobytes()


def unpack_lanes(words: npt.NDArray[np.integer], lanes: int, bits: int) -> Words:
    """The raw bits of a beat's values: (...) words to (..., lanes), the first value in the lowest bits."""
    return _unpack(words, lanes, bits).astype(np.uint32)


def signed_values(values: npt.NDArray[np.integer], bits: int, signed: bool) -> IntArray:
    """Raw bits, 0 .. 2**bits - 1, as the int64 integers that they stand for."""
    wide = np.asarray(values, dtype=np.int64)
    return wide - ((wide >> (bits - 1)) << bits) if signed else wide


def _pack(values: npt.NDArray[np.integer], bits: int) -> Words:
    """(..., lanes) to (...) words."""
    raw = np.asarray(values, dtype=np.int64) & (1 << bits) - 1
    return np.asarray((raw << np.arange(raw.shape[-1]) * bits).sum(axis=-1), dtype=np.uint32)


def _unpack(words: npt.NDArray[np.integer], lanes: int, bits: int) -> IntArray:
    """(...) words to (..., lanes), not negative."""
    wide = np.asarray(words, dtype=np.int64)
    return np.asarray(wide[..., np.newaxis] >> np.arange(lanes) * bits & (1 << bits) - 1, dtype=np.int64)
