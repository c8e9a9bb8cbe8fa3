"""The shipped, trained models as a user gets them, both sides on small frames, without and with stalls; one full frame.

Receivers get what their transmitters sent. Full frames of all models are `make verify-all`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwgen.design_options import DesignOptions
from hwgen.sim import runner
from hwgen.spec import model as spec
from hwgen.verify.report import Report
from hwgen.verify.run import Request, run_verification

SMALL = {"tiny": (64, 48), "cifar10_conv": (32, 32), "cityscapes_conv": (32, 16), "mimo2x2_int8": (32, 16),
         "complex_int8": (32, 16), "cifar10_int8": (32, 32), "street_int8": (32, 16), "cityscapes_int8": (32, 16)}
"""Frames for the cycle counts; the formulas that predict them know no other frame."""

QUICK: dict[str, dict[str, Any]] = {
    "cifar10_conv": {"fps": 3000.0}, "cityscapes_conv": {"fps": 6000.0}, "mimo2x2_int8": {"fps": 6000.0},
    "complex_int8": {"fps": 6000.0}, "street_int8": {"fps": 12000.0, "engine": "direct"},
    "cityscapes_int8": {"fps": 12000.0, "engine": "direct"}, "cifar10_int8": {"fps": 1400.0, "engine": "direct"},
}  # fmt: skip
"""Rates that need fewer multipliers than the board has, for designs that are quicker to emit and to build. Those of
`tiny` and of the full frame are as large as a user gets them."""
FULL = "cityscapes_conv"


def small(name: str, side: str) -> DesignOptions:
    """A model for its small frame."""
    return DesignOptions(name, side, frame=SMALL[name], **QUICK.get(name, {}))


def test_no_model_is_left_out() -> None:
    assert sorted(SMALL) == spec.available()


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize("name", SMALL)
def test_small_frames_without_and_with_stalls(name: str, side: str, tmp_path: Path) -> None:
    report = run_verification(Request(small(name, side), frames=3, directed=0), tmp_path)
    predicted(report)
    assert report.psnr_db is not None and report.psnr_db > 15
    again = Request(small(name, side), design=report.design.folder, frames=2, directed=0, stall=0.2, seed=11)
    exact(run_verification(again, tmp_path / "stalled"), frames=2)


def test_a_full_frame_with_stalls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(runner.CXXFLAGS, raising=False)  # a long simulation
    report = run_verification(Request(DesignOptions(FULL), frames=1, directed=0, stall=0.2, seed=11), tmp_path)
    exact(report, frames=1)
    assert report.psnr_db is not None and report.psnr_db > 15


def exact(report: Report, frames: int) -> None:
    """Every value of every layer; a reset in a frame's midst is a part of every run with stalls."""
    assert report.first is None, report.first.message
    design = report.design
    assert report.values_compared == frames * (sum(stream.values for stream in design.streams) + design.output_beats)


def predicted(report: Report) -> None:
    assert report.first is None, report.first.message
    assert report.interval == report.design.prediction("frame_interval_cycles")
    assert report.latency == report.design.prediction("latency_cycles")
