"""docs/numeric_contract.md can be followed: by its rules, plain integers from the two files alone are hwgen's."""

from __future__ import annotations

import io
import itertools
import json
import math
import random
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwgen.ir.execute import execute
from hwgen.ir.serialize import load
from hwgen.numerics.complex import alamouti_encode

MODELS = Path(__file__).resolve().parents[2] / "models"
SPOTS = 12
"""Outputs of every node that are computed."""
SIDE = 16


def saturate(x: int, bits: int, signed: bool) -> int:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return min(max(x, low), high)


def round_shift(x: int, s: int) -> int:
    if s <= 0:
        return x << -s
    return (x + (1 << s - 1) - 1 + (x >> s & 1)) >> s


def requantise(x: int, s: int, bits: int, signed: bool) -> int:
    return saturate(round_shift(x, s), bits, signed)


class Document:
    """One node by the document's rules.

    Parameters
    ----------
    node
        Of graph.json.
    arrays
        NODE.FIELD to array.
    x
        (H, W, C) integers.
    """

    def __init__(self, node: dict[str, Any], arrays: dict[str, np.ndarray], x: np.ndarray) -> None:
        self.node, self.x = node, x.tolist()
        self.rows, self.columns, self.channels = x.shape
        self.arrays = {key.split(".")[1]: value.tolist() for key, value in arrays.items()
                       if key.split(".")[0] == node["name"]}  # fmt: skip
        if node["kind"] == "power":
            self.gain = self._gain()

    def value(self, y: int, x: int, o: int) -> int:
        kind = self.node["kind"]
        if kind in ("conv2d", "complex_conv2d", "conv_transpose2d"):
            return self._activated(self._transposed(y, x, o) if kind == "conv_transpose2d" else self._sum(y, x, o), o)
        here = self.x[y][x][o]
        if kind == "table":
            return self.arrays["values"][here % (1 << self.node["input"]["bits"])]
        if kind == "receive":
            left = self.node.get("imag_left", 0)
            if o % 2 and self.node.get("imag_bits"):
                return requantise(here, self.node["shift"] + left, self.node["imag_bits"], True) << left
            return requantise(here, self.node["shift"], 8, True)
        if kind == "gain":
            return requantise(here * self.node["factor"], self.node["shift"], 16, True)
        assert kind == "power"
        return requantise(here * self.gain[0], self.gain[1], 16, True)

    def _input(self, y: int, x: int, c: int) -> int:
        return self.x[y][x][c] if 0 <= y < self.rows and 0 <= x < self.columns else 0

    def _sum(self, y: int, x: int, o: int) -> int:
        kernel, t, p = (self.node[key] for key in ("kernel", "stride", "padding"))
        weight, total = self.arrays["weight"][o], self.arrays["bias"][o]
        for c, i, j in itertools.product(range(self.channels), range(kernel), range(kernel)):
            total += weight[c][i][j] * self._input(y * t - p + i, x * t - p + j, c)
        return total

    def _transposed(self, y: int, x: int, o: int) -> int:
        kernel, t, p = (self.node[key] for key in ("kernel", "stride", "padding"))
        weight, total = self.arrays["weight"][o], self.arrays["bias"][o]
        for c, i, j in itertools.product(range(self.channels), range(kernel), range(kernel)):
            if (y + p - i) % t == 0 and (x + p - j) % t == 0:
                total += weight[c][i][j] * self._input((y + p - i) // t, (x + p - j) // t, c)
        return total

    def _activated(self, acc: int, o: int) -> int:
        node, shift = self.node, self.arrays["shift"][o]
        imag = o % 2 == 1 and node.get("imag_bits", 0) != 0
        expected = node["output_exponent"] - node["input_exponent"] - self.arrays["weight_exponent"][o]
        assert shift == expected + (node["imag_left"] if imag else 0)
        if node["activation"] == "prelu":
            fraction = node["slope_fraction"]
            acc = acc << fraction if acc >= 0 else acc * self.arrays["slope"][o]
            shift += fraction
        if imag:
            return requantise(acc, shift, node["imag_bits"], True) << node["imag_left"]
        return requantise(acc, shift, node["output"]["bits"], node["output"]["signed"])

    def _gain(self) -> tuple[int, int]:
        values = [value for row in self.x for pixel in row for value in pixel]
        energy = sum(value * value for value in values)
        wanted = (len(values) + 1) // 2 * self.node["power"]
        e, c = (bits + bits % 2 for bits in (energy.bit_length(), wanted.bit_length()))
        mantissa = energy * 2**24 // 2**e
        return math.isqrt(wanted * 2 ** (56 - c) // mantissa), 12 + (e - c) // 2


def files(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    graph = json.loads((folder / "graph.json").read_text())
    content = (folder / "weights.npz").read_bytes()
    assert graph["weights_sha256"] == sha256(content).hexdigest()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        return graph, {name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name))) for name in names}


@pytest.mark.parametrize("model", ["tiny", "tiny/rx", "cifar10_conv/rx", "complex_int8", "complex_int8/rx"])
def test_the_document_gives_hwgens_values(model: str) -> None:
    graph, arrays = files(MODELS / model)
    loaded = load(MODELS / model)
    rng, tx = np.random.default_rng(7), graph["side"] == "tx"
    if tx:
        frame = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        outputs, before = execute(loaded, frame), frame.astype(np.int64)
    else:
        shape = loaded.shapes(SIDE, SIDE)["symbols"]
        parts = rng.normal(0, 4096, (math.prod(shape) + 1) // 2 * 2).astype(np.int64).clip(-32768, 32767)
        words = (parts[0::2] & 0xFFFF | (parts[1::2] & 0xFFFF) << 16).astype(np.uint32)
        outputs, before = execute(loaded, words, size=(SIDE, SIDE)), parts[: math.prod(shape)].reshape(shape)
    spots = random.Random(7)
    for node in graph["nodes"]:
        document, wanted = Document(node, arrays, before), outputs[node["name"]]
        for _ in range(SPOTS):
            spot = [spots.randrange(size) for size in wanted.shape]
            assert document.value(*spot) == wanted[tuple(spot)], (node["name"], spot)
        before = wanted
    if tx:
        flat = [int(value) for value in before.reshape(-1)] + [0] * (before.size % 2)
        assert outputs["symbols"].tolist() == [
            (i & 0xFFFF) | (q & 0xFFFF) << 16 for i, q in zip(flat[0::2], flat[1::2], strict=True)
        ]


def test_the_sigmoids_table_is_in_the_documents_order() -> None:
    _, arrays = files(MODELS / "cifar10_conv" / "rx")
    values = next(value for key, value in arrays.items() if key.endswith(".values"))
    arguments = [*range(1024), *range(-1024, 0)]
    assert values.tolist() == [min(round(256 / (1 + math.exp(-n / 128))), 255) for n in arguments]


def test_alamoutis_words_are_in_the_documents_order() -> None:
    s0, s1 = (-32768, -32768), (-32768, 5)
    wanted = [s0, s1, (32767, 5), (-32768, 32767)]
    assert [tuple(word) for word in alamouti_encode(np.array([s0, s1])).tolist()] == wanted
