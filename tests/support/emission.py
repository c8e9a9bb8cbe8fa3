"""Emitted designs of `tiny` on a small frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hwgen.design_options import DesignOptions
from hwgen.emit import Emitted, emit
from hwgen.spec import model as specs

FRAME = (8, 8)


FILES = {"hwgen_tx.v", "hwgen_tx.xdc", "manifest.json", "graph.json", "weights.npz", "sample_input.hex",
         "sample_output.hex", "README.md", "hwgen_tx_tb.v", "hwgen_tx_cocotb.py", "hwgen_tx.core",
         "Makefile"}  # fmt: skip


def emit_tiny(out: Path | None, quiet: bool = True, **options: Any) -> Emitted:
    return emit(DesignOptions(**(dict(model="tiny", frame=FRAME, init=1) | options)), out, quiet)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, folders too, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def files_of(design: Emitted) -> set[str]:
    """The files of a design: `FILES` with its side's name, and its coefficients' where it has some."""
    files = {name.replace("_tx", f"_{design.manifest['side']}") for name in FILES}
    return files | ({"sample_coefficients.hex"} if design.manifest["coefficients"] else set())


def own_model(folder: Path, **change: Any) -> Path:
    """A copy of tiny's specification in a folder of its own, with keys of its own; None leaves one out."""
    content = yaml.safe_load(specs.load("tiny").path.read_text(encoding="utf-8")) | change
    content = {key: value for key, value in content.items() if value is not None}
    if "decoder" not in content:
        del content["pruning"]["channels"]["decoder"]
    folder.mkdir()
    (folder / "spec.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder
