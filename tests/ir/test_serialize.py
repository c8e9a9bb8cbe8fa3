"""graph.json + weights.npz: the same bytes every time, and every damaged input refused."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.graphs import random_dag
from support.ir_samples import conv_values, sample_graph

from hwgen.errors import HwgenError
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Add, Conv2d, Gain
from hwgen.ir.serialize import format_version, load, save
from hwgen.ir.types import IntType


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save(sample_graph(), tmp_path / name)
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["graph.json", "weights.npz"]
    save(load(tmp_path / "a"), tmp_path / "b")
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_bytes_are_what_they_were(tmp_path: Path) -> None:
    """Not from run to run only: a change of format must be meant, and comes with a new format_version."""
    save(sample_graph(), tmp_path)
    digest = hashlib.sha256((tmp_path / "graph.json").read_bytes()).hexdigest()
    assert digest == DIGEST


DIGEST = "05700187fbce1481d720863387da3a3e53246192306940bd42dab7c68fb801c9"


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(sample_graph(1), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "graph.json" in path.name:
            write(path, content[:100])
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save(sample_graph(2), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_loaded_graph_computes_the_same(tmp_path: Path) -> None:
    graph = sample_graph(1)
    save(graph, tmp_path)
    loaded = load(tmp_path)
    assert (loaded.model, loaded.frame, loaded.terms) == (graph.model, graph.frame, graph.terms)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    wanted = execute(graph, pixels)
    for name, array in execute(loaded, pixels).items():
        assert np.array_equal(array, wanted[name])


def branched() -> Graph:
    """A graph that version 1 cannot hold, of many kinds."""
    return random_dag(np.random.default_rng(4), "tx", 8)


def test_version_2_bytes_are_what_they_were(tmp_path: Path) -> None:
    graph = residual()
    save(graph, tmp_path)
    assert hashlib.sha256((tmp_path / "graph.json").read_bytes()).hexdigest() == DIGEST_2
    content = json.loads((tmp_path / "graph.json").read_text())
    assert content["format_version"] == 2
    assert [node["inputs"] for node in content["nodes"]] == [["pixels"], ["conv0"], ["conv1", "conv0"], ["sum"]]
    assert not {"kernel_height", "dilation", "groups", "imag_bits"} & set(content["nodes"][0]), "only what differs"


DIGEST_2 = "747581bd5cee7982c4885c66865631b197e3f999653036b30b5403c5745e18f9"


def residual() -> Graph:
    """Two layers, the sum of both, a gain."""
    chain = sample_graph()
    first = chain.convolutions[0]
    second = Conv2d(**conv_values(np.random.default_rng(1), "conv1", (5, 5), 3, 1, "prelu", first.output, -4))
    total = Add("sum", 5, second.output, first.output, -4, 1, "none", IntType(8, True), -3)
    gain = Gain("gain", 5, 41235, 16, 5, IntType(8, True))
    return Graph("residual", (24, 16), (first, second, total, gain), inputs={"sum": ("conv1", "conv0")})


def test_the_version_is_the_first_that_can_hold_the_graph() -> None:
    chain = sample_graph()
    assert format_version(chain) == 1
    assert format_version(residual()) == 2
    first = chain.convolutions[0]
    for changes in ({"padding": 0, "padding_height": 0, "padding_width": 0}, {"activation": "clip", "ceiling": 9}):
        clip = "ceiling" in changes
        more = {"slope": None, "slope_bits": 0, "slope_fraction": 0, "output": IntType(8, False)} if clip else {}
        assert dataclasses.replace(first, **changes | more).least_version == 2
    grey = dataclasses.replace(first, in_channels=1, weight=first.weight[:, :1])
    assert grey.least_version == 1
    assert format_version(dataclasses.replace(chain, input_channels=1, nodes=(grey, *chain.nodes[1:]))) == 2


def test_a_loaded_graph_with_branches_computes_the_same(tmp_path: Path) -> None:
    graph = branched()
    save(graph, tmp_path)
    loaded = load(tmp_path)
    width, height = graph.frame
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, graph.input_channels), dtype=np.uint8)
    wanted = execute(graph, pixels)
    for name, array in execute(loaded, pixels).items():
        assert np.array_equal(array, wanted[name])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.__setitem__("format_version", 1), "graph.json: nodes[0]: inputs: wanted no such key, got it"),
        (lambda c: c["nodes"][0].pop("inputs"), "graph.json: nodes[0]: inputs: wanted a list of names, got None"),
        (lambda c: c["nodes"][2].update(inputs=[1]), "graph.json: nodes[2]: inputs: wanted a list of names, got [1]"),
        (lambda c: c["nodes"].__setitem__(2, 7), "graph.json: nodes[2]: inputs: wanted a list of names, got None"),
        (lambda c: c["nodes"][2].update(inputs=["conv0"]), "graph.json: conv1: wanted a node that takes its output"),
        (lambda c: c["nodes"][1].update(inputs=["sum"]), "graph.json: conv1.inputs: wanted nodes before it, got sum"),
        (lambda c: c["nodes"][2].update(kind="sum"), "graph.json: nodes[2]: kind: wanted conv2d or complex_conv2d"),
        (lambda c: c["nodes"][2].update(other=8), "graph.json: nodes[2]: other: wanted a mapping, got int"),
        (lambda c: c["nodes"][1].update(dilation=9), "nodes[1]: conv1.dilation: wanted an integer 1..4, got 9"),
    ],
)
def test_edited_version_2(tmp_path: Path, edit: Callable[[dict[str, Any]], None], message: str) -> None:
    save(residual(), tmp_path)
    path = tmp_path / "graph.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    assert message in refused(tmp_path)


def test_version_1_does_not_know_newer_fields_and_kinds(tmp_path: Path) -> None:
    save(sample_graph(), tmp_path)
    path = tmp_path / "graph.json"
    content = json.loads(path.read_text())
    for key, message in (("dilation", "nodes[0]: dilation: wanted no such key"), ("kind", "nodes[0]: kind: wanted")):
        edited = json.loads(json.dumps(content))
        edited["nodes"][0][key] = 1 if key == "dilation" else "max_pool"
        path.write_text(json.dumps(edited))
        assert message in refused(tmp_path)


def refused(folder: Path) -> str:
    with pytest.raises(HwgenError) as error:
        load(folder)
    assert str(folder) in str(error.value)
    return str(error.value).replace(str(folder) + "/", "")


@pytest.mark.parametrize("name", ["graph.json", "weights.npz"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    save(sample_graph(), tmp_path)
    (tmp_path / name).unlink()
    assert refused(tmp_path).startswith(f"{name}: wanted ")
    assert refused(tmp_path).endswith("got no such file")


def test_a_folder_in_the_weights_place(tmp_path: Path) -> None:
    save(sample_graph(), tmp_path)
    (tmp_path / "weights.npz").unlink()
    (tmp_path / "weights.npz").mkdir()
    assert refused(tmp_path).startswith("weights.npz: wanted the graph's arrays, got ")


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_truncated_weights(tmp_path: Path, keep: float) -> None:
    save(sample_graph(), tmp_path)
    path = tmp_path / "weights.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) if keep == 0.5 else int(keep)])
    assert refused(tmp_path).startswith("weights.npz: wanted SHA-256 ")


def test_every_flipped_byte_of_the_weights_is_noticed(tmp_path: Path) -> None:
    save(sample_graph(), tmp_path)
    path = tmp_path / "weights.npz"
    content = path.read_bytes()
    for position in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(bytes(damaged))
        refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'"text"'])
def test_graph_json_that_is_no_object(tmp_path: Path, content: bytes) -> None:
    save(sample_graph(), tmp_path)
    (tmp_path / "graph.json").write_bytes(content)
    assert refused(tmp_path).startswith("graph.json: wanted a JSON object, got ")


def change(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.__setitem__(key, value)


def change_node(index: int, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["nodes"][index].__setitem__(key, value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change("format_version", 4), "graph.json: format_version: wanted 1 or 2 or 3, got 4"),
        (change("format_version", "1"), "graph.json: format_version: wanted 1 or 2 or 3, got '1'"),
        (lambda c: c.pop("format_version"), "graph.json: format_version: wanted 1 or 2 or 3, got None"),
        (lambda c: c.pop("nodes"), "graph.json: nodes: wanted a value, got nothing"),
        (change("colour", 1), "graph.json: colour: wanted no such key, got it"),
        (change("nodes", {}), "graph.json: nodes: wanted a list, got dict"),
        (change("nodes", [1]), "graph.json: nodes[0]: wanted a mapping, got int"),
        (change("frame", {"width": 0, "height": 4}), "graph.json: frame: wanted an integer 1..65536, got 0"),
        (change("frame", {"width": 8193, "height": 8192}), "graph.json: frame: wanted at most 67108864 pixels"),
        (change("frame", {"width": 8}), "graph.json: frame: height: wanted a value, got nothing"),
        (change("input", None), "graph.json: input: wanted a mapping, got NoneType"),
        (change("side", "relay"), "graph.json: side: wanted tx or rx, got 'relay'"),
        (change("terms", None), "graph.json: terms: wanted a mapping, got None"),
        (change("weights_sha256", "0"), "weights.npz: wanted SHA-256 0, as in graph.json, got"),
        (change_node(0, "kind", "pool"), "graph.json: nodes[0]: kind: wanted conv2d or complex_conv2d or"),
        (change_node(0, "kernel", 17), "graph.json: nodes[0]: conv0.kernel: wanted an integer 1..16, got 17"),
        (change_node(0, "out_channels", 0), "nodes[0]: conv0.out_channels: wanted an integer 1..4096, got 0"),
        (change_node(1, "name", "../x"), "graph.json: nodes[1]: name: wanted letters, digits and _, got '../x'"),
        (change_node(1, "name", "conv9"), "weights.npz: conv9.bias: wanted an array, got nothing"),
        (change_node(1, "surplus", 1), "graph.json: nodes[1]: surplus: wanted no such key, got it"),
        (change_node(1, "accumulator_bits", 3), "graph.json: nodes[1]: conv1.accumulator_bits: wanted at least "),
        (change_node(1, "accumulator_bits", 20.0), "nodes[1].accumulator_bits: wanted a whole number, got 20.0"),
        (change_node(3, "factor", 1.5), "graph.json: nodes[3].factor: wanted a whole number, got 1.5"),
        (change_node(0, "output", {"bits": "8", "signed": True}), "nodes[0]: output: wanted an integer of bits"),
        (change_node(0, "activation", "none"), "graph.json: nodes[0]: conv0.slope: wanted none for activation none"),
    ],
)  # fmt: skip
def test_edited_graph_json(tmp_path: Path, edit: Callable[[dict[str, Any]], None], message: str) -> None:
    save(sample_graph(), tmp_path)
    path = tmp_path / "graph.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    assert message in refused(tmp_path)


def with_arrays(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Save the sample, then rewrite weights.npz edited, with a matching hash."""
    save(sample_graph(), folder)
    with np.load(folder / "weights.npz") as archive:
        arrays = dict(archive)
    edit(arrays)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (folder / "weights.npz").write_bytes(buffer.getvalue())
    path = folder / "graph.json"
    content = json.loads(path.read_text())
    content["weights_sha256"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("conv0.weight", np.zeros((5, 3, 3, 2), np.int8), "conv0.weight: wanted shape (5, 3, 3, 3), got (5, 3, 3, 2)"),
        ("conv0.weight", np.full((5, 3, 3, 3), -128, np.int8), "conv0.weight: wanted values -127..127, got -128..-128"),
        ("conv0.weight", np.zeros((5, 3, 3, 3)), "conv0.weight: wanted integers, got float64"),
        ("conv1.shift", np.full(7, 41, np.int8), "conv1.shift: wanted values -16..40, got 41..41"),
        ("conv1.surplus", np.zeros(1, np.int8), "weights.npz: wanted no further arrays, got conv1.surplus"),
        ("conv1.slope", np.zeros(7, np.int8), "conv1.slope: wanted none for activation relu, got slopes"),
        ("conv0.slope", None, "weights.npz: conv0.slope: wanted an array, got nothing"),
        ("conv2.bias", None, "weights.npz: conv2.bias: wanted an array, got nothing"),
    ],
)
def test_edited_weights(tmp_path: Path, key: str, value: Any, message: str) -> None:
    with_arrays(tmp_path, lambda arrays: arrays.pop(key) if value is None else arrays.__setitem__(key, value))
    assert message in refused(tmp_path)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    with_arrays(tmp_path, lambda arrays: arrays.__setitem__("conv0.weight", np.array([{}], dtype=object)))
    assert "weights.npz: conv0.weight: wanted integers, got objects, which would be pickles" in refused(tmp_path)
