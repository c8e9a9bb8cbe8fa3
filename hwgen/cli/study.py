"""`hwgen study`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.limits import MOST_JOBS, MOST_STEPS
from hwgen.option_values import Number, path, seeds

TEXT = "compare ways to prune and to quantise one parent, in PSNR and on a board"
SMALL = {"finetune": 300, "qat": 150, "images": 12}
LARGE = {"finetune": 4000, "qat": 2000, "images": 101}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--model", required=True, metavar="M",
                        help="the parent: a name, a folder or a specification's path")
    parser.add_argument("--data", required=True, metavar="DIR", help="images, as of `hwgen train`")
    parser.add_argument("--weights", type=path("--weights"), metavar="FILE",
                        help="the parent's float.safetensors (default: the model's own; without one it is trained)")
    parser.add_argument("--criteria", nargs="+", default=["l1", "fpgm", "taylor", "usc", "hrank"], metavar="C",
                        help="pruning criteria (docs/model_spec.md; default: l1 fpgm taylor usc hrank); random, the "
                             "control, is always one more; none: the dense parent alone")
    parser.add_argument("--schedules", nargs="+", default=["one_shot"], metavar="S",
                        help="when channels go: one_shot; rounds=K, fine-tuning shared among K rounds; soft, set to "
                             "zero again and again for the first half of fine-tuning; smoothing, the survivors stand "
                             "in for them; protected=SHARE, so many of the layers that contribute most keep theirs "
                             "(default: one_shot)")
    parser.add_argument("--ratios", nargs="+", type=Number("--ratios", float, 0.01, 0.95), default=[0.25, 0.5],
                        metavar="R", help="shares of every layer's channels that go (default: 0.25 0.5)")
    parser.add_argument("--bits", nargs="+", default=["w8a8"], metavar="B",
                        help="bits of weights and of activations, such as w4a8; w1 is -1 and 1 (default: w8a8)")
    parser.add_argument("--calibrations", nargs="+", default=["mse"], metavar="Q",
                        help="calibrations of the scales of weights and activations: mse, kl, min_max, percentile, "
                             "sigma; with /tensor behind it (mse/tensor) one scale for all weights of a layer "
                             "(docs/model_spec.md, quantisers; default: mse)")
    parser.add_argument("--seeds", type=seeds, default=(1, 2), metavar="A..B",
                        help="seeds of fine-tuning and of what is random, such as 1..3 (default: 1..2)")
    parser.add_argument("--steps", nargs=2, type=Number("--steps", int, 0, MOST_STEPS), metavar=("FINETUNE", "QAT"),
                        help=f"optimiser steps of each (default: {LARGE['finetune']} {LARGE['qat']})")
    parser.add_argument("--images", type=Number("--images", int, 1, 1 << 20), metavar="N",
                        help=f"validation images that are measured, evenly spread (default: {LARGE['images']})")
    parser.add_argument("--small", action="store_true",
                        help=f"a budget of under two hours of 2 cores for a small parent: {SMALL['finetune']} and "
                             f"{SMALL['qat']} steps, {SMALL['images']} images, where nothing else is said")
    parser.add_argument("--board", default="pynq_z2", metavar="B", help="what is sized for (default: pynq_z2)")
    parser.add_argument("--fps", type=Number("--fps", float, 1e-3, 1e6), metavar="N",
                        help="frames per second that both sides reach (default: what the board has)")
    parser.add_argument("--no-designs", action="store_true",
                        help="neither size nor emit the rows' circuits: PSNR and sizes of networks alone")
    parser.add_argument("--verify", type=Number("--verify", int, 0, 1000), default=2, metavar="N",
                        help="rows that are verified at the end, both sides, evenly spread (default: 2)")
    parser.add_argument("--jobs", type=Number("--jobs", int, 1, MOST_JOBS), default=os.cpu_count() or 1, metavar="N",
                        help="trainings at a time on this machine (default: its processors)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="run on the Dask cluster whose scheduler is there, such as tcp://host:8786, or with "
                             "`local` on one that is started here (needs the extra `cluster`)")
    parser.add_argument("--out", type=path("--out"), default=Path("hwgen_study"), metavar="DIR",
                        help="where everything goes; what is there is used again (default: hwgen_study)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")


def run(arguments: argparse.Namespace) -> int:
    """Run the study; 0, 1 or 2."""
    import matplotlib  # noqa: F401  before anything is trained: is it there?

    from hwgen import board as boards
    from hwgen.executor import executor
    from hwgen.study.grid import Grid, Width, checked_calibration, parsed_width
    from hwgen.study.run import Study, study
    from hwgen.study.schedules import checked
    from hwgen.train.criteria import CRITERIA

    known = (*CRITERIA, "random", "none")
    for name in arguments.criteria:
        if name not in known:
            raise HwgenError("--criteria", f"some of {', '.join(known)}", repr(name))
    budget = SMALL if arguments.small else LARGE
    finetune, qat = arguments.steps or (budget["finetune"], budget["qat"])
    widths = tuple(dict.fromkeys(Width(*parsed_width(word), checked_calibration(by))
                                 for word in arguments.bits for by in arguments.calibrations))  # fmt: skip
    ratios = tuple(dict.fromkeys(arguments.ratios))
    words = tuple(dict.fromkeys(map(checked, arguments.schedules)))
    grid = Grid(tuple(arguments.criteria), ratios, widths, arguments.seeds, finetune, qat, words)
    boards.load(arguments.board)
    board = Path(arguments.board)
    asked = Study(arguments.model, arguments.weights, arguments.data, arguments.out, grid,
                  arguments.images or budget["images"], str(board.resolve()) if board.is_file() else arguments.board,
                  arguments.fps, arguments.verify, not arguments.no_designs)  # fmt: skip
    return study(asked, executor(arguments.scheduler, arguments.jobs), arguments.json)
