"""The golden model of an emitted design: what its output must be, word by word, from its folder alone.

The folder's manifest.json says what the ports carry; graph.json and weights.npz are the integer graph, which NumPy
computes exactly (`hwgen.ir.execute`). No PyTorch, no checkpoint, no simulator.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwgen.errors import HwgenError
from hwgen.ir import serialize
from hwgen.ir.execute import execute
from hwgen.ir.nodes import MatrixProduct
from hwgen.numerics.formats import COEFFICIENT, PIXEL, SYMBOL
from hwgen.numerics.words import Words, pack_pixels, pack_symbols, unpack_pixels, unpack_symbols
from hwgen.sim import design as designs


@dataclass(frozen=True)
class Frame:
    """One frame as words of the design's ports (uint32, lowest bits first).

    input : (input beats,) words of s_axis
    output : (output beats,) words that m_axis must give
    coefficients : (coefficient beats,) words of s_coef; None where the design has no such port
    kind : what it was made as, for messages
    profile : what the input `profile` has at its first beat, where the design has one
    """

    input: Words
    output: Words
    coefficients: Words | None = None
    kind: str = ""
    profile: int = 0

    @property
    def inputs(self) -> dict[str, Words]:
        """What goes into the design, by the port's name."""
        return {"s_axis": self.input} | ({} if self.coefficients is None else {"s_coef": self.coefficients})


class GoldenModel:
    """The integer graph of an emitted folder, on the words of its ports.

    Parameters
    ----------
    folder : a folder that `hwgen emit` wrote

    Raises
    ------
    HwgenError : no such folder, files that do not belong together, or one that is not as it was emitted
    """

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        self.design = designs.load(folder)
        self.graph = serialize.load(folder)
        graph = folder / serialize.GRAPH_FILE  # which has the hash of weights.npz
        found = hashlib.sha256(graph.read_bytes()).hexdigest()
        if self.design.manifest["files"].get(graph.name) != found:
            raise HwgenError(str(graph), "the file that the manifest has the SHA-256 of", found)
        node = self.graph.symbol_node
        self._coefficients = node if isinstance(node, MatrixProduct) else None
        self._graphs = [self.graph.at_profile(profile) for profile in range(self.graph.profiles)]

    def answer(self, words: Words, coefficients: Words | None = None, profile: int = 0) -> Words:
        """The output's words of one frame.

        Parameters
        ----------
        words : (input beats,) uint32, pixels or symbols as s_axis takes them
        coefficients : (coefficient beats,) uint32, for a design that has s_coef
        profile : at least 0, for a design that has several: one that is too large is the last one

        Raises
        ------
        HwgenError : words of another number or type; coefficients missing, or not asked for
        """
        design, node = self.design, self._coefficients
        graph = self._graphs[min(profile, len(self._graphs) - 1)]
        _check("words", words, design.input_beats)
        if node is None and coefficients is not None:
            raise HwgenError("coefficients", "none: the design has no s_coef", f"{len(coefficients)} words")
        matrix = None
        if node is not None:
            if coefficients is None:
                raise HwgenError("coefficients", f"{design.coefficient_beats} words", "none")
            _check("coefficients", coefficients, design.coefficient_beats)
            matrix = unpack_symbols(coefficients).reshape(node.tables, node.rows, node.columns, 2)
        if design.side == "tx":
            pixels = unpack_pixels(words, design.height, design.width, self.graph.input_channels)
            return execute(graph, pixels, matrix)["symbols"].astype(np.uint32)
        image = execute(graph, words, matrix, (design.width, design.height))["pixels"]
        return pack_pixels(image.astype(np.uint8))

    def frame(self, words: Words, coefficients: Words | None = None, kind: str = "", profile: int = 0) -> Frame:
        """A frame with its answer; parameters and errors as `answer`."""
        return Frame(words, self.answer(words, coefficients, profile), coefficients, kind, profile)

    def frames(self, seed: int = 1) -> Iterator[Frame]:
        """Frames without end, of each of `KINDS` in turn, profiles at random; the same for the same seed."""
        random = np.random.Generator(np.random.PCG64(seed))
        profiles = np.random.default_rng([seed, 1])
        design = self.design
        for kind in itertools.cycle(KINDS):
            if design.side == "tx":
                words = pack_pixels(_image(kind, random, design.height, design.width, self.graph.input_channels))
            else:
                words = _symbols(kind, random, design.input_beats)
            load = random_coefficients(random, design.coefficient_beats) if self._coefficients else None
            profile = int(profiles.integers(0, 1 << design.profile_bits)) if design.profile_bits else 0
            yield self.frame(words, load, kind, profile)


KINDS = ("noise", "high", "checks", "low", "slopes", "edges")
"""Kinds of frames. For symbols: `checks` are both ends of the range in turn, `slopes` amplitudes from 0 upwards."""


def _check(what: str, words: Words, beats: int) -> None:
    if words.dtype != np.uint32 or words.shape != (beats,):
        raise HwgenError(what, f"uint32 ({beats},)", f"{words.dtype} {words.shape}")


def _image(kind: str, random: np.random.Generator, height: int, width: int, channels: int) -> np.ndarray:
    """(H, W, C) uint8."""
    y, x = np.mgrid[0:height, 0:width][..., None]
    low, high = PIXEL.bounds
    noise = random.integers(low, high + 1, (height, width, channels))
    image = {
        "noise": noise,
        "high": np.full_like(noise, high),
        "checks": np.broadcast_to((x + y) % 2 * high, noise.shape),
        "low": np.full_like(noise, low),
        "slopes": (x * high // max(width - 1, 1) + y + np.arange(channels) * 40) % (high + 1),
        "edges": np.where(noise > high // 2, high, low),
    }[kind]
    return image.astype(np.uint8)


def _symbols(kind: str, random: np.random.Generator, count: int) -> Words:
    low, high = SYMBOL.bounds
    one = 1 << SYMBOL.fraction
    near = np.clip(np.rint(random.normal(0, one, (count, 2))), low, high)
    values = {
        "noise": near,
        "high": np.full((count, 2), high),
        "checks": np.where((np.arange(count)[:, None] + [0, 1]) % 2, high, low),
        "low": np.full((count, 2), low),
        "slopes": np.rint(near * np.linspace(0, 1, count)[:, None]),
        "edges": random.choice([low, -one, -1, 0, 1, one, high], (count, 2)),
    }[kind]
    return pack_symbols(values.astype(np.int64))


def random_coefficients(random: np.random.Generator, count: int) -> Words:
    """Words of so many: parts of magnitudes up to 1 / sqrt(2), so a complex number's up to 1."""
    most = int((1 << COEFFICIENT.fraction) / np.sqrt(2))
    return pack_symbols(random.integers(-most, most + 1, (count, 2)))
