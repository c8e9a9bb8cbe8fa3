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
from hwgen.outputs import replaced_file

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

FORMAT_VERSION = 1


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
        missing, not safetensors, not ours, or of an unknown format version.
    """
    if not path.is_file():
        raise HwgenError(str(path), "a checkpoint (train the model first)", "no such file")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["hwgen"])
            tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise HwgenError(str(path), "a safetensors checkpoint of hwgen", f"{type(error).__name__}: {error}") from error
    if not isinstance(header, dict):
        raise HwgenError(f"{path}: header", "a JSON object", type(header).__name__)
    if header.get("format_version") != FORMAT_VERSION:
        raise HwgenError(f"{path}: format_version", str(FORMAT_VERSION), str(header.get("format_version")))
    return tensors, header


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
