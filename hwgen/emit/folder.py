"""Write a folder as a whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwgen.errors import HwgenError

#: A folder that holds this file was written by `emit` and may be replaced by it.
MARK = "manifest.json"


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A temporary sibling to fill; it takes `folder`'s place when the block ends well, and vanishes otherwise.

    Raises
    ------
    HwgenError : `folder` exists and is neither empty nor a design folder
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
        raise HwgenError("--out", "a new or empty folder, or one that emit wrote", f"{folder}, with other things in it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        part.chmod(0o755)
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
