"""The results of `verify`, as text for people and as one JSON object for programs."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hwgen.console import print_json
from hwgen.sim.check import Finding
from hwgen.sim.design import Design
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN
from hwgen.verify.coverage import Coverage, as_record, summary, total, unreachable


@dataclass(frozen=True)
class Report:
    """The outcome of a verification; cycles are None where a run does not measure them.

    frames : images, whose values are counted
    directed : directed frames behind them, compared as well
    coverage : of every layer, what all these frames have met
    psnr_db : of the images behind the channel at snr_db and the PyTorch receiver, None where it is not trained
    trouble : what kept a design, of which a difference is known already, from being simulated
    ip : of an IP: its module, options, and what was compared beside the frames' outputs
    seconds : of all of it; build_seconds, simulation_seconds : of the simulator's build and of its runs
    """

    name: str
    design: Design
    frames: int
    stall: float
    values_compared: int
    mismatches: int
    findings: tuple[Finding, ...]
    first: Finding | None
    interval: int | None
    latency: int | None
    psnr_db: float | None
    waveform: Path | None
    command: str
    edited: tuple[str, ...]
    seconds: float
    build_seconds: float
    simulation_seconds: float
    snr_db: float = 10.0
    seed: int = 1
    coverage: Coverage = field(default_factory=dict)
    directed: int = 0
    trouble: str | None = None
    ip: dict[str, Any] | None = None

    @property
    def verdict(self) -> str:
        """Stalls that did not reach every stream prove too little, but they are no difference."""
        if any(finding.kind != "stall" for finding in self.findings):
            return DIFFERS
        return NOT_RUN if self.findings else PROVEN

    @property
    def proven(self) -> bool:
        """Everything was compared and nothing was wrong."""
        return self.verdict == PROVEN

    @property
    def error(self) -> str | None:
        """Why nothing is known."""
        return self.findings[0].message if self.verdict == NOT_RUN else None

    def moved(self, old: Path, new: Path) -> Report:
        """The same of a folder that has moved, with its waveform."""
        if self.waveform is None or not self.waveform.is_relative_to(old):
            return self
        return replace(self, waveform=new / self.waveform.relative_to(old))

    def properties(self) -> dict[str, object]:
        """Properties of a JUnit report, beside its test cases."""
        found = {key: value for key, value in self.to_json().items() if value is None or not isinstance(value, dict)}
        return found | {"coverage": "; ".join(coverage_lines(self.frames, self.directed, self.coverage))}

    @property
    def streams(self) -> list[str]:
        return [*(stream.name for stream in self.design.streams), "output"]

    @property
    def macs_per_cycle_per_dsp(self) -> float | None:
        """MACs of a frame by the measured interval and the predicted DSPs."""
        macs, dsp = self.design.prediction("macs_per_frame"), self.design.prediction("dsp")
        return None if not (macs and dsp and self.interval) else round(macs / self.interval / dsp, 4)

    def to_json(self) -> dict[str, Any]:
        """The object that ``verify --json`` prints; what does not apply is None."""
        first = None
        if self.first is not None and self.verdict == DIFFERS:
            first = asdict(self.first) | {
                "waveform": None if self.waveform is None else str(self.waveform),
                "reproduce": self.command,
            }
        return {
            "verdict": self.verdict,
            "error": self.error,
            "frames": self.frames,
            "directed_frames": self.directed,
            "values_compared": self.values_compared,
            "mismatches": self.mismatches,
            "first_mismatch": first,
            "frame_interval_cycles": self.interval,
            "predicted_interval_cycles": self.design.prediction("frame_interval_cycles"),
            "latency_cycles": self.latency,
            "predicted_latency_cycles": self.design.prediction("latency_cycles"),
            "macs_per_frame": self.design.prediction("macs_per_frame"),
            "multipliers": self.design.prediction("multipliers"),
            "dsp": self.design.prediction("dsp"),
            "macs_per_cycle_per_dsp": self.macs_per_cycle_per_dsp,
            "psnr_db": None if self.psnr_db is None or not math.isfinite(self.psnr_db) else round(self.psnr_db, 3),
            "coverage": as_record(self.coverage),
            "coverage_total": total(self.coverage).record(),
        } | ({} if self.ip is None else {"ip": self.ip})


def print_report(report: Report, as_json: bool, folder: Path | None) -> None:
    """Print a report: JSON on stdout, or text (failures on stderr). `folder`: where the run's files were kept."""
    for name in report.edited:
        print(f"note: {name} is not as emit wrote it; it was verified as it stands", file=sys.stderr)
    if as_json:
        print_json(report.to_json())
        return
    if report.error is not None:
        print(f"error: {report.error}", file=sys.stderr)
        return
    stream = sys.stdout if report.proven else sys.stderr
    print("\n".join(_success(report) if report.proven else failure(report, folder)), file=stream)


def _success(report: Report) -> list[str]:
    design = report.design
    what = f"{report.values_compared:,} values of {len(report.streams)} streams in"
    if report.ip is not None:
        what = f"{report.values_compared:,} {'symbols' if design.side == 'tx' else 'pixels'} at the AXI ports in"
    frames = "frame" if report.frames == 1 else "frames"
    lines = [
        f"{report.name}: proven. {what} {report.frames} {frames} of {design.width}x{design.height} equal the PyTorch"
        f" model's, stall {report.stall:g}"
    ]
    if report.ip is not None:
        lines.append(
            f"{report.ip['top']}, {report.ip['options']['beat_bits']} bits: {report.ip['numbers_compared']} values of"
            f" registers, counters and interrupt as they should be; {report.ip['soft_resets']} soft resets in"
            " mid-frame, the frame behind each exact"
        )
    for what, got, key in (
        ("frame interval", report.interval, "frame_interval_cycles"),
        ("latency", report.latency, "latency_cycles"),
    ):
        if got is not None and report.ip is not None and what == "latency":
            lines.append(f"latency: {got:,} cycles, of the design alone {design.prediction(key) or 0:,} are predicted")
        elif got is not None:
            note = "not predicted" if design.prediction(key) is None else "as predicted"
            lines.append(f"{what}: {got:,} cycles, {note}")
    if report.macs_per_cycle_per_dsp is not None:
        lines.append(f"{report.macs_per_cycle_per_dsp} MAC/cycle/DSP")
    if report.psnr_db == math.inf:
        lines.append(f"no error at all at {report.snr_db:g} dB SNR, through the PyTorch receiver")
    elif report.psnr_db is not None:
        lines.append(f"PSNR {report.psnr_db:.2f} dB at {report.snr_db:g} dB SNR, through the PyTorch receiver")
    return [*lines, *coverage_lines(report.frames, report.directed, report.coverage)]


def coverage_lines(frames: int, directed: int, coverage: Coverage) -> list[str]:
    """How far the proof goes: the cases that its frames have not met, and those that no frame meets."""
    cases, gaps = total(coverage), summary(coverage)
    share = f"{cases.met} of {cases.met + cases.not_met} cases"
    sent = f"{frames} {'frame' if frames == 1 else 'frames'}" + (f" and {directed} directed" if directed else "")
    lines = [f"proven on {sent}; {gaps or 'every case that can be was met'}"]
    return [*lines, f"coverage: {share}; {cases.unreachable} more are proven unreachable: {unreachable(coverage)}"
            if cases.unreachable else f"coverage: {share}"]  # fmt: skip


def failure(report: Report, folder: Path | None) -> list[str]:
    """Lines about a design that differs; `folder`: where the run's files were kept."""
    assert report.first is not None
    lines = [f"{report.name}: differs, {report.mismatches} mismatches. {report.first.message}"]
    others = [finding for finding in report.findings if finding is not report.first]
    lines += [f"  also: {finding.message}" for finding in others[:20]]
    if len(others) > 20:
        lines.append(f"  and {len(others) - 20} more")
    if report.trouble is not None:
        lines.append(f"  not simulated to the end: {report.trouble}")
    if report.waveform is not None:
        lines.append(f"waveform around the first: {report.waveform}")
    if folder is not None:
        lines.append(f"design and records: {folder}")
    lines.append(f"reproduce: {report.command}")
    return lines
