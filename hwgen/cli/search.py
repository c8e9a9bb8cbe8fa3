"""`hwgen search`."""

from __future__ import annotations

import argparse
from pathlib import Path

from hwgen.design_options import add_options as add_design_options
from hwgen.errors import HwgenError
from hwgen.limits import MOST_FRAMES, MOST_STEPS, SNRS_DB
from hwgen.option_values import ENGINE, Number, path

TEXT = "search channels and bits of every layer for what a board does best"
MOST_TRIALS = 1_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, "model", "board", "fps", "frame", "engine",
                       model={"help": "a trained model with both sides: a name, a folder or a specification's path"},
                       fps={"help": "frames per second that a point must reach; at most one of --fps, --dsp and "
                                    "--psnr (default: none, and the whole front is searched)"})  # fmt: skip
    parser.add_argument("--dsp", type=Number("--dsp", int, 1, 1 << 20), metavar="N",
                        help="DSPs that a side may take (default: what the board has)")
    parser.add_argument("--psnr", type=Number("--psnr", float, 0, 100), metavar="DB",
                        help="PSNR that a point must reach")
    parser.add_argument("--side", choices=("each", "both", "tx", "rx"), default="each",
                        help="whose circuit counts. each: both sides, each on a board of its own (default); both: on "
                             "one board; tx, rx: one alone")
    parser.add_argument("--data", metavar="DIR", help="images, as for train")
    parser.add_argument("--parent", choices=("pruned", "float"), default="pruned",
                        help="whose weights every trial starts from: the model's pruned network, which is pruned "
                             "further (default), or its dense float one")
    parser.add_argument("--trials", type=Number("--trials", int, 0, MOST_TRIALS), default=30, metavar="N",
                        help="trials in all, those of earlier calls counted (default: 30)")
    parser.add_argument("--steps", nargs=2, type=Number("--steps", int, 0, MOST_STEPS), default=[300, 300],
                        metavar=("FLOAT", "QUANTISED"), help="optimiser steps of a trial (default: 300 300)")
    parser.add_argument("--snr", type=Number("--snr", float, *SNRS_DB), default=10.0, metavar="DB",
                        help="SNR at which PSNR is measured (default: 10)")
    parser.add_argument("--images", type=Number("--images", int, 1, MOST_FRAMES), default=12, metavar="N",
                        help="validation images, at most so many and evenly spaced, on which it is measured "
                             "(default: 12)")
    parser.add_argument("--least-channels", type=Number("--least-channels", float, 0.01, 1), default=0.5,
                        metavar="SHARE", help="share of a layer's channels that stays at least; 1: all stay "
                                              "(default: 0.5)")
    parser.add_argument("--least-weight-bits", type=Number("--least-weight-bits", int, 2, 8), default=2, metavar="N",
                        help="the fewest bits of weights; 8: they stay as they are (default: 2)")
    parser.add_argument("--least-activation-bits", type=Number("--least-activation-bits", int, 2, 8), default=8,
                        metavar="N", help="the same of activations (default: 8)")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**31 - 1), default=1, metavar="N",
                        help="seed of what is proposed (default: 1)")
    parser.add_argument("--storage", metavar="URL",
                        help="database of the study, which several machines may share, such as mysql://... (default: "
                             "study.db in --out)")
    parser.add_argument("--out", type=path("--out"), metavar="DIR",
                        help="where points and results go, and are found again (default: hwgen_out/MODEL_search_BOARD)")
    parser.add_argument("--write", nargs=2, metavar=("POINT", "FOLDER"),
                        help="do not search, but make a model's folder of a point of the table")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")


def run(arguments: argparse.Namespace) -> int:
    """Search, or write a point; 0."""
    from hwgen import board as boards
    from hwgen.outputs import check_folder
    from hwgen.search.command import Limits, Plan, search
    from hwgen.search.question import question
    from hwgen.search.trial import Budget
    from hwgen.spec import model as specs

    spec, target = specs.load(arguments.model), boards.load(arguments.board)
    out = arguments.out or Path("hwgen_out") / f"{spec.name}_search_{target.name}"
    if arguments.write is not None:
        return _write(arguments, out)
    if arguments.data is None:
        raise HwgenError("--data", "images to train on", "none")
    if arguments.steps[1] < 1:
        raise HwgenError("--steps", "at least 1 quantised step", str(arguments.steps[1]))
    frame = arguments.frame or (spec.frame.width, spec.frame.height)
    spec.check_frame(frame[0], frame[1], "--frame")
    asked = question(target, arguments.side, frame, arguments.engine or ENGINE, arguments.fps, arguments.dsp,
                     arguments.psnr)  # fmt: skip
    check_folder("--out", out)
    limits = Limits(arguments.least_channels, arguments.least_weight_bits, arguments.least_activation_bits)
    plan = Plan(arguments.parent, arguments.trials, Budget(*arguments.steps), arguments.snr, arguments.images,
                arguments.seed, arguments.storage)  # fmt: skip
    return search(arguments.model, arguments.data, asked, limits, plan, out, arguments.json)


def _write(arguments: argparse.Namespace, out: Path) -> int:
    from hwgen.console import print_json
    from hwgen.search.front import row
    from hwgen.search.write import told, write

    key, folder = arguments.write
    outcome = write(out, key, path("--write")(folder))
    if arguments.json:
        print_json(row(outcome) | {"folder": folder})
    else:
        print(f"{folder}: {told(outcome)}")
    return 0
