"""A sample frame, made by code: stimulus and expected output for a designer's own test bench."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import MatrixProduct
from hwgen.numerics.formats import PIXEL
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import Words, pack_pixels, pack_symbols


def sample_frame(width: int, height: int, channels: int = 3) -> npt.NDArray[np.uint8]:
    """A (height, width, channels) test picture with smooth slopes, hard edges and texture; the same for everybody.

    channels : 3, or 1 for its first channel as a grey picture
    """
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.Generator(np.random.PCG64(2024)).integers(-24, 25, (height, width, 3))
    checks = ((x // 8 + y // 8) % 2 * 96)[..., None]
    slopes = np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) * 255 // (width + height)])
    picture = slopes.transpose(1, 2, 0) * 5 // 8 + checks + noise
    # A black and a white bar: the corners of the input's range.
    picture[:, : width // 8] = 0
    picture[: height // 8] = 255
    return np.clip(picture[..., :channels], 0, 255).astype(np.uint8)


def sample_symbols(count: int) -> Words:
    """That many received words: amplitudes around 1, a few at the ends of the range; the same for everybody."""
    random = np.random.Generator(np.random.PCG64(2025))
    parts = random.integers(-3000, 3001, (4, count, 2)).sum(axis=0)
    rare = random.integers(0, 64, (count, 2)) == 0
    return pack_symbols(np.where(rare, np.where(parts < 0, -32768, 32767), parts))


def sample_coefficients(node: MatrixProduct) -> IntArray:
    """(tables, rows, columns, 2) coefficients of magnitudes up to 1; the same for everybody."""
    random = np.random.Generator(np.random.PCG64(2026))
    return random.integers(-724, 725, (node.tables, node.rows, node.columns, 2))


def sample_files(graph: Graph, width: int, height: int) -> dict[str, str]:
    """The beats of a frame in and out as hexadecimal words, one a line, in $readmemh's format; where the design takes
    coefficients, the frame's. Of a design with profiles the same frame in each of them, and their numbers."""
    if graph.profiles > 1:
        each = [sample_files(graph.at_profile(profile), width, height) for profile in range(graph.profiles)]
        found = {name: "".join(files[name] for files in each) for name in each[0]}
        return found | {"sample_profiles.hex": "".join(f"{profile:x}\n" for profile in range(graph.profiles))}
    node = graph.symbol_node
    coefficients = sample_coefficients(node) if isinstance(node, MatrixProduct) else None
    if graph.side == "tx":
        pixels = sample_frame(width, height, graph.input_channels)
        beats = pack_pixels(pixels)
        out = execute(graph, pixels, coefficients)["symbols"].astype(np.uint32)
        widths = (_pixel_digits(graph.input_channels), 8)
    else:
        beats = sample_symbols(graph.symbols(width, height))
        image = execute(graph, beats, coefficients, (width, height))["pixels"].astype(np.uint8)
        out, widths = pack_pixels(image), (8, _pixel_digits(image.shape[-1]))
    files = {"sample_input.hex": _hex(beats, widths[0]), "sample_output.hex": _hex(out, widths[1])}
    if coefficients is not None:
        files["sample_coefficients.hex"] = _hex(pack_symbols(coefficients), 8)
    return files


def _pixel_digits(channels: int) -> int:
    return channels * PIXEL.bits // 4


def _hex(words: Words, digits: int) -> str:
    return "".join(f"{word:0{digits}x}\n" for word in words.tolist())
