"""`bench datapath`: designs simulated at their full frames, synthesised, and set beside what bounds them.

    specifications -> emit all -> simulate and compare each -> synthesise -> one table, beside the roofline

Each design is proven as `hwgen verify` proves it: every value of every stream, interval and latency as the manifest
predicted them. A design that is wrong or mispredicted is in the table too, and makes the exit status 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwgen import process
from hwgen.bench.encoder import dashed, write_spec
from hwgen.bench.quantities import Measured, as_record, table, write_csv
from hwgen.bench.roofline import roofline
from hwgen.console import console, print_json
from hwgen.design_options import DesignOptions
from hwgen.emit import Emitted, emit
from hwgen.errors import HwgenError
from hwgen.ir.serialize import GRAPH_FILE
from hwgen.model import graph_folder
from hwgen.option_values import Engine
from hwgen.outputs import check_file
from hwgen.spec import model as specs
from hwgen.synth import synthesise_design
from hwgen.synth.statistics import count
from hwgen.synth.yosys import version
from hwgen.verify.run import Request, need_tools, run_verification

INIT = 1
"""Seed of the weights of what nobody trained."""


@dataclass(frozen=True)
class Subject:
    """A specification to measure: name or path, and the seed of its weights if they are random."""

    name: str
    model: str | Path
    init: int | None


def bench(
    models: Sequence[str | Path] = (),
    channels: Sequence[tuple[int, ...]] = (),
    board: str | Path = "pynq_z2",
    fps: float | None = None,
    frame: tuple[int, int] | None = None,
    frames: int = 3,
    synth: bool = True,
    as_json: bool = False,
    csv: Path | None = None,
    plot: Path | None = None,
    side: str = "tx",
    engine: Engine | None = None,
    init: int | None = None,
) -> int:
    """Measure designs and print one table.

    Parameters
    ----------
    models : names or paths of specifications
    channels : of the encoder of `hwgen.bench.encoder`
    board : name or path
    fps : frames per second that all are sized for; None takes what the board has
    frame : (width, height) in pixels of all; None takes the specifications'
    frames : back to back, at least 3: the interval is measured between the last two
    synth : synthesise, which takes minutes where nothing of it is in the cache
    as_json : print one JSON object and nothing else on stdout
    csv, plot : files to write beside; the plot as .png or .svg
    side : "tx" or "rx" of the models
    engine : of all designs' convolutions, see `hwgen.option_values.Engine`; None for the default
    init : seed of random weights for all models; None takes their trained ones

    Returns
    -------
    int : 0, or 1 where a value differed or a prediction was not met

    Raises
    ------
    HwgenError : bad input, nothing to measure, a design that does not fit the board
    """
    for option, path in (("--csv", csv), ("--plot", plot)):
        if path is not None:
            check_file(option, path)
            if not path.parent.is_dir():
                raise HwgenError(option, "a file in a folder that exists", str(path))
    if plot is not None:
        from hwgen.bench.plot import check_plot

        check_plot(plot)
    if channels and side != "tx":
        raise HwgenError("--channels", "--side tx, for they are an encoder's", side)
    need_tools()
    if synth:
        version()  # Yosys must be there
    with process.private_folder("hwgen_bench_") as folder:
        subjects = [Subject(specs.load(model).name, model, init) for model in models]
        subjects += [Subject(dashed(counts), write_spec(folder, counts), INIT) for counts in dict.fromkeys(channels)]
        if not subjects:
            raise HwgenError("--model", "a model", "none")
        designs = [
            emit(DesignOptions(subject.model, side, board, fps, frame, subject.init, engine=engine),
                 folder / f"design{i}", quiet=True)
            for i, subject in enumerate(subjects)
        ]  # fmt: skip
        measured = [
            measure(subject, design, frames, folder / f"run{i}", synth, _progress(subject.name, i, len(subjects)))
            for i, (subject, design) in enumerate(zip(subjects, designs, strict=True))
        ]
    on = designs[0].plan.board.name
    if as_json:
        print_json({"board": on, "frames": frames, "designs": [as_record(m) for m in measured]})
    else:
        console().print(table(measured, f"{on}, {frames} frames without stalls"))
    if csv is not None:
        write_csv(csv, measured)
    if plot is not None:
        from hwgen.bench.plot import draw

        draw(plot, measured)
    return 0 if all(m.report.proven and m.report.interval is not None for m in measured) else 1


def trained_models(side: str = "tx") -> list[str]:
    """The models that come with hwgen whose side is trained."""
    return [name for name in specs.available() if (graph_folder(specs.load(name), side) / GRAPH_FILE).exists()]


def measure(
    subject: Subject, design: Emitted, frames: int, folder: Path, synth: bool, say: Callable[[str], None]
) -> Measured:
    """Simulate, compare and synthesise one emitted design."""
    manifest = design.manifest
    options = DesignOptions(subject.model, manifest["side"], init=subject.init)
    request = Request(options, frames=frames, directed=0, design=design.folder, waveform=False)
    report = run_verification(request, folder, say)
    say(f"interval {report.interval} cycles, latency {report.latency}, {report.mismatches} mismatches")
    statistics = None
    if synth:
        say("synthesising")
        text = design.folder.joinpath(f"{manifest['top']}.v").read_text(encoding="utf-8")
        netlists = synthesise_design(text, manifest["top"], design.plan.board.family)
        statistics = [count(netlist) for netlist in netlists.values()]
    return Measured(subject.name, design.plan, report, statistics, roofline(design.plan))


def _progress(name: str, index: int, count: int) -> Callable[[str], None]:
    """Lines for who waits, on stderr."""

    def say(text: str) -> None:
        print(f"{index + 1}/{count} {name}: {text}", file=sys.stderr, flush=True)

    return say
