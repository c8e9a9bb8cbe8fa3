"""`bench coverage`: what the default frames of `verify` meet in the layers of models, and which wrong rules they find.

Nothing is simulated: the integer graph is what the simulation is compared with, stream by stream, so a layer that gives
another value in the model's place is one that `verify` finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen.bench.shipped import MODELS, SIDES
from hwgen.console import console, print_json
from hwgen.images import load_images
from hwgen.ir.graph import Graph
from hwgen.ir.reach import reaches
from hwgen.spec import model as specs
from hwgen.verify import profiles
from hwgen.verify.bounds import Bounds
from hwgen.verify.coverage import NOT_MET, Total, as_record, total
from hwgen.verify.directed import MOST
from hwgen.verify.reference import Setting, add_directed, reference
from hwgen.verify.run import Request
from hwgen.verify.wrong_rules import Detector, equivalent, rules_of


@dataclass(frozen=True)
class Found:
    """Coverage of one design.

    frame : (width, height) in pixels
    frames, directed : photos, and directed frames behind them, of all profiles together
    wrong_rules, found, harmless : numbers of wrong rules; those that its frames find; those that are proven to change
        nothing; of each profile by itself
    not_met, missed : cases, and wrong rules, that are left, as "LAYER CASE" or "LAYER@PROFILE CASE"
    """

    design: str
    frame: tuple[int, int]
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
            "frame": list(self.frame), "frames": self.frames, "directed_frames": self.directed, **self.cases.record(),
            "wrong_rules": self.wrong_rules, "found": self.found, "harmless": self.harmless,
            "cases_left": list(self.not_met), "wrong_rules_left": list(self.missed), "coverage": self.coverage,
        }  # fmt: skip


def measure(
    model: str | Path, side: str, frames: int = 3, directed: int = MOST, frame: tuple[int, int] | None = None,
    init: int | None = None,
) -> Found:  # fmt: skip
    """The frames that `verify` sends to one design by default, and what they meet and find.

    Parameters
    ----------
    frame : (width, height) in pixels; None takes the specification's
    init : seed of random weights; None takes the trained ones

    Raises
    ------
    HwgenError : no such model, none that is trained where `init` is None, or none of that frame size
    """
    spec = specs.load(model)
    setting = Setting(spec, side, init, None, Request.snr_db, Request.seed)
    graph, size = setting.graph(side), frame or (spec.frame.width, spec.frame.height)
    detectors = tuple(Detector() for _ in range(graph.profiles))
    bounds = profiles.bounds(graph, size)
    sent = profiles.order(max(frames, graph.profiles), graph.profiles, Request.seed)
    found = reference(setting, graph, load_images(None, frames, *size), detectors, sent)
    made = profiles.directed(graph, size, detectors, bounds, directed)
    for profile, one in made:
        add_directed(setting, found, [one], profile)
    assert not found.findings, "the integer graph is the PyTorch model"
    coverage, rules = profiles.coverage(detectors, bounds), _Rules(0, [], [])
    for profile, (detector, own) in enumerate(zip(detectors, bounds, strict=True)):
        at = graph.at_profile(profile)
        rules += _rules(at, size, detector, own, f"@{profile}" if graph.profiles > 1 else "")
    left = [
        f"{name} {case.replace('_', ' ')}" for name, layer in coverage.items()
        for case, state in layer.states().items() if state == NOT_MET
    ]  # fmt: skip
    return Found(
        f"{spec.name} {side}", size, len(sent), len(made), total(coverage), rules.every,
        rules.every - len(rules.harmless) - len(rules.missed), len(rules.harmless), tuple(left),
        tuple(sorted(rules.missed)), as_record(coverage),
    )  # fmt: skip


@dataclass(frozen=True)
class _Rules:
    """Wrong rules: how many there are, and as "LAYER RULE" those that are harmless and those that were missed."""

    every: int
    harmless: list[str]
    missed: list[str]

    def __add__(self, other: _Rules) -> _Rules:
        return _Rules(self.every + other.every, self.harmless + other.harmless, self.missed + other.missed)


def _rules(graph: Graph, size: tuple[int, int], detector: Detector, bounds: Mapping[str, Bounds], at: str) -> _Rules:
    """The wrong rules of a graph with one profile, and what its frames found.

    at : appended to the names of its layers
    """
    reached = reaches(graph, *size)
    nodes = [node for node in graph.nodes if node.name in detector.missed]
    harmless = {
        (node.name, wrong) for node in nodes for wrong in rules_of(node)
        if equivalent(node, wrong, bounds[node.name], reached[node.name])
    }  # fmt: skip
    missed = {(node.name, wrong) for node in nodes for wrong in detector.missed[node.name]}
    assert harmless <= missed, f"found although proven harmless: {harmless - missed}"
    named = [[f"{name}{at} {wrong}" for name, wrong in some] for some in (harmless, missed - harmless)]
    return _Rules(sum(len(rules_of(node)) for node in nodes), *named)


def bench(
    models: Sequence[str] = (), frames: int = 3, directed: int = MOST, frame: tuple[int, int] | None = None,
    as_json: bool = False,
) -> int:  # fmt: skip
    """Measure both sides of models and print them.

    Parameters
    ----------
    models : trained specifications; all that are shipped by default
    frames, directed : photos, and directed frames at most of each profile, as `verify` sends them
    frame : as of `measure`, of all

    Returns
    -------
    int : 0 where every case that can be met is met and every wrong rule that changes anything is found, 1 otherwise
    """
    found = [measure(model, side, frames, directed, frame) for model in models or MODELS for side in SIDES]
    if as_json:
        print_json({one.design: one.record() for one in found})
    else:
        _print(found)
    return 0 if all(one.complete for one in found) else 1


def _print(found: Sequence[Found]) -> None:
    table = Table(title="coverage by the default frames, and wrong rules that they find")
    for column in ("design", "frame", "frames", "directed", "cases", "met", "unreachable", "not met",
                   "of the reachable", "wrong rules", "found", "harmless", "missed"):  # fmt: skip
        table.add_column(column, justify="left" if column == "design" else "right")
    for one in found:
        cases = one.cases
        numbers = ("{}x{}".format(*one.frame), one.frames, one.directed, cases.met + cases.unreachable + cases.not_met,
                   cases.met, cases.unreachable, cases.not_met, f"{cases.record()['percent']:g} %", one.wrong_rules,
                   one.found, one.harmless, len(one.missed))  # fmt: skip
        table.add_row(one.design, *map(str, numbers))
    output = console()
    output.print(table)
    for one in found:
        for left in (*(f"not met: {case}" for case in one.not_met), *(f"missed: {wrong}" for wrong in one.missed)):
            output.print(f"{one.design}: {left}", markup=False, soft_wrap=True)
