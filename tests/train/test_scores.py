"""Every criterion on networks of all kinds: evidence has the shapes that it needs, and what is missing is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from support.spec_graphs import GRAPHS, graph_spec
from support.train_samples import specification

from hwgen.errors import HwgenError
from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.model import ModelSpec, load
from hwgen.train.criteria import CRITERIA
from hwgen.train.data import Crops
from hwgen.train.network import dense
from hwgen.train.prune import prune
from hwgen.train.scores import Scores, check


def crops(side: int) -> Crops:
    images = np.random.default_rng(2).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    return Crops(list(images), side)


def by(spec: ModelSpec, name: str) -> ModelSpec:
    return spec.model_copy(update={"pruning": spec.pruning.model_copy(update={"criterion": name})})


@pytest.mark.parametrize("graph", ["residual", "depthwise", "u", "patches"])
def test_all_criteria_on_all_networks(tmp_path: Path, graph: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finite scores for every group; the survivors are as many as the specification says."""
    monkeypatch.setitem(GRAPHS, graph, GRAPHS[graph] + "pruning: {ratio: 0.4}\n")
    spec = graph_spec(tmp_path, graph)
    torch.manual_seed(1)
    parent = dense(spec)
    images = crops(2 * spec.downscale if spec.downscale > 8 else 16)
    for name in [name for name, one in CRITERIA.items() if not one.normalised]:
        own = by(spec, name)
        scores = Scores(parent.state_dict(), own, images if CRITERIA[name].observes else None)
        for side in ("encoder", "decoder"):
            network = own.parent(side)  # type: ignore[arg-type]
            channels = channel_groups(network)
            alive = {unit for stream in channels.streams.values() for unit in stream}
            for group in channels.groups:
                found = scores.of(network, channels, group, alive)
                assert found.shape == (len(group.units),)
                assert found.isfinite().all()
        prune(parent, own, images)  # into a network of the specification's shapes


@pytest.mark.parametrize(("name", "gone"), [("taylor", 2), ("utility", 2), ("apoz", 4), ("hrank", 4)])
def test_what_does_nothing_goes(tmp_path: Path, name: str, gone: int) -> None:
    """A channel that nobody reads has no gradient; one that is never positive has no rank behind a ReLU."""
    spec = by(specification(tmp_path, hidden="relu"), {"utility": "usc"}.get(name, name))
    torch.manual_seed(3)
    parent = dense(spec)
    with torch.no_grad():
        parent.encoder[1].conv.bias.copy_(torch.arange(8.0) / 8)  # type: ignore[union-attr]
        parent.encoder[2].conv.weight[:, 2] = 0.0  # type: ignore[index]
        parent.encoder[1].conv.bias[4] = -100.0  # type: ignore[index]
        parent.encoder[1].conv.weight[2] = 100.0 if gone == 4 else 0.0  # type: ignore[index]
    if gone == 2:  # the other one is read
        with torch.no_grad():
            parent.encoder[1].conv.bias[4] = 0.5  # type: ignore[index]
    kept = prune(parent, spec, crops(16)).encoder[1].conv.bias.tolist()  # type: ignore[union-attr]
    assert kept == [bias for i, bias in enumerate(parent.encoder[1].conv.bias.tolist()) if i != gone]  # type: ignore[union-attr]


def test_images_that_are_missing_are_refused(tmp_path: Path) -> None:
    spec = by(specification(tmp_path), "taylor")
    with pytest.raises(HwgenError, match="pruning.criterion: wanted one that looks at weights alone, or images"):
        prune(dense(spec), spec)


def test_slimming_without_normalisation_is_refused(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    text = spec.path.read_text().replace("criterion: l1", "criterion: slimming")
    spec.path.write_text(text)
    wanted = r"spec.yaml:\d+: pruning.criterion: wanted another one, or batch_norm in encoder\[0\], whose channels may"
    with pytest.raises(HwgenError, match=wanted):
        check(load(spec.path))
    spec.path.write_text(re.sub("activation: (prelu|relu)", r"activation: \1, batch_norm: true", text))
    check(load(spec.path))


def test_slimming_goes_by_the_factors(tmp_path: Path) -> None:
    """The smallest factors go, whatever their signs and the weights."""
    spec = specification(tmp_path)
    text = spec.path.read_text().replace("criterion: l1", "criterion: slimming")
    spec.path.write_text(re.sub("activation: (prelu|relu)", r"activation: \1, batch_norm: true", text))
    spec = load(spec.path)
    parent = dense(spec)
    factors = torch.tensor([1.0, -0.1, 0.2, 3.0, 0.3, -2.0, 0.05, 1.0, -1.0])
    with torch.no_grad():
        parent.encoder[0].norm.weight.copy_(factors)  # type: ignore[union-attr]
    assert prune(parent, spec).encoder[0].norm.weight.tolist() == factors[[0, 3, 5, 7, 8]].tolist()  # type: ignore[union-attr]
