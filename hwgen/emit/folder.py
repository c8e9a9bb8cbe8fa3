"""Write a folder as a whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwgen.errors import HwgenError

#: A folder with this file, which lists what `emit` wrote into it, may be replaced if it holds nothing else.
MARK = "manifest.json"
#: Files of a design folder that its manifest does not list.
UNLISTED = {MARK, "README.md"}


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A temporary sibling to fill; it takes `folder`'s place when the block ends well, and vanishes otherwise.

    Where `folder` is a link, or `.`, the folder that it stands for is replaced.

    Raises
    ------
    HwgenError : `folder` exists and holds something that emit did not write
    """
    _check_replaceable(folder)
    folder = folder.resolve()
    missing = [parent for parent in folder.parents if not parent.exists()]
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        part.chmod(0o755)
        yield part
        _replace(folder, part)
    except BaseException:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise


def _replace(folder: Path, part: Path) -> None:
    """Two renames, so that at no moment half of a folder stands there; the first is undone if the second fails."""
    if not folder.exists():
        part.rename(folder)
        return
    old = part.with_name(f"{part.name}.old")
    folder.rename(old)
    try:
        part.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    wanted = "a new or empty folder, or one that emit wrote"
    if not folder.exists():
        return
    if not folder.is_dir():
        raise HwgenError("--out", wanted, f"{folder}, a file")
    found = {path.name for path in folder.iterdir()}
    foreign = sorted(found - _written(folder / MARK))
    if foreign:
        raise HwgenError("--out", wanted, f"{folder}, with {foreign[0]} in it")


def _written(manifest: Path) -> set[str]:
    """The files that emit wrote beside this manifest; none if it is no manifest of emit's."""
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        return UNLISTED | set(content["files"]) if "top" in content else set()
    except (OSError, ValueError, TypeError, KeyError):
        return set()
