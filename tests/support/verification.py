"""Verifications of small designs, changed here and there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import hwgen
from hwgen.verify.run import Request

LEFT_OUT = ("models", "train", "sim", "__pycache__")
"""Parts of the package that emit does not need."""
EMIT = """
import sys
from pathlib import Path
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
model, side, fps, init, out = sys.argv[1:]
emit(DesignOptions(model, side, fps=float(fps), init=int(init)), Path(out), quiet=True)
"""


def asked(request: Request, **options: Any) -> Request:
    """The same of other design options."""
    return replace(request, options=replace(request.options, **options))


def copied(request: Request, folder: Path, **changes: Any) -> Request:
    """The same with a copy of the design, in `folder`/design, whose manifest is changed."""
    assert request.design is not None
    shutil.copytree(request.design, folder / "design")
    path = folder / "design" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return replace(request, design=folder / "design")


def edited(request: Request, folder: Path, pattern: str, replacement: str) -> Request:
    """The same with a copy of the design, in `folder`/design: in its Verilog the pattern's first match is replaced."""
    copy = copied(request, folder)
    file = folder / "design" / f"hwgen_{request.options.side}.v"
    text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.DOTALL)
    assert count == 1, f"nothing in the Verilog looks like {pattern}"
    file.write_text(text)
    return copy


def emit_with_another_rule(request: Request, folder: Path, file: str, right: str, wrong: str) -> None:
    """Emit the request's design into `folder`/design by a copy of hwgen in one of whose files the text `right` is
    `wrong`."""
    copy, options = folder / "copy" / "hwgen", request.options
    shutil.copytree(Path(hwgen.__file__).parent, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / "models").mkdir()
    text = (copy / file).read_text()
    assert right in text, f"{file} no longer has {right}"
    (copy / file).write_text(text.replace(right, wrong))
    words = [options.model, options.side, options.fps, options.init, folder / "design"]
    subprocess.run([sys.executable, "-c", EMIT, *map(str, words)], cwd=copy.parent, check=True,
                   env={"PYTHONPATH": str(copy.parent)})  # fmt: skip
