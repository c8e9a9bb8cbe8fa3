"""Fewer, larger C++ files of what Verilator wrote.

Verilator cuts a design into many files, and g++ spends longer on the headers of a small one than on its code; the
precompiled headers that its makefile uses instead take longest of all. Here files are included one after the other
into a few, each with up to `LARGEST` bytes, which is what a small design has in all; the makefile's list of classes is
rewritten to name these.
"""

from __future__ import annotations

import re
from pathlib import Path

LARGEST = 1_500_000
"""Bytes of C++ in one file, where a single file of Verilator's is no larger by itself."""
LISTS = {"FAST": ("VM_CLASSES_FAST", "VM_SUPPORT_FAST"), "SLOW": ("VM_CLASSES_SLOW", "VM_SUPPORT_SLOW")}
MAKE_FLAGS = ("VK_PCH_I_FAST=", "VK_PCH_I_SLOW=")
"""For make: each file includes its header by itself."""


def unite(folder: Path, prefix: str) -> None:
    """Group the C++ files of a verilated design, before make is called with `MAKE_FLAGS`.

    Parameters
    ----------
    folder : Verilator's -Mdir
    prefix : its --prefix
    """
    path = folder / f"{prefix}_classes.mk"
    text = path.read_text()
    for speed, lists in LISTS.items():
        names = [name for key in lists for name in _names(text, key)]
        made = []
        for place, group in enumerate(_groups(folder, names)):
            made.append(f"{prefix}_{speed.lower()}{place}")
            includes = "".join(f'#include "{name}.cpp"\n' for name in group)
            (folder / f"{made[-1]}.cpp").write_text(includes)
        text = _replaced(text, lists[0], made)
        text = _replaced(text, lists[1], [])
        (folder / f"{prefix}__pch.h.{speed.lower()}.gch").touch()  # made already, as far as make can tell
    path.write_text(text)


def _names(text: str, key: str) -> list[str]:
    """The entries of a list: one a line, each line continued."""
    (found,) = re.findall(rf"^{key} \+= \\\n((?:  \S+ \\\n)*)", text, re.MULTILINE)
    return [line.split()[0] for line in found.splitlines()]


def _replaced(text: str, key: str, names: list[str]) -> str:
    entries = "".join(f"  {name} \\\n" for name in names)
    return re.sub(rf"^{key} \+= \\\n(?:  \S+ \\\n)*", lambda _: f"{key} += \\\n{entries}", text, flags=re.MULTILINE)


def _groups(folder: Path, names: list[str]) -> list[list[str]]:
    """The files in order, in groups of up to `LARGEST` bytes."""
    groups: list[list[str]] = []
    room = 0
    for name in names:
        size = (folder / f"{name}.cpp").stat().st_size
        if size > room:
            groups.append([])
            room = LARGEST
        groups[-1].append(name)
        room -= size
    return groups
