"""Scales of branches that meet: chosen for all their values together, whoever comes first; bounds; what is kept."""

from __future__ import annotations

from pathlib import Path

import torch
from support.quantised_branches import blurred, branching_spec, trained_branches
from torch import Tensor

from hwgen.train.calibration import MSE
from hwgen.train.codebook import REFINE_EVERY
from hwgen.train.network import pruned
from hwgen.train.quantised import build
from hwgen.train.quantised_layers.layer import QuantisedLayer, Requantised
from hwgen.train.quantised_network import QuantDeepJSCC
from hwgen.train.quantised_side import QuantSide
from hwgen.train.quantisers import sample


def residual(folder: Path, **louder: float) -> QuantDeepJSCC:
    """With the weights of some layers, by their index, multiplied."""
    spec = branching_spec(folder, "residual")
    torch.manual_seed(3)
    state = pruned(spec).state_dict()
    for index, factor in louder.items():
        state[f"encoder.{index.removeprefix('layer')}.conv.weight"] *= factor
    network = build(spec, state)
    network.calibrate([blurred(spec)])
    return network.eval()


def unrounded(side: QuantSide, x: Tensor) -> dict[str, Tensor]:
    """Every layer's output before its rounding."""
    outputs = side.outputs(x)
    found = {}
    for placed, layer in zip(side.network.layers, side, strict=True):
        assert isinstance(layer, QuantisedLayer)
        found[placed.name] = layer.values(*(outputs[name] for name in placed.sources))
    return found


def test_one_scale_for_all_members_values(tmp_path: Path) -> None:
    for factor in (1.0, 1 / 64, 64.0):  # the late branch fits the first one's scale, or is far below or above it
        network = residual(tmp_path, layer2=factor)
        side = network.encoder
        with torch.no_grad():
            values = unrounded(side, network.pixel_quantiser(blurred(branching_spec(tmp_path, "residual"))))
        ranges = {name: (layer.rounding.range, layer.rounding.signed)
                  for name, layer in zip(values, side, strict=True)
                  if isinstance(layer, Requantised) and layer.rounding is not None}  # fmt: skip
        for first, second in (("stem", "branch"), ("sum", "again")):
            samples = [(sample(values[name]) if ranges[name][1] else sample(values[name]).relu(), *ranges[name][0])
                       for name in (first, second)]  # fmt: skip
            wanted = MSE.exponent(samples)
            if first == "sum":
                wanted = max(wanted, side.exponent("stem"))
            assert side.exponent(first) == side.exponent(second) == wanted


def test_a_sums_scale_is_at_least_its_inputs(tmp_path: Path) -> None:
    """Two branches that nearly cancel: the sum alone would want a finer scale."""
    spec = branching_spec(tmp_path, "branching receiver")
    torch.manual_seed(3)
    state = pruned(spec).state_dict()
    for kind in ("weight", "bias"):
        values = state[f"decoder.0.conv.{kind}"]
        flipped = values.transpose(0, 1).flip(2, 3) if kind == "weight" else values
        state[f"decoder.1.conv.{kind}"] = -flipped * (1 - 2**-5)
    network = build(spec, state)
    network.calibrate([blurred(spec)])
    side = network.decoder
    assert side.exponent("sum") == side.exponent("first") == side.exponent("second")


def test_a_kept_transmitter_keeps_its_scales(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "residual", steps=0)
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    other = build(spec)
    other.keep_transmitter(tensors, "kept")
    other.calibrate([blurred(spec, seed=8) * 0.1])
    for name, value in other.state_dict().items():
        if name.startswith("encoder."):
            assert torch.equal(value, tensors[name])
    for name in ("stem", "branch", "sum", "again", "add5"):
        assert other.encoder.exponent(name) == network.encoder.exponent(name)


def test_a_kept_transmitter_keeps_its_codebooks(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "codebook", steps=0)
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    for name in tensors:
        if name.endswith("steps"):
            tensors[name] += REFINE_EVERY - 1
    other = build(spec)
    other.keep_transmitter(tensors, "kept")
    other.train()(blurred(spec), torch.full((4,), 9.0), torch.Generator().manual_seed(1))
    after = other.state_dict()
    assert all(torch.equal(after[name], value) for name, value in tensors.items() if name.startswith("encoder."))


def test_training_moves_no_scale(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "shared with the ports", steps=0)
    names = [placed.name for side in (network.encoder, network.decoder) for placed in side.network.layers]
    sides = {name: side for side in (network.encoder, network.decoder) for name in names
             if name in {placed.name for placed in side.network.layers}}  # fmt: skip
    before = {name: sides[name].exponent(name) for name in names}
    network.load_state_dict(network.state_dict())  # as a resumed training does
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    images = blurred(spec)
    for _ in range(2):
        network(images, torch.full((4,), 5.0), torch.Generator().manual_seed(2)).square().mean().backward()
        optimiser.step()
    assert {name: sides[name].exponent(name) for name in names} == before
    without = {name for name, parameter in network.named_parameters()
               if parameter.requires_grad and parameter.grad is None}  # fmt: skip
    assert without == set()
    assert {name for name, parameter in network.named_parameters() if parameter.requires_grad} == set(
        pruned(spec).state_dict()
    )
