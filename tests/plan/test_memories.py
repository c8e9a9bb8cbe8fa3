# amaranth: UnusedElaboratable=no
"""Where a design's memories are: every one decides by the exchange rate of the board that it is sized for, and is in
UltraRAM where a board has it and its size is worth it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from support.graphs import down, layer, random_dag, residual, table, up
from support.plans import Layers, vectors
from support.streaming import run_stream

from hwgen import board
from hwgen.emit.datapath import components
from hwgen.ir.graph import Graph
from hwgen.model import load_graph
from hwgen.plan.buffers import minimal_buffers
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import latency
from hwgen.plan.size import node_options, size
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


KV260 = board.load("kv260")


def cost(plan: Plan, key: str) -> float:
    return sum(getattr(cost, key) for cost in plan.costs.values())


def test_wide_frames_go_to_ultra_ram() -> None:
    """Line buffers of 4096 columns; within the share of UltraRAM that the board leaves, the others in block RAM."""
    graph = load_graph(specs.load("tiny"), 1, "tx")
    plan = size(graph, KV260, 4096, 8)
    forms = [folding.window.form for folding in plan.foldings.values()]
    assert "ultra" in forms and cost(plan, "uram") > 0
    none = KV260.model_copy(update={"resources": KV260.resources.model_copy(update={"uram": 0})})
    without = size(graph, none, 4096, 8)
    assert cost(without, "uram") == 0 and cost(without, "bram36") > cost(plan, "bram36")
    assert plan.frame_interval == without.frame_interval
    few = KV260.model_copy(update={"usable": KV260.usable.model_copy(update={"uram": 1.5 / 64})})
    assert cost(size(graph, few, 4096, 8), "uram") <= 1


def test_small_frames_do_not() -> None:
    assert cost(size(load_graph(specs.load("tiny"), 1, "tx"), KV260, 32, 32), "uram") == 0


def test_boards_without_it_are_not_offered_it() -> None:
    for name, offered in (("kv260", True), ("ultra96_v2", False), ("pynq_z2", False)):
        graph = load_graph(specs.load("tiny"), 1, "tx")
        options = node_options(size(graph, board.load(name), 2048, 8).design)
        assert any(found.amounts[:, -1].any() for found in options.values()) == offered


def in_ultra_ram(config: Any) -> Any:
    """The config with every memory that it writes in UltraRAM."""
    if hasattr(config, "window"):
        return replace(config, window=replace(config.window, form="ultra"))
    if hasattr(config, "storages"):
        return replace(config, storages=tuple(replace(storage, form="ultra") for storage in config.storages))
    return replace(config, storage=replace(config.storage, form="ultra")) if hasattr(config, "storage") else config


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize(("seed", "blocks", "where"), [
    (0, (residual,), {"conv0": 3, "conv0_fork": 1, "conv1": 3, "conv3": 3}),
    (4, (residual, down), {"conv0": 4, "unshuffle1": 1, "conv2": 3}),
])  # fmt: skip
def test_cycles_are_those_of_block_ram(seed: int, blocks: Any, where: dict[str, int], stall: float) -> None:
    """Line buffers, a skip connection's FIFO, blocks of pixels, all in UltraRAM: every symbol, the latency, every
    frame's end."""
    graph = random_dag(np.random.default_rng(seed), "tx", len(blocks), blocks, (8, 80))
    before = minimal_buffers(size(graph, KV260, 80, 8))
    plan = before.with_configs({name: in_ultra_ram(config) for name, config in before.configs.items()})
    assert cost(before, "uram") == 0
    assert {name: cost.uram for name, cost in plan.costs.items() if cost.uram} == where
    assert (latency(plan), plan.frame_interval) == (latency(before), before.frame_interval)
    beats, _, words = vectors(plan, 2, 0)
    run = run_stream(Layers(plan), beats, len(words), stall=stall)
    assert run.outputs == words
    if not stall:
        ends = [run.output_cycles[(frame + 1) * len(words) // 2 - 1] - run.input_cycles[0] for frame in range(2)]
        assert ends == [latency(plan) + frame * plan.frame_interval for frame in range(2)]
