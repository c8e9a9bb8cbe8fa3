"""Tensors and a JSON header in one safetensors file, written atomically. Never pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hwgen.errors import HwgenError

FORMAT_VERSION = 1


def write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write or replace ``path``; a reader or an interrupt never sees half a file.

    The header goes into the file's metadata as ONE entry of sorted JSON, because safetensors does
    not promise the order of several entries, and equal content should be equal bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format_version": FORMAT_VERSION, **header}, sort_keys=True)
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
            partial,
            metadata={"hwgen": text},
        )
        partial.chmod(0o644)  # safetensors creates it for its owner alone
        os.replace(partial, path)
    except OSError as error:
        raise HwgenError(str(path), "a writable file", str(error)) from error
    finally:
        partial.unlink(missing_ok=True)


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
    if header.get("format_version") != FORMAT_VERSION:
        raise HwgenError(f"{path}: format_version", str(FORMAT_VERSION), str(header.get("format_version")))
    return tensors, header
