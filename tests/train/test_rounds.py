"""Iterative pruning: counts of every round, scores of what is left alone, training in between."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.spec_graphs import GRAPHS, graph_spec
from support.train_samples import specification

from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.model import ModelSpec
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense
from hwgen.train.prune import everything, prune, spread, state_of, survivors, without
from hwgen.train.rounds import counts_after, pruned_in_rounds, shaped
from hwgen.train.scores import SIDES

ROUNDS = "channels: {encoder: [5, 7, 6], decoder: [3, 5, 3]}, rounds: 3"


def test_counts(tmp_path: Path) -> None:
    """Of 9, 8 and 8, 7 channels 4, 1 and 5, 2 go: a third of them, rounded down, after every round."""
    spec = specification(tmp_path, ROUNDS)
    found = [[counts_after(spec, side, number) for side in SIDES] for number in (1, 2, 3)]
    assert found == [[(8, 8, 6), (7, 7, 3)], [(7, 8, 6), (5, 6, 3)], [(5, 7, 6), (3, 5, 3)]]


def test_every_round_begins_with_what_the_last_one_trained(tmp_path: Path) -> None:
    spec = specification(tmp_path, ROUNDS)
    torch.manual_seed(1)
    parent = dense(spec)
    seen = []

    @torch.no_grad()
    def train(network: DeepJSCC, number: int) -> None:
        seen.append((number, [layer.conv.out_channels for layer in network.encoder]))
        network.encoder[1].conv.bias.fill_(float(number))

    found = pruned_in_rounds(parent, spec, None, train)
    assert seen == [(1, [8, 8, 6]), (2, [7, 8, 6])]
    assert found.encoder[1].conv.bias.tolist() == [2.0] * 7
    assert [layer.conv.out_channels for layer in found.decoder] == [3, 5, 3]
    assert not (parent.encoder[1].conv.bias == 2.0).any(), "the parent is left as it is"


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_without_training_l1_leaves_nested_networks(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On networks of every kind: all rounds fit, and `spread` is the inverse of `without`."""
    monkeypatch.setitem(GRAPHS, name, GRAPHS[name] + "pruning: {criterion: l1, ratio: 0.4, rounds: 2}\n")
    spec = graph_spec(tmp_path, name)
    torch.manual_seed(1)
    parent = dense(spec)
    state = state_of(parent)
    alive = survivors(state, spec, counts={side: counts_after(spec, side, 1) for side in SIDES})
    small = without(state, spec, alive)
    whole = spread(small, state, spec, alive)
    assert {key: value.shape for key, value in whole.items()} == {key: value.shape for key, value in state.items()}
    again = without(whole, spec, alive)
    assert all(torch.equal(again[key], small[key]) for key in small)
    assert shaped(spec, alive).encoder_channels == tuple(
        len([unit for unit in stream if unit in alive["encoder"]]) // layer.layer.parts  # type: ignore[union-attr]
        for layer in spec.parent("encoder").layers if hasattr(layer.layer, "parts")
        for stream in [channel_groups(spec.parent("encoder")).streams[layer.name]])  # fmt: skip
    rounds = pruned_in_rounds(parent, spec, None, lambda network, number: None)
    shapes = {key: value.shape for key, value in rounds.state_dict().items()}
    assert shapes == {key: value.shape for key, value in prune(parent, spec).state_dict().items()}


def test_what_has_gone_is_not_scored(tmp_path: Path) -> None:
    """Of nine channels with norms 1, 2, ..., the third round's worst is the fifth."""
    spec = specification(tmp_path, "channels: {encoder: [5, 8, 6], decoder: [8, 7, 3]}")
    state = state_of(_plain(spec))
    alive = everything(spec)
    left = []
    for count in (8, 6, 5):
        counts = {"encoder": (count, 8, 6), "decoder": (8, 7, 3)}
        alive = survivors(state, spec, counts=counts, alive=alive)  # type: ignore[arg-type]
        stream = channel_groups(spec.parent("encoder")).streams["conv0"]
        left.append([index for index, unit in enumerate(stream) if unit in alive["encoder"]])
    assert left == [[1, 2, 3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8], [4, 5, 6, 7, 8]]


@torch.no_grad()
def _plain(spec: ModelSpec) -> DeepJSCC:
    network = dense(spec)
    for parameter in network.parameters():
        parameter.fill_(1.0)
    for channel in range(9):
        network.encoder[0].conv.weight[channel] *= channel + 1.0
    return network
