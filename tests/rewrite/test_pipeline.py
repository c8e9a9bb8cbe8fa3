"""The hardware's graph of networks in a row and with branches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.graphs import patches, random_dag, residual
from support.ir_samples import sample_graph
from support.spec_samples import spec_of

from hwgen.errors import HwgenError
from hwgen.ir.nodes import ComplexConv2d, Conv2d, SpaceToDepth
from hwgen.random_init import random_graph
from hwgen.rewrite.hardware import INPUT, Fork, InputFraming, PixelSerialiser, SymbolPacker
from hwgen.rewrite.pipeline import hardware_graph


def test_a_transmitter_in_a_row() -> None:
    """Frames come first; pixels are taken apart before the first layer, values pair up behind the last one."""
    graph = sample_graph()
    hardware = hardware_graph(graph)
    network = [node.name for node in graph.nodes]
    assert [node.name for node in hardware.nodes] == ["framer", "pixels", *network, "symbols"]
    assert hardware.nodes[0] == InputFraming("framer", coefficient_words=0)
    assert isinstance(hardware.nodes[1], PixelSerialiser) and isinstance(hardware.nodes[-1], SymbolPacker)
    assert [(port.name, port.direction, port.payload) for port in hardware.ports] == [
        ("s_axis", "input", "pixels"), ("m_axis", "output", "symbols"),
    ]  # fmt: skip
    assert (hardware.inputs["framer"], hardware.inputs["pixels"]) == ((INPUT,), ("framer",))
    assert hardware.branches == frozenset()


def test_a_stream_with_two_consumers_gets_a_fork() -> None:
    graph = random_dag(np.random.default_rng(1), "tx", 1, (residual,), (8, 8))
    hardware = hardware_graph(graph)
    forks = [node for node in hardware.nodes if isinstance(node, Fork)]
    assert forks
    for node in hardware.nodes:
        assert (len(hardware.consumers[node.name]) > 1) == isinstance(node, Fork)
    assert hardware.branches


def test_patches_become_blocks_and_a_pointwise_convolution() -> None:
    graph = random_dag(np.random.default_rng(1), "tx", 1, (patches,), (16, 24))
    (patch,) = (node for node in graph.nodes if isinstance(node, Conv2d) and node.patches)
    hardware = hardware_graph(graph)
    before, after = hardware.by_name[f"{patch.name}_patches"], hardware.by_name[patch.name]
    assert isinstance(before, SpaceToDepth) and before.factor == patch.stride
    assert isinstance(after, Conv2d) and (after.kernel, after.stride) == (1, 1)
    pixels = np.random.default_rng(2).integers(*patch.input.bounds, (16, 24, patch.in_channels))
    assert np.array_equal(after.execute(before.execute(pixels)), patch.execute(pixels))


def test_complex_patches_stay_as_they_are(tmp_path: Path) -> None:
    """As channels of one pixel, a block's real and imaginary parts would no longer alternate."""
    layers: list[dict[str, object]] = [
        {"kernel": 3, "channels": 4},
        {"kernel": 2, "stride": 2, "channels": 2, "complex": True, "activation": "none"},
    ]
    graph = random_graph(spec_of(tmp_path, layers), 1)
    patch = graph.nodes[1]
    assert isinstance(patch, ComplexConv2d) and patch.patches
    assert hardware_graph(graph).by_name[patch.name] is patch


def test_names_of_the_rewrites_own_nodes_are_refused() -> None:
    graph = random_dag(np.random.default_rng(1), "tx", 1, (patches,), (16, 24))
    (patch,) = (node for node in graph.nodes if isinstance(node, Conv2d) and node.patches)
    own = f"{patch.name}_patches"
    gain = graph.nodes[-1]
    inputs = {**graph.inputs, own: graph.inputs[gain.name]}
    del inputs[gain.name]
    taken = replace(graph, nodes=(*graph.nodes[:-1], replace(gain, name=own)), inputs=inputs)  # type: ignore[type-var]
    with pytest.raises(HwgenError, match=rf"^nodes: wanted names beside s_axis and those of .*, got {own}$"):
        hardware_graph(taken)
