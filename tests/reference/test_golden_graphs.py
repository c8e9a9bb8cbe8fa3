"""Graphs with branches: Brevitas = interpreter, exactly, at every node; every kind of node has a golden answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.graphs import random_dag
from support.ir_samples import photos
from support.quantised_samples import LAYERS, sample_checkpoint, sample_spec
from support.spec_graphs import GRAPHS, graph_spec

from hwgen.export import export
from hwgen.ir.execute import execute
from hwgen.ir.nodes import KINDS
from hwgen.random_init import random_graph
from hwgen.reference.brevitas import golden_node
from hwgen.reference.golden import golden


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        assert np.array_equal(found[name], array), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_node_has_an_answer(kind: str) -> None:
    assert golden_node.dispatch(KINDS[kind]) is not golden_node.dispatch(object)


def test_a_kind_without_an_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="node: wanted a kind that Brevitas has an answer for, got int"):
        golden_node(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_random_transmitters(seed: int) -> None:
    graph = random_dag(np.random.default_rng([11, seed]), "tx")
    pixels = photos(24, 16)[seed % 3][..., : graph.input_channels]
    same(golden(None, graph, pixels), execute(graph, pixels))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_random_receivers(seed: int) -> None:
    rng = np.random.default_rng([12, seed])
    graph = random_dag(rng, "rx")
    size = graph.frame
    parts = np.clip(np.rint(rng.normal(0, 3000, (graph.symbols(*size), 2))), -32768, 32767).astype(np.int64)
    words = ((parts[:, 0] & 0xFFFF) | (parts[:, 1] & 0xFFFF) << 16).astype(np.uint32)
    same(golden(None, graph, words), execute(graph, words))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("seed", range(2))
def test_specifications_on_photos(tmp_path: Path, name: str, seed: int) -> None:
    spec = graph_spec(tmp_path, name)
    tx, rx = (random_graph(spec, seed, side) for side in ("tx", "rx"))
    for image in photos(32, 16):
        pixels = image[..., : spec.frame.channels]
        sent = execute(tx, pixels)
        same(golden(spec, tx, pixels), sent)
        same(golden(spec, rx, sent["symbols"]), execute(rx, sent["symbols"]))


def test_a_trained_network_with_names(tmp_path: Path) -> None:
    layers: dict[str, list[dict[str, Any]]] = {side: [dict(layer) for layer in LAYERS[side]] for side in LAYERS}
    layers["encoder"][1]["name"], layers["decoder"][0]["name"] = "middle", "first"
    layers["decoder"][1]["inputs"] = ["first"]
    spec = sample_spec(tmp_path, **layers)
    sample_checkpoint(spec, spec.checkpoint_path)
    tx, rx = (export(spec, spec.checkpoint_path, side) for side in ("tx", "rx"))
    assert [node.name for node in (*tx.convolutions, *rx.convolutions)] == ["conv0", "middle", "conv2", "first",
                                                                            "deconv1"]  # fmt: skip
    pixels = photos(64, 48)[1]
    sent = execute(tx, pixels)
    same(golden(spec, tx, pixels, spec.checkpoint_path), sent)
    words, size = sent["symbols"], (64, 48)
    same(golden(spec, rx, words, spec.checkpoint_path, None, size), execute(rx, words, size=size))
