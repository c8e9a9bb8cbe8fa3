"""graph.json + weights.npz: deterministic to write, validated to read.

graph.json holds everything but the arrays, which weights.npz holds under NODE.FIELD in the smallest integer
type that fits, and the SHA-256 of weights.npz, so that the two files cannot be mixed up. The same graph gives
the same bytes on any machine: sorted keys, fixed time stamps, no compression (zlib's output differs between
versions).
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from hwgen.errors import HwgenError
from hwgen.ir.archive import MOST_GRAPH_BYTES, MOST_NODES, MOST_WEIGHTS_BYTES, Arrays, read_json, read_weights
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node, written
from hwgen.ir.nodes import KINDS
from hwgen.ir.types import IntType, check
from hwgen.limits import check_bytes
from hwgen.names import layer_trouble
from hwgen.outputs import replaced_files

GRAPH_FILE = "graph.json"
WEIGHTS_FILE = "weights.npz"

FORMAT_VERSIONS = (1, 2, 3)
_NAMES = {kind: name for name, kind in KINDS.items()}
_EPOCH = (1980, 1, 1, 0, 0, 0)
_KEYS = {"format_version", "model", "side", "frame", "input_channels", "input", "input_exponent", "nodes", "terms",
         "weights_sha256"}  # fmt: skip
_PROFILES = {"profiles", "profile_limits"}
"""Keys that version 3 has besides."""


def _plain(value: Any) -> Any:
    return {"bits": value.bits, "signed": value.signed} if isinstance(value, IntType) else value


def format_version(graph: Graph) -> int:
    """The version that the graph is written in: the first one that can hold it.

    Version 1 has chains of the older kinds of nodes, with their older fields. In version 2 every node says its inputs.
    Version 3 has profiles.
    """
    names = [graph.source, *(node.name for node in graph.nodes)]
    chain = all(graph.inputs[name] == (before,) for before, name in zip(names, names[1:], strict=False))
    colours = graph.side == "rx" or graph.input_channels == 3
    least = 3 if graph.profiles > 1 else 1 if chain and colours else 2
    return max([least, *(node.least_version for node in graph.nodes)])


def _node_to_dict(node: Node) -> dict[str, Any]:
    arrays = {*node.array_fields, *(key for key in node.table_fields if isinstance(getattr(node, key), np.ndarray))}
    plain = {f.name: _plain(getattr(node, f.name)) for f in written(node) if f.name not in arrays}
    return {"kind": _NAMES[type(node)], **plain}


def weights_bytes(graph: Graph) -> bytes:
    """Content of weights.npz: an uncompressed zip of .npy files, sorted by name."""
    arrays: Arrays = {}
    for node in graph.nodes:
        for key, value in node.arrays().items():
            arrays[f"{node.name}.{key}"] = value
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[name], version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            info.create_system = 3  # else it tells Windows from the rest
            info.external_attr = 0o644 << 16
            archive.writestr(info, content.getvalue())
    return buffer.getvalue()


def graph_bytes(graph: Graph, weights: bytes) -> bytes:
    """Content of graph.json that goes with that content of weights.npz."""
    version = format_version(graph)
    content = {
        "format_version": version,
        "model": graph.model,
        "side": graph.side,
        "frame": {"width": graph.frame[0], "height": graph.frame[1]},
        "input_channels": graph.input_channels,
        "input": _plain(graph.input),
        "input_exponent": graph.input_exponent,
        "nodes": [
            _node_to_dict(node) | ({"inputs": list(graph.inputs[node.name])} if version > 1 else {})
            for node in graph.nodes
        ],
        "terms": graph.terms,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    if version > 2:
        content |= {"profiles": graph.profiles, "profile_limits": list(graph.profile_limits)}
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


def save(graph: Graph, folder: Path | str) -> None:
    """Write graph.json and weights.npz into a folder, as `save_all`."""
    save_all({Path(folder): graph})


def save_all(graphs: Mapping[Path, Graph]) -> None:
    """Write the graph.json and weights.npz of several graphs, each into its folder.

    All are written in full before any replaces what was there: a full disk changes nothing.

    Raises
    ------
    HwgenError
        The graph is larger than `load` would read.
    """
    contents: dict[Path, bytes] = {}
    for folder, graph in graphs.items():
        check(len(graph.nodes) <= MOST_NODES, "nodes", f"at most {MOST_NODES}", len(graph.nodes))
        weights = weights_bytes(graph)
        contents[folder / WEIGHTS_FILE] = weights
        contents[folder / GRAPH_FILE] = graph_bytes(graph, weights)
        for name, most in ((WEIGHTS_FILE, MOST_WEIGHTS_BYTES), (GRAPH_FILE, MOST_GRAPH_BYTES)):
            check_bytes(len(contents[folder / name]), most, "a file", str(folder / name))
    with replaced_files(list(contents)) as parts:
        for part, content in zip(parts, contents.values(), strict=True):
            part.write_bytes(content)


def load(folder: Path | str) -> Graph:
    """Read and check what `save` wrote.

    Raises
    ------
    HwgenError
        A file is missing, cut short, of an unknown format_version, lacks a key or has a surplus one, or holds
        values that the graph's constructors refuse; or one of them is beyond a limit of `hwgen.ir.archive`.
    """
    graph_path, weights_path = Path(folder) / GRAPH_FILE, Path(folder) / WEIGHTS_FILE
    content = read_json(graph_path)
    version = content.get("format_version")
    if type(version) is not int or version not in FORMAT_VERSIONS:
        raise HwgenError(f"{graph_path}: format_version", " or ".join(map(str, FORMAT_VERSIONS)), repr(version))
    _check_keys(content, _KEYS | (_PROFILES if version > 2 else set()), str(graph_path))
    arrays = read_weights(weights_path, content["weights_sha256"])
    if not isinstance(content["nodes"], list):
        raise HwgenError(f"{graph_path}: nodes", "a list", type(content["nodes"]).__name__)
    if not 1 <= len(content["nodes"]) <= MOST_NODES:
        raise HwgenError(f"{graph_path}: nodes", f"1 to {MOST_NODES} of them", str(len(content["nodes"])))
    nodes, inputs = [], {}
    for index, item in enumerate(content["nodes"]):
        where = f"{graph_path}: nodes[{index}]"
        names = _inputs(item, where) if version > 1 else None
        node = _node_from_dict(item, where, version, arrays, weights_path)
        nodes.append(node)
        if names is not None:
            inputs[node.name] = names
    if arrays:
        raise HwgenError(str(weights_path), "no further arrays", ", ".join(sorted(arrays)))
    frame = content["frame"]
    _check_keys(frame, {"width", "height"}, f"{graph_path}: frame")
    if not isinstance(content["terms"], dict):
        raise HwgenError(f"{graph_path}: terms", "a mapping", repr(content["terms"]))
    port = _int_type(content["input"], f"{graph_path}: input")
    try:
        return Graph(
            model=content["model"],
            side=content["side"],
            frame=(frame["width"], frame["height"]),
            input_channels=content["input_channels"],
            input=port,
            input_exponent=content["input_exponent"],
            nodes=tuple(nodes),
            terms=content["terms"],
            inputs=inputs,
            profiles=content.get("profiles", 1),
            profile_limits=content.get("profile_limits", ()),
        )
    except HwgenError as error:
        raise HwgenError(f"{graph_path}: {error.where}", error.wanted, error.got) from None


def _check_keys(content: object, keys: set[str], where: str) -> None:
    if not isinstance(content, dict):
        raise HwgenError(where, "a mapping", type(content).__name__)
    for key in sorted(keys - set(content)):
        raise HwgenError(f"{where}: {key}", "a value", "nothing")
    for key in sorted(set(content) - keys):
        raise HwgenError(f"{where}: {key}", "no such key", "it")


def _int_type(content: object, where: str) -> IntType:
    _check_keys(content, {"bits", "signed"}, where)
    assert isinstance(content, dict)
    bits, signed = content["bits"], content["signed"]
    if type(bits) is not int or type(signed) is not bool:
        raise HwgenError(where, "an integer of bits, and true or false: signed", f"{bits!r}, {signed!r}")
    return IntType(bits, signed)


def _inputs(item: object, where: str) -> tuple[str, ...]:
    """The names of a node's sources; takes them out of `item`."""
    names = item.pop("inputs", None) if isinstance(item, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise HwgenError(f"{where}: inputs", "a list of names", repr(names))
    return tuple(names)


def _node_from_dict(item: object, where: str, version: int, arrays: Arrays, weights_path: Path) -> Node:
    """One node; takes its arrays out of `arrays`."""
    if not isinstance(item, dict):
        raise HwgenError(where, "a mapping", type(item).__name__)
    values = dict(item)
    name_of_kind = values.pop("kind", None)
    known = {name: kind for name, kind in KINDS.items() if kind.format_version <= version}
    if not isinstance(name_of_kind, str) or name_of_kind not in known:
        raise HwgenError(f"{where}: kind", " or ".join(known), repr(name_of_kind))
    kind = known[name_of_kind]
    plain = [f for f in dataclasses.fields(cast("Any", kind)) if f.name not in kind.array_fields]
    plain = [f for f in plain if f.metadata.get("since", 1) <= version]
    tables = {key for key in kind.table_fields if version > 2 and key not in values}
    plain = [f for f in plain if f.name not in tables]
    values = {f.name: f.default for f in plain if "since" in f.metadata} | values
    _check_keys(values, {f.name for f in plain}, where)
    name = values["name"]
    if not isinstance(name, str) or (wanted := layer_trouble(name)) is not None:
        raise HwgenError(f"{where}: name", "a text" if not isinstance(name, str) else str(wanted), repr(name))
    for f in plain:
        if f.type == "IntType":
            values[f.name] = _int_type(values[f.name], f"{where}: {f.name}")
        elif isinstance(values[f.name], list):
            values[f.name] = tuple(values[f.name])
    for f in sorted(dataclasses.fields(cast("Any", kind)), key=lambda f: f.name):
        key = f.name
        if key not in tables and key not in kind.array_fields or f.metadata.get("since", 1) > version:
            continue
        array = arrays.pop(f"{name}.{key}", None)
        may_lack = "since" in f.metadata or (key == "slope" and values["activation"] != "prelu")
        if array is None and not may_lack:
            raise HwgenError(f"{weights_path}: {name}.{key}", "an array", "nothing")
        values[key] = array
    try:
        return kind(**values)
    except HwgenError as error:
        raise HwgenError(f"{where}: {error.where}", error.wanted, error.got) from None
