"""Profiles in `verify`: which frame has which, designs proven in all of them, a neighbour frame's profile found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.profiles import SPEC
from support.verification import emit_with_another_rule

from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.images import load_images
from hwgen.spec import model as specs
from hwgen.verify import profiles
from hwgen.verify.reference import Setting, reference
from hwgen.verify.run import Request, run_verification


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A transmitter of three profiles as emit writes it."""
    folder = tmp_path_factory.mktemp("profiles")
    (folder / "spec.yaml").write_text(SPEC)
    options = DesignOptions(folder / "spec.yaml", fps=20_000, init=1)
    emit(options, folder / "design", quiet=True)
    return Request(options, folder / "design", frames=2, directed=1, stall=0.3, waveform=False)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_neighbours_differ_and_each_round_has_all(count: int) -> None:
    for seed in range(20):
        found = profiles.order(4 * count, count, seed)
        assert all(first != second for first, second in zip(found, found[1:], strict=False))
        assert all(sorted(found[at : at + count]) == list(range(count)) for at in range(0, 4 * count, count))
    assert len({tuple(profiles.order(8, count, seed)) for seed in range(20)}) > 1
    assert profiles.order(3, 1, 1) == [0, 0, 0]


def test_numbers_that_are_too_large_are_driven_too() -> None:
    assert {profiles.driven(2, 3, frame) for frame in range(4)} == {2, 3}
    assert {profiles.driven(profile, 4, frame) for profile in range(4) for frame in range(4)} == {0, 1, 2, 3}
    assert profiles.driven(0, 1, 1) == 0


def test_the_reference_has_every_frame_in_its_profile(small: Request) -> None:
    """Both ends take the same: what a receiver gets was sent in its profile."""
    for side in ("tx", "rx"):
        setting = Setting(specs.load(small.options.model), side, 1, None, 10.0, 1)
        found = reference(setting, setting.graph(side), load_images(None, 2, 8, 8), profiles=[2, 0, 1])
        assert found.profiles == [2, 0, 1] and not found.findings
        assert not np.array_equal(found.outputs[0]["symbols"], found.outputs[2]["symbols"])
        for profile in range(3):
            assert found.meters[profile].coverage()


def test_proven_in_all_profiles(small: Request, tmp_path: Path) -> None:
    report = run_verification(small, tmp_path)
    assert not report.findings and report.mismatches == 0
    layers = {name.partition("@")[0] for name in report.coverage if "@" in name}
    assert layers == {"conv0", "conv1", "gain"}
    assert {name for name in report.coverage if name.startswith("gain")} == {"gain@0", "gain@1", "gain@2"}
    assert report.coverage["gain@0"].full_cycles and report.coverage["gain@1"].full_cycles is None


def test_a_neighbour_frames_profile_is_found(small: Request, tmp_path: Path) -> None:
    """A component that takes its profile off the queue a fold early."""
    emit_with_another_rule(small, tmp_path, "rtl/convolution.py", '"frame_fold").last', '"frame_fold").next_last')
    wrong = Request(small.options, tmp_path / "design", frames=2, directed=0, stall=0.3, waveform=False)
    report = run_verification(wrong, tmp_path / "run")
    assert report.first is not None and (report.first.kind, report.first.stream) == ("value", "conv0")
