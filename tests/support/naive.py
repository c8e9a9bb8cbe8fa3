"""One convolution and one requantisation in plain Python integers and fractions; imports nothing from hwgen."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def naive_requantise(numerator: int, shift: int, low: int, high: int) -> int:
    return min(max(round(Fraction(numerator) / Fraction(2) ** shift), low), high)  # Fraction rounds half to even


def naive_conv(v: dict[str, Any], x: list[Any]) -> list[Any]:
    """One convolution on x[row][column][channel], from the keyword arguments of a `Conv2d`."""
    height, width, s, d = len(x), len(x[0]), v["stride"], v.get("dilation", 1)
    sides = [v.get(f"kernel_{axis}") or v["kernel"] for axis in ("height", "width")]
    paddings = [v.get(f"padding_{axis}", v["padding"]) for axis in ("height", "width")]
    sizes = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, k in zip((height, width), paddings, sides, strict=True)]
    of_group = v["out_channels"] // v.get("groups", 1), v["in_channels"] // v.get("groups", 1)
    weight, bias, shift = v["weight"].tolist(), v["bias"].tolist(), v["shift"].tolist()
    bits = v["output"].bits
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if v["output"].signed else (0, 2**bits - 1)
    out: list[Any] = []
    for y0 in range(0, sizes[0] * s, s):
        row: list[Any] = []
        for x0 in range(0, sizes[1] * s, s):
            pixel: list[int] = []
            for o in range(v["out_channels"]):
                acc = bias[o]
                first = o // of_group[0] * of_group[1]
                for i in range(sides[0]):
                    for j in range(sides[1]):
                        yy, xx = y0 + d * i - paddings[0], x0 + d * j - paddings[1]
                        if 0 <= yy < height and 0 <= xx < width:
                            acc += sum(weight[o][c][i][j] * x[yy][xx][first + c] for c in range(of_group[1]))
                total = shift[o]
                if v["activation"] == "prelu":
                    acc = acc * 2 ** v["slope_fraction"] if acc >= 0 else acc * int(v["slope"][o])
                    total += v["slope_fraction"]
                pixel.append(naive_requantise(acc, total, low, min(high, v.get("ceiling") or high)))
            row.append(pixel)
        out.append(row)
    return out
