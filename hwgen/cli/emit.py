"""`hwgen emit`."""

from __future__ import annotations

import argparse

from hwgen.design_options import SIDE_OR_BOTH, DesignOptions, add_options as add_design_options, wants_both
from hwgen.ip.options import IpOptions, add_options as add_ip_options
from hwgen.option_values import path

TEXT = "write a model's Verilog and everything a designer needs beside it"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, side=SIDE_OR_BOTH)
    parser.add_argument("--out", type=path("--out"), metavar="DIR",
                        help="where it goes (default: hwgen_out/MODEL_SIDE_BOARD)")
    add_ip_options(parser, "also write the design as an IP: AXI4-Stream of a DMA's widths, AXI4-Lite registers, an "
                           "interrupt, and all that a block design needs (docs/board.md)")


def run(arguments: argparse.Namespace) -> int:
    """Emit; 0."""
    beside = None
    if (ip := IpOptions.of(arguments)) is not None:
        from hwgen.ip.emit import writer

        beside = writer(ip)
    if wants_both(arguments):
        from hwgen.emit.both import emit_both

        emit_both(DesignOptions.of(arguments), arguments.out, beside=beside)
        return 0
    from hwgen.emit import emit

    emit(DesignOptions.of(arguments), arguments.out, beside=beside)
    return 0
