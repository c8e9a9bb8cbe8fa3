"""Batch normalisation: folded it is the same function, and what is quantised is the folded network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from hwgen.errors import HwgenError
from hwgen.ir.serialize import graph_bytes, weights_bytes
from hwgen.random_init import random_graph
from hwgen.spec.model import ModelSpec, load
from hwgen.train import phases
from hwgen.train.batch_norm import fold_batch_norm, without
from hwgen.train.checkpoint import read, write
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense, pruned
from hwgen.train.quantised import build
from hwgen.train.start import warm_start

SPEC = """
format_version: 1
description: normalised
frame: {width: 32, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 8, batch_norm: true}
  - {kernel: 3, channels: 8, groups: GROUPS, activation: relu, batch_norm: true}
  - {kernel: 3, channels: 4, activation: none, batch_norm: true}
decoder:
  - {kernel: 3, channels: 6, batch_norm: true}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp, batch_norm: true}
pruning: {channels: {encoder: [KEPT, KEPT, 4], decoder: [5, 3]}}
data: {license: CC0, source: noise}
training:
  crop: 16
  batch: 2
  float: {steps: 4, lr: 0.01}
  finetune: {steps: 4, lr: 0.01}
  qat: {steps: 2, lr: 0.001}
"""


def normalised(folder: Path, groups: int = 1, kept: int = 6) -> ModelSpec:
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(SPEC.replace("GROUPS", str(groups)).replace("KEPT", str(kept)))
    return load(folder)


@torch.no_grad()
def scattered(network: DeepJSCC) -> DeepJSCC:
    """With weights and statistics that are none of those a fresh network has."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.5)
            module.bias.normal_()
            module.running_mean.normal_()  # type: ignore[union-attr]
            module.running_var.uniform_(1e-4, 3.0)  # type: ignore[union-attr]
    return network.double().eval()


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("make", [dense, pruned])
@torch.no_grad()
def test_the_folded_network_is_the_same_function(tmp_path: Path, make: object, groups: int) -> None:
    """Plain, grouped, depthwise and transposed convolutions, before and after pruning, to float64's rounding."""
    spec = normalised(tmp_path, groups)
    torch.manual_seed(1)
    network = scattered(make(spec))  # type: ignore[operator]
    state = fold_batch_norm(network.state_dict(), spec)
    side = spec.parent if make is dense else (lambda one: getattr(spec, f"{one}_network"))
    folded = DeepJSCC(without(side("encoder")), without(side("decoder"))).double().eval()
    folded.load_state_dict(state)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    images, latent = torch.rand(2, 3, 16, 16).double(), torch.randn(2, 4, 8, 8).double()
    for wanted, got in ((network.encode, folded.encode), (network.decode, folded.decode)):
        x = images if wanted == network.encode else latent
        layers = (network.encoder, folded.encoder) if wanted == network.encode else (network.decoder, folded.decoder)
        torch.testing.assert_close(layers[1](x), layers[0](x), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(got(x), wanted(x))


def test_by_hand(tmp_path: Path) -> None:
    """scale 3, offset 5, mean 2, variance 4 - eps: a kernel of 7 becomes 10.5, the bias 5 - 3."""
    spec = normalised(tmp_path)
    network = dense(spec).double()
    for name, value in (("weight", 3.0), ("bias", 5.0), ("running_mean", 2.0), ("running_var", 4.0 - 1e-5)):
        getattr(network.decoder[1].norm, name).data.fill_(value)  # type: ignore[union-attr]
    network.decoder[1].conv.weight.data.fill_(7.0)  # type: ignore[union-attr]
    state = fold_batch_norm(network.state_dict(), spec)
    torch.testing.assert_close(state["decoder.1.conv.weight"], torch.full((6, 3, 4, 4), 10.5).double())
    torch.testing.assert_close(state["decoder.1.conv.bias"], torch.full((3,), 2.0).double())


def test_what_has_none_stays(tmp_path: Path) -> None:
    spec = normalised(tmp_path)
    state = pruned(spec, folded=True).state_dict()
    assert fold_batch_norm(state, spec) == state
    odd = {"decoder.9.norm.weight": torch.ones(1)}
    assert fold_batch_norm(odd, spec) == {}


def test_random_integers_do_not_know_it(tmp_path: Path) -> None:
    spec = normalised(tmp_path)
    (tmp_path / "spec.yaml").write_text((tmp_path / "spec.yaml").read_text().replace(", batch_norm: true", ""))
    for side in ("tx", "rx"):
        ours, plain = random_graph(spec, 1, side), random_graph(load(tmp_path), 1, side)
        assert graph_bytes(ours, weights_bytes(ours)) == graph_bytes(plain, weights_bytes(plain))


def test_complex_layers_have_none(tmp_path: Path) -> None:
    text = SPEC.replace("GROUPS", "1").replace("KEPT", "6")
    (tmp_path / "spec.yaml").write_text(text.replace("channels: 4, activation: none", "channels: 2, complex: true"))
    with pytest.raises(HwgenError, match="batch_norm: wanted false in a complex layer, got true"):
        load(tmp_path)


def photographs(folder: Path) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        corner = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(corner).resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


def test_qat_begins_with_the_folded_weights(tmp_path: Path) -> None:
    """All phases of a normalised network; the quantised one has no trace of it."""
    torch.set_num_threads(1)
    spec, data = normalised(tmp_path), photographs(tmp_path / "images")
    for phase in ("float", "finetune", "qat"):
        phases.train(spec.path, data, "cpu", tmp_path, phase)
    state = read(tmp_path / "finetune.safetensors")[0]
    assert state["encoder.0.norm.running_var"].shape == (6,)
    begun = phases.starting_network(spec, "qat", tmp_path).state_dict()
    folded = fold_batch_norm(state, spec)
    assert set(folded) <= set(begun)
    assert all(torch.equal(begun[name], value) for name, value in folded.items())
    assert not any(".norm." in name for name in read(tmp_path / "checkpoint.safetensors")[0])


def test_a_kept_transmitter_is_not_normalised_again(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    spec, data = normalised(tmp_path), photographs(tmp_path / "images")
    network = build(spec, fold_batch_norm(pruned(spec).state_dict(), spec))
    network.calibrate([torch.rand(2, 3, 16, 16)])
    write(tmp_path / "old.safetensors", network.state_dict(), {"model": "old", "phase": "qat"})
    for phase in ("finetune", "qat"):
        phases.train(spec.path, data, "cpu", tmp_path, phase, keep=tmp_path / "old.safetensors")
    old, new = read(tmp_path / "old.safetensors")[0], read(tmp_path / "checkpoint.safetensors")[0]
    assert all(torch.equal(new[name], value) for name, value in old.items() if name.startswith("encoder."))


def test_a_start_without_normalisation_takes_folded_weights(tmp_path: Path) -> None:
    spec = normalised(tmp_path / "a")
    torch.manual_seed(3)
    state = pruned(spec).state_dict()
    write(tmp_path / "start.safetensors", state, {"model": "a", "phase": "finetune"})
    (tmp_path / "b").mkdir()
    text = spec.path.read_text().replace("clamp, batch_norm: true", "clamp")
    (tmp_path / "b/spec.yaml").write_text(text.replace("prelu", "relu").replace("none, batch_norm: true", "none"))
    other = load(tmp_path / "b")
    network = pruned(other)
    found = warm_start(network, tmp_path / "start.safetensors", other)
    assert found["layers"] == [f"{side}.{index}" for side, index in (
        ("encoder", 0), ("encoder", 1), ("encoder", 2), ("decoder", 0), ("decoder", 1))]  # fmt: skip
    folded = fold_batch_norm(state, spec)
    own = network.state_dict()
    assert torch.equal(own["decoder.1.conv.weight"], folded["decoder.1.conv.weight"])
    assert torch.equal(own["encoder.1.norm.weight"], state["encoder.1.norm.weight"])
