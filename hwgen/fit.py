"""`hwgen fit`: which boards hold a model, how fast it is there and what is left of them.

Boards with equal parts and clocks have equal plans, so one of them is planned for all. Each plan is a job of its own
(`python -m hwgen.fit`), several at a time: sizing takes seconds for a large model.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hwgen import board as boards
from hwgen.board import Board
from hwgen.console import print_json
from hwgen.design_options import (
    BOTH,
    SIDE_OR_BOTH,
    DesignOptions,
    add_options as add_design_options,
    of_both_sides,
    wants_both,
)
from hwgen.device import RESOURCES
from hwgen.emit import graph_of
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job
from hwgen.ir.graph import Graph
from hwgen.option_values import ENGINE, Engine
from hwgen.plan.buffers import size_with_buffers
from hwgen.program import run_program
from hwgen.rtl.primitives import Cost
from hwgen.spec import model as specs
from hwgen.verdict import PROVEN, STATUS

OPTIONS = ("model", "side", "fps", "frame", "init", "channel", "engine")
"""Options of a design that `fit` has, beside the board."""


@dataclass(frozen=True)
class Fit:
    """A model on a board.

    Parameters
    ----------
    board, part, clock_mhz : as in the board's file
    short : why it does not fit, in a line; None where it does
    interval_cycles, fps : of the frames, of both sides at once where both are asked for; None where it does not fit
    used, left : of each resource, what the design takes and what that leaves of the part; empty where it does not fit
    """

    board: str
    part: str
    clock_mhz: float
    short: str | None
    interval_cycles: int | None
    fps: float | None
    used: dict[str, float]
    left: dict[str, float]

    @property
    def fits(self) -> bool:
        return self.short is None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"board": self.board, "part": self.part, "fits": self.fits} | asdict(self)


def graphs_of(options: DesignOptions, both: bool) -> tuple[list[Graph], int, int]:
    """The graph of the side, or those of both, and a frame's width and height.

    Raises
    ------
    HwgenError : no such model, channel or frame
    """
    spec = specs.load(options.model)
    sides = of_both_sides(options).values() if both else (options,)
    found = [graph_of(one, spec) for one in sides]
    return [graph for graph, *_ in found], *found[0][1:]


def fit(options: DesignOptions, both: bool = False) -> Fit:
    """Plan a model for a board as `emit` does, and say what came of it.

    Raises
    ------
    HwgenError : no such model, board or frame
    """
    graphs, width, height = graphs_of(options, both)
    return of_graphs(graphs, boards.load(options.board), width, height, options.fps, options.engine or ENGINE)


def of_graphs(
    graphs: Sequence[Graph], target: Board, width: int, height: int, fps: float | None = None, engine: Engine = ENGINE
) -> Fit:
    """The same of graphs, which share the board."""
    try:
        plans = size_with_buffers(graphs, target, width, height, fps, engine)
    except HwgenError as error:
        # Where it stands in the board's file is of use to who writes that; here the resource is.
        where = error.where.rpartition(" ")[2].removeprefix("resources.")
        short = " ".join(f"{where}: wanted {error.wanted}, got {error.got}".split())
        return Fit(target.name, target.part, target.clock_mhz, short, None, None, {}, {})
    cost = sum((cost for plan in plans for cost in plan.costs.values()), Cost())
    interval = max(plan.frame_interval for plan in plans)
    used = {key: getattr(cost, key) for key in RESOURCES}
    left = {key: getattr(target.resources, key) - amount for key, amount in used.items()}
    rate = round(target.clock_mhz * 1e6 / interval, 3)
    return Fit(target.name, target.part, target.clock_mhz, None, interval, rate, used, left)


def groups(targets: Sequence[Board]) -> list[list[Board]]:
    """Boards that have one plan: with equal family, resources, shares, products in LUTs and clock."""
    found: dict[str, list[Board]] = {}
    for target in targets:
        kind = target.model_dump_json(include={"family", "resources", "usable", "lut_product_bits", "clock_mhz"})
        found.setdefault(kind, []).append(target)
    return list(found.values())


def fits(options: DesignOptions, both: bool, targets: Sequence[Board], executor: Executor) -> list[Fit]:
    """A model on several boards, in their order.

    Raises
    ------
    HwgenError : no such model or frame, or a job that came to nothing
    """
    graphs_of(options, both)  # what is wrong with the model is said once, not by every job
    alike = {str(group[0].path): group for group in groups(targets)}
    model = Path(options.model)
    given = str(model.resolve()) if model.exists() else str(options.model)
    side = BOTH if both else options.side
    words = replace(options, model=given).words(*(name for name in OPTIONS if name != "side"))
    jobs = [Job(path, "hwgen.fit", (*words, "--side", side, "--board", str(Path(path).resolve()))) for path in alike]
    found: dict[str, Fit] = {}
    with executor:
        for result in executor.as_completed(jobs):
            if result.error is not None:
                raise HwgenError(f"the plan for {result.job.name}", "a result", result.error)
            one = Fit(**result.record["fit"])
            for target in alike[result.job.name]:
                found[str(target.path)] = replace(one, board=target.name, part=target.part)
    return [found[str(target.path)] for target in targets]


def main() -> int:
    """A job: the plan of one model for one board, as JSON."""
    parser = ArgumentParser(prog="python -m hwgen.fit")
    add_design_options(parser, "board", *OPTIONS, side=SIDE_OR_BOTH)
    arguments = parser.parse_args()
    both = wants_both(arguments)
    print_json({"verdict": PROVEN, "error": None, "fit": asdict(fit(DesignOptions.of(arguments), both))})
    return STATUS[PROVEN]


if __name__ == "__main__":
    sys.exit(run_program(main))
