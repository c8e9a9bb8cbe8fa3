"""`hwgen synth`: emit a model, synthesise every component, compare with the manifest's predictions."""

from __future__ import annotations

from pathlib import Path

from hwgen import board as boards, cache as caches, process
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.synth import netlists, synthesise_design
from hwgen.synth.components import components
from hwgen.synth.join import joined
from hwgen.synth.paths import timing
from hwgen.synth.report import Part, Report, print_report
from hwgen.synth.statistics import count
from hwgen.synth.yardstick import yardstick
from hwgen.synth.yosys import PACKAGE, version


def synth(options: DesignOptions, jobs: int | None = None, json: bool = False, cache: Path | None = None) -> int:
    """Emit a model, synthesise its components and print predictions beside what was found.

    Parameters
    ----------
    jobs : processes at a time; None takes one per CPU
    json : print one JSON object on stdout and nothing else there
    cache : folder of all caches; None takes the user's

    Returns
    -------
    int : 0; 1 where a component's DSPs or block RAM, or the design's LUTs or flip-flops by more than a tenth, are not
        what was predicted

    Raises
    ------
    HwgenError : bad input
    ModuleNotFoundError : Yosys is not installed
    """
    tool, kept = version(), caches.folder("synth", cache)
    target = boards.load(options.board)
    with process.private_folder("hwgen_synth_") as folder:
        emitted = emit(options, folder / "design", quiet=True)
        top: str = emitted.manifest["top"]
        text = (emitted.folder / f"{top}.v").read_text(encoding="utf-8")
    predicted: dict[str, dict[str, float]] = emitted.manifest["predicted"]["components"]
    job = yardstick(target.family)
    measure = timing(netlists([job], cache=kept)[job])
    found = synthesise_design(text, top, target.family, jobs, kept)
    parts = tuple(Part(name, predicted[name], count(netlist), timing(netlist)) for name, netlist in found.items())
    whole = timing(joined(top, [(component, found[component.name]) for component in components(text, top)]))
    report = Report(f"{emitted.manifest['model']} {options.side}", target, f"{PACKAGE} {tool}", parts, whole, measure)
    print_report(report, json)
    return 1 if report.differences else 0
