"""`hwgen fit`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from hwgen.design_options import SIDE_OR_BOTH, DesignOptions, add_options as add_design_options, wants_both
from hwgen.limits import MOST_JOBS
from hwgen.option_values import Number

if TYPE_CHECKING:
    from hwgen.fit import Fit

TEXT = "say which boards hold a model, how fast it is there, and what is left of them"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, "model", "side", "fps", "frame", "init", "channel", "engine", side=SIDE_OR_BOTH)
    parser.add_argument("--board", action="append", default=[], metavar="B",
                        help="a name that `hwgen boards` lists, or a board file's path; may be repeated (default: "
                             "every board that comes with hwgen)")
    parser.add_argument("--jobs", type=Number("--jobs", int, 1, MOST_JOBS), default=os.cpu_count() or 1, metavar="N",
                        help="boards at a time (default: this machine's processors)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")


def run(arguments: argparse.Namespace) -> int:
    """Plan for every board and print a table; 0."""
    from hwgen import board as boards
    from hwgen.console import print_json
    from hwgen.executor import LocalExecutor
    from hwgen.fit import fits

    side, both = arguments.side, wants_both(arguments)
    targets = [boards.load(name) for name in dict.fromkeys(arguments.board or boards.available())]
    arguments.board = DesignOptions.board
    options = DesignOptions.of(arguments)
    found = fits(options, both, targets, LocalExecutor(arguments.jobs))
    if arguments.json:
        print_json({"model": str(options.model), "side": side, "boards": [one.record() for one in found]})
    else:
        _print(f"{options.model} {side}", found)
    return 0


def _print(title: str, found: list[Fit]) -> None:
    """A row for every board, and a line for each that is too small."""
    from rich.table import Table

    from hwgen.console import console
    from hwgen.device import RESOURCES, shown

    columns = shown({key: max((one.used.get(key, 0) for one in found), default=0) for key in RESOURCES})
    table = Table(title=f"{title}: resources used, and left of the part")
    table.add_column("board")
    table.add_column("part")
    for column in ("fits", "clock MHz", "cycles", "fps", *columns.values()):
        table.add_column(column, justify="right")
    for one in found:
        row = [one.board, one.part, "yes" if one.fits else "no", f"{one.clock_mhz:g}"]
        if one.fits:
            row += [f"{one.interval_cycles:,}", f"{one.fps:,.2f}"]
            row += [f"{one.used[key]:,g}, {one.left[key]:,g} left" for key in columns]
        table.add_row(*row)
    output = console()
    output.print(table)
    for one in found:
        if not one.fits:
            output.print(f"{one.board}: {one.short}", soft_wrap=True, markup=False)
