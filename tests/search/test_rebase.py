"""A pruned network as the parent of further pruning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.train_samples import branched, specification

from hwgen.search.rebase import plain, rebased, text_of
from hwgen.spec.model import ModelSpec, load
from hwgen.train.network import dense, pruned


def reloaded(values: dict[str, object], folder: Path) -> ModelSpec:
    folder.mkdir()
    path = folder / "spec.yaml"
    path.write_text(text_of(values, "of a test"))
    return load(path)


@pytest.mark.parametrize("make", [specification, branched])
def test_its_dense_network_has_the_shapes_of_the_pruned_one(make: Callable[[Path], ModelSpec], tmp_path: Path) -> None:
    spec = make(tmp_path)
    found = reloaded(rebased(spec), tmp_path / "rebased")
    shapes = {name: value.shape for name, value in dense(found).state_dict().items()}
    assert shapes == {name: value.shape for name, value in pruned(spec).state_dict().items()}
    assert found.pruning.criterion == "none"


@pytest.mark.parametrize("model", ["tiny", "cityscapes_conv", "complex_int8", "street_int8"])
def test_a_file_says_what_the_one_it_was_read_from_says(model: str, tmp_path: Path) -> None:
    spec = load(model)
    assert reloaded(plain(spec), tmp_path / "again").model_dump() == spec.model_dump()
    assert text_of(plain(spec), "a\nb").startswith("# a\n# b\nformat_version: 1\n")


def test_depthwise_layers_stay_depthwise(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("""
format_version: 1
description: depthwise
frame: {width: 16, height: 16}
encoder:
  - {kernel: 3, channels: 8}
  - {kernel: 3, channels: 8, groups: 8, batch_norm: true}
  - {kernel: 1, channels: 4, activation: none}
pruning: {criterion: l1, channels: {encoder: [5, 5, 4]}}
""")
    spec = load(tmp_path / "spec.yaml")
    found = reloaded(rebased(spec, folded=True), tmp_path / "rebased").encoder[1]
    assert (found.channels, found.groups, found.batch_norm) == (5, 5, False)  # type: ignore[union-attr]

