"""Soft pruning: kernels of the worst channels become zero, the rest stays, and gradients bring them back."""

from __future__ import annotations

from pathlib import Path

import torch
from support.train_samples import specification

from hwgen.train.network import dense
from hwgen.train.prune import state_of, survivors
from hwgen.train.soft_pruning import EVERY, softener

SOFT = "channels: {encoder: [5, 7, 6], decoder: [3, 5, 3]}, soft: true"


def test_the_worst_kernels_become_zero(tmp_path: Path) -> None:
    spec = specification(tmp_path, SOFT, hidden="prelu")
    torch.manual_seed(1)
    network = dense(spec)
    before = state_of(network)
    after = softener(network, spec, steps=EVERY + 7)
    after(EVERY - 1)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    after(EVERY)
    now = network.state_dict()
    zero = {name: (now[name].transpose(0, 1) if name.startswith("decoder") else now[name]).flatten(1).abs().sum(1) == 0
            for name in now if name.endswith("conv.weight")}  # fmt: skip
    assert [int(zero[f"encoder.{i}.conv.weight"].sum()) for i in range(3)] == [4, 1, 0]
    assert [int(zero[f"decoder.{i}.conv.weight"].sum()) for i in range(3)] == [5, 2, 0]
    assert all(torch.equal(now[name], before[name]) for name in now if not name.endswith("conv.weight"))
    first = now["encoder.0.conv.weight"]
    assert torch.equal(first[first != 0], before["encoder.0.conv.weight"][first != 0])
    assert survivors(state_of(network), spec) == survivors(before, spec), "the same ones go when it ends"


def test_gradients_reach_them_again(tmp_path: Path) -> None:
    spec = specification(tmp_path, SOFT, hidden="prelu")
    torch.manual_seed(1)
    network = dense(spec)
    softener(network, spec, steps=3)(3)
    gone = network.encoder[0].conv.weight.flatten(1).abs().sum(1) == 0
    network.encode(torch.rand(1, 3, 16, 16)).square().sum().backward()
    gradient = network.encoder[0].conv.weight.grad
    assert int(gone.sum()) == 4 and bool((gradient[gone].flatten(1).abs().sum(1) > 0).all())
