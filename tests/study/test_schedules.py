"""Words for ways to prune, and what they are in a specification."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.train_samples import specification

from hwgen.errors import HwgenError
from hwgen.spec.model import load
from hwgen.spec.pruning import Protected
from hwgen.study.grid import CONTROL, DENSE, Case, Grid, Width, folders, specification as text_of
from hwgen.study.schedules import ONE_SHOT, checked, keys, share

WORDS = (ONE_SHOT, "rounds=3", "soft", "smoothing", "protected=0.3")
NAMED = {"protected=0.3": {"encoder": ["conv0"], "decoder": ["deconv1"]}}
GRID = Grid(("l1",), (0.5,), (Width(8, 8),), (1,), 7, 5, WORDS, NAMED)


def test_words() -> None:
    for word in WORDS:
        assert checked(word) == word
    for word in ("rounds=1", "rounds=17", "rounds", "protected=1.5", "protected=0", "protected=.0", "hard", "soft=2"):
        with pytest.raises(HwgenError, match="--schedules: wanted one_shot, rounds=2 to rounds=16, soft, smoothing"):
            checked(word)
    assert [share(word) for word in WORDS] == [None] * 4 + [0.3]
    assert keys(ONE_SHOT, {}) == {}


def test_every_schedule_has_its_control() -> None:
    cases = GRID.cases()
    assert [(case.criterion, case.schedule) for case in cases] == [
        (DENSE, ONE_SHOT), *((CONTROL, word) for word in WORDS), *(("l1", word) for word in WORDS)]  # fmt: skip
    assert len({case.name for case in cases}) == len(cases)
    assert Case("l1", 0.5, 1).name == "l1 0.5 seed 1"


@pytest.mark.parametrize("word", WORDS)
def test_a_specification_has_them(tmp_path: Path, word: str) -> None:
    parent, case = specification(tmp_path), Case("l1", 0.5, 1, word)
    (tmp_path / "row").mkdir()
    (tmp_path / "row" / "spec.yaml").write_text(text_of(parent, case, GRID, Width(8, 8)))
    row = load(tmp_path / "row")
    found = row.pruning
    assert (found.rounds, found.soft, found.smoothing) == (
        3 if word.startswith("rounds") else 1, word == "soft", word == "smoothing")  # fmt: skip
    assert found.protected == (Protected(encoder=("conv0",), decoder=("deconv1",)) if share(word) else None)
    assert row.encoder_channels == ((9, 4, 6) if share(word) else (4, 4, 6))
    plain = folders(tmp_path, parent, replace(case, schedule=ONE_SHOT), GRID, ())[0]
    assert (folders(tmp_path, parent, case, GRID, ())[0] == plain) == (word == ONE_SHOT)
