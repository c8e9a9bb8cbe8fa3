"""`hwgen regress`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hwgen.design_options import DesignOptions, add_options as add_design_options
from hwgen.ir.graph import SIDES
from hwgen.limits import MOST_FRAMES, MOST_JOBS
from hwgen.option_values import Number, add_cache, path, seeds
from hwgen.outputs import check_file

TEXT = "verify models x sides x seeds, several at a time, here or on a Dask cluster"
OF_DESIGN = ("board", "fps", "frame", "init", "engine")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--model", action="append", default=[], metavar="M",
                        help="a name that `hwgen models` lists, a folder with a spec.yaml, or a specification's path; "
                             "may be repeated (default: every model that comes with hwgen)")
    parser.add_argument("--side", choices=(*SIDES, "both"), default="both", help="tx, rx or both (default: both)")
    parser.add_argument("--seeds", type=seeds, default=(1,), metavar="A..B",
                        help="seeds of stalls and channel, such as 1..20 or 1,5,9..12 (default: 1)")
    add_design_options(parser, *OF_DESIGN)
    parser.add_argument("--frames", type=Number("--frames", int, 1, MOST_FRAMES), default=3, metavar="N",
                        help="frames of each, back to back (default: 3)")
    parser.add_argument("--stall", type=Number("--stall", float, 0, 0.95), default=0.2, metavar="P",
                        help="probability of a stalled cycle on either side (default: 0.2)")
    parser.add_argument("--jobs", type=Number("--jobs", int, 1, MOST_JOBS), default=os.cpu_count() or 1, metavar="N",
                        help="verifications at a time on this machine (default: its processors)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="run on the Dask cluster whose scheduler is there, such as tcp://host:8786, or with "
                             "`local` on one that is started here (needs the extra `cluster`)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
    add_cache(parser)
    parser.add_argument("--junit", type=path("--junit"), metavar="FILE", help="write the results as JUnit XML, for CI")


def run(arguments: argparse.Namespace) -> int:
    """Verify all; 0, 1 or 2."""
    from hwgen import board as boards
    from hwgen.executor import executor
    from hwgen.regress import Regression, regress
    from hwgen.spec import model as specs

    if arguments.junit is not None:
        check_file("--junit", arguments.junit)
    models = tuple(dict.fromkeys(arguments.model)) or tuple(specs.available())
    for model in models:  # what is wrong with one is said once, not by every verification
        spec = specs.load(model)
        width, height = arguments.frame or (spec.frame.width, spec.frame.height)
        spec.check_frame(width, height, "--frame")
    boards.load(arguments.board)
    board = Path(arguments.board)
    design = DesignOptions(models[0], board=board.resolve() if board.is_file() else arguments.board, fps=arguments.fps,
                           frame=arguments.frame, init=arguments.init, engine=arguments.engine)  # fmt: skip
    words = [*design.words(*OF_DESIGN), "--frames", str(arguments.frames), "--stall", repr(arguments.stall)]
    words += [] if arguments.cache is None else ["--cache", str(arguments.cache.resolve())]
    sides = SIDES if arguments.side == "both" else (arguments.side,)
    regression = Regression(models, sides, arguments.seeds, tuple(words))
    return regress(regression, executor(arguments.scheduler, arguments.jobs), arguments.json, arguments.junit)
