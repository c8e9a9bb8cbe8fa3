# amaranth: UnusedElaboratable=no
"""Sizing of layers with codebooks: whole weights or indices, by what either costs the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwgen import board
from hwgen.ir.graph import Graph
from hwgen.ir.nodes.convolution import Convolution
from hwgen.lower.base import Options
from hwgen.lower.convolution import ConvolutionLowering
from hwgen.model import load_graph
from hwgen.numerics.weight_format import Codebook
from hwgen.plan.design import Design
from hwgen.plan.plan import Plan
from hwgen.plan.size import size
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.memory import rom_form
from hwgen.spec import model as specs

SPEC = (
    "format_version: 1\ndescription: coded\nframe: {width: 16, height: 8}\nencoder:\n"
    "  - {kernel: 3, channels: CHANNELS, activation: relu}\n"
    "  - {kernel: 5, channels: 16, activation: relu, weights: {codebook: ENTRIES}}\n"
    "  - {kernel: 1, channels: 2, activation: none, weights: {codebook: 2}}\n"
    "channel: {kind: awgn, snr_db: [0, 20], power: 1.0}\ngain: {mode: static}\n"
    "data: {license: none, source: random}\n"
)


def coded(folder: Path, entries: int = 4, channels: int = 12) -> Graph:
    (folder / "spec.yaml").write_text(SPEC.replace("ENTRIES", str(entries)).replace("CHANNELS", str(channels)))
    return load_graph(specs.load(folder), 3, "tx")


def lowering_of(graph: Graph, name: str, board_name: str = "pynq_z2") -> ConvolutionLowering:
    found = Design(graph, board.load(board_name), 16, 8).lowerings[name]
    assert isinstance(found, ConvolutionLowering)
    return found


def options_of(graph: Graph, name: str, board_name: str = "pynq_z2") -> Options[ConvolutionConfig]:
    return lowering_of(graph, name, board_name).options(board.load(board_name), [[1]], [1])


@pytest.mark.parametrize("board_name", ["pynq_z2", "kv260"])
def test_indices_where_they_save_block_ram(board_name: str, tmp_path: Path) -> None:
    """Each such option has the cycles, DSPs and latency of the same one with whole weights, and less of something.

    That is block RAM, or LUTs that join the bands of deep memories.
    """
    graph, family = coded(tmp_path), board.load(board_name).family
    found = options_of(graph, "conv1", board_name)
    with_indices = [config for config in found.configs if config.codebook is not None]
    assert with_indices and any(config.codebook is None for config in found.configs)
    for config in with_indices:
        assert rom_form(config.weight_rows, config.weights_in) == "block"
        whole = replace(config, codebook=None)
        assert (config.cycles, config.drain_latency) == (whole.cycles, whole.drain_latency)
        less, more = config.cost(family), whole.cost(family)
        assert less.dsp == more.dsp and less.bram36 <= more.bram36
        assert less.bram36 < more.bram36 or less.lut < more.lut


def test_a_layer_without_a_codebook_has_no_indices(tmp_path: Path) -> None:
    assert all(config.codebook is None for config in options_of(coded(tmp_path), "conv0").configs)


def test_a_few_rows_are_whole_weights(tmp_path: Path) -> None:
    graph = coded(tmp_path)
    assert all(config.codebook is None for config in options_of(graph, "conv2").configs)
    assert lowering_of(graph, "conv2").fold(1, 1).weight_rows <= 64


def test_a_codebook_without_zero_has_whole_words(tmp_path: Path) -> None:
    """Two integers, both ends of the range: of 11 channels only words of 1 and of 11 are full."""
    found = options_of(coded(tmp_path, 2, 11), "conv1").configs
    assert {config.window.simd for config in found if config.codebook is not None} <= {1, 11}
    assert any(config.codebook is not None for config in found)
    assert {2, 3, 4, 6} & {config.window.simd for config in found}


def test_a_plan_saves_what_its_manifest_says(tmp_path: Path) -> None:
    graph = coded(tmp_path)
    few = board.load("pynq_z2").model_copy(deep=True)
    few = few.model_copy(update={"resources": few.resources.model_copy(update={"dsp": 8})})
    plan = size(graph, few, 16, 8)
    node, config = graph.convolutions[1], plan.configs["conv1"]
    assert config.codebook == node.weight_format == Codebook(8, tuple(node.codebook.tolist()))  # type: ignore[union-attr]
    found = plan.design.lowerings["conv1"].manifest(config)
    assert found["weights_stored_as"] == "indices"
    assert found["weight_bits_stored"] == config.weight_rows * config.lanes * 2
    whole = size(without_codebooks(graph), few, 16, 8)
    assert whole.design.lowerings["conv1"].manifest(whole.configs["conv1"])["weights_stored_as"] == "weights"
    assert plan.frame_interval == whole.frame_interval
    assert bram36(plan) < bram36(whole)


def test_memories_hold_the_weights_indices(tmp_path: Path) -> None:
    graph = coded(tmp_path)
    lowering = lowering_of(graph, "conv1")
    node = graph.convolutions[1]
    assert isinstance(node.weight_format, Codebook)
    config = replace(lowering.fold(1, 1), codebook=node.weight_format)
    (rows,) = config.memories(node.weight)
    # Output by output, tap by tap, channel by channel.
    assert node.weight_format.grid[rows].tolist() == node.weight.transpose(0, 2, 3, 1).reshape(-1).tolist()
    assert np.array_equal(np.unique(rows), np.arange(4))


def without_codebooks(graph: Graph) -> Graph:
    nodes = [replace(node, codebook=None) if isinstance(node, Convolution) else node for node in graph.nodes]
    return replace(graph, nodes=tuple(nodes))


def bram36(plan: Plan) -> float:
    return sum(cost.bram36 for cost in plan.costs.values())
