"""`synth`: what open synthesis makes of each component, beside what hwgen predicts, and the longest paths.

    Verilog -> Yosys' synth_xilinx, per component, cached -> netlist -> resources, longest register-to-register paths
"""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hwgen.console import bar_stream
from hwgen.synth.components import components
from hwgen.synth.netlist import Netlist
from hwgen.synth.statistics import Statistics, count
from hwgen.synth.yosys import Job, netlists


def synthesise(verilog: str, top: str, family: str) -> Statistics:
    """Resources of one module after open synthesis; from the cache where the same was synthesised before.

    Parameters
    ----------
    verilog : text that holds the module and all it instantiates, as `amaranth.back.verilog.convert` writes it
    top : the module's name, without a backslash
    family : 'xc7' or 'xcup', as in a board's file

    Raises
    ------
    HwgenError : Yosys does not accept the Verilog
    ModuleNotFoundError : Yosys is not installed (`pip install 'hwgen[synth]'`)
    """
    job = Job(verilog, top, family)
    return count(netlists([job])[job])


def synthesise_design(
    verilog: str, top: str, family: str, workers: int | None = None, cache: Path | None = None
) -> dict[str, Netlist]:
    """The netlists of a design's components, by their names in the design and in its order.

    Each component is synthesised by itself, several at a time, with a progress bar on a terminal's stderr.

    Parameters
    ----------
    verilog, top : what `emit` wrote, and its module
    family : 'xc7' or 'xcup'
    workers : processes at a time; None takes one per CPU
    cache : folder of netlists; None takes the user's

    Raises
    ------
    HwgenError, ModuleNotFoundError : as `synthesise`
    """
    jobs = {component.name: Job(component.verilog, component.module, family) for component in components(verilog, top)}
    columns = (TextColumn("synthesising"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    terminal = Console(file=bar_stream())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        bar = progress.add_task("", total=len(set(jobs.values())))
        found = netlists(jobs.values(), workers or os.cpu_count() or 1, cache, done=lambda job: progress.advance(bar))
    return {name: found[job] for name, job in jobs.items()}
