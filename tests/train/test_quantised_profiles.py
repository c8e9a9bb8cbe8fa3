"""The quantised network with profiles: tables of the images' profiles alone, integer factors, powers, phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.profiled_training import blurred, float_network, profiled_spec, quantised

from hwgen.errors import HwgenError
from hwgen.numerics.integer import requantise
from hwgen.spec.model import ModelSpec, load
from hwgen.train import phases
from hwgen.train.channel import symbol_power
from hwgen.train.checkpoint import read
from hwgen.train.profile_biases import biased, without_sums
from hwgen.train.quantised import build, from_checkpoint
from hwgen.train.quantised_profiles import ProfiledQuantDeepJSCC
from hwgen.train.quantisers import SCALE_NAME


@pytest.fixture
def unsearched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scales as they are chosen layer by layer: of random weights the search finds that a grey image is best."""
    monkeypatch.setattr("hwgen.train.quantised_profiles.search_scales", lambda sides, loss: loss())


@torch.no_grad()
def test_biases_of_sums_move_into_a_branch(tmp_path: Path) -> None:
    spec = profiled_spec(tmp_path)
    network = float_network(spec)
    images = blurred(3)
    network.choose(torch.tensor([0.0, 5.0, 20.0]))
    before = network.encoder(images), network.decode(network.encode(images))
    state = network.state_dict()
    for side in (network.encoder.network, network.decoder.network):
        state = without_sums(state, side)
    missing = set(network.state_dict()) - set(state)
    assert missing == {f"{name}.activation.bias_offset" for name in ("encoder.0", "encoder.3", "decoder.6")} - {
        "encoder.0.activation.bias_offset"  # a rectifier stands behind it
    }
    network.load_state_dict({**{name: torch.zeros_like(network.state_dict()[name]) for name in missing}, **state})
    after = network.encoder(images), network.decode(network.encode(images))
    for was, now in zip(before, after, strict=True):
        torch.testing.assert_close(now, was, rtol=0.0, atol=1e-5)
    assert biased(network.encoder.network) == {"stem", "conv1", "branch", "conv4"}


@pytest.mark.usefixtures("unsearched")
def test_a_step_moves_the_tables_of_its_images_profiles_alone(tmp_path: Path) -> None:
    network = quantised(profiled_spec(tmp_path)).train()
    before = network.latent_power.clone()
    network(blurred(2), torch.tensor([0.0, 20.0]), torch.Generator().manual_seed(1)).sum().backward()
    tables = [value for name, value in network.named_parameters() if name.endswith(("_offset", "_gain"))]
    gradients = [table.grad for table in tables]
    assert len(tables) > 8
    assert all(gradient is not None and not gradient[1].any() for gradient in gradients)
    for profile in (0, 2):
        assert sum(bool(gradient[profile].any()) for gradient in gradients if gradient is not None) > 8
    assert [bool(moved) for moved in network.latent_power != before] == [True, False, True]


@torch.no_grad()
def test_factors_are_the_integers_of_both_ends(tmp_path: Path) -> None:
    network = quantised(profiled_spec(tmp_path)).double()
    images = blurred(1).double()
    factors, shift = network.transmit_factors
    received_factors, fraction = network.receive_factors
    for profile in range(3):
        network.chosen.take(profile)
        latent = (network.latent(images) * 2.0**-network.latent_exponent).numpy().astype(np.int64)
        wanted = requantise(latent * factors[profile].numpy()[None, :, None, None], shift, 16, True)
        symbols = (network.transmit(images) * 2.0**12).numpy()
        np.testing.assert_array_equal(symbols, wanted)
        amplified = network.amplified(torch.from_numpy(wanted * 2.0**-12)) * 2.0 ** (12 + fraction)
        np.testing.assert_array_equal(amplified, wanted * received_factors[profile].numpy()[None, :, None, None])
    assert factors.max() >= 2**15 > factors.min() > 0
    assert not torch.equal(factors[0], factors[1])


@torch.no_grad()
def test_the_gain_is_measured_and_the_receiver_takes_it_back(tmp_path: Path) -> None:
    network = quantised(profiled_spec(tmp_path))
    batches = [blurred(2, seed) for seed in (1, 2)]
    before = network.receive_gain.exp() / network.latent_power.sqrt()[:, None]
    network.calibrate_gain(batches)
    torch.testing.assert_close(network.receive_gain.exp() / network.latent_power.sqrt()[:, None], before)
    for profile in range(3):
        network.chosen.take(profile)
        powers = symbol_power(network.transmit(torch.cat(batches)))
        assert powers.mean().item() == pytest.approx(network.power, rel=0.01)


@torch.no_grad()
@pytest.mark.usefixtures("unsearched")
def test_integers_of_a_profile_are_near_the_float_network(tmp_path: Path) -> None:
    spec = profiled_spec(tmp_path)
    parent, network = float_network(spec), quantised(spec)
    images = blurred(3, 5)
    for snr_db in (0.0, 5.0, 20.0):
        parent.choose(snr_db)
        network.choose(snr_db)
        wanted, found = parent.decode(parent.transmit(images)), network.decode(network.transmit(images))
        others = wanted.std()
        assert (found - wanted).abs().mean() < 0.2 * others


def test_every_phase_with_profiles(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    spec, folder = profiled_spec(tmp_path), tmp_path / "photographs"
    folder.mkdir()
    for index, image in enumerate((blurred(4) * 256).permute(0, 2, 3, 1).numpy().astype(np.uint8)):
        Image.fromarray(image).save(folder / f"{index}.png")
    for phase in ("float", "finetune", "qat"):
        phases.train(spec.path, folder, "cpu", tmp_path, phase)
    network = from_checkpoint(spec, tmp_path / "checkpoint.safetensors")
    assert isinstance(network, ProfiledQuantDeepJSCC)
    assert (network.latent_power > 0).all()
    goes_on(spec, folder, tmp_path)


def goes_on(spec: ModelSpec, images: Path, folder: Path) -> None:
    """More quantised training, from the checkpoint: its scales stay, its weights move, the header counts all steps."""
    first, again = folder / "checkpoint.safetensors", folder / "again"
    for out, start in ((again, first), (folder / "third", again / first.name)):
        phases.train(spec.path, images, "cpu", out, "qat", 2, start)
    (before, header), (after, told) = read(first), read(again / first.name)
    scales = [name for name in before if name.endswith(SCALE_NAME)]
    assert scales and all(torch.equal(before[name], after[name]) for name in scales)
    kernels = [name for name in before if name.endswith("conv.weight")]
    moved = [float((after[name] - before[name]).abs().max() / before[name].abs().max()) for name in kernels]
    assert 0 < max(moved) < 0.1
    assert told["start"]["steps"] == header["schedule"]["steps"] and told["schedule"]["steps"] == 2
    assert read(folder / "third" / first.name)[1]["start"]["steps"] == header["schedule"]["steps"] + 2


def test_layers_that_cannot_have_profiles(tmp_path: Path) -> None:
    spec = profiled_spec(tmp_path)
    text = spec.path.read_text().replace("{kernel: 3, channels: 7}", "{kernel: 3, channels: 7, activation: relu6}")
    spec.path.write_text(text)
    with pytest.raises(HwgenError, match="rounded once"):
        build(load(spec.path))
