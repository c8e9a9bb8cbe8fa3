"""`bench peer`: the same encoder through NNgen, simulated and synthesised with the same tools, beside hwgen's.

    NNgen (its own environment) -> Verilog -> Verilator, Yosys
    hwgen, sized for the board, and for no more DSPs than each of NNgen's designs takes -> the same

Both multiply 8-bit weights by 8-bit activations, add a bias, clamp at zero where there is a ReLU and requantise by a
power of two. What differs is said in docs/peer.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from hwgen import board as boards, process
from hwgen.bench.encoder import CHANNELS, KERNEL, STRIDES, dashed, write_spec
from hwgen.console import console, print_json
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.peer.environment import PACKAGES, default_cache, pins
from hwgen.peer.simulation import TOP, Setting, simulated
from hwgen.peer.synthesis import Synthesised, synthesise
from hwgen.peer.table import Row, as_record, table
from hwgen.spec import model as specs
from hwgen.synth.components import components
from hwgen.synth.yosys import Job, version
from hwgen.verify.run import Request, need_tools, run_verification

ENCODER = CHANNELS[0]
FRAME = (32, 32)
FAMILY = "xc7"
"""Family of the parts that both are synthesised for."""
SETTINGS = ((1, 32), (2, 32), (4, 32), (4, 128))
"""NNgen's, as (channels in and out multiplied at a time, bits of its memory port): 25, 100, 400, 400 multipliers."""
INIT = 1
"""Seed of the weights, which nobody trained."""


def bench(
    frame: tuple[int, int] = FRAME,
    board: str | Path = "pynq_z2",
    synth: bool = True,
    limit: float = 30.0,
    as_json: bool = False,
    cache: Path | None = None,
) -> int:
    """Measure NNgen's designs and hwgen's, and print one table.

    Parameters
    ----------
    frame : (width, height) in pixels
    board : name or path, of a part of the 7 series: what hwgen's designs are sized for
    synth : synthesise, which takes long where nothing of it is in the cache
    limit : processor minutes that a synthesis may take
    as_json : print one JSON object and nothing else on stdout
    cache : folder of what was measured before; None takes the user's

    Returns
    -------
    int : 0, or 1 where a value was wrong

    Raises
    ------
    HwgenError : bad input, NNgen's environment cannot be made, a tool is missing or refuses a design
    """
    target = boards.load(board)
    if target.family != FAMILY:
        raise HwgenError("--board", f"a board whose family is {FAMILY}, which both are synthesised for", target.family)
    need_tools()
    if synth:
        version()
    cache = default_cache() if cache is None else cache
    cache.mkdir(parents=True, exist_ok=True)
    minutes = limit if synth else None
    with process.private_folder("hwgen_bench_") as folder:
        model = write_spec(folder, ENCODER, activation="relu")
        specs.load(model).check_frame(*frame, "--frame")
        theirs = [_nngen(frame, parallel, axi_bits, cache, minutes) for parallel, axi_bits in SETTINGS]
        ours = [_hwgen(model, frame, target.path, folder / "board", target.name, cache, minutes)]
        for dsp in sorted({row.dsp for row in theirs if row.dsp is not None and row.dsp < target.resources.dsp}):
            small, label = _with_dsps(target, dsp, folder), f"{target.name}, at most {dsp} DSP"
            ours.append(_hwgen(model, frame, small, folder / f"dsp{dsp}", label, cache, minutes))
    rows = [*theirs, *ours]
    if as_json:
        facts = {"frame": list(frame), "encoder": dashed(ENCODER), "board": target.name, "synth_limit_minutes": minutes}
        print_json(facts | {"designs": [as_record(row) for row in rows]})
    else:
        done = "simulated and synthesised" if synth else "simulated"
        console().print(table(rows, f"encoder {dashed(ENCODER)}, {frame[0]}x{frame[1]}, {done}"))
    return 0 if all(row.wrong == 0 for row in rows) else 1


def _nngen(frame: tuple[int, int], parallel: int, axi_bits: int, cache: Path, minutes: float | None) -> Row:
    """NNgen's design, multiplying `parallel` channels by `parallel` at a time; minutes None: not synthesised."""
    last = len(STRIDES) - 1
    layers = tuple((KERNEL, stride, channels, index < last)
                   for index, (stride, channels) in enumerate(zip(STRIDES, ENCODER, strict=True)))  # fmt: skip
    setting = Setting(*frame, layers, parallel, parallel, axi_bits)
    name = f"par_ich={parallel} par_och={parallel}, {axi_bits}-bit AXI"
    say = _progress(f"NNgen {name}")
    design = simulated(setting, cache, say)
    result = None
    if minutes is not None:
        result = synthesise(Job(design.verilog, TOP, FAMILY), minutes * 60, cache, say)
    system = "NNgen " + pins(PACKAGES)[0].partition("==")[2]
    cycles = design.cycles[-1]
    return Row(system, name, setting.multipliers, cycles, setting.macs, design.wrong, result, minutes or 0)


def _hwgen(
    model: Path, frame: tuple[int, int], board: Path, folder: Path, name: str, cache: Path, minutes: float | None
) -> Row:
    """hwgen's design for a board, proven as `hwgen verify` proves it; minutes None: not synthesised."""
    say = _progress(f"hwgen {name}")
    options = DesignOptions(model, board=board, frame=frame, init=INIT)
    report = run_verification(Request(options, directed=0, waveform=False), folder, say)
    design = report.design
    macs, lanes = design.prediction("macs_per_frame"), design.prediction("multipliers")
    if report.interval is None or macs is None or lanes is None:
        raise HwgenError(f"hwgen's design for {name}", "a measured interval", "none")
    result = None
    if minutes is not None:
        text = (design.folder / f"{design.top}.v").read_text(encoding="utf-8")
        result = _components(design.top, text, minutes, cache, say)
    return Row("hwgen", name, int(lanes), report.interval, int(macs), report.mismatches, result, minutes or 0)


def _components(top: str, verilog: str, minutes: float, cache: Path, say: Callable[[str], None]) -> Synthesised:
    """The sum of a design's components, as `hwgen synth` has it; each gets the whole time limit."""
    jobs = [Job(component.verilog, component.module, FAMILY) for component in components(verilog, top)]
    done = {job: synthesise(job, minutes * 60, cache, say) for job in dict.fromkeys(jobs)}
    return total([done[job] for job in jobs], sum(result.seconds for result in done.values()))


def total(parts: list[Synthesised], seconds: float) -> Synthesised:
    """Resources of several parts together; what one of them lacks, the whole lacks."""

    def add(key: str) -> float | None:
        values = [getattr(part, key) for part in parts]
        return None if None in values else sum(values)

    def whole(key: str) -> int | None:
        value = add(key)
        return None if value is None else int(value)

    resources = whole("dsp"), whole("lut"), whole("ff"), add("bram36")
    steps = [part.step for part in parts if not part.finished]
    crashed = any(part.crashed for part in parts)
    return Synthesised(seconds, not steps, *resources, step=steps[0] if steps else "", crashed=crashed)


def _with_dsps(target: boards.Board, dsp: int, folder: Path) -> Path:
    """A board file like `target`'s with `dsp` DSPs."""
    facts = target.model_dump(mode="json")
    facts["resources"]["dsp"] = dsp
    path = folder / f"{target.name}_{dsp}.yaml"
    path.write_text(yaml.safe_dump(facts), encoding="utf-8")
    return path


def _progress(name: str) -> Callable[[str], None]:
    """Lines for who waits, on stderr."""

    def say(text: str) -> None:
        print(f"{name}: {text}", file=sys.stderr, flush=True)

    return say
