"""Frames that slip in runs with stalls: what is sent, what it must give, and faults of framers that it finds; and of
forks, whose streams are watched beside the layers'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.verification import emit_with_another_rule

from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.images import load_images
from hwgen.numerics.framing import framed
from hwgen.sim.simulate import Script
from hwgen.spec import model as specs
from hwgen.verify import slips
from hwgen.verify.reference import Reference, Setting, reference
from hwgen.verify.run import Request, run_verification

RECEIVER = """
format_version: 1
description: coefficients, and one layer
frame: {width: 8, height: 4}
encoder:
  - {kernel: 3, stride: 2, channels: 2, activation: none}
decoder:
  - {kernel: 3, stride: 2, channels: 3, activation: clamp}
channel: {kind: mimo2x2, snr_db: [0, 20]}
"""
BRANCHES = """
format_version: 1
description: one layer and what leads past it
frame: {width: 8, height: 8}
encoder:
  - {name: stem, kernel: 1, stride: 2, channels: 2}
  - {name: inner, kernel: 3, channels: 2, activation: none}
  - {name: sum, kind: add, inputs: [stem, inner], activation: none}
channel: {kind: awgn, snr_db: [0, 20]}
"""


def made(folder: Path, text: str, side: str) -> Request:
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(text)
    options = DesignOptions(folder / "spec.yaml", side, fps=2000, init=1)
    emit(options, folder / "design", quiet=True)
    return Request(options, folder / "design", frames=2, directed=1, stall=0.3, waveform=False)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Request:
    return made(tmp_path_factory.mktemp("receiver"), RECEIVER, "rx")


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> Request:
    return made(tmp_path_factory.mktemp("branched"), BRANCHES, "tx")


@pytest.fixture(scope="module")
def golden(receiver: Request) -> tuple[Setting, Reference]:
    spec = specs.load(receiver.options.model)
    setting = Setting(spec, "rx", 1, "mimo2x2", 10.0, 1)
    return setting, reference(setting, setting.graph("rx"), load_images(None, 2, 8, 4))


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_is_sent_gives_the_frames_that_are_expected(golden: tuple[Setting, Reference], seed: int) -> None:
    """By the rule of framing; one input as the other."""
    setting, whole = golden
    found, frames = slips.add_short(setting, whole, 2, seed)
    assert len(whole.words) == 2 and len(found.words) == len(found.outputs) == 4
    assert frames.order == (0, 1, 2, 0, 3, 1)
    sent = slips.sent(found, frames, 8, seed)
    assert isinstance(sent.words, Script) and isinstance(sent.coefficients, Script) and found.coefficients is not None
    numbers = frames.numbers(8)
    assert numbers.tolist() == [0, 1, 2, 0, 3, 1, 0, 1]
    for script, wanted in ((sent.words, found.words), (sent.coefficients, found.coefficients)):
        got = framed(zip(script.words.tolist(), script.last.tolist(), strict=True), len(wanted[0]))
        assert [frame.beats for frame in got] == [tuple(wanted[number].tolist()) for number in numbers]
        assert got[0].fault == "long" and got[-1].fault is None
        short, long = script.faults(len(wanted[0]))
        assert short == sum(frame.fault == "short" for frame in got) > 0
        assert long == sum(frame.fault == "long" for frame in got) > 0


def test_frames_as_they_should_be(golden: tuple[Setting, Reference]) -> None:
    _, whole = golden
    sent = slips.sent(whole, slips.whole(whole), 3, 1)
    assert sent.scripts == [None, None] and whole.coefficients is not None
    assert np.array_equal(sent.words, np.stack([whole.words[0], whole.words[1], whole.words[0]]))  # type: ignore[arg-type]


def test_both_kinds_on_every_port_are_cases(receiver: Request, tmp_path: Path) -> None:
    report = run_verification(receiver, tmp_path)
    assert report.proven
    for port in ("s_axis", "s_coef"):
        assert report.coverage[port].states() == {"short": "met", "long": "met"}
        assert report.coverage[port].short == (2 if port == "s_axis" else 1)
    still = run_verification(replace(receiver, stall=0.0, frames=1), tmp_path / "still")
    assert still.proven and "s_axis" not in still.coverage


@pytest.mark.parametrize(
    ("file", "right", "wrong", "kinds"),
    [
        ("rtl/framer.py", "Mux(padding, 0, beat)", "beat", {"value"}),
        ("rtl/framer.py", "dropping.eq(~last & (dropping | at_last))", "dropping.eq(0)", {"value"}),
        ("rtl/input_framing.py", "self.frame_errors + faults", "self.frame_errors", {"framing"}),
    ],
    ids=["padded with what waits", "nothing is dropped", "nothing is counted"],
)
def test_a_wrong_framer_is_found(
    receiver: Request, tmp_path: Path, file: str, right: str, wrong: str, kinds: set[str]
) -> None:
    emit_with_another_rule(receiver, tmp_path, file, right, wrong)
    report = run_verification(replace(receiver, design=tmp_path / "design"), tmp_path / "run")
    assert report.first is not None and report.first.kind in kinds


def test_a_wrong_fifo_between_fork_and_join_is_found(branched: Request, tmp_path: Path) -> None:
    """Its valid falls while a word is written: the join waits for it, and no value is wrong."""
    assert run_verification(branched, tmp_path / "right").proven
    right, wrong = "valid.eq(level != 0)", "valid.eq((level != 0) & ~written)"
    emit_with_another_rule(branched, tmp_path, "rtl/skip_fifo.py", right, wrong)
    report = run_verification(replace(branched, design=tmp_path / "design"), tmp_path / "run")
    found = {(finding.kind, finding.stream) for finding in report.findings}
    assert found == {("protocol", "stem_fork_o__1")}
    assert report.first is not None
    assert "stem_fork_o__1: valid fell before the beat was taken" in report.first.message
