"""What a study compares, and the specifications and folders of its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.train_samples import branched, specification

from hwgen.errors import HwgenError
from hwgen.spec.model import load
from hwgen.spec.quantisers import Quantisers
from hwgen.study.grid import (
    CONTROL,
    DENSE,
    Case,
    Grid,
    Width,
    checked_calibration,
    folders,
    parsed_width,
    specification as text_of,
)
from hwgen.train.scores import SIDES

GRID = Grid(("l1", "taylor"), (0.25, 0.5), (Width(8, 8), Width(4, 6)), (3, 4), 7, 5)


def test_the_control_is_in_every_block() -> None:
    cases = GRID.cases()
    assert [case for case in cases if case.criterion == DENSE] == [Case(DENSE, 0.0, 3), Case(DENSE, 0.0, 4)]
    for ratio in GRID.ratios:
        block = [(case.criterion, case.seed) for case in cases if case.ratio == ratio]
        assert block == [(one, seed) for one in (CONTROL, "l1", "taylor") for seed in (3, 4)]
    assert len(replace(GRID, criteria=("l1", CONTROL)).cases()) == 2 + 8, "once, where it is named"


@pytest.mark.parametrize(("name", "option"), [("criteria", "--criteria"), ("ratios", "--ratios"), ("widths", "--bits"),
                                              ("seeds", "--seeds"), ("schedules", "--schedules")])  # fmt: skip
def test_an_empty_axis_is_refused(name: str, option: str) -> None:
    with pytest.raises(HwgenError, match=f"{option}: wanted at least one, got none"):
        replace(GRID, **{name: ()})


def test_widths_are_words() -> None:
    assert parsed_width("w4a8") == (4, 8)
    assert parsed_width("w1a2") == (1, 2)
    assert Width(4, 8).name == "w4a8"
    for word in ("w0a8", "w8a1", "w8a9", "8", "w8a8 ", "w08a8x"):
        with pytest.raises(HwgenError, match="--bits: wanted words such as w8a8"):
            parsed_width(word)


def test_calibrations_are_words() -> None:
    for word in ("kl", "min_max/tensor"):
        assert checked_calibration(word) == word
    for word in ("max", "kl/channel", "/tensor"):
        with pytest.raises(HwgenError, match="--calibrations: wanted some of mse, kl, min_max, percentile, sigma"):
            checked_calibration(word)


def test_a_calibration_is_the_specifications(tmp_path: Path) -> None:
    """The default leaves a specification that says nothing as it is, and overrules one that says something."""
    parent, case = specification(tmp_path), Case("l1", 0.5, 1)
    assert "quantisers" not in text_of(parent, case, GRID, Width(4, 4))
    told = text_of(parent, case, GRID, Width(4, 4, "kl/tensor"))
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "spec.yaml").write_text(told)
    row = load(tmp_path / "told")
    assert row.quantisers == Quantisers(weights="kl", weight_scales="tensor", activations="kl")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "spec.yaml").write_text(text_of(row, case, GRID, Width(4, 4)))
    assert load(tmp_path / "back").quantisers == Quantisers()


def test_a_row_is_the_parent_with_other_bits(tmp_path: Path) -> None:
    """The image keeps its 8 bits; everything that is not compared stays."""
    parent = specification(tmp_path)
    (tmp_path / "row").mkdir()
    path = tmp_path / "row" / "spec.yaml"
    path.write_text(text_of(parent, Case("taylor", 0.5, 9), GRID, Width(4, 6)))
    row = load(path)
    bits = {side: [(layer.weight_bits, layer.activation_bits) for layer in row.convolutions(side)]
            for side in SIDES}  # fmt: skip
    assert bits == {"encoder": [(4, 6)] * 3, "decoder": [(4, 6), (4, 6), (4, 8)]}
    assert (row.pruning.criterion, row.pruning.ratio) == ("taylor", 0.5)
    assert row.training is not None and parent.training is not None
    assert (row.training.seed, row.training.finetune.steps, row.training.qat.steps) == (9, 7, 5)
    assert row.training.float == parent.training.float
    assert row.data == parent.data
    assert row.channel == parent.channel


def test_sums_have_the_bits_and_pixels_keep_theirs(tmp_path: Path) -> None:
    parent = branched(tmp_path)
    (tmp_path / "row").mkdir()
    path = tmp_path / "row" / "spec.yaml"
    path.write_text(text_of(parent, Case("l1", 0.25, 1), GRID, Width(5, 6)))
    row = load(path)
    assert [getattr(layer, "activation_bits", None) for layer in row.encoder] == [6, 6, 6, 6, 6]
    assert [getattr(layer, "activation_bits", None) for layer in row.decoder] == [8, None, None, 6, 6, None, 8]


def test_codebooks_have_room_in_the_bits(tmp_path: Path) -> None:
    """16 entries need 5 bits; 3 leave room for 4."""
    path = tmp_path / "spec.yaml"
    text = specification(tmp_path).path.read_text()
    path.write_text(text.replace("{kernel: 3, ", "{kernel: 3, weights: {codebook: 16}, ", 1))
    parent = load(path)
    (tmp_path / "row").mkdir()
    row = tmp_path / "row" / "spec.yaml"
    row.write_text(text_of(parent, Case("l1", 0.25, 1), GRID, Width(3, 8)))
    books = [layer.weights.codebook for spec in (parent, load(row)) for side in SIDES
             for layer in spec.convolutions(side) if layer.weights is not None]  # fmt: skip
    assert books == [16, 4]


def test_folders_depend_on_all_that_counts(tmp_path: Path) -> None:
    parent, case, inputs = specification(tmp_path), Case("l1", 0.5, 1), ("weights", "images")
    tuned, rows = folders(tmp_path, parent, case, GRID, inputs)
    assert len({tuned, *rows}) == 3
    assert folders(tmp_path, parent, case, GRID, inputs) == (tuned, rows)
    others = [
        folders(tmp_path, parent, replace(case, seed=2), GRID, inputs),
        folders(tmp_path, parent, replace(case, criterion="l2"), GRID, inputs),
        folders(tmp_path, parent, case, replace(GRID, finetune_steps=8), inputs),
        folders(tmp_path, parent, case, replace(GRID, qat_steps=6), inputs),
        folders(tmp_path, parent, case, GRID, ("other", "images")),
    ]
    assert all(other[0] != tuned and not {*other[1]} & {*rows} for other in others)
    more = replace(GRID, criteria=("l1", "l2"), ratios=(0.5,), seeds=(1,))
    assert folders(tmp_path, parent, case, more, inputs) == (tuned, rows), "a larger study uses a smaller one's rows"
