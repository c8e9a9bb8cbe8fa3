"""Tensors and a JSON header in one safetensors file, written atomically. Never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.limits import check_bytes
from hwgen.outputs import replaced_file
from hwgen.plainjson import json_object

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

FORMAT_VERSION = 1
MOST_BYTES = 1 << 32
"""Largest checkpoint: 4 GiB."""
MOST_HEADER_BYTES = 1 << 22
"""Largest header: 4 MiB, names and shapes of some 30,000 tensors."""
CHECKPOINT = "a safetensors checkpoint of hwgen"
LENGTH_BYTES = 8
"""Of a safetensors file, before its header."""


def write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write or replace ``path``; a reader or an interrupt never sees half a file.

    The header goes into the file's metadata as ONE entry of sorted JSON, because safetensors does
    not promise the order of several entries, and equal content should be equal bytes.

    Raises
    ------
    HwgenError
        it cannot be written; what stood there still does.
    """
    text = json.dumps({"format_version": FORMAT_VERSION, **header}, sort_keys=True)
    try:
        with replaced_file(path) as part:
            save_file(
                {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
                part,
                metadata={"hwgen": text},
            )
    except (OSError, SafetensorError) as error:  # safetensors reports what the system refuses as its own error
        raise HwgenError(str(path), "a writable file", str(error)) from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and header of a file written by `write`.

    Raises
    ------
    HwgenError
        missing, no regular file, not safetensors, not ours, of an unknown format version, or beyond a limit.
    """
    if not path.is_file():
        got = "no regular file" if path.exists() else "no such file"
        raise HwgenError(str(path), "a checkpoint (train the model first)", got)
    try:
        _check_header(path)
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {})["hwgen"]
            tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}
    except KeyError:
        raise HwgenError(str(path), CHECKPOINT, "one of something else") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise HwgenError(str(path), CHECKPOINT, str(error)) from error
    header = json_object(told, f"{path}: header")
    version = header.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise HwgenError(f"{path}: format_version", str(FORMAT_VERSION), repr(version))
    return tensors, header


def _check_header(path: Path) -> None:
    """A safetensors file begins with its header's length: look before anything reads so much."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    check_bytes(path.stat().st_size, MOST_BYTES, "a checkpoint", str(path))
    check_bytes(length, MOST_HEADER_BYTES, "a safetensors file with a header", str(path))


def check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights that no training can go on from.

    Raises
    ------
    HwgenError
        At the first tensor with an infinity or NaN.
    """
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise HwgenError(f"{where}: {name}", "finite values", "infinities or NaN")


def check_like(value: Tensor, wanted: Tensor, where: str) -> None:
    """Refuse a tensor that cannot stand for another one: of another shape, or integers for floating point.

    Raises
    ------
    HwgenError
        At `where`.
    """
    if value.shape != wanted.shape:
        raise HwgenError(where, f"shape {tuple(wanted.shape)}", str(tuple(value.shape)))
    if value.is_floating_point() != wanted.is_floating_point():
        kinds = {True: "floating point", False: "whole numbers"}
        raise HwgenError(where, kinds[wanted.is_floating_point()], str(value.dtype).removeprefix("torch."))


def sha256(path: Path) -> str:
    """Which file it is, for headers.

    Raises
    ------
    HwgenError
        It cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise HwgenError(str(path), "a checkpoint", str(error)) from error


def terms(path: Path, header: Mapping[str, Any], spec: ModelSpec) -> dict[str, str]:
    """License and source of the data that a checkpoint's weights were trained on.

    The header says so; a checkpoint whose header does not is taken to carry the specification's.

    Raises
    ------
    HwgenError
        The header and the specification name different terms, or the header's are none.
    """
    carried = header.get("terms") or {}
    if not isinstance(carried, dict) or not all(isinstance(value, str) for value in carried.values()):
        raise HwgenError(f"{path}: terms", "license and source", str(carried))
    if spec.data is None:
        return carried
    said = spec.data.model_dump()
    for key in sorted({*carried, *said}) if carried else ():
        if carried.get(key) != said.get(key):
            raise HwgenError(
                f"{path}: terms: {key}",
                f"{said.get(key)!r}, as {spec.where('data')} says (weights carry the terms of the data they were "
                "trained on: correct the specification or train again)",
                repr(carried.get(key)),
            )
    return said
