"""`hwgen link`."""

from __future__ import annotations

import argparse

from hwgen.design_options import NAMES, DesignOptions, add_options as add_design_options
from hwgen.limits import MOST_FRAMES, SNRS_DB
from hwgen.option_values import Number, add_cache, path

TEXT = "send images through transmitter, radio channel and receiver, in Verilog and in PyTorch, and compare every pixel"
OPTIONS = tuple(name for name in NAMES if name not in ("side", "top"))
"""A link has both sides."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(
        parser, *OPTIONS,
        model={"help": "a trained model with both sides: a name, a folder or a specification's path"},
        channel={"help": "what is between them (default: the specification's)"},
        board={"help": "what both sides are sized for: name or path (default: pynq_z2)"},
        fps={"help": "rate to size both sides for (default: as many as the board allows)"},
    )  # fmt: skip
    parser.add_argument("--snr", action="append", nargs="+", default=[], type=Number("--snr", float, *SNRS_DB),
                        metavar="DB", help="SNR of the channel in dB; of several, the curve is drawn (default: 10)")
    parser.add_argument("--sweep", action="store_true",
                        help="PSNR, SSIM and MS-SSIM against SNR, beside the float network, digital chains (image "
                             "files and LDPC codes) and the separation bound, as plot, JSON and CSV (default SNRs: 1 "
                             "4 7 10 13 19)")
    parser.add_argument("--linear-code", metavar="DATA",
                        help="of several SNRs: a curve of the linear code, fitted on these training images (as for "
                             "train --data)")
    parser.add_argument("--images", type=path("--images"), metavar="PATH",
                        help="an image or a folder of them, as for verify (default: scikit-image's free photos)")
    parser.add_argument("--frames", type=Number("--frames", int, 1, MOST_FRAMES), default=3, metavar="N",
                        help="images, in the order of their paths (default: 3)")
    parser.add_argument("--simulate", type=Number("--simulate", int, 0, MOST_FRAMES), metavar="N",
                        help="send only N of them, evenly spaced, through the Verilog, the others through PyTorch "
                             "alone (default: all)")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                        help="seed of the first frame's fading and noise, the next frame's is one more (default: 1)")
    parser.add_argument("--stall", type=Number("--stall", float, 0, 0.95), default=0.0, metavar="P",
                        help="probability of a stalled cycle on either side of both designs (default: 0)")
    parser.add_argument("--waveform", action="store_true",
                        help="write tx.vcd and rx.vcd: all signals around the end of the first frame")
    parser.add_argument("--out", type=path("--out"), metavar="DIR",
                        help="where images, designs and results go (default: hwgen_out/MODEL_link_CHANNEL)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
    add_cache(parser)
    parser.add_argument("--csv", type=path("--csv"), metavar="FILE", help="write the table as CSV there, too")


def run(arguments: argparse.Namespace) -> int:
    """Measure the link; 0, 1 or 2."""
    from hwgen.link.command import link

    return link(
        DesignOptions.of(arguments), [snr for group in arguments.snr for snr in group], images=arguments.images,
        frames=arguments.frames, simulate=arguments.simulate, seed=arguments.seed, stall=arguments.stall,
        waveform=arguments.waveform, sweep=arguments.sweep, out=arguments.out, json=arguments.json, csv=arguments.csv,
        cache=arguments.cache, linear_code=arguments.linear_code,
    )  # fmt: skip
