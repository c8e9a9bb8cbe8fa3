"""Object files that several builds share, in sealed folders of the cache: nothing of a design is in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from hwgen import cache as caches, process


def take(kept: Path, work: Path) -> bool:
    """Copy what is kept into the folder of a build; False where nothing is, or not all of it.

    The copies are newer than everything there, so make takes them as they are.
    """
    if not caches.intact(kept):
        return False
    os.utime(kept)  # the least recently used go first
    for item in sorted(kept.glob("*.o")):
        shutil.copy(item, work)
    return True


def keep(work: Path, names: Sequence[str], kept: Path) -> None:
    """Keep objects of a build.

    Parameters
    ----------
    names : patterns of the files in `work`
    """
    with process.private_folder("library_new_", kept.parent) as spare:
        for item in sorted(path for name in names for path in work.glob(name)):
            shutil.copy(item, spare)
        caches.seal(spare)
        caches.put(spare, kept)
