"""`verify --ip`: an emitted IP at its AXI ports, real images through a DMA's traffic, against the PyTorch model.

    emit --ip (or a folder as it stands) -> images, golden model -> script -> simulation (hwgen.sim.axi) -> what differs

`ip_script` has the steps. All outputs are compared byte by byte. Layers are compared by `verify` without --ip.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.images import find_images, load_images
from hwgen.ip.emit import writer
from hwgen.ip.entry import IpEntry, ip_entry
from hwgen.ip.options import IpOptions
from hwgen.limits import check_frames
from hwgen.numerics.words import slot_bytes
from hwgen.sim import axi, design as designs
from hwgen.sim.check import Finding, Verdict
from hwgen.sim.design import Design
from hwgen.spec import model as specs
from hwgen.verify import profiles
from hwgen.verify.emitted import channel_kind, check_asked, check_same, edited
from hwgen.verify.ip_script import Plan, as_ip, planned
from hwgen.verify.reference import MODEL, Reference, Setting, received_psnr, reference
from hwgen.verify.report import Report
from hwgen.verify.run import VALUE_BYTES, Request, unpredicted


def verify_ip(
    request: Request, folder: Path, say: Callable[[str], None] = lambda text: None, cache: Path | None = None
) -> Report:
    """Carry out a request with an IP inside `folder`; prints nothing, but tells `say` what it is about to do.

    cache : folder of all caches; None takes the user's

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    started = time.perf_counter()
    options = request.options
    spec = specs.load(options.model)
    find_images(request.images)
    say("emitting" if request.design is None else f"reading {request.design}")
    design = _design(request, folder)
    entry = ip_entry(design)
    setting = Setting(spec, options.side, options.init, options.channel or channel_kind(design), request.snr_db,
                      request.seed)  # fmt: skip
    graph = setting.graph(options.side)
    check_same(design, graph)
    values = sum(stream.values for stream in design.streams) + design.input_beats + design.output_beats
    check_frames(request.frames, values * VALUE_BYTES)
    images = load_images(request.images, request.frames, design.width, design.height)
    say("running the PyTorch model")
    with MODEL:
        sent = max(request.frames, graph.profiles)
        golden = reference(setting, graph, images, profiles=profiles.order(sent, graph.profiles, request.seed))
        bounds = profiles.bounds(graph, (design.width, design.height))
    plan = planned(design, golden, request.stall)
    say(f"simulating {design.width}x{design.height} at the AXI ports, {sent} frames and two soft resets,"
        f" stall {request.stall:g}")  # fmt: skip
    cycles = (design.prediction("latency_cycles") or 0) + design.input_beats + design.output_beats
    played = axi.play(
        design.sources, entry.top, entry.options.beat_bits, entry.options.clocks, plan.script, folder / "run",
        request.seed, int(4 * cycles / (1 - request.stall)) + 20_000, cache,
    )  # fmt: skip
    found, wrong = findings_of(design, plan, played, _wanted(design, golden))
    interval, latency = _cycles(played, plan, request.stall)
    findings = [*golden.findings, *found]
    wrong += len(golden.findings)
    if not findings:  # the IP's latency is the design's and that of what stands around it
        findings = unpredicted(design, Verdict(0, 0, (), interval, None))
        wrong = len(findings)
    psnr = None
    if not findings:
        with MODEL:
            psnr = received_psnr(setting, golden, images)
    return Report(
        name=f"{spec.name}_{options.side}",
        design=replace(design, streams=()),  # only the output was compared
        frames=request.frames,
        stall=request.stall,
        values_compared=request.frames * design.output_beats,
        mismatches=wrong,
        findings=tuple(findings),
        first=findings[0] if findings else None,
        interval=interval,
        latency=latency,
        psnr_db=psnr,
        snr_db=request.snr_db,
        seed=request.seed,
        coverage=profiles.coverage(golden.meters, bounds),
        waveform=None,
        command=request.command(),
        edited=edited(design),
        seconds=time.perf_counter() - started,
        build_seconds=played.build_seconds,
        simulation_seconds=played.seconds,
        ip=_record(entry, plan, played),
    )


def _design(request: Request, folder: Path) -> Design:
    assert request.ip is not None, "of a request with an IP"
    if request.design is None:
        return as_ip(designs.load(emit(request.options, folder / "design", True, writer(request.ip)).folder))
    design = as_ip(designs.load(request.design))
    check_asked(request.options, design)
    there = ip_entry(design).ip_options
    if request.ip not in (IpOptions(), there):
        own = there.words()
        raise HwgenError("--ip", f"{' '.join(own)}, as the folder's IP has", " ".join(request.ip.words()))
    return design


def _wanted(design: Design, golden: Reference) -> list[bytes]:
    """The packet that must come of each frame."""
    about = ip_entry(design).output
    words = golden.expected()["output"].astype(np.uint32)
    return [slot_bytes(frame, about.item_bytes, about.used_bytes) for frame in words]


def findings_of(
    design: Design, plan: Plan, played: axi.Played, wanted: list[bytes]
) -> tuple[list[Finding], int]:
    """What is wrong, packets first, and how much: items, and findings other than `value`.

    Parameters
    ----------
    wanted : the packet of each frame
    """
    findings: list[Finding] = []
    wrong = 0
    ends = [played.found[place] for place, _ in plan.marks if place < len(played.found)]
    for number, (start, (_, frames)) in enumerate(zip(ends, plan.marks, strict=False)):
        for place, frame in enumerate(frames):
            if start + place < len(played.packets) and played.packets[start + place].ended:
                one, count = _compared(design, played.packets[start + place], wanted[frame], frame, number)
                findings, wrong = findings + one, wrong + count
    if played.broken is not None:
        text = f"AXI: {played.broken}, cycle {played.broken_cycle}"
        findings.append(Finding("protocol", "output", text, cycle=played.broken_cycle))
    if played.hung_at is not None:
        text = f"hang: nothing moved up to cycle {played.cycles}, at the step `{played.hung_at}`"
        findings.append(Finding("hang", "output", text, cycle=played.cycles))
    elif len(played.packets) != _due(plan, played):
        text = f"m_axis: {len(played.packets) - _due(plan, played)} packets too many behind the last frame"
        findings.append(Finding("surplus", "output", text))
    numbers = dict(enumerate(played.found))
    for place, value, what in plan.numbers:
        if numbers.get(place, value) != value:
            findings.append(_register(what, value, numbers[place]))
    for place, other, what in plan.equal:
        if place in numbers and numbers[place] != numbers[other]:
            findings.append(_register(what, numbers[other], numbers[place]))
    return findings, wrong + sum(finding.kind != "value" for finding in findings)


def _due(plan: Plan, played: axi.Played) -> int:
    """Packets in all, where none came behind those of the last mark."""
    place, frames = plan.marks[-1]
    return played.found[place] + len(frames)


def _register(what: str, wanted: int, got: int) -> Finding:
    return Finding("framing", "registers", f"{what}: expected {wanted:#x}, got {got:#x}", expected=wanted, got=got)


def _compared(
    design: Design, packet: axi.Packet, wanted: bytes, frame: int, behind: int
) -> tuple[list[Finding], int]:
    """What is wrong with a packet, and how many of its items are; a wrong length alone is a finding without items."""
    if packet.data == wanted:
        return [], 0
    where = f"frame {frame}" + (f" behind soft reset {behind}" if behind else "")
    size = ip_entry(design).output.item_bytes
    got = np.frombuffer(packet.data[: len(wanted)].ljust(len(wanted), b"\0"), np.uint8).reshape(-1, size)
    want = np.frombuffer(wanted, np.uint8).reshape(-1, size)
    items = np.flatnonzero((got != want).any(axis=1))
    if not len(items):
        text = f"m_axis: {where}: {len(packet.data)} bytes instead of {len(wanted)}"
        kind = "surplus" if len(packet.data) > len(wanted) else "missing"
        return [Finding(kind, "output", text, frame, cycle=packet.last)], 0
    first = int(items[0])
    value, found = (int.from_bytes(array[first].tobytes(), "little") for array in (want, got))
    y, x = divmod(first, design.width)
    place = f"symbol {first}" if design.side == "tx" else f"pixel (x {x}, y {y})"
    text = f"m_axis: {where}, {place}: expected 0x{value:0{2 * size}x}, got 0x{found:0{2 * size}x}"
    return [Finding("value", "output", f"{text} ({len(items)} wrong)", frame, expected=value, got=found,
                    cycle=packet.last)], len(items)  # fmt: skip


def _cycles(played: axi.Played, plan: Plan, stall: float) -> tuple[int | None, int | None]:
    """Frame interval, between the last two packets' ends of three frames back to back, and latency, from the first
    beat in to the last beat out; None where they were not measured."""
    _, frames = plan.marks[0]
    ends = [packet.last for packet in played.packets[: len(frames)] if packet.ended]
    together = all(first < end for (first, _), end in zip(played.sent[1 : len(frames)], ends, strict=False))
    if stall or len(ends) < len(frames):
        return None, None
    interval = ends[-1] - ends[-2] if len(frames) >= 3 and together else None
    return interval, ends[0] - played.sent[0][0]


def _record(entry: IpEntry, plan: Plan, played: axi.Played) -> dict[str, Any]:
    """For the report."""
    return {
        "top": entry.top, "options": entry.ip_options.record(),
        "numbers_compared": len(plan.numbers) + len(plan.equal), "soft_resets": 2,
        "frames_compared": sum(len(frames) for _, frames in plan.marks), "cycles": played.cycles,
    }  # fmt: skip
