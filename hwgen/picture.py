"""A picture for people: an image and what the receiver sees of it at some SNRs.

The integer graph is the transmitter (bit for bit what the hardware sends), the channel adds noise to its symbols, and
the quantised PyTorch decoder is the receiver.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwgen.errors import HwgenError
from hwgen.images import load_images, psnr
from hwgen.ir.execute import execute
from hwgen.model import load_graph
from hwgen.spec import model as specs

SNRS_DB = (1.0, 10.0, 19.0)
CAPTION = 22
"""Height of the captions in pixels."""


def picture(
    model: str | Path,
    out: Path,
    images: Path | None = None,
    snrs_db: Sequence[float] = SNRS_DB,
    frame: tuple[int, int] | None = None,
    seed: int = 1,
) -> None:
    """Write a PNG of the original and a reconstruction at each SNR, two to a row, with captions.

    Parameters
    ----------
    model : name or path of a trained model
    out : the PNG to write
    images : an image, or a folder whose first is taken; None takes a photo of scikit-image's
    snrs_db : of the specification's channel
    frame : (width, height); None takes the specification's
    seed : of the channel's noise and fading

    Raises
    ------
    HwgenError : no such model or image, or the model has no trained decoder
    """
    from hwgen.train.reconstruct import reconstruct

    spec = specs.load(model)
    if not spec.decoder or not spec.checkpoint_path.is_file():
        raise HwgenError(str(spec.checkpoint_path), "a trained model with a decoder", "no such file")
    width, height = frame or (spec.frame.width, spec.frame.height)
    spec.check_frame(width, height, "--frame")
    graph = load_graph(spec, channel="awgn")  # without a precoder: the channel is simulated as in training
    pixels = load_images(images, 1, width, height)[0]
    symbols = execute(graph, pixels)[graph.nodes[-1].name].astype(np.int64)
    tiles = [("original", pixels)]
    for snr in snrs_db:
        seen = reconstruct(spec, spec.checkpoint_path, symbols, snr, seed)
        tiles.append((f"SNR {snr:g} dB: PSNR {psnr(pixels, seen):.2f} dB", seen))
    sheet = Image.new("RGB", (2 * width, -(-len(tiles) // 2) * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (caption, tile) in enumerate(tiles):
        x, y = index % 2 * width, index // 2 * (height + CAPTION)
        sheet.paste(Image.fromarray(tile), (x, y + CAPTION))
        draw.text((x + 4, y + 3), caption, "black", font=ImageFont.load_default(15))
    part = out.with_name(f".{out.name}.part")
    try:
        sheet.save(part, format="PNG", optimize=True)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
