"""A model is its specification and the integer graph that was exported of it, of the same network."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support.emission import emit_tiny, own_model

from hwgen.errors import HwgenError
from hwgen.ir import serialize
from hwgen.model import load_graph
from hwgen.spec import model as specs


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    folder = own_model(tmp_path / "mine")
    with pytest.raises(HwgenError) as caught:
        emit_tiny(tmp_path / "out", model=folder, init=None)
    wanted = "the integer graph of a trained model (or --init random:SEED)"
    assert str(caught.value) == f"{folder / 'graph.json'}: wanted {wanted}, got no such file"
    assert not (tmp_path / "out").exists()


def test_the_trained_graph_is_taken(tmp_path: Path) -> None:
    folder = own_model(tmp_path / "mine")
    graph = load_graph(specs.load(folder), init=5)
    serialize.save(graph, folder)
    emitted = emit_tiny(tmp_path / "out", model=folder, init=None)
    assert (emitted.folder / "graph.json").read_bytes() == (folder / "graph.json").read_bytes()
    assert (emitted.folder / "weights.npz").read_bytes() == (folder / "weights.npz").read_bytes()


@pytest.mark.parametrize(("key", "value", "was"), [
    ("kernel", 5, 3), ("stride", 1, 2), ("activation", "prelu", "relu"), ("weight_bits", 4, 8),
    ("activation_bits", 7, 8), ("channels", 6, 5), ("gain.mode", "per_image", "static"),
])  # fmt: skip
def test_a_graph_of_another_network_is_refused(key: str, value: object, was: object, tmp_path: Path) -> None:
    """The specification was changed after the export."""
    folder = own_model(tmp_path / "mine", decoder=None, training=None, bandwidth_ratio=None)
    serialize.save(load_graph(specs.load(folder), init=5), folder)
    content = yaml.safe_load((folder / "spec.yaml").read_text(encoding="utf-8"))
    if key == "channels":
        content["pruning"]["channels"]["encoder"][0] = value
    elif key == "gain.mode":
        content["gain"] = {"mode": value}
    else:
        content["encoder"][0][key] = value
    (folder / "spec.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(HwgenError) as caught:
        emit_tiny(tmp_path / "out", model=folder, init=None)
    where = f"{folder / 'graph.json'}: {key if '.' in key else f'conv0.{key}'}"
    wanted = f"{where}: wanted the specification's {value} (export again), got {was}"
    assert str(caught.value) == wanted


def test_a_graph_of_other_layers_is_refused(tmp_path: Path) -> None:
    folder = own_model(tmp_path / "mine", decoder=None, training=None, bandwidth_ratio=None)
    serialize.save(load_graph(specs.load(folder), init=5), folder)
    content = yaml.safe_load((folder / "spec.yaml").read_text(encoding="utf-8"))
    del content["encoder"][1], content["pruning"]["channels"]["encoder"][1]
    (folder / "spec.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(HwgenError, match=r"graph\.json: wanted the specification's 2 layers, got 3$"):
        emit_tiny(tmp_path / "out", model=folder, init=None)
