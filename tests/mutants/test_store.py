"""Verdicts in the cache: what comes back, and what counts as nothing."""

from __future__ import annotations

import re
from pathlib import Path

from hwgen.mutants import store


def test_an_entry_comes_back_whole_or_not_at_all(tmp_path: Path) -> None:
    key = store.key("simulator", "trial")
    assert key == store.key("simulator", "trial") != store.key("simulator", "other trial")
    assert store.load(key, tmp_path) is None
    store.save(key, [("killed", "value"), ("survived", "")], tmp_path)
    assert store.load(key, tmp_path) == [("killed", "value"), ("survived", "")]
    (entry,) = (tmp_path / "mutants").iterdir()
    entry.write_text(entry.read_text()[:-3])
    assert store.load(key, tmp_path) is None


def test_simulation_does_not_depend_on_what_is_left_out_of_its_key() -> None:
    """No source that it does depend on imports one of the proofs, but for the command that carries out both."""
    folder = Path(store.__file__).parent
    names = {path.name for path in folder.glob("*.py")}
    assert names >= store.SIMULATED
    proofs = {name.removesuffix(".py") for name in names - store.SIMULATED}
    assert {"equivalence", "claims", "correspondence", "fifos"} <= proofs
    for name in store.SIMULATED - {"command.py"}:
        lines = [line for line in (folder / name).read_text().splitlines() if "import" in line]
        assert not [line for line in lines if "hwgen.mutants" in line and proofs & set(re.findall(r"\w+", line))]
