"""Layers ranked by the utility's gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from support.train_samples import branched, specification

from hwgen.train.contribution import contributions, most_contributing
from hwgen.train.data import Crops
from hwgen.train.network import dense


def images() -> Crops:
    return Crops(list(np.random.default_rng(2).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)), 16)


def test_what_nobody_reads_contributes_nothing(tmp_path: Path) -> None:
    spec = specification(tmp_path, hidden="prelu")
    torch.manual_seed(1)
    parent = dense(spec)
    with torch.no_grad():
        parent.encoder[2].conv.weight.zero_()  # reads the second layer
        parent.decoder[2].conv.weight[:3].zero_()
    found = contributions(parent, spec, images())
    assert list(found) == [("encoder", ("conv0",)), ("encoder", ("conv1",)), ("decoder", ("deconv0",)),
                           ("decoder", ("deconv1",))]  # fmt: skip
    assert found["encoder", ("conv0",)] == found["encoder", ("conv1",)] == 0.0
    assert min(found["decoder", (name,)] for name in ("deconv0", "deconv1")) > 0.0
    assert set(most_contributing(parent, spec, images(), 0.5)["decoder"]) == {"deconv0", "deconv1"}
    assert sum(map(len, most_contributing(parent, spec, images(), 0.3).values())) == 2, "rounded up"


def test_layers_whose_channels_meet_are_one(tmp_path: Path) -> None:
    spec = branched(tmp_path)
    torch.manual_seed(1)
    found = contributions(dense(spec), spec, images())
    assert ("encoder", ("stem", "branch")) in found
    named = most_contributing(dense(spec), spec, images(), 1.0)
    assert sorted(named["encoder"]) == ["branch", "conv1", "stem"]
