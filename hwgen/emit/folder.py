"""Write a folder as a whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwgen import process
from hwgen.errors import HwgenError

#: A folder with this file, which lists what `emit` wrote into it, may be replaced if it holds nothing else.
MARK = "manifest.json"
#: Files of a design folder that its manifest does not list.
UNLISTED = {MARK, "README.md"}


def written_by_emit(folder: Path) -> Collection[str]:
    """The files that emit wrote into a folder; none if there is no manifest of emit's."""
    try:
        content = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return UNLISTED | set(content["files"]) if "top" in content else set()
    except (OSError, ValueError, TypeError, KeyError):
        return set()


@contextmanager
def replaced_folder(
    folder: Path, written: Callable[[Path], Collection[str]] = written_by_emit, writer: str = "emit"
) -> Iterator[Path]:
    """A temporary sibling to fill; it takes `folder`'s place when the block ends well, and vanishes otherwise.

    Where `folder` is a link, or `.`, the folder that it stands for is replaced.

    Parameters
    ----------
    written : the names in a folder that the command `writer` wrote before and may replace

    Raises
    ------
    HwgenError : `folder` exists and holds something else
    """
    _check_replaceable(folder, written, writer)
    folder = folder.resolve()
    missing = [parent for parent in folder.parents if not parent.exists()]
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = process.new_folder(f".{folder.name}.", folder.parent)
        part.chmod(0o755)
        yield part
        with process.whole():
            _replace(folder, part)
            process.keep(part)
    except BaseException:
        if part is not None:
            process.remove(part)
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


def _check_replaceable(folder: Path, written: Callable[[Path], Collection[str]], writer: str) -> None:
    wanted = f"a new or empty folder, or one that {writer} wrote"
    if not folder.exists():
        return
    if not folder.is_dir():
        raise HwgenError("--out", wanted, f"{folder}, a file")
    found = {path.name for path in folder.iterdir()}
    foreign = sorted(found - set(written(folder)))
    if foreign:
        raise HwgenError("--out", wanted, f"{folder}, with {foreign[0]} in it")
