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
from pathlib import Path
from typing import Any

import numpy as np

from hwgen.errors import HwgenError
from hwgen.ir.graph import (
    FORMAT_VERSION,
    Alamouti,
    ComplexConv2d,
    Conv2d,
    Convolution,
    ConvTranspose2d,
    Gain,
    Graph,
    IntType,
    MatrixProduct,
    Node,
    Power,
    Receive,
    Table,
)

GRAPH_FILE = "graph.json"
WEIGHTS_FILE = "weights.npz"

_KINDS: dict[str, type[Node]] = {
    "conv2d": Conv2d,
    "complex_conv2d": ComplexConv2d,
    "conv_transpose2d": ConvTranspose2d,
    "gain": Gain,
    "power": Power,
    "receive": Receive,
    "table": Table,
    "matrix_product": MatrixProduct,
    "alamouti": Alamouti,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_OF_CONVOLUTION = {
    "weight": np.int8, "bias": np.int32, "slope": np.int16, "shift": np.int8, "weight_exponent": np.int8
}  # fmt: skip
_OF_TABLE = {"values": np.uint8}
_OPTIONAL = {"imag_bits": 0, "imag_left": 0}
"""Not written where they have these values."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_KEYS = {"format_version", "model", "side", "frame", "input_channels", "input", "input_exponent", "nodes", "terms",
         "weights_sha256"}  # fmt: skip


def _plain(value: Any) -> Any:
    return {"bits": value.bits, "signed": value.signed} if isinstance(value, IntType) else value


def _arrays(kind: type[Node]) -> dict[str, Any]:
    """The fields of a kind of node that are arrays, and the type that each is stored as."""
    if issubclass(kind, Convolution):
        return _OF_CONVOLUTION
    return _OF_TABLE if kind is Table else {}


def _node_to_dict(node: Node) -> dict[str, Any]:
    arrays = _arrays(type(node))
    plain = {f.name: _plain(getattr(node, f.name)) for f in dataclasses.fields(node) if f.name not in arrays}
    plain = {key: value for key, value in plain.items() if key not in _OPTIONAL or value != _OPTIONAL[key]}
    return {"kind": _NAMES[type(node)], **plain}


def weights_bytes(graph: Graph) -> bytes:
    """Content of weights.npz: an uncompressed zip of .npy files, sorted by name."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for node in graph.nodes:
        for key, dtype in _arrays(type(node)).items():
            value = getattr(node, key)
            if value is not None:
                arrays[f"{node.name}.{key}"] = value.astype(dtype)
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
    content = {
        "format_version": graph.format_version,
        "model": graph.model,
        "side": graph.side,
        "frame": {"width": graph.frame[0], "height": graph.frame[1]},
        "input_channels": graph.input_channels,
        "input": _plain(graph.input),
        "input_exponent": graph.input_exponent,
        "nodes": [_node_to_dict(node) for node in graph.nodes],
        "terms": graph.terms,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


def save(graph: Graph, folder: Path | str) -> None:
    """Write graph.json and weights.npz into an existing folder.

    Both are written in full before either replaces what was there: a full disk changes nothing.
    """
    folder = Path(folder)
    weights = weights_bytes(graph)
    contents = {WEIGHTS_FILE: weights, GRAPH_FILE: graph_bytes(graph, weights)}
    parts = {name: folder / f".{name}.part" for name in contents}
    try:
        for name, part in parts.items():
            part.write_bytes(contents[name])
        for name, part in parts.items():
            part.replace(folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def load(folder: Path | str) -> Graph:
    """Read and check what `save` wrote.

    Raises
    ------
    HwgenError
        A file is missing, cut short, of an unknown format_version, lacks a key or has a surplus one, or holds
        values that the graph's constructors refuse.
    """
    graph_path, weights_path = Path(folder) / GRAPH_FILE, Path(folder) / WEIGHTS_FILE
    content = _read_json(graph_path)
    version = content.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise HwgenError(f"{graph_path}: format_version", str(FORMAT_VERSION), repr(version))
    _check_keys(content, _KEYS, str(graph_path))
    arrays = _read_weights(weights_path, content["weights_sha256"])
    if not isinstance(content["nodes"], list):
        raise HwgenError(f"{graph_path}: nodes", "a list", type(content["nodes"]).__name__)
    nodes = tuple(
        _node_from_dict(item, f"{graph_path}: nodes[{i}]", arrays, weights_path)
        for i, item in enumerate(content["nodes"])
    )
    if arrays:
        raise HwgenError(str(weights_path), "no further arrays", ", ".join(sorted(arrays)))
    frame = content["frame"]
    _check_keys(frame, {"width", "height"}, f"{graph_path}: frame")
    if not isinstance(content["model"], str) or not isinstance(content["terms"], dict):
        got = f"{content['model']!r}, {content['terms']!r}"
        raise HwgenError(f"{graph_path}: model, terms", "a name, a mapping", got)
    try:
        return Graph(
            model=content["model"],
            side=content["side"],
            frame=(frame["width"], frame["height"]),
            input_channels=content["input_channels"],
            input=_int_type(content["input"], f"{graph_path}: input"),
            input_exponent=content["input_exponent"],
            nodes=nodes,
            terms=content["terms"],
            format_version=version,
        )
    except HwgenError as error:
        raise HwgenError(f"{graph_path}: {error.where}", error.wanted, error.got) from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise HwgenError(str(path), "an integer graph", "no such file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise HwgenError(str(path), "a JSON object", str(error)) from None
    if not isinstance(content, dict):
        raise HwgenError(str(path), "a JSON object", type(content).__name__)
    return content


def _read_weights(path: Path, sha256: object) -> dict[str, np.ndarray[Any, Any]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise HwgenError(str(path), "the graph's arrays", "no such file") from None
    except OSError as error:
        raise HwgenError(str(path), "the graph's arrays", str(error)) from None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # np.load and zipfile raise a dozen types on damaged files
        raise HwgenError(str(path), "a complete .npz file", f"{type(error).__name__}: {error}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise HwgenError(str(path), f"SHA-256 {sha256}, as in {GRAPH_FILE}", found)
    return arrays


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
    return IntType(content["bits"], content["signed"])


def _node_from_dict(item: object, where: str, arrays: dict[str, np.ndarray[Any, Any]], weights_path: Path) -> Node:
    """One node; takes its arrays out of `arrays`."""
    if not isinstance(item, dict):
        raise HwgenError(where, "a mapping", type(item).__name__)
    values = dict(item)
    name_of_kind = values.pop("kind", None)
    if not isinstance(name_of_kind, str) or name_of_kind not in _KINDS:
        raise HwgenError(f"{where}: kind", " or ".join(_KINDS), repr(name_of_kind))
    kind = _KINDS[name_of_kind]
    in_archive = set(_arrays(kind))
    wanted = {f.name for f in dataclasses.fields(kind)} - in_archive
    values = {key: value for key, value in _OPTIONAL.items() if key in wanted} | values
    _check_keys(values, wanted, where)
    name = values["name"]
    if not isinstance(name, str) or not name.isidentifier():
        raise HwgenError(f"{where}: name", "an identifier", repr(name))
    for key in ("input", "output"):
        values[key] = _int_type(values[key], f"{where}: {key}")
    if isinstance(values.get("conjugate"), list):
        values["conjugate"] = tuple(values["conjugate"])
    for key in sorted(in_archive):
        array = arrays.pop(f"{name}.{key}", None)
        if array is None and not (key == "slope" and values["activation"] != "prelu"):
            raise HwgenError(f"{weights_path}: {name}.{key}", "an array", "nothing")
        values[key] = array
    try:
        return kind(**values)
    except HwgenError as error:
        raise HwgenError(f"{where}: {error.where}", error.wanted, error.got) from None
