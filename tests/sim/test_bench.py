"""The bench against the toy design: right as it stands, and every defect found and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import sim_toy

from hwgen.numerics.words import pack_pixels
from hwgen.sim import runner
from hwgen.sim.check import Verdict, check, cycle_counts
from hwgen.sim.simulate import Settings, interruption, simulate

OPTIONS = runner.BuildOptions()


def run(tmp_path: Path, defect: int, stall: float, seed: int = 1) -> Verdict:
    design = sim_toy.make(tmp_path / "design")
    folder = tmp_path / "run"
    folder.mkdir(parents=True)
    (folder / "defect.hex").write_text(f"{defect:02x}\n")
    pixels = sim_toy.images()
    settings = Settings(frames=len(pixels), stall=stall, seed=seed)
    recording = simulate(design, pack_pixels(pixels), settings, folder, OPTIONS)
    return check(design, recording, settings, sim_toy.expected(pixels), counted=len(pixels))


def test_a_right_design_unstalled(tmp_path: Path) -> None:
    verdict = run(tmp_path, defect=0, stall=0)
    values = sim_toy.WIDTH * sim_toy.HEIGHT * 3
    assert verdict.findings == () and verdict.mismatches == 0
    assert verdict.values_compared == 3 * (2 * values + values // 2)
    assert verdict.interval == values  # one value per cycle
    assert verdict.latency == values + 3  # and one cycle each for conv0, gain and the symbols


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stall", [0.05, 0.3, 0.9])
def test_a_right_design_stalled(tmp_path: Path, stall: float, seed: int) -> None:
    verdict = run(tmp_path, defect=0, stall=stall, seed=seed)
    assert verdict.findings == ()
    assert verdict.interval is None and verdict.latency is None


@pytest.mark.parametrize(
    ("defect", "kind", "stream", "words"),
    [
        (1, "value", "conv0", ["conv0: frame 0, pixel (x ", "channel 1: expected ", ", got ", ", cycle "]),
        (2, "value", "gain", ["gain: frame 0, pixel (x 0, y 0), channel 0: expected 3285, got 3212, cycle "]),
        (3, "value", "conv0", ["conv0: frame "]),
        (4, "tlast", "output", ["TLAST missing at the end of frame 1 (symbol 47)"]),
        (5, "tlast", "output", ["surplus TLAST in frame 1 at symbol 7"]),
        (6, "tlast", "output", ["misplaced TLAST in frame 0: at symbol 46 instead of 47"]),
        (7, "surplus", "output", ["output: 1 surplus beats after the last frame, the first in cycle "]),
        (8, "value", "conv0", ["conv0: frame 1, pixel (x 7, y 0), channel 1: expected "]),
        (9, "hang", "input", ["hang: no beat on any stream since cycle ", "50 of 96 input beats accepted",
                              "valid without ready: input;", "ready without valid: conv0, gain, output"]),
        (10, "protocol", "output", ["output: the payload changed while the beat was not yet taken, cycle "]),
        (11, "protocol", "output", ["output: valid fell before the beat was taken, cycle "]),
    ],
)  # fmt: skip
def test_a_defect_is_named(tmp_path: Path, defect: int, kind: str, stream: str, words: list[str]) -> None:
    verdict = run(tmp_path, defect=defect, stall=0.3)
    assert verdict.mismatches > 0
    first = verdict.first
    assert first is not None
    assert (first.kind, first.stream) == (kind, stream)
    for word in words:
        assert word in first.message


def test_what_outlives_a_reset_is_found_with_stalls(tmp_path: Path) -> None:
    """Runs with stalls begin with a reset amid traffic; the one reset before all traffic hides nothing to find."""
    assert run(tmp_path / "still", defect=12, stall=0).findings == ()
    found = [run(tmp_path / str(seed), defect=12, stall=0.3, seed=seed) for seed in range(12)]
    wrong = [verdict.first for verdict in found if verdict.first is not None]
    assert len(wrong) >= 2
    assert all(first.stream == "conv0" and "frame 0, pixel (x 0, y 0)" in first.message for first in wrong)


def test_the_reset_amid_traffic_can_come_in_any_cycle_of_two_frames(tmp_path: Path) -> None:
    design = sim_toy.make(tmp_path)
    assert interruption(design, Settings(3)) == 0
    cycles = [interruption(design, Settings(3, 0.3, seed)) for seed in range(400)]
    assert min(cycles) >= 1 and max(cycles) <= 2000 and len(set(cycles)) > 300
    design = replace(design, predicted={"frame_interval_cycles": 3, "latency_cycles": 2})
    assert {interruption(design, Settings(3, 0.3, seed)) for seed in range(100)} == {1, 2, 3, 4, 5}


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    cycles = []
    for name in "ab":
        (tmp_path / name).mkdir()
        design = sim_toy.make(tmp_path / name / "design")
        (tmp_path / name / "defect.hex").write_text("00\n")
        words = pack_pixels(sim_toy.images())
        recording = simulate(design, words, Settings(3, 0.3, 7), tmp_path / name, OPTIONS)
        cycles.append([list(stream.cycles) for stream in recording.streams])
        assert cycle_counts(recording)[1] is not None
    assert cycles[0] == cycles[1]


def test_a_waveform_window(tmp_path: Path) -> None:
    design = sim_toy.make(tmp_path / "design")
    (tmp_path / "defect.hex").write_text("00\n")
    words = pack_pixels(sim_toy.images())
    recording = simulate(design, words, Settings(3, 0.3, 7, trace=(30, 60)), tmp_path, OPTIONS)
    assert recording.status == "end of the window"
    assert recording.waveform is not None
    text = recording.waveform.read_text()
    times = [int(line[1:]) for line in text.splitlines() if line.startswith("#")]
    assert "conv0" in text and 55 <= times[-1] - times[0] <= 70  # two time units a cycle


def test_verilog_that_does_not_build_says_why(tmp_path: Path) -> None:
    design = sim_toy.make(tmp_path / "design")
    design.sources[0].write_text("module hwgen_tx; nonsense endmodule\n")
    with pytest.raises(runner.SimulationError, match="the simulator's build: wanted Verilog .*syntax error"):
        simulate(
            design, pack_pixels(sim_toy.images()), Settings(3), tmp_path / "run", OPTIONS, cache=tmp_path / "cache"
        )
