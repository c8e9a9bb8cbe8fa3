"""A point of a search as a model's folder, which every other command takes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.export import export_model
from hwgen.plainjson import json_object
from hwgen.search.trial import RESULT, Outcome
from hwgen.spec.model import load
from hwgen.train.trained import FILES


def write(points: Path, key: str, folder: Path) -> Outcome:
    """Write a point's specification, its parent as float.safetensors, its weights, and their integer graphs.

    Parameters
    ----------
    points : the search's folder
    key : of the point, or as much of its beginning as no other has
    folder : is made

    Raises
    ------
    HwgenError
        There is no such point, it was not trained to the end, or the folder is there already.
    """
    found = [path for path in sorted((points / "points").glob("*")) if path.name.startswith(key) and key]
    if len(found) != 1:
        got = f"{key} ({len(found)} points of {points} begin so)"
        raise HwgenError("--write", "a point's name as the table shows it", got)
    source = found[0]
    if not (source / RESULT).is_file() or not (source / FILES["qat"]).is_file():
        raise HwgenError("--write", "a point that was trained to the end", source.name)
    outcome = Outcome.of(json_object((source / RESULT).read_text(encoding="utf-8"), str(source / RESULT)))
    if folder.exists():
        raise HwgenError("--write", "a folder that is not there yet", str(folder))
    with process.made_parents(folder), process.private_folder(f".{folder.name}.", folder.absolute().parent) as part:
        inner = part / folder.name
        inner.mkdir()
        text = (source / "spec.yaml").read_text(encoding="utf-8")
        (inner / "spec.yaml").write_text(f"# {told(outcome)}\n{text}", encoding="utf-8")
        for name in ("finetune", "qat"):
            shutil.copyfile(source / FILES[name], inner / FILES[name])
        shutil.copyfile(points / outcome.parent, inner / FILES["float"])
        export_model(load(inner))
        os.rename(inner, folder)
    return outcome


def told(outcome: Outcome) -> str:
    """What the search found, in a line."""
    cycles = {side: used["cycles"] for side, used in outcome.sides.items()}
    sides = ", ".join(f"{side} {'does not fit the board' if count is None else f'{count:,} cycles'}"
                      for side, count in cycles.items())  # fmt: skip
    return f"The search found {outcome.psnr:.2f} dB after {max(outcome.rungs)} steps; {sides}."
