"""README's picture: an image and what the receiver sees of it, `python -m hwgen.picture --model M --out FILE`.

The integer graph is the transmitter (bit for bit what the hardware sends), the channel adds noise to its symbols, and
the quantised PyTorch decoder is the receiver.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hwgen import spec as specs
from hwgen.emit import load_graph
from hwgen.images import load_images
from hwgen.ir.execute import execute

SNRS_DB = (1.0, 10.0, 19.0)
CAPTION = 22
"""Height of the captions in pixels."""


def psnr(original: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> float:
    """In dB, 8-bit peak; both (H, W, 3)."""
    error = float(np.mean((original.astype(np.float64) - seen) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255.0**2 / error))


def picture(model: str | Path, image: Path | None, snrs_db: Sequence[float] = SNRS_DB, seed: int = 1) -> Image.Image:
    """The original and a reconstruction at each SNR, two to a row, with captions.

    Parameters
    ----------
    model : name or path of a trained model
    image : an image or a folder, whose first is taken; None takes a photo of scikit-image's

    Raises
    ------
    HwgenError : no such model or image, or the model is not trained
    """
    from hwgen.train.reconstruct import reconstruct

    spec = specs.load(model)
    graph = load_graph(spec)
    pixels = load_images(image, 1, spec.frame.width, spec.frame.height)[0]
    symbols = execute(graph, pixels)[graph.nodes[-1].name].astype(np.int64)
    tiles = [("original", pixels)]
    for snr in snrs_db:
        seen = reconstruct(spec, spec.checkpoint_path, symbols, snr, seed)
        tiles.append((f"SNR {snr:g} dB: PSNR {psnr(pixels, seen):.2f} dB", seen))
    height, width = pixels.shape[:2]
    sheet = Image.new("RGB", (2 * width, -(-len(tiles) // 2) * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (caption, tile) in enumerate(tiles):
        x, y = index % 2 * width, index // 2 * (height + CAPTION)
        sheet.paste(Image.fromarray(tile), (x, y + CAPTION))
        draw.text((x + 4, y + 3), caption, "black", font=ImageFont.load_default(15))
    return sheet


def main(argv: Sequence[str] | None = None) -> int:
    """Write the picture."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m hwgen.picture", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cityscapes_int8", help="a trained model (default: cityscapes_int8)")
    parser.add_argument("--image", type=Path, help="an image or a folder (default: a photo of scikit-image's)")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    arguments = parser.parse_args(argv)
    picture(arguments.model, arguments.image).save(arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
