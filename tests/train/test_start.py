"""Warm start: layers of one shape come along, others stay, what does not belong is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.train_samples import SPEC, branched, specification

from hwgen.errors import HwgenError
from hwgen.export import export
from hwgen.ir.serialize import graph_bytes, weights_bytes
from hwgen.spec.model import ModelSpec, load
from hwgen.train import phases
from hwgen.train.checkpoint import read, write
from hwgen.train.network import pruned
from hwgen.train.quantised import build
from hwgen.train.start import warm_start


def other(folder: Path, **changes: tuple[str, str]) -> Path:
    text = SPEC.format(pruning="channels: {encoder: [5, 7, 6], decoder: [3, 5, 3]}", hidden="relu")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    folder.mkdir()
    (folder / "spec.yaml").write_text(text)
    return folder / "spec.yaml"


def test_takes_what_fits(tmp_path: Path) -> None:
    first = load(other(tmp_path / "first"))
    torch.manual_seed(1)
    file = tmp_path / "first" / "finetune.safetensors"
    write(file, pruned(first).state_dict(), {"model": "first", "phase": "finetune"})
    second = load(other(tmp_path / "second", a=("channels: 6, activation: none", "channels: 4, activation: none"),
                        b=("[5, 7, 6]", "[5, 7, 4]")))  # fmt: skip
    torch.manual_seed(2)
    network = pruned(second)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    told = warm_start(network, file, second)
    assert told["layers"] == ["encoder.0", "encoder.1", "decoder.1", "decoder.2"]
    assert (told["model"], told["phase"], len(told["sha256"])) == ("first", "finetune", 64)
    tensors, _ = read(file)
    for name, value in network.state_dict().items():
        layer = ".".join(name.split(".")[:2])
        assert torch.equal(value, tensors[name] if layer in told["layers"] else fresh[name])


def test_the_power_of_all_images_goes_along_and_is_no_layer(tmp_path: Path) -> None:
    spec = load(other(tmp_path / "m", a=("  crop: 16\n", "  crop: 16\n  power: average\n")))
    state = pruned(spec).state_dict() | {"latent_power": torch.tensor(3.0)}
    write(tmp_path / "start.safetensors", state, {})
    network = pruned(spec)
    told = warm_start(network, tmp_path / "start.safetensors", spec)
    assert network.latent_power == 3.0 and "latent_power" not in told["layers"]


def test_refuses_what_does_not_belong(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    file = tmp_path / "x.safetensors"
    write(file, {"encoder.0.conv.weight": torch.zeros(1)}, {})
    with pytest.raises(HwgenError, match=r"x.safetensors: wanted layers of the shapes of .*, got none"):
        warm_start(pruned(spec), file, spec)
    write(file, pruned(spec).state_dict(), {"terms": {"license": "secret", "source": "noise"}})
    with pytest.raises(HwgenError, match="terms: license: wanted 'CC0'"):
        warm_start(pruned(spec), file, spec)
    with pytest.raises(HwgenError, match="--start: wanted phase float, finetune, qat or all, got control"):
        phases.train(spec.path, data="skimage", phase="control", start=file)


def test_a_finished_phase_is_not_another_files(tmp_path: Path) -> None:
    """With another --start nothing would be trained, but the header would name the new file."""
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for index in range(4):
        image = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((32, 32))
        image.save(tmp_path / "data" / f"{index}.png")
    spec, settings = load(other(tmp_path / "model")), {"data": tmp_path / "data", "device": "cpu", "phase": "finetune"}
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for file in files:
        write(file, pruned(spec).state_dict(), {})
    phases.train(spec.path, **settings, start=files[0])  # type: ignore[arg-type]
    before = (spec.folder / "finetune.safetensors").read_bytes()
    with pytest.raises(HwgenError, match=r"finetune.safetensors: sources: wanted start: SHA-256 .* got start: SHA-256"):
        phases.train(spec.path, **settings, start=files[1])  # type: ignore[arg-type]
    phases.train(spec.path, **settings, start=files[0])  # type: ignore[arg-type]
    assert (spec.folder / "finetune.safetensors").read_bytes() == before


def test_partly_takes_the_common_channels(tmp_path: Path) -> None:
    """Old outputs see only old inputs; new ones stay as they were made."""
    spec = load(other(tmp_path / "first"))
    torch.manual_seed(1)
    file = tmp_path / "small.safetensors"
    small = pruned(spec).state_dict()
    write(file, small, {})
    wider = load(other(tmp_path / "second", a=("decoder: [3, 5, 3]", "decoder: [4, 4, 3]")))
    torch.manual_seed(2)
    network = pruned(wider)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    told = warm_start(network, file, wider, partly=True)
    assert told["layers"] == ["encoder.0", "encoder.1", "encoder.2"]
    assert told["partly"] == ["decoder.0", "decoder.1", "decoder.2"]
    state = network.state_dict()
    first, second, third = (f"decoder.{index}.conv.weight" for index in range(3))
    assert torch.equal(state[first][:, :3], small[first])
    assert torch.equal(state[first][:, 3:], fresh[first][:, 3:])
    assert torch.equal(state[second][:3], small[second][:, :4])
    assert not state[second][3:].any(), "a new input of old outputs"
    assert torch.equal(state[third], small[third][:4])
    assert torch.equal(state["decoder.0.conv.bias"][:3], small["decoder.0.conv.bias"])
    assert torch.equal(state["decoder.0.conv.bias"][3:], fresh["decoder.0.conv.bias"][3:])


def test_a_kept_transmitter_stays_bit_for_bit(tmp_path: Path) -> None:
    """A receiver with other channels is trained for it; what is exported of the transmitter does not change."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for index in range(count):
            image = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((32, 32))
            image.save(tmp_path / "data" / split / f"{index}.png")
    data, path = str(tmp_path / "data"), other(tmp_path / "model")
    for phase in ("float", "finetune", "qat"):
        phases.train(path, data=data, device="cpu", phase=phase)
    kept = tmp_path / "kept.safetensors"
    kept.write_bytes((tmp_path / "model" / "checkpoint.safetensors").read_bytes())
    before = export(load(path), kept)
    path.write_text(path.read_text().replace("decoder: [3, 5, 3]", "decoder: [4, 4, 3]"))
    (tmp_path / "model" / "state" / "finetune.safetensors").unlink()
    (tmp_path / "model" / "state" / "qat.safetensors").unlink()
    phases.train(path, data=data, device="cpu", phase="finetune", keep=kept)
    phases.train(path, data=data, device="cpu", phase="qat", keep=kept)
    spec = load(path)
    after = export(spec, spec.checkpoint_path)
    assert weights_bytes(after) == weights_bytes(before)
    assert graph_bytes(after, b"") == graph_bytes(before, b"")
    old, new = (read(file)[0]["decoder.0.conv.weight"] for file in (kept, spec.checkpoint_path))
    assert new.shape[1] == 4 and not torch.equal(new[:, :3], old), "the receiver was trained"
    _, header = read(spec.checkpoint_path)
    assert header["kept"] == "encoder"
    assert header["kept_sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
    another = tmp_path / "another.safetensors"
    write(another, read(kept)[0] | {"latent_power": torch.tensor(9.0)}, {})
    shipped = spec.checkpoint_path.read_bytes()
    for phase in ("finetune", "qat"):
        message = rf"{phase}.safetensors: sources: wanted keep: SHA-256 .*\(delete the file to .*, got keep: "
        with pytest.raises(HwgenError, match=message):
            phases.train(path, data=data, device="cpu", phase=phase, keep=another)
        with pytest.raises(HwgenError, match=f"{phase}.safetensors: sources: wanted neither start nor keep"):
            phases.train(path, data=data, device="cpu", phase=phase)
    assert spec.checkpoint_path.read_bytes() == shipped
    with pytest.raises(HwgenError, match="--keep: wanted phase finetune, qat or all, and no --start, got card"):
        phases.train(path, data=data, phase="card", keep=kept)
    foreign = tmp_path / "foreign.safetensors"
    write(foreign, read(kept)[0], {"terms": {"license": "secret", "source": "noise"}})
    with pytest.raises(HwgenError, match="foreign.safetensors: terms: license: wanted"):
        phases.train(path, data=data, device="cpu", phase="qat", keep=foreign)
    wrong = other(tmp_path / "wrong", a=("[5, 7, 6]", "[5, 6, 6]"))
    with pytest.raises(HwgenError, match=r"kept.safetensors: encoder.1.*: wanted shape \(6"):
        build(load(wrong)).keep_transmitter(read(kept)[0], str(kept))


GROWING = """
format_version: 1
description: a decoder that grows
frame: {width: 32, height: 32}
encoder:
  - {kernel: 4, stride: 4, channels: 4, activation: none}
decoder:
  - {name: stem, kind: conv, kernel: 3, channels: 12}
  - {name: inner, kind: conv, kernel: 3, channels: 12}
  - {name: single, kind: conv, kernel: 3, channels: 12, groups: 12}
  - {name: sum, kind: add, inputs: [stem, single]}
  - {name: up, kind: depth_to_space, factor: 2}
  - {name: other, kernel: 4, stride: 2, channels: 6, inputs: [inner]}
  - {name: both, kind: concat, inputs: [up, other, up]}
  - {name: blocks, kind: space_to_depth, factor: 2}
  - {name: wide, kind: conv, kernel: 3, channels: 8}
  - {name: again, kind: depth_to_space, factor: 2}
  - {name: pairs, kind: conv, kernel: 3, channels: 4, groups: 2}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
pruning: {channels: {encoder: [4], decoder: [COUNTS]}}
data: {license: CC0, source: noise}
training:
  crop: 16
  batch: 2
  float: {steps: 4, lr: 0.001}
  finetune: {steps: 3, lr: 0.001}
  qat: {steps: 2, lr: 0.001}
"""


def growing(folder: Path, counts: str) -> ModelSpec:
    folder.mkdir()
    (folder / "spec.yaml").write_text(GROWING.replace("COUNTS", counts))
    return load(folder)


@torch.no_grad()
def test_old_channels_keep_their_values_through_branches(tmp_path: Path) -> None:
    """More channels in branches of sums, concatenations and blocks: every old channel gives what it gave."""
    small = growing(tmp_path / "small", "8, 8, 8, 3, 8, 4, 3")
    large = growing(tmp_path / "large", "12, 12, 12, 6, 8, 4, 3")
    torch.manual_seed(1)
    before, file = pruned(small).double().eval(), tmp_path / "old.safetensors"
    write(file, before.state_dict(), {"model": "small", "phase": "qat"})
    torch.manual_seed(2)
    after = pruned(large).double().eval()
    told = warm_start(after, file, large, partly=True)
    assert told["layers"] == ["encoder.0", "decoder.10", "decoder.11"]
    assert told["partly"] == [f"decoder.{index}" for index in (0, 1, 2, 5, 8)]
    latent = torch.randn(2, 4, 8, 8).double()
    old, new = before.decoder.outputs(latent), after.decoder.outputs(latent)
    for name in ("stem", "inner", "single", "sum", "up", "other", "wide", "again", "pairs", "deconv11"):
        channels = old[name].shape[1]
        torch.testing.assert_close(new[name][:, :channels], old[name], rtol=1e-12, atol=1e-12)
    assert new["both"].shape[1] == 3 + 6 + 3 and old["both"].shape[1] == 2 + 3 + 2


def test_what_does_not_fit_together_or_has_another_kernel_is_fresh(tmp_path: Path) -> None:
    spec = growing(tmp_path / "a", "12, 12, 12, 6, 8, 4, 3")
    state = pruned(spec).state_dict()
    file = tmp_path / "odd.safetensors"
    odd = state | {"decoder.0.conv.bias": torch.zeros(5), "decoder.0.conv.weight": torch.zeros(5, 4, 3, 3)}
    write(file, odd, {})
    network = pruned(spec)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    assert warm_start(network, file, spec, partly=True)["partly"] == [], "the sum's branches differ"
    assert torch.equal(network.state_dict()["decoder.0.conv.weight"], fresh["decoder.0.conv.weight"])
    write(file, state | {"decoder.1.conv.weight": torch.zeros(12, 12, 5, 5)}, {})
    network = pruned(spec)
    told = warm_start(network, file, spec, partly=True)
    assert told["partly"] == [] and "decoder.1" not in told["layers"]
    groups = {"decoder.10.conv.weight": torch.zeros(2, 1, 3, 3), "decoder.10.conv.bias": torch.zeros(2),
              "decoder.10.activation.weight": torch.zeros(2), "decoder.11.conv.weight": torch.ones(2, 3, 4, 4)}
    write(file, state | groups, {})
    network = pruned(spec)
    told = warm_start(network, file, spec, partly=True)
    assert told["partly"] == ["decoder.11"] and "decoder.10" not in told["layers"]
    assert torch.equal(network.state_dict()["decoder.11.conv.weight"][:2], torch.ones(2, 3, 4, 4))


def test_a_kept_transmitter_with_branches(tmp_path: Path) -> None:
    """--keep with another receiver: the transmitter's bytes are the old ones, old channels go along."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for index in range(3):
        image = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((32, 32))
        image.save(tmp_path / "data" / f"{index}.png")
    small = branched(tmp_path)
    old = build(small, pruned(small).state_dict())
    old.calibrate([torch.rand(2, 3, 16, 16)])
    write(tmp_path / "old.safetensors", old.state_dict(), {"model": "small", "phase": "qat"})
    (tmp_path / "large").mkdir()
    large = branched(tmp_path / "large", "channels: {encoder: [6, 5, 6, 4], decoder: [48, 5, 12]}")
    for phase in ("finetune", "qat"):
        phases.train(large.path, tmp_path / "data", "cpu", phase=phase, keep=tmp_path / "old.safetensors")
    header = read(large.folder / "finetune.safetensors")[1]
    assert header["start"]["partly"] == ["decoder.3", "decoder.4"]
    before, after = read(tmp_path / "old.safetensors")[0], read(large.folder / "checkpoint.safetensors")[0]
    kept = [name for name in before if name.startswith("encoder.")]
    assert kept and all(torch.equal(before[name], after[name]) for name in kept)
