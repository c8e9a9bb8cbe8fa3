"""`hwgen synth`."""

from __future__ import annotations

import argparse

from hwgen.design_options import DesignOptions, add_options as add_design_options
from hwgen.limits import MOST_JOBS
from hwgen.option_values import Number, add_cache

TEXT = ("synthesise every component with Yosys and print its resources beside the predicted ones, and its longest "
        "paths")  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser)
    parser.add_argument("--jobs", type=Number("--jobs", int, 1, MOST_JOBS), metavar="N",
                        help="components at a time (default: one per CPU)")
    add_cache(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Synthesise; 0 or 1."""
    from hwgen.synth.command import synth

    return synth(DesignOptions.of(arguments), jobs=arguments.jobs, json=arguments.json, cache=arguments.cache)
