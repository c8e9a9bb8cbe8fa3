"""Verdicts of finished designs, kept in the cache: a bench that was cut off goes on behind the last one.

An entry's key is of everything that the verdicts depend on: the simulator (the design with its faults, the bench, the
tools), the trials, and hwgen's own sources. Those of the proofs are left out where none have been made yet.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path

from hwgen import cache as caches, process

PACKAGE = Path(__file__).resolve().parents[1]
SIMULATED = {
    "__init__.py", "bench.py", "command.py", "netlist.py", "origin.py", "score.py", "store.py", "subjects.py",
    "yosys.py",
}  # fmt: skip
"""Sources in this folder that the verdicts of simulation depend on; the others are of proofs."""
Verdicts = list[tuple[str, str]]
"""Verdict of each mutant, and what it is by."""


def key(*facts: str, proofs: bool = True) -> str:
    """The key of an entry: a hash of hwgen's sources and of the facts that the verdicts depend on beside them.

    proofs : whether equivalence was looked at
    """
    return hashlib.sha256(json.dumps([_sources(proofs), *facts]).encode()).hexdigest()[:32]


def load(key: str, cache: Path | None = None) -> Verdicts | None:
    """The entry of this key; None where there is none, or a damaged one."""
    try:
        found = json.loads((caches.folder("mutants", cache) / f"{key}.json").read_text(encoding="utf-8"))
        return [(str(verdict), str(by)) for verdict, by in found]
    except (OSError, ValueError, TypeError):
        return None


def save(key: str, verdicts: Verdicts, cache: Path | None = None) -> None:
    """Write an entry, as a whole or not at all."""
    folder = caches.folder("mutants", cache)
    with process.private_folder("entry_", folder) as work:
        (work / "entry").write_text(json.dumps(verdicts), encoding="utf-8")
        os.replace(work / "entry", folder / f"{key}.json")


@functools.cache
def _sources(proofs: bool) -> str:
    digest = hashlib.sha256()
    for folder, _, names in sorted(os.walk(PACKAGE, followlinks=True)):
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith((".py", ".sv", ".cpp", ".vlt")) and (proofs or not _is_proof(path)):
                digest.update(f"{path.relative_to(PACKAGE)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _is_proof(path: Path) -> bool:
    """True if the verdicts of simulation do not depend on this source file."""
    return path.parent == PACKAGE / "mutants" and path.name not in SIMULATED
