"""The numeric contract of complex arithmetic: products, matrix products, Alamouti, power per image, in integers.

Complex integers are int64 arrays whose last axis is (re, im), of the formats in `hwgen.numerics.formats`. The hardware
is tested for equality with these functions, and they are tested against plain Python integers; docs/complex.md states
the same rules in prose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwgen.numerics.formats import COEFFICIENT, SYMBOL
from hwgen.numerics.integer import IntArray, IntLike, requantise, saturate

MANTISSA_BITS = 24
"""Bits of the energy that the division sees."""
QUOTIENT_BITS = 34
"""Bits of the quotient, which is at least 2 ** 30; its root has half of them."""
GAIN_BITS = QUOTIENT_BITS // 2
"""Bits of the gain, unsigned."""


def complex_multiply(a: IntArray, b: IntArray, conjugate: bool = False) -> IntArray:
    """a * b, or a * conj(b), exactly: integers (..., 2) that broadcast."""
    a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    _check_complex("a", a)
    _check_complex("b", b)
    a_re, a_im, b_re = a[..., 0], a[..., 1], b[..., 0]
    b_im = -b[..., 1] if conjugate else b[..., 1]
    return np.stack([a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re], axis=-1)


def conjugated(x: IntArray) -> IntArray:
    """conj(x) of symbols (..., 2); the one im that has no negative, -32768, becomes 32767."""
    x = np.asarray(x, dtype=np.int64)
    _check_complex("x", x)
    return np.stack([x[..., 0], negated(x[..., 1])], axis=-1)


def negated(x: IntLike) -> IntArray:
    """-x, saturated to 16 bits."""
    return saturate(-np.asarray(x, dtype=np.int64), SYMBOL.bits, SYMBOL.signed)


def matrix_product(symbols: IntArray, coefficients: IntArray, conjugate: Sequence[bool] | None = None) -> IntArray:
    """Groups of C symbols times a matrix of R x C coefficients: R symbols of each group.

        out[g * R + r] = requantise(sum over c of coefficients[g % T, r, c] * x'[g * C + c], 10, 16)

    re and im each; x' is conj(x) where `conjugate[c]`, saturated. The sum is exact, rounding is half to even.

    Parameters
    ----------
    symbols
        (k, 2), a whole frame, 16 bits; k a multiple of C.
    coefficients
        (T, R, C, 2), Q5.10 in 16 bits: T matrices that take turns, the first group of a frame takes the first.
    conjugate
        Of each of the C columns; None: none is.

    Returns
    -------
    (k // C * R, 2)

    Raises
    ------
    ValueError
        Shapes that are none of these.
    """
    sums = matrix_sums(symbols, coefficients, conjugate)
    return requantise(sums, COEFFICIENT.fraction, SYMBOL.bits, SYMBOL.signed)


def matrix_sums(symbols: IntArray, coefficients: IntArray, conjugate: Sequence[bool] | None = None) -> IntArray:
    """The sums of `matrix_product`, before they are rounded: (k // C * R, 2)."""
    symbols, coefficients = np.asarray(symbols, dtype=np.int64), np.asarray(coefficients, dtype=np.int64)
    _check_complex("symbols", symbols)
    _check_complex("coefficients", coefficients)
    if symbols.ndim != 2 or coefficients.ndim != 4:
        raise ValueError(
            f"matrix_product: wanted symbols (k, 2) and coefficients (T, R, C, 2), got {symbols.shape} and "
            f"{coefficients.shape}"
        )
    tables, rows, columns, _ = coefficients.shape
    flags = (False,) * columns if conjugate is None else tuple(conjugate)
    if len(flags) != columns:
        raise ValueError(f"conjugate: wanted one for each of {columns} columns, got {len(flags)}")
    if len(symbols) % columns:
        raise ValueError(f"symbols: wanted a multiple of {columns}, got {len(symbols)}")
    groups = symbols.reshape(-1, 1, columns, 2)
    groups = np.where(np.array(flags)[:, np.newaxis], conjugated(groups), groups)
    matrices = coefficients[np.arange(len(groups)) % tables]
    sums = complex_multiply(matrices, groups).sum(axis=2)
    return sums.reshape(-1, 2)


def alamouti_encode(symbols: IntArray) -> IntArray:
    """(s0, s1) becomes s0, s1, -conj(s1), conj(s0): slot 0 on antennas 0 and 1, then slot 1. -x is saturated.

    Parameters
    ----------
    symbols
        (k, 2), k even.

    Returns
    -------
    (2 * k, 2)

    Raises
    ------
    ValueError
        k is odd.
    """
    return saturate(alamouti_exact(symbols), SYMBOL.bits, SYMBOL.signed)


def alamouti_exact(symbols: IntArray) -> IntArray:
    """`alamouti_encode` before its saturation: 17 bits."""
    symbols = np.asarray(symbols, dtype=np.int64)
    _check_complex("symbols", symbols)
    if symbols.ndim != 2 or len(symbols) % 2:
        raise ValueError(f"symbols: wanted (k, 2) with k even, got {symbols.shape}")
    pairs = symbols.reshape(-1, 2, 2)
    first, second = pairs[:, 0], pairs[:, 1]
    turned = np.stack([-second[:, 0], second[:, 1]], axis=-1)
    conjugate = np.stack([first[:, 0], -first[:, 1]], axis=-1)
    return np.stack([first, second, turned, conjugate], axis=1).reshape(-1, 2)


def even_length(x: int) -> int:
    """Bits of x > 0, rounded up to an even number."""
    bits = x.bit_length()
    return bits + (bits & 1)


def power_gain(energy: int, symbols: int, power: int) -> tuple[int, int]:
    """(g, s): the gain g / 2**s that brings a frame of that energy to that power per complex symbol.

    Values x of a frame are to become x * sqrt(k * P / E), in Q3.12: E the sum of their squares, k the frame's symbols,
    P = power * 2**-16. With N = k * power, e and c the lengths of E and N in bits, made even by rounding up:

        m = floor(E * 2**(24 - e))            24 bits of the energy, its first one among the upper two
        q = floor(N * 2**(56 - c) / m)        2**30 .. 2**34 - 1
        g = floor(sqrt(q))                    2**15 .. 2**17 - 1
        s = 12 + (e - c) / 2

    g / 2**s is within a factor 1 +- 2**-14 of the exact gain. Of energy 0 the gain is 0.

    Parameters
    ----------
    energy
        0 or more.
    symbols, power
        k and P * 2**16, at least 1; their product below 2**56.

    Raises
    ------
    ValueError
        A number out of range.
    """
    for key, value, least in (("energy", energy, 0), ("symbols", symbols, 1), ("power", power, 1)):
        if value < least:
            raise ValueError(f"{key}: wanted at least {least}, got {value}")
    if not energy:
        return 0, 0
    wanted, c = power_numerator(symbols, power)
    e = even_length(energy)
    mantissa = energy << MANTISSA_BITS - e if e <= MANTISSA_BITS else energy >> e - MANTISSA_BITS
    return _floor_sqrt(wanted // mantissa), SYMBOL.fraction + (e - c) // 2


def power_numerator(symbols: int, power: int) -> tuple[int, int]:
    """(N * 2**(56 - c), c) of `power_gain`: what hardware has as constants.

    Raises
    ------
    ValueError
        symbols * power needs more than 56 bits.
    """
    wanted = symbols * power
    c, most = even_length(wanted), MANTISSA_BITS + QUOTIENT_BITS - 2
    if c > most:
        raise ValueError(f"symbols x power: wanted at most {most} bits, got {wanted.bit_length()}")
    return wanted << most - c, c


def power_normalise(x: IntArray, power: int) -> IntArray:
    """A frame at the power: requantise(x * g, s, 16) with (g, s) = power_gain(sum of x * x, ceil(x.size / 2), power).

    Parameters
    ----------
    x
        All values of a frame, any shape, at most 16 bits signed each.
    power
        P * 2**16, the average power of a complex symbol.

    Returns
    -------
    int64 array of the shape of `x`, Q3.12 in 16 bits, saturated.

    Raises
    ------
    ValueError
        No value, one of more than 16 bits, or numbers beyond those of `power_gain`.
    """
    x = np.asarray(x, dtype=np.int64)
    if not x.size:
        raise ValueError("x: wanted at least one value, got none")
    low, high = SYMBOL.bounds
    if int(x.min()) < low or int(x.max()) > high:
        raise ValueError(f"x: wanted {low}..{high}, got {int(x.min())}..{int(x.max())}")
    gain, shift = power_gain(int((x * x).sum()), (x.size + 1) // 2, power)
    return requantise(x * gain, shift, SYMBOL.bits, SYMBOL.signed)


def _floor_sqrt(x: int) -> int:
    """math.isqrt, digit by digit as the hardware takes it."""
    root = 0
    for place in reversed(range(GAIN_BITS)):
        if (root | 1 << place) ** 2 <= x:
            root |= 1 << place
    return root


def _check_complex(key: str, x: IntArray) -> None:
    if not x.ndim or x.shape[-1] != 2:
        raise ValueError(f"{key}: wanted complex integers (..., 2), got an array of shape {x.shape}")
