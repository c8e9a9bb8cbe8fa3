"""Caches between calls: folders in the user's cache, and seals that tell whole entries from damaged ones.

Nothing depends on a cache: where the user's cannot be written (no home, a full or read-only disk) a private folder
takes its place until hwgen ends.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from pathlib import Path

import platformdirs

from hwgen import process
from hwgen.errors import HwgenError

SEAL = "seal.json"
"""In a sealed folder: SHA-256 of each of its other files."""


def folder(kind: str, base: Path | None = None) -> Path:
    """A writable folder of cached things.

    Parameters
    ----------
    kind : of things, the folder's name: "sim", "synth"
    base : the folder of all caches (`--cache`); None takes the user's, or a private one where that cannot be written

    Raises
    ------
    HwgenError : `base` cannot be written
    """
    if base is not None:
        found = base.absolute() / kind
        if (trouble := _trouble(found)) is not None:
            raise HwgenError("--cache", "a folder that can be written", f"{base} ({trouble})")
        return found
    found = platformdirs.user_cache_path("hwgen", appauthor=False) / kind
    return found if found.is_absolute() and _trouble(found) is None else _private(process.session()) / kind


def environment() -> dict[str, str]:
    """Variables for programs with caches of their own: a private folder where the user's cannot be written."""
    found = platformdirs.user_cache_path()
    if found.is_absolute() and _trouble(found) is None:
        return {}
    return {"XDG_CACHE_HOME": str(_private(process.session()))}


def _trouble(path: Path) -> str | None:
    """Why nothing can be written there; None where it can. The folder is made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"x")
    except OSError as error:
        return error.strerror or str(error)
    return None


@functools.lru_cache(maxsize=1)
def _private(session: int) -> Path:
    """The folder that stands in for the user's cache, one a session of the command line."""
    return process.new_folder("hwgen_cache_")


def seal(folder: Path) -> None:
    """Write down what the files of a folder hold."""
    (folder / SEAL).write_text(json.dumps(_hashes(folder)), encoding="utf-8")


def intact(folder: Path) -> bool:
    """Whether a folder is sealed and holds what it held then: every file, every byte, programs that may be run."""
    try:
        wanted = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        return bool(wanted) and wanted == _hashes(folder)
    except (OSError, ValueError):
        return False


def put(work: Path, target: Path) -> None:
    """Let a sealed folder take the place of a damaged one, or of none. What another process has put there stays.

    Raises
    ------
    OSError : it cannot be renamed
    """
    if intact(target):
        return
    process.remove(target)
    try:
        work.rename(target)
    except OSError:
        if not intact(target):
            raise


def _hashes(folder: Path) -> dict[str, list[str | bool]]:
    """SHA-256 of every file and whether it may be executed, by name; the seal itself left out."""
    return {
        path.name: [hashlib.sha256(path.read_bytes()).hexdigest(), os.access(path, os.X_OK)]
        for path in sorted(folder.iterdir())
        if path.name != SEAL
    }
