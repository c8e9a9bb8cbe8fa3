"""Write a folder as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.outputs import check_folder, realpath

MARK, README = "manifest.json", "README.md"
"""Files of a design folder that its manifest does not list."""

Foreign = Callable[[Path], list[str]]
"""The names in a folder, relative to it, of whatever a command did not write there."""


def below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every entry below a folder that is no folder itself, and every empty or linked folder, by its relative name."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            yield from ((f"{path.name}/{name}", inner) for name, inner in below(path))
        else:
            yield path.name, path


def names(folder: Path) -> list[str]:
    """Names in a folder, not looking any deeper: enough to say that nobody wrote it, however large it is."""
    return sorted(path.name for path in folder.iterdir())


def plain_file(path: Path) -> bool:
    """Whether it is a regular file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def foreign_to_emit(folder: Path) -> list[str]:
    """Whatever is not, byte by byte, what the folder's manifest says that emit wrote: all of it where none says so."""
    hashes: dict[str, str] = {}
    start = None
    try:
        content = json.loads((folder / MARK).read_text(encoding="utf-8"))
        ours = "top" in content or "designs" in content  # of one design, or of a pair
        hashes = dict(content["files"]) if ours else {}
        start = f"# {content['model']}, {content['side']}, for " if ours else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass

    if start is None:
        return names(folder)

    def own(name: str, path: Path) -> bool:
        if not plain_file(path):
            return False
        if name == MARK:
            return True
        read = path.read_bytes()
        if name == README:
            return read.decode("utf-8", "replace").startswith(start)
        return hashes.get(name) == hashlib.sha256(read).hexdigest()

    return [name for name, path in below(folder) if not own(name, path)]


def check_replaceable(folder: Path, foreign: Foreign = foreign_to_emit, writer: str = "emit") -> None:
    """Refuse a folder that `replaced_folder` would refuse, or that cannot be written. Nothing is changed.

    Parameters
    ----------
    foreign, writer
        As of `replaced_folder`.

    Raises
    ------
    HwgenError : at --out
    """
    wanted = f"a new or empty folder, or one that {writer} wrote"
    if realpath(folder).is_symlink():
        raise HwgenError("--out", wanted, f"{folder}, a link that leads to itself")
    if folder.exists():
        if not folder.is_dir():
            raise HwgenError("--out", wanted, f"{folder}, a file")
        if found := foreign(folder):
            raise HwgenError("--out", wanted, f"{folder}, with {found[0]} in it")
    check_folder("--out", realpath(folder).parent)


@contextmanager
def replaced_folder(folder: Path, foreign: Foreign = foreign_to_emit, writer: str = "emit") -> Iterator[Path]:
    """A temporary sibling to fill; it takes `folder`'s place when the block ends well, and vanishes otherwise.

    Where `folder` is a link, or `.`, the folder that it stands for is replaced.

    Parameters
    ----------
    foreign : the names in a folder of what the command `writer` did not write: with any of them it stays as it is

    Raises
    ------
    HwgenError : `folder` holds something else, before the block or behind it, or cannot be written
    """
    check_replaceable(folder, foreign, writer)
    folder = realpath(folder)
    with process.made_parents(folder):
        part = process.new_folder(f".{folder.name[:100]}.", folder.parent)
        try:
            part.chmod(0o755)
            yield part
            with process.whole():
                check_replaceable(folder, foreign, writer)
                _replace(folder, part)
                process.keep(part)
        except BaseException:
            process.remove(part)
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
