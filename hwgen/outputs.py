"""Files that are written as a whole or not at all, and places that are tried before the work whose results they get."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from hwgen import process
from hwgen.errors import HwgenError

_mask: int = os.umask(0)
os.umask(_mask)
READABLE = 0o666 & ~_mask
"""Permissions of a file that anybody may read whom the user lets."""


def realpath(path: Path) -> Path:
    """What a path stands for, links followed; of a link that leads to itself the link, which then cannot be written."""
    return Path(os.path.realpath(path))


def check_file(option: str, path: Path, wanted: str = "a file that can be written") -> None:
    """Refuse a place where no file can be written; nothing is changed there.

    Folders above it may be missing, if they can be made.

    Raises
    ------
    HwgenError : at `option`
    """
    try:
        trouble = "a folder" if path.is_dir() else _trouble(path.absolute().parent)
        if not trouble and path.exists() and not os.access(path, os.W_OK):
            trouble = "it may not be written"
    except (OSError, ValueError) as error:
        trouble = str(getattr(error, "strerror", None) or error)
    if trouble:
        raise HwgenError(option, wanted, f"{path} ({trouble})")


def check_folder(option: str, path: Path, wanted: str = "a folder that can be written") -> None:
    """Refuse a place where no folder can be made or written into; nothing is changed there.

    Raises
    ------
    HwgenError : at `option`
    """
    try:
        trouble = _trouble(path.absolute())
    except (OSError, ValueError) as error:
        trouble = str(getattr(error, "strerror", None) or error)
    if trouble:
        raise HwgenError(option, wanted, f"{path} ({trouble})")


def _trouble(folder: Path) -> str:
    """Why no file can be made in a folder, or in the nearest one above it that is there; empty where one can."""
    while not folder.exists() and not folder.is_symlink():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is no folder"
    try:
        with process.whole(), tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A temporary sibling to fill; it takes the file's place when the block ends well, and vanishes otherwise.

    The file that a link stands for is replaced, folders above it are made. What is no regular file (a device, a pipe)
    is yielded itself.

    Raises
    ------
    OSError : it cannot be written
    """
    with replaced_files([path]) as (part,):
        yield part


@contextmanager
def replaced_files(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Temporary siblings of several files, as `replaced_file`: all of them take their places, or none does."""
    with ExitStack() as stack:
        targets, parts = [path.resolve() for path in paths], []
        for target in targets:
            if target.exists() and not stat.S_ISREG(target.stat().st_mode) and not target.is_dir():
                parts.append(target)
                continue
            stack.enter_context(process.made_parents(target))
            part = process.new_file(f".{target.name}.", target.parent)
            stack.callback(process.remove, part)
            parts.append(part)
        yield parts
        pairs = [pair for pair in zip(parts, targets, strict=True) if pair[0] != pair[1]]
        for part, _ in pairs:
            part.chmod(READABLE)
        with process.whole():
            _swap(pairs)


def _swap(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Rename each part to its target; where one fails, those before it are undone."""
    if len(pairs) == 1:
        os.replace(*pairs[0])
        return
    old = [(target, part.with_name(f"{part.name}.old")) for part, target in pairs if target.exists()]
    done: list[Path] = []
    try:
        for target, aside in old:
            os.link(target, aside)
        for part, target in pairs:
            os.replace(part, target)
            done.append(target)
    except OSError:
        kept = dict(old)
        for target in done:
            if target in kept:
                os.replace(kept[target], target)
            else:
                target.unlink()
        raise
    finally:
        for _, aside in old:
            with suppress(OSError):
                aside.unlink()
