"""`verify`: simulate a design on real images and compare every value of every layer with the PyTorch model.

    emit (or a design as it stands) -> images (rx: through golden transmitter and channel) -> golden -> directed frames
    for what the images have not met -> simulation -> check -> report

Every link is exact: the Brevitas network equals the integer graph, and both equal what the Verilog puts on its
streams. docs/verification.md says what is checked and how a failure reads.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.images import find_images, load_images
from hwgen.ip.options import IpOptions
from hwgen.limits import check_frames
from hwgen.sim import design as designs, runner
from hwgen.sim.check import Finding, Verdict, check
from hwgen.sim.design import Design
from hwgen.sim.simulate import Recording, Settings, simulate
from hwgen.spec import model as specs
from hwgen.verify import profiles, slips
from hwgen.verify.coverage import Coverage, with_framing, with_streams
from hwgen.verify.directed import MOST
from hwgen.verify.emitted import channel_kind, check_asked, check_same, edited
from hwgen.verify.reference import MODEL, Setting, add_directed, received_psnr, reference
from hwgen.verify.report import Report

EXTRA_FRAMES = (3, 12)
"""Frames added, one try after the other, when the stalls of too few frames did not fill the design."""

WINDOW = (512, 32)
"""Cycles of waveform before and behind the first wrong one."""

VALUE_BYTES = 48
"""Memory for each value of a frame: as the model gives it, as it is expected and wanted (64 bits each), as it was
recorded, with its cycle, and compared."""

@dataclass(frozen=True)
class Request:
    """A verification to run.

    Parameters
    ----------
    design : a folder that emit wrote, verified as it stands; the options' board, fps and frame are then its own
    images : an image or a folder; None takes scikit-image's photos
    frames : images, back to back
    directed : at most so many frames behind them, made for what the images have not met in the layers
    stall : probability of an idle input cycle and of a stalled output cycle, 0 .. 0.95
    seed : of stalls, fading and channel noise
    snr_db : of the channel that symbols go through, which is the options', or else what the design was emitted for
    waveform : record one around what differs (builds once more)
    record : record one in any case: where nothing differs, around the end of the first frame
    trust : `verify` runs the Verilog of `design` whatever it contains
    ip : verify the design as this IP, at its AXI ports alone (`hwgen.verify.ip`); nothing is directed then
    repeated_by : the command line of which this is a part; None where it has one of its own
    """

    options: DesignOptions
    design: Path | None = None
    images: Path | None = None
    frames: int = 3
    directed: int = MOST
    stall: float = 0.0
    seed: int = 1
    snr_db: float = 10.0
    waveform: bool = True
    record: bool = False
    trust: bool = False
    ip: IpOptions | None = None
    repeated_by: str | None = None

    @property
    def name(self) -> str:
        """Name of the model and its side, whether or not there is such a model."""
        path = Path(self.options.model)
        path = path.absolute().parent if path.name == "spec.yaml" else path
        return f"{path.name.removesuffix('.yaml')}_{self.options.side}"

    def properties(self) -> dict[str, object]:
        """The request by names, for JUnit."""
        asked: dict[str, object] = {name: text or "yes" for name, text in self.options.texts().items()}
        own = {key: getattr(self, key) for key in ("frames", "directed", "stall", "seed", "snr_db")}
        return asked | own | {"reproduce": self.command()}

    def command(self) -> str:
        """The command line that repeats this verification."""
        if self.repeated_by is not None:
            return self.repeated_by
        words = ["hwgen", "verify"]
        if self.design is None:
            words += self.options.words()
        else:
            words += [*self.options.words("model", "side"), "--design", str(self.design.resolve())]
            words += ["--trust"] if self.trust else []
            words += self.options.words("init", "channel")
        words += [] if self.ip is None else self.ip.words()
        words += [] if self.snr_db == Request.snr_db else ["--snr", repr(self.snr_db)]
        words += [] if self.images is None else ["--images", str(self.images)]
        words += [] if self.directed == MOST or self.ip is not None else ["--directed", str(self.directed)]
        words += ["--frames", str(self.frames), "--stall", repr(self.stall), "--seed", str(self.seed)]
        return shlex.join(words)


def need_tools() -> None:
    """Refuse to start where a simulator cannot be built.

    Raises
    ------
    HwgenError : a system program is missing
    """
    if missing := runner.missing_tools():
        raise HwgenError("PATH", "g++, make and perl to build the simulation", f"no {', no '.join(missing)}")


def run_verification(
    request: Request, folder: Path, say: Callable[[str], None] = lambda text: None, cache: Path | None = None
) -> Report:
    """Carry out a request inside `folder`; prints nothing, but tells `say` what it is about to do.

    cache : folder of all caches; None takes the user's

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    started = time.perf_counter()
    build_seconds = simulation_seconds = 0.0
    options = request.options
    spec = specs.load(options.model)
    find_images(request.images)
    say("emitting" if request.design is None else f"reading {request.design}")
    design = _design(request, folder)
    channel = options.channel or channel_kind(design)
    setting = Setting(spec, options.side, options.init, channel, request.snr_db, request.seed)
    graph = setting.graph(options.side)
    check_same(design, graph)
    values = sum(stream.values for stream in design.streams) + design.input_beats + design.output_beats
    check_frames(request.frames, values * VALUE_BYTES)
    images = load_images(request.images, request.frames, design.width, design.height)
    say("running the PyTorch model")
    with MODEL:
        sent_images = max(request.frames, graph.profiles)
        golden = reference(setting, graph, images, profiles=profiles.order(sent_images, graph.profiles, request.seed))
        size = design.width, design.height
        bounds = profiles.bounds(graph, size)
        say("looking for what the images have not met")
        directed = profiles.directed(graph, size, golden.meters, bounds, request.directed)
        for profile, frame in directed:
            add_directed(setting, golden, [frame], profile)
        frames = slips.whole(golden)
        if request.stall and slips.can_slip(design):
            golden, frames = slips.add_short(setting, golden, sent_images, request.seed)
    total = len(frames.order)
    run = _Run(design, runner.BuildOptions(), cache)
    expected, findings = golden.expected(), golden.findings
    settings = Settings(frames=total, stall=request.stall, seed=request.seed)
    waveform = None
    verdict, recording, trouble = Verdict(0, 0, (), None, None), None, None
    try:
        for extra in (0, *EXTRA_FRAMES):
            # More frames follow where these were too few to fill the design: all are compared, the images counted.
            say(f"simulating {design.width}x{design.height}, {total + extra} frames, stall {request.stall:g}")
            settings = replace(settings, frames=total + extra)
            numbers = frames.numbers(settings.frames)
            wanted = {name: values[numbers] for name, values in expected.items()}
            sent = slips.sent(golden, frames, settings.frames, settings.seed)
            recording = run(settings, sent, folder / "run")
            build_seconds += recording.build_seconds
            simulation_seconds += recording.seconds
            verdict = check(design, recording, settings, wanted, request.frames, sent.scripts)
            if not verdict.findings or any(finding.kind != "stall" for finding in verdict.findings):
                break
    except (HwgenError, OSError) as error:
        if not findings:
            raise
        trouble = str(error if isinstance(error, HwgenError) else HwgenError.of(error))  # it differs all the same
    cycle = None if recording is None else _cycle_to_show(verdict, recording, request)
    if cycle is not None:
        say(f"recording a waveform around cycle {cycle}")
        waveform = _waveform(run, settings, sent, folder, cycle)
    findings = [*findings, *verdict.findings]
    if not findings:
        findings = unpredicted(design, verdict)
    coverage = profiles.coverage(golden.meters, bounds)
    psnr = None
    if not findings:
        with MODEL:
            psnr = received_psnr(setting, golden, images)
    return Report(
        name=f"{spec.name}_{options.side}",
        design=design,
        frames=request.frames,
        directed=len(directed),
        stall=request.stall,
        values_compared=verdict.values_compared,
        mismatches=verdict.mismatches + len(findings) - len(verdict.findings),
        findings=tuple(findings),
        first=findings[0] if len(findings) > len(verdict.findings) else verdict.first,
        interval=verdict.interval,
        latency=verdict.latency,
        psnr_db=psnr,
        snr_db=request.snr_db,
        seed=request.seed,
        coverage=coverage if recording is None else _with_run(coverage, design, recording, request),
        trouble=trouble,
        waveform=waveform,
        command=request.command(),
        edited=edited(design),
        seconds=time.perf_counter() - started,
        build_seconds=build_seconds,
        simulation_seconds=simulation_seconds,
    )


def _with_run(coverage: Coverage, design: Design, recording: Recording, request: Request) -> Coverage:
    """A coverage with what the run met beside the layers' values: full and empty streams, frames that slip."""
    found = with_streams(coverage, recording, stalled=request.stall > 0)
    return with_framing(found, design, recording) if request.stall and slips.can_slip(design) else found


def _design(request: Request, folder: Path) -> Design:
    if request.design is not None:
        design = designs.load(request.design)
        check_asked(request.options, design)
        return design
    from hwgen.emit import emit

    emitted = emit(request.options, folder / "design", quiet=True)
    return designs.load(emitted.folder)


@dataclass(frozen=True)
class _Run:
    """A design in its simulator."""

    design: Design
    options: runner.BuildOptions
    cache: Path | None

    def __call__(self, settings: Settings, sent: slips.Sent, folder: Path) -> Recording:
        return simulate(
            self.design, sent.words, settings, folder, self.options, self.cache, sent.coefficients,
            profiles=sent.profiles,
        )  # fmt: skip


def unpredicted(design: Design, verdict: Verdict) -> list[Finding]:
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


def _cycle_to_show(verdict: Verdict, recording: Recording, request: Request) -> int | None:
    """Around which a waveform is recorded; None where none is asked for."""
    first = verdict.first
    if first is not None and first.kind != "stall" and first.cycle is not None:
        return first.cycle if request.waveform or request.record else None
    output = recording.streams[-1]
    ends = output.cycles[output.last]
    return (int(ends[0]) if len(ends) else recording.cycles) if request.record else None


def _waveform(run: _Run, settings: Settings, sent: slips.Sent, folder: Path, cycle: int) -> Path | None:
    """Run the same again, with a waveform around `cycle`; None if that fails, which hides no finding."""
    window = (max(0, cycle - WINDOW[0]), cycle + WINDOW[1])
    try:
        traced = run(replace(settings, trace=window), sent, folder / "waveform")
    except (HwgenError, OSError):
        return None
    return traced.waveform
