"""Running averages of weights against their definition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hwgen.train.smoothing import Smoothed


def set_to(network: nn.Linear, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def test_an_average_forgets_its_beginning_first() -> None:
    network = nn.Linear(2, 1)
    set_to(network, 1.0)
    smoothed = Smoothed(network, 0.5)
    wanted = 1.0
    for step, value in enumerate((3.0, -2.0, 5.0, 4.0, 0.5, 7.0, 1.0, 2.0, 3.0, 9.0, 2.0, 8.0), start=1):
        set_to(network, value)
        smoothed.update(network, step)
        kept = min(0.5, step / (step + 10))
        wanted = kept * wanted + (1 - kept) * value
    assert smoothed.weights["weight"].tolist() == [pytest.approx([wanted, wanted])]
    assert smoothed.weights["bias"].tolist() == pytest.approx([wanted])


def test_the_network_has_them_for_a_while_or_for_good() -> None:
    network = nn.Linear(1, 1)
    set_to(network, 1.0)
    smoothed = Smoothed(network, 0.9)
    set_to(network, 2.0)
    with smoothed.in_place(network):
        assert network.weight.item() == network.bias.item() == 1.0
    assert network.weight.item() == network.bias.item() == 2.0
    smoothed.load(network)
    assert network.weight.item() == 1.0


def test_counters_are_left_alone() -> None:
    network = nn.BatchNorm2d(1)
    smoothed = Smoothed(network, 0.9)
    assert "num_batches_tracked" not in smoothed.weights
    assert "running_mean" in smoothed.weights
