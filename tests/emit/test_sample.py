"""The sample frame: what goes in, and what the graph in the same folder makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.emission import FRAME, emit_tiny, own_model

from hwgen.emit import Emitted
from hwgen.emit.sample import sample_frame, sample_symbols
from hwgen.ir import serialize
from hwgen.ir.execute import execute
from hwgen.ir.nodes import MatrixProduct
from hwgen.numerics.words import pack_pixels, unpack_symbols


def test_sample(design: Emitted) -> None:
    """The sample's words are the interpreter's, and the graph beside them is the one that makes them."""
    lines = (design.folder / "sample_input.hex").read_text(encoding="utf-8").split()
    words = np.array([int(line, 16) for line in lines])
    pixels = np.stack([words & 255, words >> 8 & 255, words >> 16], axis=1).reshape(FRAME[1], FRAME[0], 3)
    assert np.array_equal(pixels, sample_frame(*FRAME))
    symbols = execute(serialize.load(design.folder), pixels.astype(np.uint8))["symbols"]
    assert [int(line, 16) for line in (design.folder / "sample_output.hex").read_text().split()] == symbols.tolist()


def hex_words(design: Emitted, name: str) -> list[int]:
    return [int(line, 16) for line in (design.folder / f"sample_{name}.hex").read_text(encoding="utf-8").split()]


def test_sample_of_every_variant(variant: Emitted) -> None:
    """The same from the files alone: what goes in, the coefficients, what comes out."""
    graph, frame = serialize.load(variant.folder), np.array(hex_words(variant, "input"), dtype=np.uint32)
    node, coefficients = graph.symbol_node, None
    if isinstance(node, MatrixProduct):
        words = np.array(hex_words(variant, "coefficients"), dtype=np.uint32)
        coefficients = unpack_symbols(words).reshape(node.tables, node.rows, node.columns, 2)
    if graph.side == "tx":
        pixels = np.stack([frame & 255, frame >> 8 & 255, frame >> 16], axis=1).reshape(FRAME[1], FRAME[0], 3)
        found = execute(graph, pixels.astype(np.uint8), coefficients)["symbols"]
    else:
        found = pack_pixels(execute(graph, frame, coefficients, FRAME)["pixels"].astype(np.uint8))
    assert hex_words(variant, "output") == found.tolist()
    assert len(set(found.tolist())) > 3


def test_sample_symbols() -> None:
    """Both ends of the range, and amplitudes around 1 between them."""
    parts = unpack_symbols(sample_symbols(1000))
    assert (parts.min(), parts.max()) == (-32768, 32767)
    assert 0.5 < np.median(np.abs(parts)) / 4096 < 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 7), (64, 32), (33, 17)])
def test_sample_frame(width: int, height: int) -> None:
    frame = sample_frame(width, height)
    assert (frame.shape, frame.dtype) == ((height, width, 3), np.uint8)
    assert np.array_equal(frame, sample_frame(width, height))
    if width >= 32:
        assert (frame.min(), frame.max()) == (0, 255)


@pytest.mark.usefixtures("no_verilog")
@pytest.mark.parametrize("side", ["tx", "rx"])
def test_a_grey_image_has_two_digits_a_pixel(side: str, tmp_path: Path) -> None:
    """A grey design's sample is the first channel of what others get, and its graph takes it."""
    layer = {"kernel": 3, "stride": 2, "channels": 1}
    decoder = [layer | {"channels": 5}, layer | {"activation": "clamp"}]
    spec = own_model(tmp_path / "grey", frame={"width": 8, "height": 8, "channels": 1}, decoder=decoder,
                     bandwidth_ratio="1/8", pruning=None, training=None)  # fmt: skip
    design = emit_tiny(tmp_path / "out", model=spec, side=side)
    lines = (design.folder / f"sample_{'input' if side == 'tx' else 'output'}.hex").read_text().split()
    assert len(lines) == 64 and {len(line) for line in lines} == {2}
    graph, frame = serialize.load(design.folder), np.array(hex_words(design, "input"), dtype=np.uint32)
    if side == "tx":
        image = sample_frame(8, 8, 1)
        assert np.array_equal(image, sample_frame(8, 8)[..., :1]) and image.ravel().tolist() == frame.tolist()
        assert hex_words(design, "output") == execute(graph, image)["symbols"].tolist()
    else:
        assert hex_words(design, "output") == execute(graph, frame, None, (8, 8))["pixels"].ravel().tolist()
