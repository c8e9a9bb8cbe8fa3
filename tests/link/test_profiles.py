"""A link with profiles: the SNR chooses the same at both ends, in PyTorch and at the designs' inputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.fake_link import FakeEnd
from support.profiles import SPEC

from hwgen.design_options import DesignOptions
from hwgen.images import load_images
from hwgen.ir.execute import execute
from hwgen.link.command import link
from hwgen.link.measure import Request, measure
from hwgen.reference.link import load_link


def options(folder: Path) -> DesignOptions:
    (folder / "spec.yaml").write_text(SPEC)
    return DesignOptions(folder / "spec.yaml", init=1)


def test_the_snr_chooses_both_ends_profile(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    """Limits are 4 and 12 dB, and belong to the profile above."""
    asked = options(tmp_path)
    whole = load_link(asked)
    assert whole.profiles == 3 and [whole.profile_of(snr) for snr in (1, 4, 11.9, 12, 19)] == [0, 1, 1, 2, 2]
    result = measure(Request(asked, (1.0, 19.0, 13.0, 7.0), frames=2), tmp_path / "out")
    assert result.equal and [point.profile for point in result.points] == [0, 2, 2, 1]
    assert result.symbols_compared == 3 * 2 * whole.words, "each profile's symbols once"
    images = load_images(None, 2, 8, 8)
    for snr_db, profile in ((1.0, 0), (19.0, 2), (7.0, 1)):
        own = whole.at_profile(profile)
        drawn = own.draw(snr_db, 2)  # of the second frame
        sent = execute(own.tx, images[1])["symbols"].astype(np.uint32)
        assert own.rx is not None
        seen = execute(own.rx, drawn.apply(sent), size=(8, 8))["pixels"]
        assert np.array_equal(result.received[snr_db][1], seen)


@pytest.mark.usefixtures("ends")
def test_another_profile_at_one_end_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A design that takes the lowest profile whatever the SNR is."""
    run = FakeEnd.run
    monkeypatch.setattr(FakeEnd, "run", lambda self, words, beside, bar, profile=0: run(self, words, beside, bar))
    result = measure(Request(options(tmp_path), (1.0, 13.0), frames=1), tmp_path / "out")
    assert not result.equal and str(result.first).startswith("tx: profile 2, frame 0, symbol ")


def test_results_name_the_profile(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    assert link(options(tmp_path), (1.0, 13.0), frames=1, simulate=0, out=tmp_path / "out", json=True) == 0
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [point["profile"] for point in found["points"]] == [0, 2]
    assert "profile" in (tmp_path / "out" / "results.csv").read_text().splitlines()[0].split(",")
