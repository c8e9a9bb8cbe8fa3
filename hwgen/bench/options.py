"""The command line of `hwgen bench`: a subcommand per measurement."""

from __future__ import annotations

import argparse

from hwgen.options import Number


def _datapath(arguments: argparse.Namespace) -> int:
    from hwgen.bench.datapath import bench

    return bench(arguments.model, board=arguments.board, frames=arguments.frames)


def add_benches(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands to `hwgen bench`."""
    benches = parser.add_subparsers(dest="bench", required=True, metavar="BENCH", help="what to measure")

    def bench(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = benches.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        return added

    datapath = bench("datapath", _datapath, "simulate designs at their full frames; measured beside predicted")
    datapath.add_argument("--model", action="append", default=[], metavar="M",
                          help="a name, a folder or a specification's path; may be repeated (default: every trained "
                               "one)")
    datapath.add_argument("--board", default="pynq_z2", metavar="B", help="name or path (default: pynq_z2)")
    datapath.add_argument("--frames", type=Number("--frames", int, 3), default=3, metavar="N",
                          help="frames, back to back; the interval is measured between the last two (default: 3)")
