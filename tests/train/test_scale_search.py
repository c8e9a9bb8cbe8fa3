"""The search of activation scales by the loss: finds the scales that a known loss wants, keeps those that are held."""

from __future__ import annotations

from pathlib import Path

import torch
from support.quantised_branches import trained_branches

from hwgen.train.quantised_side import QuantSide
from hwgen.train.scale_search import search_scales


def distance(side: QuantSide, wanted: dict[str, int]) -> float:
    """Distance of a side's scales from some."""
    return float(sum(abs(side.scales()[group] - exponent) for group, exponent in wanted.items()))


def test_scales_move_where_the_loss_falls(tmp_path: Path) -> None:
    _, network = trained_branches(tmp_path, "residual", steps=0)
    side = network.encoder
    begin = side.scales()
    assert set(side.free) < set(begin), "the pixels' scale is held"
    wanted = {group: begin[group] + step for group, step in zip(side.free, (2, 1, 3), strict=False)}
    calls = [0]

    def loss() -> float:
        calls[0] += 1
        return distance(side, wanted)

    assert search_scales([side], loss) == 0.0 == distance(side, wanted)
    assert all(side.scales()[group] == exponent for group, exponent in begin.items() if group not in side.free)
    assert calls[0] < 60


def test_scales_stay_where_nothing_helps(tmp_path: Path) -> None:
    _, network = trained_branches(tmp_path, "residual", steps=0)
    begin = network.encoder.scales(), network.decoder.scales()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert search_scales([network.encoder, network.decoder], lambda: 1.0) == 1.0
    assert (network.encoder.scales(), network.decoder.scales()) == begin
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_sums_scale_stays_above_its_inputs(tmp_path: Path) -> None:
    """A loss that wants the finest scales everywhere does not get a sum finer than what is added."""
    _, network = trained_branches(tmp_path, "residual", steps=0)
    side = network.encoder
    search_scales([side], lambda: float(sum(side.scales().values())), rounds=1)
    assert side.exponent("sum") >= side.exponent("stem") == side.exponent("branch")
