"""Directed frames: what pictures leave is met, without a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from support.ir_samples import photos

from hwgen.ir.execute import run
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import MatrixProduct
from hwgen.model import load_graph
from hwgen.numerics.complex import matrix_product
from hwgen.numerics.words import unpack_symbols
from hwgen.spec import model as specs
from hwgen.verify.bounds import bounds_of
from hwgen.verify.coverage import Coverage, merged, summary, total, with_bounds
from hwgen.verify.directed import _before, _diagonal, directed_frames
from hwgen.verify.meter import Meter
from hwgen.verify.patterns import noise, patterns


def met_by_ordinary_frames(graph: Graph) -> Coverage:
    """By photos, or by the symbols of noise of some 0.7 in either part."""
    meter, rng = Meter(), np.random.default_rng(1)
    node = graph.symbol_node
    if isinstance(node, MatrixProduct):
        meter.coefficients = rng.integers(-1500, 1500, (node.tables, node.rows, node.columns, 2))
    for photo in photos(*graph.frame):
        parts = np.rint(rng.normal(0, 2900, 2 * graph.symbols(*graph.frame))).astype("<i2")
        run(graph, photo if graph.side == "tx" else parts.view("<u4"), meter.answer)
    return meter.coverage()


@pytest.mark.parametrize(("side", "channel"), [("tx", "awgn"), ("rx", "awgn"), ("tx", "mimo2x2"), ("rx", "mimo2x2")])
def test_all_of_tiny_is_met(side: str, channel: str) -> None:
    graph = load_graph(specs.load("tiny"), None, side, channel)
    before, bounds = met_by_ordinary_frames(graph), bounds_of(graph, *graph.frame)
    assert total(with_bounds(before, bounds)).not_met > 2, "the case is about something"
    frames = directed_frames(graph, graph.frame, before, bounds)
    assert 1 <= len(frames) <= 5
    meter = Meter()
    for index, frame in enumerate(frames):
        assert (frame.coefficients is None) == (channel == "awgn")
        meter.coefficients = frame.coefficients
        run(graph, frame.frame, meter.answer)
        alone = total(with_bounds(meter.coverage(), bounds))
        assert index or alone.met > 0
    both = Meter()  # of all frames in one go
    for frame in frames:
        both.coefficients = frame.coefficients
        run(graph, frame.frame, both.answer)
    assert summary(with_bounds(merged([before, both.coverage()]), bounds)) == ""
    again = directed_frames(graph, graph.frame, before, bounds, most=1)
    np.testing.assert_array_equal(again[0].frame, frames[0].frame)
    assert directed_frames(graph, graph.frame, before, bounds, most=0) == []


def test_patterns_have_both_ends_and_noise_between() -> None:
    frame = patterns((16, 32, 3), -128, 127)
    assert (frame.shape, frame.min(), frame.max()) == ((16, 32, 3), -128, 127)
    assert (frame[:8, :8] == -128).all() and (frame[:8, 8:16] == 127).all()
    assert len(np.unique(frame[:8, 24:])) > 100
    assert set(np.unique(frame[8:, :8])) == {-128, 127}
    assert (frame[8:, 8:16] == frame[8:, 8:9]).all(), "stripes across"
    assert (frame[8:, 16:24] == frame[8:9, 16:24]).all(), "stripes along"
    coarse = noise((5, 6, 1), 0, 255, 3, cell=4)
    assert (coarse[:4, :4] == coarse[0, 0]).all() and coarse.shape == (5, 6, 1)


@pytest.mark.parametrize(("rows", "columns", "conjugate"), [
    (1, 1, (False,)), (2, 2, (False, False)), (2, 4, (False, False, True, True)), (2, 2, (True, False)),
])  # fmt: skip
def test_symbols_before_an_equaliser(rows: int, columns: int, conjugate: tuple[bool, ...]) -> None:
    node = MatrixProduct("equaliser", rows, columns, conjugate)
    parts = np.random.default_rng(2).integers(-32768, 32768, (2, 4, 6))
    words = _before(node, parts, 1.5)
    got = matrix_product(unpack_symbols(words), _diagonal(node, "rx"), conjugate)
    assert np.abs(got.reshape(parts.shape) - parts).max() <= 1
