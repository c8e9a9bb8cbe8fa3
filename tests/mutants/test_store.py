"""Verdicts in the cache: what comes back, and what counts as nothing."""

from __future__ import annotations

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
