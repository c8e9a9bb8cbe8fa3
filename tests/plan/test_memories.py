# amaranth: UnusedElaboratable=no
"""Where a design's memories are: every one of them decides by the exchange rate of the board that it is sized for."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.back import rtlil
from support.graphs import down, layer, random_dag, residual, table, up

from hwgen import board
from hwgen.emit.datapath import components
from hwgen.ir.graph import Graph
from hwgen.model import load_graph
from hwgen.plan.size import size
from hwgen.rtl.memory import Ram, RamConfig, Rom, RomConfig
from hwgen.spec import model as specs


def branching() -> Graph:
    """Convolutions, a fork, reorders and a table."""
    return random_dag(np.random.default_rng(3), "tx", 5, (layer, residual, down, up, table), (8, 8))


def memories(graph: Graph, name: str, width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rates of all memories of a design for the board, in the order in which they are built."""
    plan = size(graph, board.load(name), width, height)
    rates: list[int] = []

    def spy(kind: type) -> None:
        build = kind.__init__  # type: ignore[misc]

        def noted(self: object, config: RamConfig | RomConfig, *more: object) -> None:
            rates.append(config.half_block_luts)
            build(self, config, *more)

        monkeypatch.setattr(kind, "__init__", noted)

    spy(Ram)
    spy(Rom)
    for component in components(plan).values():
        rtlil.convert(component, emit_src=False)
    return rates


@pytest.mark.parametrize(("name", "rate"), [("pynq_z2", 190), ("kv260", 407), ("ultra96_v2", 163)])
def test_all_know_the_rate(name: str, rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = memories(branching(), name, 8, 8, monkeypatch)
    assert len(rates) > 10 and set(rates) == {rate}


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_those_at_the_ends_too(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Precoder, combiner, received symbols, pixels."""
    graph = load_graph(specs.load("tiny"), 1, side, "mimo2x2")
    assert set(memories(graph, "kv260", 32, 32, monkeypatch)) == {407}
