"""`hwgen soak`."""

from __future__ import annotations

import argparse
from itertools import product

from hwgen.design_options import ARGUMENTS, BOTH, DesignOptions, add_options as add_design_options
from hwgen.errors import HwgenError
from hwgen.ip.options import IpOptions, add_options as add_ip_options
from hwgen.ir.graph import SIDES
from hwgen.option_values import Number, add_cache, path

TEXT = "let an emitted design's input frames slip, thousands of times, and compare every frame that comes out"
FRAME = (8, 8)
"""Small: many frames in little time."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--model", action="append", default=[], metavar="M",
                        help="a name that `hwgen models` lists, a folder with a spec.yaml, or a specification's path; "
                             "may be repeated (default: tiny)")
    parser.add_argument("--side", choices=(*SIDES, BOTH), help="tx, rx or both (default: both)")
    parser.add_argument("--design", type=path("--design"), metavar="DIR",
                        help="take this folder, which emit wrote, as it stands, instead of emitting models anew. "
                             "Simulating runs what its Verilog contains: system tasks, macros and the like are refused")
    parser.add_argument("--trust", action="store_true",
                        help="run --design whatever its Verilog contains: with your rights, as its author's program")
    add_design_options(parser, "channel", "board", "fps", "frame", "init", "engine", board={"default": None}, frame={
        "help": "frame size in pixels, a multiple of the strides (default: 8x8)",
    })  # fmt: skip
    add_ip_options(parser, "put faults to the AXI ports of each design as an IP instead: wrong lengths, pauses, "
                           "access to registers, soft resets")
    parser.add_argument("--faults", type=Number("--faults", int, 1, 10**7), default=10_000, metavar="N",
                        help="at least so many for each design, as many of each kind as of any other (default: 10000)")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**31), default=1, metavar="N",
                        help="seed of frames, faults and pauses (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
    add_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Soak all; 0, 1 or 2."""
    from hwgen.soak.command import soak

    if arguments.design is not None:
        given = [f"--{name}" for name in ("side", *ARGUMENTS) if getattr(arguments, name, None) not in (None, [])]
        if given := list(dict.fromkeys(given)):
            raise HwgenError("--design", "none of the options that choose what is emitted", " ".join(given))
    sides = SIDES if arguments.side in (None, BOTH) else (arguments.side,)
    board, frame = arguments.board or DesignOptions.board, arguments.frame or FRAME
    options = [
        DesignOptions(model, side, board, arguments.fps, frame, arguments.init, arguments.channel,
                      arguments.engine)
        for model, side in product(dict.fromkeys(arguments.model or ["tiny"]), sides)
    ]
    if (ip := IpOptions.of(arguments)) is not None:
        from hwgen.soak.axi import soak_ips

        for option in ("design", "trust", "cache"):
            if getattr(arguments, option):
                raise HwgenError(f"--{option}", "no --ip beside it: an IP is emitted anew", "--ip")
        return soak_ips(options, ip, arguments.faults, arguments.seed, arguments.json)
    return soak(options, arguments.faults, arguments.seed, arguments.design, arguments.json, arguments.cache,
                arguments.trust)
