"""A picture for people: an image and what the receiver sees of it at some SNRs.

Transmitter and receiver are the quantised PyTorch model's, bit for bit the hardware's; between them, the radio channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.images import find_images, load_images
from hwgen.metrics.psnr import psnr
from hwgen.outputs import check_file, replaced_file
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
    from hwgen.reference.link import load_link

    spec = specs.load(model)
    check_file("--out", out)
    if not spec.decoder or not spec.checkpoint_path.is_file():
        raise HwgenError(str(spec.checkpoint_path), "a trained model with a decoder", "no such file")
    find_images(images)
    link = load_link(DesignOptions(model, frame=frame))
    width, height = link.size
    pixels = load_images(images, 1, width, height)[0]
    tiles = [("original", pixels)]
    for snr in snrs_db:
        realisation = link.draw(snr, seed)
        own = link.at_profile(link.profile_of(snr))
        symbols = own.transmit(pixels, realisation)["symbols"]
        seen = own.receive(realisation.apply(symbols), realisation)["pixels"]
        tiles.append((f"SNR {snr:g} dB: PSNR {psnr(pixels, seen):.2f} dB", seen))
    sheet = Image.new("RGB", (2 * width, -(-len(tiles) // 2) * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (caption, tile) in enumerate(tiles):
        x, y = index % 2 * width, index // 2 * (height + CAPTION)
        sheet.paste(Image.fromarray(tile), (x, y + CAPTION))
        draw.text((x + 4, y + 3), caption, "black", font=ImageFont.load_default(15))
    with replaced_file(out) as part:
        sheet.save(part, format="PNG", optimize=True)
