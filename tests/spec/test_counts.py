"""Parameters, MACs and bits of weights: by hand, and as the integer graph counts them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spec_graphs import GRAPHS, graph_spec
from support.train_samples import specification

from hwgen.ir.nodes import Convolution
from hwgen.random_init import random_graph
from hwgen.spec.counts import macs, parameters, weight_bits, weights
from hwgen.spec.model import load

COMPLEX = """
format_version: 1
description: test
frame: {width: 32, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 6}
  - {kernel: 3, channels: 4, complex: true, activation: none, imag_weight_bits: 6, imag_activation_bits: 6}
decoder:
  - {kernel: 3, channels: 3, complex: true}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
pruning: {channels: {encoder: [4, 4], decoder: [2, 3]}}
"""


def test_by_hand(tmp_path: Path) -> None:
    """The encoder 3-9-8-6 and what pruning leaves of it, for a frame of 32x32."""
    spec = specification(tmp_path)
    parent = spec.parent("encoder")
    assert parameters(parent) == (75 * 9 + 9 + 9) + (81 * 8 + 8) + (72 * 6 + 6) == 1787
    assert list(macs(parent, 32, 32).values()) == [16 * 16 * 9 * 75, 8 * 8 * 8 * 81, 8 * 8 * 6 * 72]
    assert sum(macs(spec.encoder_network, 32, 32).values()) == 256 * 5 * 75 + 64 * (7 * 45 + 6 * 63)


def test_bits_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(COMPLEX)
    spec = load(path)
    wanted = (3 * 25 * 4 * 8 + 4 * (32 + 8)) + (2 * 9 * 4 * (8 + 6) + 8 * 32)
    assert weight_bits(spec.encoder_network) == wanted
    slope = 12
    wanted = (4 * 9 * 2 * (8 + 8) + 4 * (32 + slope)) + (4 * 16 * 3 * 8 + 3 * 32)
    assert weight_bits(spec.decoder_network) == wanted
    coded = graph_spec(tmp_path, "codebook").encoder_network
    assert weight_bits(coded) == (27 * 6 * 4 + 16 * 8 + 6 * 32) + (54 * 4 * 2 + 4 * 5 + 4 * 32)


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize("name", [*GRAPHS, "complex"])
def test_as_the_integer_graph(tmp_path: Path, name: str, side: str) -> None:
    """All kinds of layers, with branches: the graph's own weights and MACs, node by node."""
    if name == "complex":
        (tmp_path / "spec.yaml").write_text(COMPLEX)
        spec = load(tmp_path)
    else:
        spec = graph_spec(tmp_path, name)
    network = spec.encoder_network if side == "tx" else spec.decoder_network
    graph = random_graph(spec, 0, side)
    height, width = 32, 64
    rows, columns = (height, width) if side == "tx" else spec.encoder_network.output_size(height, width)
    own, counted = macs(network, rows, columns), graph.macs(width, height)
    assert own == {placed.name: counted[placed.name] for placed in network.layers}
    assert sum(own.values()) == sum(counted.values()), "tables, gains and what receives multiply nothing"
    sizes = {node.name: node.weight.size // (2 if name == "complex" and placed.layer.parts == 2 else 1)
             for node in graph.nodes if isinstance(node, Convolution)
             for placed in network.layers if placed.name == node.name}  # fmt: skip
    assert sizes == {placed.name: weights(placed) for placed in network.layers if weights(placed)}
