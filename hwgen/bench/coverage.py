"""`bench coverage`: what the default frames of `verify` meet in the layers of models, and which wrong rules they find.

Nothing is simulated: the integer graph is what the simulation is compared with, stream by stream, so a layer that gives
another value in the model's place is one that `verify` finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from hwgen.bench.shipped import ONE_PROFILE, SIDES
from hwgen.console import console, print_json
from hwgen.images import load_images
from hwgen.ir.reach import reaches
from hwgen.spec import model as specs
from hwgen.verify.bounds import bounds_of
from hwgen.verify.coverage import NOT_MET, Total, as_record, total, with_bounds
from hwgen.verify.directed import MOST, directed_frames
from hwgen.verify.reference import Setting, add_directed, reference
from hwgen.verify.run import Request
from hwgen.verify.wrong_rules import Detector, equivalent, rules_of


@dataclass(frozen=True)
class Found:
    """Coverage of one design.

    wrong_rules, found, harmless : numbers of wrong rules; those that its frames find; those that are proven to change
        nothing
    not_met, missed : cases, and wrong rules, that are left, as "LAYER CASE"
    """

    design: str
    frames: int
    directed: int
    cases: Total
    wrong_rules: int
    found: int
    harmless: int
    not_met: tuple[str, ...]
    missed: tuple[str, ...]
    coverage: dict[str, Any]

    @property
    def complete(self) -> bool:
        """Nothing is left."""
        return not self.not_met and not self.missed

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "frames": self.frames, "directed_frames": self.directed, **self.cases.record(),
            "wrong_rules": self.wrong_rules, "found": self.found, "harmless": self.harmless,
            "cases_left": list(self.not_met), "wrong_rules_left": list(self.missed), "coverage": self.coverage,
        }  # fmt: skip


def measure(model: str, side: str, frames: int, directed: int, init: int | None = None) -> Found:
    """The frames that `verify` sends to one design by default, and what they meet and find.

    Raises
    ------
    HwgenError : no such model, or none that is trained where `init` is None
    """
    spec = specs.load(model)
    setting = Setting(spec, side, init, None, Request.snr_db, Request.seed)
    graph, size = setting.graph(side), (spec.frame.width, spec.frame.height)
    detector, bounds, reached = Detector(), bounds_of(graph, *size), reaches(graph, *size)
    found = reference(setting, graph, load_images(None, frames, *size), detector)
    made = directed_frames(graph, size, detector.coverage(), bounds, directed)
    add_directed(setting, found, made)
    assert not found.findings, "the integer graph is the PyTorch model"
    coverage = with_bounds(detector.coverage(), bounds)
    nodes = [node for node in graph.nodes if node.name in detector.missed]
    harmless = {
        (node.name, wrong) for node in nodes for wrong in rules_of(node)
        if equivalent(node, wrong, bounds[node.name], reached[node.name])
    }  # fmt: skip
    missed = {(node.name, wrong) for node in nodes for wrong in detector.missed[node.name]}
    assert harmless <= missed, f"found although proven harmless: {harmless - missed}"
    every = sum(len(rules_of(node)) for node in nodes)
    left = [
        f"{name} {case.replace('_', ' ')}" for name, layer in coverage.items()
        for case, state in layer.states().items() if state == NOT_MET
    ]  # fmt: skip
    return Found(
        f"{spec.name} {side}", frames, len(made), total(coverage), every, every - len(missed), len(harmless),
        tuple(left), tuple(sorted(" ".join(one) for one in missed - harmless)), as_record(coverage),
    )  # fmt: skip


def bench(models: Sequence[str] = (), frames: int = 3, directed: int = MOST, as_json: bool = False) -> int:
    """Measure both sides of models and print them.

    Parameters
    ----------
    models : trained specifications; all that are shipped by default
    frames, directed : photos, and directed frames at most, as `verify` sends them

    Returns
    -------
    int : 0 where every case that can be met is met and every wrong rule that changes anything is found, 1 otherwise
    """
    found = [measure(model, side, frames, directed) for model in models or ONE_PROFILE for side in SIDES]
    if as_json:
        print_json({one.design: one.record() for one in found})
    else:
        _print(found)
    return 0 if all(one.complete for one in found) else 1


def _print(found: Sequence[Found]) -> None:
    table = Table(title="coverage by the default frames, and wrong rules that they find")
    for column in ("design", "frames", "directed", "cases", "met", "unreachable", "not met", "of the reachable",
                   "wrong rules", "found", "harmless", "missed"):  # fmt: skip
        table.add_column(column, justify="left" if column == "design" else "right")
    for one in found:
        cases = one.cases
        numbers = (one.frames, one.directed, cases.met + cases.unreachable + cases.not_met, cases.met,
                   cases.unreachable, cases.not_met, f"{cases.record()['percent']:g} %", one.wrong_rules, one.found,
                   one.harmless, len(one.missed))  # fmt: skip
        table.add_row(one.design, *map(str, numbers))
    output = console()
    output.print(table)
    for one in found:
        for left in (*(f"not met: {case}" for case in one.not_met), *(f"missed: {wrong}" for wrong in one.missed)):
            output.print(f"{one.design}: {left}", markup=False, soft_wrap=True)
