"""Random layers of every kind: their nodes, exponents that agree, ceilings, slopes and codebooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spec_graphs import GRAPHS, graph_spec

from hwgen.errors import HwgenError
from hwgen.ir.nodes import NETWORK, Convolution
from hwgen.random_init import random_graph
from hwgen.random_init.exponents import agreed
from hwgen.spec.model import load

HEAD = "format_version: 1\ndescription: d\nframe: {width: 16, height: 16}\n"


def convolutions(folder: Path, name: str, side: str = "tx") -> dict[str, Convolution]:
    return {node.name: node for node in random_graph(graph_spec(folder, name), 1, side).convolutions}


def test_every_kind_of_node_is_somewhere(tmp_path: Path) -> None:
    seen = {type(node) for name in GRAPHS for side in ("tx", "rx")
            for node in random_graph(graph_spec(tmp_path, name), 1, side).nodes}  # fmt: skip
    assert {kind.__name__ for kind in NETWORK} - {kind.__name__ for kind in seen} == {"ComplexConv2d"}


def test_branches_agree_on_their_exponents(tmp_path: Path) -> None:
    for name in GRAPHS:
        graph = random_graph(graph_spec(tmp_path, name), 2)
        for node in graph.nodes:
            assert len({graph.edges[source].exponent for source in graph.inputs[node.name]}) == 1


def test_a_sum_may_have_to_keep_its_inputs_exponent(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        HEAD + "encoder:\n  - {kind: add, inputs: [pixels, pixels], activation: relu, name: twice}\n"
        "  - {kind: concat, inputs: [pixels, twice]}\n  - {kernel: 3, channels: 4, activation: none}\n"
    )
    graph = random_graph(load(path), 0)
    assert [graph.edges[name].exponent for name in ("pixels", "twice")] == [-8, -8], "a shift of 0"


@pytest.mark.parametrize(("fixed", "message"), [
    ({"sum": -9}, "here: wanted sum on an exponent of at least its inputs', -8, got -9"),
    ({"both": -7}, "here: wanted branches that meet on one exponent: both on -8, got -7"),
])  # fmt: skip
def test_exponents_that_cannot_agree_are_refused(tmp_path: Path, fixed: dict[str, int], message: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        HEAD + "encoder:\n  - {kind: concat, inputs: [pixels, pixels], name: both}\n"
        "  - {kind: add, inputs: [both, both], activation: relu, name: sum}\n"
        "  - {kernel: 3, channels: 4, activation: none}\n"
    )
    with pytest.raises(HwgenError) as caught:
        agreed(load(path).encoder_network, -8, fixed, "here")
    assert str(caught.value) == message


def test_ceilings(tmp_path: Path) -> None:
    node = convolutions(tmp_path, "patches")["conv0"]
    assert (node.activation, node.output_exponent, node.ceiling) == ("clip", -5, 112), "3.5 in steps of 1/32"
    node = convolutions(tmp_path, "depthwise")["conv0"]
    assert (node.activation, node.ceiling) == ("clip", 192), "6 in steps of 1/32"


def test_leaky_slopes_are_equal(tmp_path: Path) -> None:
    node = convolutions(tmp_path, "depthwise")["conv3"]
    assert node.slope is not None and node.activation == "prelu"
    assert set(node.slope.tolist()) == {8}, "0.125 in steps of 1/64"


def test_groups_and_windows(tmp_path: Path) -> None:
    found = convolutions(tmp_path, "depthwise")
    assert [found[f"conv{i}"].groups for i in range(5)] == [1, 8, 1, 2, 1]
    found = convolutions(tmp_path, "patches")
    keys = ("kernel_height", "kernel_width", "padding_height", "padding_width", "dilation", "stride")
    sizes = [tuple(getattr(node, key) for key in keys) for node in found.values()]
    assert sizes == [(4, 4, 0, 0, 1, 4), (1, 5, 0, 2, 1, 1), (3, 1, 2, 0, 2, 1), (9, 9, 4, 4, 1, 1)]


def test_codebooks(tmp_path: Path) -> None:
    for node, entries in zip(convolutions(tmp_path, "codebook").values(), (16, 4), strict=True):
        assert node.codebook is not None and len(node.codebook) == entries
        largest = 2 ** (node.weight_bits - 1) - 1
        assert (node.codebook[0], node.codebook[-1]) == (-largest, largest)
        assert set(node.weight.reshape(-1).tolist()) <= set(node.codebook.tolist())


def test_grey_images(tmp_path: Path) -> None:
    spec = graph_spec(tmp_path, "grey")
    assert random_graph(spec, 1).input_channels == 1
    assert random_graph(spec, 1, "rx").edges["deconv1"].channels == 1
