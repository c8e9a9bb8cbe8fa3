"""`hwgen picture`."""

from __future__ import annotations

import argparse

from hwgen.limits import SNRS_DB
from hwgen.option_values import Number, frame, path

TEXT = "draw an image beside its reconstructions behind the channel"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--model", required=True, metavar="M", help="a trained model, with its decoder")
    parser.add_argument("--out", type=path("--out"), required=True, metavar="FILE", help="the PNG to write")
    parser.add_argument("--images", type=path("--images"), metavar="PATH",
                        help="an image, or a folder whose first is taken, as for verify")
    parser.add_argument("--snr", type=Number("--snr", float, *SNRS_DB), nargs="+", default=[1.0, 10.0, 19.0],
                        metavar="DB", help="SNRs of the channel in dB (default: 1 10 19)")
    parser.add_argument("--frame", type=frame, metavar="WxH", help="frame size (default: the specification's)")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                        help="seed of the noise (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Draw; 0."""
    from hwgen.picture import picture

    picture(arguments.model, arguments.out, images=arguments.images, snrs_db=arguments.snr, frame=arguments.frame,
            seed=arguments.seed)
    return 0
