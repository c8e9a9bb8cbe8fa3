"""One convolution and one requantisation in plain Python integers and fractions; imports nothing from hwgen."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def naive_requantise(numerator: int, shift: int, low: int, high: int) -> int:
    return min(max(round(Fraction(numerator) / Fraction(2) ** shift), low), high)  # Fraction rounds half to even


def naive_conv(v: dict[str, Any], x: list[Any]) -> list[Any]:
    """One convolution on x[row][column][channel], from the keyword arguments of a `Conv2d`."""
    height, width, k, s = len(x), len(x[0]), v["kernel"], v["stride"]
    weight, bias, shift = v["weight"].tolist(), v["bias"].tolist(), v["shift"].tolist()
    bits = v["output"].bits
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if v["output"].signed else (0, 2**bits - 1)
    out: list[Any] = []
    for y0 in range(0, height, s):
        row: list[Any] = []
        for x0 in range(0, width, s):
            pixel: list[int] = []
            for o in range(v["out_channels"]):
                acc = bias[o]
                for i in range(k):
                    for j in range(k):
                        yy, xx = y0 + i - k // 2, x0 + j - k // 2
                        if 0 <= yy < height and 0 <= xx < width:
                            acc += sum(weight[o][c][i][j] * x[yy][xx][c] for c in range(v["in_channels"]))
                total = shift[o]
                if v["activation"] == "prelu":
                    acc = acc * 2 ** v["slope_fraction"] if acc >= 0 else acc * int(v["slope"][o])
                    total += v["slope_fraction"]
                pixel.append(naive_requantise(acc, total, low, high))
            row.append(pixel)
        out.append(row)
    return out
