"""The shipped, trained models as a user gets them: one full frame with stalls, interval and latency on small frames.

Their receivers, which get what their transmitters sent, on small frames, without and with stalls.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwgen.design_options import DesignOptions
from hwgen.spec import model as spec
from hwgen.verify.report import Report
from hwgen.verify.run import Request, run_verification

SMALL = {"tiny": (64, 48), "cifar10_int8": (32, 32), "cityscapes_int8": (64, 32), "mimo2x2_int8": (64, 32),
         "complex_int8": (64, 32), "street_int8": (32, 16)}
"""Frames for the cycle counts; the formulas that predict them know no other frame."""

SMALL_ONLY: dict[str, dict[str, Any]] = {"street_int8": {"fps": 12000.0, "engine": "direct"}}
"""Models of which a full frame takes a simulator minutes, with what makes small ones quick; they have all profiles."""


def small(name: str, side: str = "tx") -> DesignOptions:
    """A model for its small frame."""
    return DesignOptions(name, side, frame=SMALL[name], **SMALL_ONLY.get(name, {}))


def test_no_model_is_left_out() -> None:
    assert sorted(SMALL) == spec.available()


@pytest.mark.parametrize("name", SMALL)
def test_a_frame_with_stalls(name: str, tmp_path: Path) -> None:
    """A full one but of those in SMALL_ONLY; a reset in its midst is a part of every run with stalls."""
    options = small(name) if name in SMALL_ONLY else DesignOptions(name)
    report = run_verification(Request(options, frames=1, directed=0, stall=0.2, seed=11), tmp_path)
    assert report.first is None, report.first.message
    design = report.design
    assert report.values_compared == sum(stream.values for stream in design.streams) + design.output_beats
    assert report.psnr_db is not None and report.psnr_db > 15


@pytest.mark.parametrize("name", SMALL)
def test_interval_and_latency_are_predicted(name: str, tmp_path: Path) -> None:
    predicted(run_verification(Request(small(name), frames=3, directed=0), tmp_path))


@pytest.mark.parametrize("name", SMALL)
def test_a_receiver(name: str, tmp_path: Path) -> None:
    report = run_verification(Request(small(name, "rx"), frames=3, directed=0), tmp_path)
    predicted(report)
    assert report.psnr_db is not None and report.psnr_db > 15
    design = report.design
    again = Request(small(name, "rx"), design=design.folder, frames=2, directed=0, stall=0.2, seed=11)
    stalled = run_verification(again, tmp_path / "stalled")
    assert stalled.first is None, stalled.first.message
    assert stalled.values_compared == 2 * (sum(stream.values for stream in design.streams) + design.output_beats)


def predicted(report: Report) -> None:
    assert report.first is None, report.first.message
    assert report.interval == report.design.prediction("frame_interval_cycles")
    assert report.latency == report.design.prediction("latency_cycles")
