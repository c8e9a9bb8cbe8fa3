"""complexfixed.py against plain Python integers that import nothing from hwgen."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from hwgen.numerics import complex as cf


def half_even(value: Fraction) -> int:
    floor = value.numerator // value.denominator
    rest = value - floor
    return floor + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1))


def to_16_bits(value: int) -> int:
    return min(max(value, -32768), 32767)


def plain_product(a: tuple[int, int], b: tuple[int, int], conjugate: bool) -> tuple[int, int]:
    im = -b[1] if conjugate else b[1]
    return a[0] * b[0] - a[1] * im, a[0] * im + a[1] * b[0]


def plain_matrix(
    symbols: list[tuple[int, int]], matrices: list[list[list[tuple[int, int]]]], conjugate: list[bool]
) -> list[tuple[int, int]]:
    columns, found = len(conjugate), []
    for group in range(len(symbols) // columns):
        for row in matrices[group % len(matrices)]:
            re = im = 0
            for c in range(columns):
                x = symbols[group * columns + c]
                if conjugate[c]:
                    x = (x[0], to_16_bits(-x[1]))
                product = plain_product(row[c], x, False)
                re, im = re + product[0], im + product[1]
            found.append((to_16_bits(half_even(Fraction(re, 1024))), to_16_bits(half_even(Fraction(im, 1024)))))
    return found


def plain_power(values: list[int], power: int) -> list[int]:
    """The rule of docs/complex.md, written once more."""
    energy = sum(value * value for value in values)
    if energy == 0:
        return [0] * len(values)
    wanted = (len(values) + 1) // 2 * power

    def even(x: int) -> int:
        return (len(bin(x)) - 1) // 2 * 2  # "0b" is two characters: bits + 2

    e, c = even(energy), even(wanted)
    mantissa = int(Fraction(energy) * Fraction(2) ** (24 - e))
    gain = math.isqrt(int(Fraction(wanted) * Fraction(2) ** (56 - c)) // mantissa)
    scale = Fraction(gain) / Fraction(2) ** (12 + (e - c) // 2)
    return [to_16_bits(half_even(value * scale)) for value in values]


def corners(bits: int, rng: random.Random) -> int:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return rng.choice([low, low + 1, -1, 0, 1, high, rng.randint(low, high), rng.randint(low, high)])


@pytest.mark.parametrize("conjugate", [False, True])
def test_complex_multiply(conjugate: bool) -> None:
    rng = random.Random(1)
    pairs = [[(corners(16, rng), corners(16, rng)) for _ in range(400)] for _ in range(2)]
    wanted = [plain_product(a, b, conjugate) for a, b in zip(*pairs, strict=True)]
    assert cf.complex_multiply(np.array(pairs[0]), np.array(pairs[1]), conjugate).tolist() == [list(w) for w in wanted]


def test_complex_multiply_broadcasts() -> None:
    got = cf.complex_multiply(np.array([[[1, 2]], [[3, -4]]]), np.array([5, -6]))
    assert got.tolist() == [[[17, 4]], [[-9, -38]]]


@pytest.mark.parametrize("tables", [1, 2, 3])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 2), (1, 2), (2, 1), (2, 4), (3, 3)])
def test_matrix_product(rows: int, columns: int, tables: int) -> None:
    rng = random.Random(rows * 100 + columns * 10 + tables)
    symbols = [(corners(16, rng), corners(16, rng)) for _ in range(columns * 40)]
    bits = rng.choice([8, 12, 16])
    matrices = [
        [[(corners(bits, rng), corners(bits, rng)) for _ in range(columns)] for _ in range(rows)] for _ in range(tables)
    ]
    conjugate = [bool(rng.getrandbits(1)) for _ in range(columns)]
    wanted = plain_matrix(symbols, matrices, conjugate)
    got = cf.matrix_product(np.array(symbols), np.array(matrices), conjugate)
    assert got.dtype == np.int64
    assert got.tolist() == [list(w) for w in wanted]
    plain = cf.matrix_product(np.array(symbols), np.array(matrices))
    assert plain.tolist() == [list(w) for w in plain_matrix(symbols, matrices, [False] * columns)]


def test_matrix_product_ties_and_saturation() -> None:
    one = np.array([[[[1, 0]]]])
    symbols = np.array([[512, -512], [1536, -1536], [2560, 513], [-32768, 32767]])
    assert cf.matrix_product(symbols, one).tolist() == [[0, 0], [2, -2], [2, 1], [-32, 32]]
    assert cf.matrix_product(symbols, 32767 * one)[-1].tolist() == [-32768, 32767]
    # The only symbol whose conjugate does not exist.
    assert cf.matrix_product(np.array([[0, -32768]]), 1024 * one, (True,)).tolist() == [[0, 32767]]


def test_alamouti() -> None:
    rng = random.Random(3)
    symbols = [(corners(16, rng), corners(16, rng)) for _ in range(200)]
    wanted = []
    for s0, s1 in zip(symbols[0::2], symbols[1::2], strict=True):
        turned = (to_16_bits(-s1[0]), s1[1])  # -conj(s1)
        wanted += [s0, s1, turned, (s0[0], to_16_bits(-s0[1]))]
    assert cf.alamouti_encode(np.array(symbols)).tolist() == [list(w) for w in wanted]


@pytest.mark.parametrize("size", [1, 2, 3, 15, 64, 1001])
@pytest.mark.parametrize("power", [1, 999, 32768, 65536, 131072, 1 << 20])
def test_power(size: int, power: int) -> None:
    rng = random.Random(size * power)
    for limit in (1, 2, 9, 128):
        values = [rng.randint(-limit, limit - 1) for _ in range(size)]
        assert cf.power_normalise(np.array(values), power).tolist() == plain_power(values, power)
    values = [0] * (size - 1) + [-128]
    assert cf.power_normalise(np.array(values), power).tolist() == plain_power(values, power)


def test_power_of_nothing_is_nothing() -> None:
    assert cf.power_normalise(np.zeros((2, 3, 4), dtype=np.int64), 65536).tolist() == np.zeros((2, 3, 4)).tolist()


def test_exact_powers() -> None:
    """Energies that are even powers of two give gains that are exact, and results that can be read."""
    assert cf.power_normalise(np.array([64, 0, 0, 0]), 32768).tolist() == [4096, 0, 0, 0]
    assert cf.power_normalise(np.array([1] * 2**12), 1).tolist() == [11] * 2**12  # 16 / sqrt(2) = 11.3


def test_gain_is_as_exact_as_stated() -> None:
    """Within a factor 1 +- 2**-14 of sqrt(k P / E), and above it only by what the cut energy gives."""
    rng = random.Random(7)
    most = [Fraction(0), Fraction(0)]
    for _ in range(20_000):
        energy = rng.getrandbits(rng.randint(1, 44)) or 1
        symbols, power = rng.randint(1, 1 << rng.randint(1, 20)), rng.randint(1, 1 << rng.randint(1, 20))
        gain, shift = cf.power_gain(energy, symbols, power)
        assert 2**15 <= gain < 2**17
        # (gain / exact) ** 2, without a root: g ** 2 / 2 ** (2 s) / (k P 2 ** 8 / E), P = power / 2 ** 16
        square = Fraction(gain**2 * energy, symbols * power) * Fraction(2) ** (-2 * shift - 8)
        most = [max(most[0], 1 - square), max(most[1], square - 1)]
    assert most[0] < 2 * Fraction(1, 2**14)
    assert most[1] < Fraction(1, 2**21)


def test_power_is_reached() -> None:
    values = np.random.default_rng(5).integers(-128, 128, 4001)
    for power in (0.25, 1.0, 2.0):
        y = cf.power_normalise(values, round(power * 65536)) / 4096
        assert abs((y * y).sum() / 2001 / power - 1) < 1e-4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cf.complex_multiply(np.zeros(3), np.zeros(2)), r"a: wanted complex integers .* shape \(3,\)"),
        (lambda: cf.alamouti_encode(np.zeros((3, 2))), r"symbols: wanted \(k, 2\) with k even, got \(3, 2\)"),
        (lambda: cf.matrix_product(np.zeros((3, 2)), np.zeros((1, 1, 2, 2))), "symbols: wanted a multiple of 2, got 3"),
        (lambda: cf.matrix_product(np.zeros((4, 2)), np.zeros((1, 2, 2))), "matrix_product: wanted symbols"),
        (
            lambda: cf.matrix_product(np.zeros((4, 2)), np.zeros((1, 1, 2, 2)), (True,)),
            "conjugate: wanted one for each of 2 columns, got 1",
        ),
        (lambda: cf.power_normalise(np.zeros(0), 1), "x: wanted at least one value, got none"),
        (lambda: cf.power_normalise(np.array([40000]), 1), r"x: wanted -32768..32767, got 40000..40000"),
        (lambda: cf.power_normalise(np.array([1]), 0), "power: wanted at least 1, got 0"),
        (lambda: cf.power_gain(1, 0, 1), "symbols: wanted at least 1, got 0"),
        (lambda: cf.power_gain(-1, 1, 1), "energy: wanted at least 0, got -1"),
        (lambda: cf.power_gain(1, 1 << 30, 1 << 26), "symbols x power: wanted at most 56 bits, got 57"),
    ],
)
def test_errors(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
