"""`hwgen verify`."""

from __future__ import annotations

import argparse

from hwgen.design_options import BOTH, SIDE_OR_BOTH, DesignOptions, add_options as add_design_options, wants_both
from hwgen.errors import HwgenError
from hwgen.ip.options import IpOptions, add_options as add_ip_options
from hwgen.limits import MOST_FRAMES, MOST_JOBS, SNRS_DB
from hwgen.option_values import Number, add_cache, path, seeds

TEXT = "simulate the emitted Verilog and compare every value of every layer with the quantised PyTorch model"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, side=SIDE_OR_BOTH)
    parser.add_argument("--out", type=path("--out"), metavar="DIR",
                        help="keep the design and the simulation here (default: a temporary folder, kept after a "
                             "failure)")
    parser.add_argument("--design", type=path("--design"), metavar="DIR",
                        help="verify this folder, which emit wrote, as it stands, instead of emitting the model anew; "
                             "--board, --fps and --frame are then its own. Simulating runs what its Verilog contains: "
                             "system tasks, macros and the like are refused")
    parser.add_argument("--trust", action="store_true",
                        help="run --design whatever its Verilog contains: with your rights, as its author's program")
    parser.add_argument("--images", type=path("--images"), metavar="PATH",
                        help="an image or a folder of them, of any size: scaled to cover the frame, then its centre "
                             "(default: scikit-image's free photos)")
    parser.add_argument("--frames", type=Number("--frames", int, 1, MOST_FRAMES), default=3, metavar="N",
                        help="images, back to back (default: 3)")
    parser.add_argument("--directed", type=Number("--directed", int, 0, 64), metavar="N",
                        help="at most so many frames behind them, made for what the images have not met in the layers "
                             "(default: 5; none with --ip)")
    parser.add_argument("--stall", type=Number("--stall", float, 0, 0.95), default=0.0, metavar="P",
                        help="probability of a stalled cycle on either side (default: 0)")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                        help="seed of the stalls and of the channel (default: 1)")
    parser.add_argument("--seeds", type=seeds, default=(), metavar="A..B",
                        help="verify with each of these seeds, such as 1..20 or 1,5,9..12, on one design and one "
                             "simulator")
    parser.add_argument("--jobs", type=Number("--jobs", int, 1, MOST_JOBS), default=1, metavar="N",
                        help="simulations at a time, of several seeds (default: 1)")
    parser.add_argument("--waveform", type=path("--waveform"), metavar="FILE",
                        help="write a .vcd file: all signals around what differs first, or else around the end of the "
                             "first frame")
    parser.add_argument("--snr", type=Number("--snr", float, *SNRS_DB), default=10.0, metavar="DB",
                        help="SNR of the channel in dB (default: 10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
    add_ip_options(parser, "verify the design as an IP, at its AXI ports: images through a DMA's traffic, registers, "
                           "counters, interrupt, soft resets in mid-frame")
    add_cache(parser)
    parser.add_argument("--junit", type=path("--junit"), metavar="FILE", help="write the result as JUnit XML, for CI")


def run(arguments: argparse.Namespace) -> int:
    """Verify; 0, 1 or 2."""
    from hwgen.verify.both import verify_both
    from hwgen.verify.command import verify
    from hwgen.verify.directed import MOST
    from hwgen.verify.run import Request

    ip = IpOptions.of(arguments)
    if ip is not None:
        for option in ("directed", "seeds", "waveform"):
            if getattr(arguments, option):
                raise HwgenError(f"--{option}", "no --ip beside it, which looks at the ports alone", "--ip")
        if arguments.side == BOTH:
            raise HwgenError("--ip", "one side at a time: --side tx or rx", "--side both")
    directed = arguments.directed
    if directed is None:
        directed = MOST if ip is None else 0
    both = wants_both(arguments)
    request = Request(
        DesignOptions.of(arguments), design=arguments.design, images=arguments.images, frames=arguments.frames,
        directed=directed, stall=arguments.stall, seed=arguments.seed, snr_db=arguments.snr,
        trust=arguments.trust, ip=ip,
    )  # fmt: skip
    if both:
        for option in ("seeds", "waveform"):
            if getattr(arguments, option):
                raise HwgenError(f"--{option}", "one side at a time: --side tx or rx", "--side both")
        return verify_both(
            request, out=arguments.out, json=arguments.json, junit=arguments.junit, cache=arguments.cache
        )
    return verify(request, out=arguments.out, json=arguments.json, junit=arguments.junit, cache=arguments.cache,
                  seeds=arguments.seeds, jobs=arguments.jobs, waveform=arguments.waveform)
