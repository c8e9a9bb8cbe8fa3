"""`hwgen demo`."""

from __future__ import annotations

import argparse

from hwgen.design_options import NAMES, DesignOptions, add_options as add_design_options
from hwgen.errors import HwgenError
from hwgen.limits import MOST_FRAMES, SNRS_DB
from hwgen.option_values import Number, add_cache, path

TEXT = "show pictures live on their way through both designs, each in its simulation with its driver, and a channel"
OPTIONS = tuple(name for name in NAMES if name not in ("side", "top"))
"""The demonstration has both sides."""
FRAME = (64, 32)
"""Small: several frames a second."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, *OPTIONS, frame={
        "help": "frame size in pixels, a multiple of the strides (default: 64x32, small enough to move)",
    })  # fmt: skip
    parser.add_argument("--snr", type=Number("--snr", float, *SNRS_DB), default=10.0, metavar="DB",
                        help="SNR of the channel in dB, until the page's slider is moved (default: 10)")
    parser.add_argument("--images", type=path("--images"), metavar="PATH",
                        help="an image or a folder of them, over which the camera moves (default: scikit-image's free "
                             "photos)")
    parser.add_argument("--frames", type=Number("--frames", int, 1, MOST_FRAMES), metavar="N",
                        help="end after so many frames (default: with a page never, without one 10)")
    parser.add_argument("--seed", type=Number("--seed", int, 0, 2**31), default=1, metavar="N",
                        help="seed of the first frame's fading and noise, the next frame's is one more (default: 1)")
    parser.add_argument("--port", type=Number("--port", int, 0, 65535), default=0, metavar="N",
                        help="of the page, on this machine alone (default: one that is free)")
    parser.add_argument("--until-closed", action="store_true", help="end when the page is closed")
    parser.add_argument("--no-page", action="store_true",
                        help="no page: print every frame's PSNR, and compare both ends with their integer graphs")
    parser.add_argument("--json", action="store_true",
                        help="with --no-page: print one JSON object on stdout, and nothing else there")
    add_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it; 0, 1 or 2."""
    from hwgen.demo.command import demo

    if arguments.json and not arguments.no_page:
        raise HwgenError("--json", "--no-page beside it", "a page")
    if arguments.no_page and arguments.until_closed:
        raise HwgenError("--until-closed", "a page", "--no-page")
    if arguments.no_page and arguments.port:
        raise HwgenError("--port", "a page", "--no-page")
    if arguments.frame is None:
        arguments.frame = FRAME
    return demo(
        DesignOptions.of(arguments), arguments.snr, arguments.images, arguments.frames, arguments.seed,
        not arguments.no_page, arguments.port, arguments.until_closed, arguments.json, arguments.cache,
    )  # fmt: skip
