"""A whole design with several values per beat and several tap rows per word, emitted and simulated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hwgen import emit
from hwgen.board import Board
from hwgen.ir.graph import Graph
from hwgen.lower.convolution import fold_convolution
from hwgen.plan.buffers import minimal_buffers
from hwgen.plan.plan import Plan, plan_with
from hwgen.sweep.case import Case, Layer
from hwgen.sweep.command import complaints, run

LAYERS = (Layer(3, 1, 6, "relu"), Layer(5, 2, 7, "prelu", 4, 6), Layer(3, 1, 5, "none"))
CASE = Case(7, "tx", (12, 8), LAYERS, (), "kind: awgn", "static", "pynq_z2", None)


def wide(graphs: Sequence[Graph], board: Board, width: int, height: int, *_: object) -> tuple[Plan, ...]:
    """Pixels whole; then 2 and 4 values per beat, of which the last of a pixel is not full."""
    (graph,) = graphs
    first, second, third = graph.convolutions
    foldings = [
        fold_convolution(first, width, height, 6, 3, taps=3, in_lanes=3, out_lanes=2),
        fold_convolution(second, width, height, 4, 2, taps=5, in_lanes=2, out_lanes=4),
        fold_convolution(third, width // 2, height // 2, 3, 4, in_lanes=4),
    ]
    plan = plan_with(graph, board, width, height, {f"conv{index}": folding for index, folding in enumerate(foldings)})
    return (minimal_buffers(plan),)


def test_every_value_is_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "size_with_buffers", wide)
    still, stalled = run(CASE, tmp_path)
    assert complaints(still, stalled) == []
    assert [stream.lanes for stream in still.design.streams] == [2, 4, 1, 1]
    assert [stream.beat_bits for stream in still.design.streams] == [16, 24, 8, 16]
    values = 12 * 8 * 6 + 6 * 4 * (7 + 5 + 5) + 6 * 4 * 5 // 2
    assert still.values_compared == stalled.values_compared == 3 * values
