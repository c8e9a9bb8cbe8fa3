"""The nodes of a layer: a kind without any is refused, and names are those of the graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spec_graphs import GRAPHS, graph_spec

from hwgen.assembly.layers import node_names, nodes_of
from hwgen.random_init import random_graph


def test_a_kind_without_nodes_is_refused() -> None:
    with pytest.raises(TypeError, match="layer: wanted a kind that has nodes, got int"):
        nodes_of(3, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GRAPHS)
def test_nodes_are_named_by_layers(tmp_path: Path, name: str) -> None:
    spec = graph_spec(tmp_path, name)
    for side, network in (("tx", spec.encoder_network), ("rx", spec.decoder_network)):
        wanted: list[str] = []
        for placed in network.layers:
            wanted += node_names(placed, side == "rx" and placed is network.ends[0])
        found = [node.name for node in random_graph(spec, 1, side).nodes]
        assert [name for name in found if name not in ("gain", "received")] == wanted
