"""The command line of `hwgen link`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from hwgen.cli.values import Number, frame, init
from hwgen.spec.model import Kind


def run(arguments: argparse.Namespace) -> int:
    """`hwgen link`."""
    from hwgen.link.command import link

    return link(
        arguments.model, [snr for group in arguments.snr for snr in group], channel=arguments.channel,
        images=arguments.images, frames=arguments.frames, simulate=arguments.simulate, frame=arguments.frame,
        board=arguments.board, fps=arguments.fps, init=arguments.init, seed=arguments.seed, stall=arguments.stall,
        waveform=arguments.waveform, sweep=arguments.sweep, out=arguments.out, json=arguments.json, csv=arguments.csv,
    )  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options to the subcommand."""
    parser.add_argument("--model", required=True, metavar="M", help="a trained model with both sides: a name, a folder "
                                                                     "or a specification's path")
    parser.add_argument("--snr", action="append", nargs="+", default=[], type=Number("--snr", float, -20, 60),
                        metavar="DB", help="SNR of the channel in dB; of several, the curve is drawn (default: 10)")
    parser.add_argument("--sweep", action="store_true",
                        help="PSNR against SNR, beside the float network and the separation bound, as plot, JSON and "
                             "CSV (default SNRs: 1 4 7 10 13 19)")
    parser.add_argument("--channel", choices=get_args(Kind), help="default: the specification's")
    parser.add_argument("--images", type=Path, metavar="PATH",
                        help="an image or a folder of them, as for verify (default: scikit-image's free photos)")
    parser.add_argument("--frames", type=Number("--frames", int, 1), default=3, metavar="N",
                        help="images, in the order of their paths (default: 3)")
    parser.add_argument("--simulate", type=Number("--simulate", int, 0), metavar="N",
                        help="send only N of them, evenly spaced, through the Verilog, the others through PyTorch "
                             "alone (default: all)")
    parser.add_argument("--frame", type=frame, metavar="WxH", help="frame size (default: the specification's)")
    parser.add_argument("--board", default="pynq_z2", metavar="B",
                        help="what both sides are sized for: name or path (default: pynq_z2)")
    parser.add_argument("--fps", type=Number("--fps", float, 0.001), metavar="N",
                        help="rate to size both sides for (default: as many as the board allows)")
    parser.add_argument("--init", type=init, metavar="random:SEED", help="random integers as weights")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                        help="seed of the first frame's fading and noise, the next frame's is one more (default: 1)")
    parser.add_argument("--stall", type=Number("--stall", float, 0, 0.95), default=0.0, metavar="P",
                        help="probability of a stalled cycle on either side of both designs (default: 0)")
    parser.add_argument("--waveform", action="store_true",
                        help="write tx.vcd and rx.vcd: all signals around the end of the first frame")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="where images, designs and results go (default: hwgen_out/MODEL_link_CHANNEL)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV there, too")
