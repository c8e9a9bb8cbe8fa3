"""Codebook weights: k-means against plain Python, straight-through training, codebooks that follow their weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.quantised_branches import blurred, branching_spec, trained_branches

from hwgen.errors import HwgenError
from hwgen.export import export
from hwgen.numerics.weight_format import Codebook
from hwgen.train.checkpoint import read, write
from hwgen.train.codebook import REFINE_EVERY, CodebookRounding
from hwgen.train.quantised import build, from_checkpoint
from hwgen.train.quantised_layers.convolution import CODEBOOK_ROUNDS, QuantLayer
from hwgen.train.quantisers import codebook_of
from hwgen.train.smoothing import Smoothed


def lloyd(values: list[float], centres: list[float]) -> list[float]:
    """Assign and average until nothing moves, in plain Python."""
    while True:
        groups: list[list[float]] = [[] for _ in centres]
        for value in values:
            groups[min(range(len(centres)), key=lambda i: (abs(value - centres[i]), i))].append(value)
        moved = [sum(group) / len(group) if group else old for group, old in zip(groups, centres, strict=True)]
        if moved == centres:
            return moved
        centres = moved


@pytest.mark.parametrize(("size", "bits"), [(2, 2), (4, 5), (16, 8), (8, 4)])
def test_fit_is_lloyds_iteration(size: int, bits: int) -> None:
    largest = 2 ** (bits - 1) - 1
    x = torch.randn(60, generator=torch.Generator().manual_seed(size)).double() * largest / 3
    book = CodebookRounding(size, bits).double()
    book.fit(x)
    flat = x.clamp(-largest, largest).tolist()
    start = torch.linspace(min(flat), max(flat), size, dtype=torch.float64).tolist()
    wanted = [round(centre) for centre in lloyd(flat, start)]
    found = book.integers().tolist()
    if len(set(wanted)) == size:
        assert found == pytest.approx(wanted, abs=0)
    Codebook(bits, tuple(found))  # distinct, ascending, in the narrow range


def test_binary_weights_are_signs() -> None:
    """Neither k-means nor training moves the codebook."""
    book = CodebookRounding(2, 2, codebook_fixed=True).train()
    book.fit(torch.tensor([0.1, 0.2, 0.9]))
    x = torch.tensor([-3.0, -0.1, 0.1, 0.9], requires_grad=True)
    for _ in range(REFINE_EVERY):
        found = book(x)
    assert book.integers().tolist() == [-1, 1]
    assert found.tolist() == [-1, -1, 1, 1]


def test_fewer_weights_than_values_still_make_a_codebook() -> None:
    book = CodebookRounding(16, 5)
    book.fit(torch.tensor([15.0, 15.0, -40.0]))
    assert book.integers().tolist() == sorted(set(book.integers().tolist()))
    assert {15, -15} <= set(book.integers().tolist())
    Codebook(5, tuple(book.integers().tolist()))


def test_exponents_for_a_codebook() -> None:
    """A channel whose weights lie on the doubled or halved codebook is better off with that scale."""
    book = CodebookRounding(4, 5)
    book.values.copy_(torch.tensor([-12, -5, 3, 11]))
    on_it = torch.tensor([-12.0, -5.0, 3.0, 11.0, 3.0])
    x = torch.stack([on_it, 2 * on_it, on_it / 2, 2 * on_it + 0.5]).reshape(4, 5, 1, 1)
    assert book.better_exponents(x).tolist() == [0, 1, -1, 1]


def test_scales_and_codebook_are_chosen_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last channel's largest weights ask for a coarser scale, on which half of the codebook is beyond them."""
    network = build(branching_spec(tmp_path, "codebook"))
    layer = network.encoder[0]
    assert isinstance(layer, QuantLayer)
    evenly = torch.linspace(-0.99, 0.99, layer.conv.weight[0].numel()).view_as(layer.conv.weight[0])
    for channel in layer.conv.weight.data:
        channel.copy_(evenly)
    layer.conv.weight.data[-1] *= 1.06
    errors = []
    for rounds in (0, CODEBOOK_ROUNDS):
        monkeypatch.setattr("hwgen.train.quantised_layers.convolution.CODEBOOK_ROUNDS", rounds)
        layer.fit_weights()
        weight = layer.conv.quant_weight().value.detach()
        errors.append(float((weight - layer.conv.weight.detach()).square().sum()))
    assert errors[1] < errors[0]


def test_rounding_is_to_the_nearest_and_straight_through() -> None:
    book = CodebookRounding(4, 4)
    book.values.copy_(torch.tensor([-7.0, -2.0, 1.0, 6.0]))
    x = torch.tensor([-9.0, -4.6, -4.5, -4.4, -0.5, -0.4, 3.4, 3.5, 3.6, 99.0], requires_grad=True)
    found = book(x)
    assert found.tolist() == [-7, -7, -7, -2, -2, 1, 1, 1, 6, 6], "half-way the smaller one"
    (found * torch.arange(10.0)).sum().backward()
    assert x.grad is not None and x.grad.tolist() == list(range(10))


def test_the_codebook_follows_its_weights_at_intervals() -> None:
    book = CodebookRounding(2, 4).train()
    book.values.copy_(torch.tensor([-7.0, 7.0]))
    x = torch.tensor([-3.0, -2.0, 3.6, 4.6], requires_grad=True)
    for step in range(1, 2 * REFINE_EVERY):
        book(x)
        assert book.integers().tolist() == ([-7, 7] if step < REFINE_EVERY else [-2, 4]), "-2.5 and 4.1"
    book.eval()
    book(10 * x)
    book.train()(10 * x.detach())
    assert int(book.steps) == 2 * REFINE_EVERY - 1, "evaluation moves nothing, nor do weights that are kept"


def test_trained_weights_are_the_codebooks(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "codebook", steps=3)
    graph = export(spec, spec.checkpoint_path)
    for node, layer, size in zip(graph.convolutions, network.encoder, (16, 4), strict=True):
        assert isinstance(layer, QuantLayer)
        book = codebook_of(layer.conv)
        assert node.codebook is not None and book is not None and len(node.codebook) == size
        assert node.codebook.tolist() == book.integers().tolist()
        quantised = layer.conv.quant_weight()
        assert np.array_equal(quantised.int().numpy(), node.weight), "Brevitas's own integers"
        assert len(np.unique(node.weight)) > size // 2
        real = layer.conv.weight.detach()
        assert (quantised.value - real).square().mean() < 0.15 * real.square().mean()


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "codebook", steps=1)
    state = network.state_dict()
    book = "encoder.0.conv.weight_quant.tensor_quant.int_quant.float_to_int_impl"
    assert int(state[f"{book}.steps"]) == 1
    state[f"{book}.steps"] = torch.tensor(REFINE_EVERY - 1)
    write(spec.checkpoint_path, state, {})
    for again in (from_checkpoint(spec, spec.checkpoint_path), from_checkpoint(spec, spec.checkpoint_path)):
        again.train()
        again(blurred(spec), torch.full((4,), 9.0), torch.Generator().manual_seed(1))
        assert int(again.state_dict()[f"{book}.steps"]) == REFINE_EVERY


def test_a_running_average_of_weights_leaves_the_codebook(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "codebook", steps=0)
    smoothed = Smoothed(network, 0.9)
    layer = network.encoder[0]
    assert isinstance(layer, QuantLayer)
    book = codebook_of(layer.conv)
    assert book is not None
    layer.conv.weight.data.mul_(1.5)
    book.fit(4.0 * torch.randn(400, generator=torch.Generator().manual_seed(1)))
    after = book.integers().tolist()
    smoothed.update(network, 1)
    smoothed.load(network)
    assert book.integers().tolist() == after
    write(spec.checkpoint_path, network.state_dict(), {})
    assert export(spec, spec.checkpoint_path).convolutions[0].codebook is not None


def test_codebooks_that_are_none_are_refused(tmp_path: Path) -> None:
    spec, _ = trained_branches(tmp_path, "codebook", steps=0)
    tensors, header = read(spec.checkpoint_path)
    name = "encoder.1.conv.weight_quant.tensor_quant.int_quant.float_to_int_impl.values"
    write(spec.checkpoint_path, tensors | {name: tensors[name] + 0.5}, header)
    with pytest.raises(HwgenError, match=rf"{name}: wanted whole numbers, got float32"):
        export(branching_spec(tmp_path, "codebook"), spec.checkpoint_path)
    write(spec.checkpoint_path, tensors | {name: tensors[name].flip(0)}, header)
    with pytest.raises(HwgenError, match=r"conv1.codebook: wanted ascending values"):
        export(spec, spec.checkpoint_path)
