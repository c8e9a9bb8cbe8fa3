"""Profiles of a float network: chosen by the SNR, all the same at first, each with numbers of its own after a step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.train_samples import branched

from hwgen.errors import HwgenError
from hwgen.spec.model import ModelSpec, load
from hwgen.train import phases
from hwgen.train.channel import snr_of_ranges
from hwgen.train.checkpoint import write
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense
from hwgen.train.profiles import ProfiledDeepJSCC
from hwgen.train.start import warm_start


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Smooth random pictures."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(4):
        corner = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(corner).resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


def specification(folder: Path, profiles: str = "[4.0, 10]", unpruned: bool = False) -> ModelSpec:
    spec = branched(folder)
    text = spec.path.read_text().replace("  seed: 1", f"  seed: 1\n  power: average\n  profiles: {profiles}")
    if unpruned:
        text = re.sub("pruning: .*", "pruning: {criterion: none}", text)
    spec.path.write_text(text)
    return load(spec.path)


def network_of(spec: ModelSpec) -> ProfiledDeepJSCC:
    torch.manual_seed(3)
    network = dense(spec)
    assert isinstance(network, ProfiledDeepJSCC)
    network.latent_power.fill_(1.0)
    return network.eval()


def test_an_snr_chooses_its_profile(tmp_path: Path) -> None:
    network = network_of(specification(tmp_path))
    network.choose(torch.tensor([-1.0, 3.9, 4.0, 9.9, 10.0, 30.0]))
    assert network.chosen.index.tolist() == [0, 0, 1, 1, 2, 2]
    network.choose(7.0)
    assert network.chosen.index.tolist() == [1]


@torch.no_grad()
def test_all_profiles_begin_as_the_network_without_them(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    network = network_of(spec)
    plain = DeepJSCC(spec.parent("encoder"), spec.parent("decoder"), spec.channel, average=True).eval()
    own = network.state_dict()
    plain.load_state_dict({name: own[name] for name in plain.state_dict() if name != "latent_power"}
                          | {"latent_power": torch.tensor(1.0)})  # fmt: skip
    images, snr_db = torch.rand(4, 3, 16, 16), torch.tensor([0.0, 5.0, 20.0, 5.0])
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    assert torch.equal(network(images, snr_db, generators[0]), plain(images, snr_db, generators[1]))


def test_a_step_moves_the_tables_of_its_images_profiles_alone(tmp_path: Path) -> None:
    network = network_of(specification(tmp_path)).train()
    before = network.latent_power.clone()
    network(torch.rand(2, 3, 16, 16), torch.tensor([0.0, 20.0]), torch.Generator().manual_seed(1)).sum().backward()
    tables = [value for name, value in network.named_parameters() if name.endswith(("_offset", "_gain"))]
    assert len(tables) > 8
    gradients = [table.grad for table in tables]
    assert all(gradient is not None and not gradient[1].any() for gradient in gradients)
    for profile in (0, 2):
        assert sum(bool(gradient[profile].any()) for gradient in gradients if gradient is not None) > 8
    assert [bool(moved) for moved in network.latent_power != before] == [True, False, True]


@torch.no_grad()
def test_profiles_start_from_a_network_without_them(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    plain = DeepJSCC(spec.parent("encoder"), spec.parent("decoder"), spec.channel, average=True)
    plain.latent_power.fill_(2.5)
    file = tmp_path / "plain.safetensors"
    assert spec.data is not None
    write(file, plain.state_dict(), {"phase": "float", "terms": spec.data.model_dump()})
    network = network_of(spec)
    warm_start(network, file, spec)
    assert network.latent_power.tolist() == [2.5, 2.5, 2.5]
    assert torch.equal(network.encoder[1].conv.weight, plain.encoder[1].conv.weight)  # type: ignore[union-attr,arg-type]
    slopes = [layers.encoder[1].activation.weight for layers in (network, plain)]  # type: ignore[union-attr]
    assert torch.equal(*slopes)  # type: ignore[arg-type]


def test_a_float_phase_measures_each_snr_with_its_profile(
    tmp_path: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = specification(tmp_path, unpruned=True).path
    phases.train(path, photographs, "cpu", tmp_path / "out", "float", 2)
    assert capsys.readouterr().out.count(" dB at ") == 6
    phases.train(path, photographs, "cpu", tmp_path / "again", "float", 1, start=tmp_path / "out/float.safetensors")


@pytest.mark.parametrize(
    ("profiles", "wanted"), [("[4, 4]", "ascend"), ("[9, 4]", "ascend"), ("[1, 2, 3, 4, 5, 6, 7, 8]", "7")]
)
def test_bounds_that_are_none(tmp_path: Path, profiles: str, wanted: str) -> None:
    with pytest.raises(HwgenError, match=wanted):
        specification(tmp_path, profiles)


@pytest.mark.parametrize("what", ["--keep", "criterion l1"])
def test_what_profiles_do_not_go_with(tmp_path: Path, photographs: Path, what: str) -> None:
    path = specification(tmp_path).path
    keep = tmp_path / "checkpoint.safetensors" if what == "--keep" else None
    with pytest.raises(HwgenError, match=f"training.profiles: wanted .* without --keep, got .*{what}"):
        phases.train(path, photographs, "cpu", tmp_path / "out", "finetune", keep=keep)


def test_shares_draw_profiles_in_proportion(tmp_path: Path) -> None:
    drawn = snr_of_ranges(8000, (0.0, 4.0, 10.0, 20.0), (4.0, 3.0, 1.0), torch.Generator().manual_seed(1))
    counts = torch.bucketize(drawn, torch.tensor([4.0, 10.0]), right=True).bincount(minlength=3) / 8000
    torch.testing.assert_close(counts, torch.tensor([0.5, 0.375, 0.125]), atol=0.02, rtol=0.0)
    assert drawn.min() >= 0.0 and drawn.max() < 20.0
    assert drawn[drawn >= 10.0].mean().item() == pytest.approx(15.0, abs=0.3), "uniform within a range"
    with pytest.raises(HwgenError, match="shares: wanted a number for each of 3 profiles"):
        specification(tmp_path, "[4.0, 10]\n  shares: [1, 2]")
