"""`hwgen soak`: faults through several designs, and what is printed of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen import process
from hwgen.console import console, print_json, progress
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.sim import design as designs
from hwgen.sim.design import Design
from hwgen.soak.run import STALLS, Outcome, Soak
from hwgen.verdict import DIFFERS, PROVEN, STATUS
from hwgen.verify.trust import check_sources

COLUMNS = {
    "faults": "faults", "good": "good frames", "wrong_good": "wrong", "padded": "padded", "wrong_padded": "wrong",
    "cut": "cut", "wrong_cut": "wrong", "hangs": "hangs", "broken": "broken rules", "expected_errors": "frame errors",
    "frame_errors": "counted", "pulses": "pulses",
}  # fmt: skip
"""Numbers of an outcome and their headings."""


@dataclass(frozen=True)
class Found:
    """What a design made of the faults."""

    design: Design
    outcomes: list[Outcome]

    @property
    def right(self) -> bool:
        """Whether every outcome is."""
        return all(outcome.right for outcome in self.outcomes)

    @property
    def total(self) -> Outcome:
        """All kinds together; nobody asks it for its pulses."""
        total = Outcome("", "all")
        for outcome in self.outcomes:
            total += outcome
        return total

    @property
    def name(self) -> str:
        """Model, side and frame."""
        design = self.design
        return f"{design.manifest['model']} {design.side} {design.width}x{design.height}"

    def record(self) -> dict[str, Any]:
        """For JSON."""
        design, total = self.design, self.total
        return {
            "model": design.manifest["model"],
            "side": design.side,
            "frame": {"width": design.width, "height": design.height},
            "right": self.right,
            **{key: getattr(total, key) for key in COLUMNS},
            "kinds": [outcome.record() for outcome in self.outcomes],
        }


def soak(
    options: Sequence[DesignOptions],
    faults: int,
    seed: int = 1,
    folder: Path | None = None,
    json: bool = False,
    cache: Path | None = None,
    trust: bool = False,
) -> int:
    """Let the input frames of every design slip, and print a table by port and kind, or one JSON object.

    Parameters
    ----------
    options : what to emit; none where `folder` is given
    faults : at least so many for each design
    seed : of everything that is drawn: frames, faults, pauses
    folder : a design that emit wrote, taken as it stands
    cache : folder of all caches; None takes the user's
    trust : run the Verilog of `folder` whatever it contains

    Returns
    -------
    int : 0 all as the rule says; 1 a design differs

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    found = []
    with process.private_folder("hwgen_soak_") as work:
        places = [folder] if folder is not None else [work / f"design{number}" for number in range(len(options))]
        for number, place in enumerate(places):
            if folder is None:
                from hwgen.emit import emit

                progress(f"emitting {options[number].model} {options[number].side}")
                emit(options[number], place, quiet=True)
            design = designs.load(place)
            if folder is not None and not trust:
                check_sources(design)
            if not design.frame_errors:
                where = f"{place / 'manifest.json'}: ports"
                raise HwgenError(where, "frame_errors, a count of the input's faults", "none: an older design")
            outcomes = Soak(design, seed, cache).run(faults, work / f"run{number}", progress)
            found.append(Found(design, outcomes))
    right = all(one.right for one in found)
    verdict = PROVEN if right else DIFFERS
    if json:
        records = [one.record() for one in found]
        print_json({"verdict": verdict, "seed": seed, "stalls": list(STALLS), "designs": records})
    else:
        for one in found:
            console().print(_table(one))
            console().print(_sentence(one), soft_wrap=True, markup=False)
    return STATUS[verdict]


def _table(found: Found) -> Table:
    table = Table(title=found.name)
    table.add_column("port")
    table.add_column("fault")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    for outcome in [*found.outcomes, found.total]:
        numbers = (f"{getattr(outcome, key):,}" for key in COLUMNS)
        table.add_row(outcome.port, outcome.kind, *numbers, end_section=outcome is found.outcomes[-1])
    return table


def _sentence(found: Found) -> str:
    total = found.total
    text = (
        f"{found.name}: {PROVEN if found.right else DIFFERS}. {total.faults:,} faults, {total.hangs} hangs,"
        f" {total.wrong_good} of {total.good:,} good frames wrong, {total.wrong_padded} of {total.padded:,} padded,"
        f" {total.wrong_cut} of {total.cut:,} cut; frame_errors {total.frame_errors:,}, {total.expected_errors:,} due"
    )
    wrong = [f"{outcome.port} {outcome.kind}" for outcome in found.outcomes if not outcome.right]
    return text + (f"; not right: {', '.join(wrong)}" if wrong else "")
