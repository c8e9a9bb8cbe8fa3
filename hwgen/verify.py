"""`verify`: simulate a design on real images and compare every value of every layer with the PyTorch model.

    emit (or a design as it stands) -> images -> golden -> simulation -> check -> report

Every link is exact: the Brevitas network equals the integer graph, and both equal what the Verilog puts on its
streams. docs/verification.md says what is checked and how a failure reads.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwgen import spec as specs
from hwgen.errors import HwgenError
from hwgen.images import load_images, psnr
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.model import load_graph
from hwgen.sim import design as designs, junit as junit_xml, runner
from hwgen.sim.check import Finding, Verdict, check
from hwgen.sim.design import Design
from hwgen.sim.simulate import Settings, pixel_words, simulate
from hwgen.verify_report import Report, print_report

Expected = dict[str, npt.NDArray[np.int64]]

EXTRA_FRAMES = (3, 12)
"""Frames added, one try after the other, when the stalls of too few frames did not fill the design."""

WINDOW = (512, 32)
"""Cycles of waveform before and behind the first wrong one."""

SNR_DB = 10.0
"""Of the channel between the transmitter and the PyTorch decoder that psnr_db is measured with."""


@dataclass(frozen=True)
class Request:
    """What to verify; see `verify` for the fields. waveform: record one around a failure (builds once more)."""

    model: str | Path
    side: str = "tx"
    board: str | Path = "pynq_z2"
    fps: float | None = None
    frame: tuple[int, int] | None = None
    init: int | None = None
    design: Path | None = None
    images: Path | None = None
    frames: int = 3
    stall: float = 0.0
    seed: int = 1
    waveform: bool = True

    def command(self) -> str:
        """The command line that repeats this verification."""
        words = ["hwgen", "verify", "--model", str(self.model)]
        if self.design is not None:
            words += ["--design", str(self.design.resolve())]
        else:
            words += ["--side", self.side, "--board", str(self.board)]
            words += [] if self.fps is None else ["--fps", repr(self.fps)]
            words += [] if self.frame is None else ["--frame", f"{self.frame[0]}x{self.frame[1]}"]
        words += [] if self.init is None else ["--init", f"random:{self.init}"]
        words += [] if self.images is None else ["--images", str(self.images)]
        words += ["--frames", str(self.frames), "--stall", repr(self.stall), "--seed", str(self.seed)]
        return shlex.join(words)


def verify(
    model: str | Path,
    side: str = "tx",
    board: str | Path = "pynq_z2",
    fps: float | None = None,
    frame: tuple[int, int] | None = None,
    out: Path | None = None,
    init: int | None = None,
    images: Path | None = None,
    frames: int = 3,
    stall: float = 0.0,
    seed: int = 1,
    json: bool = False,
    junit: Path | None = None,
    design: Path | None = None,
) -> int:
    """Emit a model, or take an emitted folder, simulate it and print what was found.

    Parameters
    ----------
    model, side, board, fps, frame, init : as for `hwgen.emit.emit`
    design : a folder that emit wrote, verified as it stands; board, fps and frame are then its own
    out : where the design and the simulation are kept; None takes a temporary folder, kept only after a failure
    images : an image or a folder; None takes scikit-image's photos
    frames : back to back
    stall : probability of an idle input cycle and of a stalled output cycle, 0 .. 0.95
    seed : of stalls and channel noise
    json : print one JSON object on stdout and nothing else there
    junit : file to write as JUnit XML

    Returns
    -------
    int : 0 proven; 1 a mismatch, a hang, a broken protocol, or a design that does not build

    Raises
    ------
    HwgenError : bad input
    """
    request = Request(model, side, board, fps, frame, init, design, images, frames, stall, seed)
    need_tools()
    temporary = out is None
    folder = Path(tempfile.mkdtemp(prefix="hwgen_verify_")) if out is None else out
    keep = False
    try:
        report = prove(request, folder, _progress)
        keep = not report.proven
    finally:
        if temporary and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    print_report(report, as_json=json, folder=folder if keep or not temporary else None)
    if junit is not None:
        junit_xml.write(junit, f"hwgen.verify.{report.name}", report.streams, report.findings, report.seconds)
    return 0 if report.proven else 1


def need_tools() -> None:
    """Refuse to start where a simulator cannot be built.

    Raises
    ------
    HwgenError : a system program is missing
    """
    if missing := runner.missing_tools():
        raise HwgenError("PATH", "g++, make and perl to build the simulation", f"no {', no '.join(missing)}")


def _progress(text: str) -> None:
    """A line for who watches; a file or a pipe gets results only."""
    if sys.stderr.isatty():
        print(f"{text} ...", file=sys.stderr, flush=True)


def prove(
    request: Request, folder: Path, say: Callable[[str], None] = lambda text: None, cache: Path | None = None
) -> Report:
    """Carry out a request inside `folder`; prints nothing, but tells `say` what it is about to do.

    cache : folder of cached simulators; None takes the user's
    """
    started = time.perf_counter()
    build_seconds = simulation_seconds = 0.0
    if request.side != "tx":
        raise HwgenError("--side", "tx", request.side)
    spec = specs.load(request.model)
    say("emitting" if request.design is None else f"reading {request.design}")
    design = _design(request, folder)
    graph = _graph(request, spec)
    _check_same(design, graph)
    images = load_images(request.images, request.frames, design.width, design.height)
    say("running the PyTorch model")
    expected, findings = _expected(request, spec, graph, images)
    options = runner.BuildOptions()
    settings = Settings(frames=request.frames, stall=request.stall, seed=request.seed)
    waveform = None
    try:
        for extra in (0, *EXTRA_FRAMES):
            # More frames follow where those asked for were too few to fill the design: all are compared, the asked
            # ones counted.
            say(f"simulating {design.width}x{design.height}, {request.frames + extra} frames, stall {request.stall:g}")
            settings = replace(settings, frames=request.frames + extra)
            again = np.arange(settings.frames) % request.frames
            wanted = {name: values[again] for name, values in expected.items()}
            recording = simulate(design, pixel_words(images[again]), settings, folder / "run", options, cache)
            build_seconds += recording.build_seconds
            simulation_seconds += recording.seconds
            verdict = check(design, recording, settings, wanted, request.frames)
            if not verdict.findings or any(finding.kind != "stall" for finding in verdict.findings):
                break
        first = verdict.first
        if request.waveform and first is not None and first.kind != "stall" and first.cycle is not None:
            say("recording a waveform around the first finding")
            waveform = _waveform(design, images[again], settings, folder, options, first.cycle)
    except runner.SimulationError as error:
        verdict = Verdict(0, 1, (Finding("simulation", "output", str(error)),), None, None)
    findings = [*findings, *verdict.findings]
    if not findings:
        findings = _unpredicted(design, verdict)
    psnr = None
    if not findings:
        psnr = _psnr(request, spec, graph, expected, images)
    return Report(
        name=f"{spec.name}_{request.side}",
        design=design,
        frames=request.frames,
        stall=request.stall,
        values_compared=verdict.values_compared,
        mismatches=verdict.mismatches + len(findings) - len(verdict.findings),
        findings=tuple(findings),
        first=findings[0] if len(findings) > len(verdict.findings) else verdict.first,
        interval=verdict.interval,
        latency=verdict.latency,
        psnr_db=psnr,
        waveform=waveform,
        command=request.command(),
        edited=_edited(design),
        seconds=time.perf_counter() - started,
        build_seconds=build_seconds,
        simulation_seconds=simulation_seconds,
    )


def _design(request: Request, folder: Path) -> Design:
    if request.design is not None:
        return designs.load(request.design)
    from hwgen.emit import emit

    emitted = emit(
        model=request.model,
        side=request.side,
        board=request.board,
        fps=request.fps,
        frame=request.frame,
        out=folder / "design",
        init=request.init,
        quiet=True,
    )
    return designs.load(emitted.folder)


def _graph(request: Request, spec: specs.ModelSpec) -> Graph:
    return load_graph(spec, request.init)


def _check_same(design: Design, graph: Graph) -> None:
    """A design must be of this model: the same layers, shapes and types, each with its stream."""
    shapes = graph.shapes(design.width, design.height)
    wanted = [(n.name, n.output.bits, n.output.signed, *shapes[n.name]) for n in graph.nodes]
    got = [(s.name, s.bits, s.signed, s.height, s.width, s.channels) for s in design.streams]
    for here, there in zip(wanted, got, strict=False):
        if here != there:
            raise HwgenError(f"{design.folder / 'manifest.json'}: streams", f"{here} as the model has", str(there))
    if len(wanted) != len(got):
        raise HwgenError(f"{design.folder / 'manifest.json'}: streams", f"{len(wanted)} layers", str(len(got)))
    symbols = graph.symbols(design.width, design.height)
    if design.output_beats != symbols:
        raise HwgenError(f"{design.folder / 'manifest.json'}: output.beats", str(symbols), str(design.output_beats))


def _expected(
    request: Request, spec: specs.ModelSpec, graph: Graph, images: npt.NDArray[np.uint8]
) -> tuple[Expected, list[Finding]]:
    """What the PyTorch model computes, for every stream of every frame, and where the integer graph differs."""
    from hwgen.golden import golden

    checkpoint = None if request.init is not None else spec.checkpoint_path
    frames: list[dict[str, npt.NDArray[Any]]] = []
    findings: list[Finding] = []
    for index, image in enumerate(images):
        frames.append(golden(spec, graph, image, checkpoint))
        plain = execute(graph, image)
        for node in graph.nodes:
            wrong = np.argwhere(frames[-1][node.name] != plain[node.name])
            if len(wrong):
                y, x, channel = (int(v) for v in wrong[0])
                want, got = int(frames[-1][node.name][y, x, channel]), int(plain[node.name][y, x, channel])
                text = (
                    f"{node.name}: the integer graph differs from the PyTorch model: frame {index}, pixel (x {x},"
                    f" y {y}), channel {channel}: expected {want}, got {got} ({len(wrong)} wrong)"
                )
                findings.append(Finding("model", node.name, text, index, x, y, channel, want, got))
                break
    names = {node.name: node.name for node in graph.nodes} | {"output": "symbols"}
    return {
        name: np.stack([frame[key] for frame in frames]).astype(np.int64) for name, key in names.items()
    }, findings


def _unpredicted(design: Design, verdict: Verdict) -> list[Finding]:
    """Cycle counts that were measured without stalls and are not those that the manifest predicts."""
    findings = []
    for what, got, key in (
        ("frame interval", verdict.interval, "frame_interval_cycles"),
        ("latency", verdict.latency, "latency_cycles"),
    ):
        predicted = design.prediction(key)
        if got is not None and predicted is not None and got != predicted:
            text = f"output: {what}: predicted {predicted} cycles, measured {got}"
            findings.append(Finding("prediction", "output", text, expected=int(predicted), got=got))
    return findings


def _waveform(
    design: Design,
    images: npt.NDArray[np.uint8],
    settings: Settings,
    folder: Path,
    options: runner.BuildOptions,
    cycle: int,
) -> Path | None:
    """Run the same again, with a waveform around `cycle`; None if that fails, which hides no finding."""
    window = (max(0, cycle - WINDOW[0]), cycle + WINDOW[1])
    try:
        traced = simulate(design, pixel_words(images), replace(settings, trace=window), folder / "waveform", options)
    except runner.SimulationError:
        return None
    return traced.waveform


def _psnr(
    request: Request, spec: specs.ModelSpec, graph: Graph, expected: Expected, images: npt.NDArray[np.uint8]
) -> float | None:
    """Mean PSNR in dB behind the channel and the PyTorch decoder; None where there is no trained decoder."""
    if request.init is not None or not spec.decoder or not spec.checkpoint_path.is_file():
        return None
    from hwgen.train.reconstruct import reconstruct

    latent = expected[graph.nodes[-1].name]
    values = []
    for index, image in enumerate(images):
        values.append(psnr(image, reconstruct(spec, spec.checkpoint_path, latent[index], SNR_DB, request.seed + index)))
    return float(np.mean(values))


def _edited(design: Design) -> tuple[str, ...]:
    """Files that are not as emit wrote them; they are verified as they stand."""
    hashes: dict[str, str] = design.manifest["files"]
    return tuple(
        source.name
        for source in design.sources
        if hashes.get(source.name) and hashlib.sha256(source.read_bytes()).hexdigest() != hashes[source.name]
    )
