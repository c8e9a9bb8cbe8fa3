"""`hwgen emit`."""

from __future__ import annotations

import argparse

from hwgen.design_options import SIDE_OR_BOTH, DesignOptions, add_options as add_design_options, wants_both
from hwgen.option_values import path

TEXT = "write a model's Verilog and everything a designer needs beside it"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, side=SIDE_OR_BOTH)
    parser.add_argument("--out", type=path("--out"), metavar="DIR",
                        help="where it goes (default: hwgen_out/MODEL_SIDE_BOARD)")


def run(arguments: argparse.Namespace) -> int:
    """Emit; 0."""
    if wants_both(arguments):
        from hwgen.emit.both import emit_both

        emit_both(DesignOptions.of(arguments), arguments.out)
        return 0
    from hwgen.emit import emit

    emit(DesignOptions.of(arguments), arguments.out)
    return 0
