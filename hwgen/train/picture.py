"""A picture for people: images beside what the receiver makes of them at some SNRs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hwgen.emit import load_graph
from hwgen.errors import HwgenError
from hwgen.images import load_images
from hwgen.ir.execute import execute
from hwgen.spec import load
from hwgen.train.reconstruct import reconstruct

CAPTION = 20
"""Height in pixels of the line above each image."""


def picture(
    model: str | Path,
    out: Path,
    images: Path | None = None,
    frames: int = 2,
    snrs_db: Sequence[float] = (1.0, 10.0, 19.0),
    frame: tuple[int, int] | None = None,
    seed: int = 1,
) -> None:
    """Write a PNG: a row per image, the original first, then its reconstruction at each SNR with its PSNR.

    The symbols are the integer graph's, which are those of the emitted transmitter.

    Parameters
    ----------
    model : name or path of a trained model with a decoder
    out : the PNG to write
    images, frames : as for `hwgen.images.load_images`
    snrs_db : of the AWGN channel
    frame : (width, height); None takes the specification's
    seed : of the channel noise

    Raises
    ------
    HwgenError : no trained decoder, bad images
    """
    spec = load(model)
    if not spec.decoder or not spec.checkpoint_path.is_file():
        raise HwgenError(str(spec.checkpoint_path), "a trained model with a decoder", "no such file")
    width, height = frame or (spec.frame.width, spec.frame.height)
    spec.check_frame(width, height, "--frame")
    graph = load_graph(spec)
    rows = []
    for image in load_images(images, frames, width, height):
        symbols = execute(graph, image)[graph.nodes[-1].name].astype(np.int64)
        cells = [_cell(image, "original")]
        for snr in snrs_db:
            seen = reconstruct(spec, spec.checkpoint_path, symbols, snr, seed)
            cells.append(_cell(seen, f"{snr:g} dB SNR: PSNR {_psnr(image, seen):.1f} dB"))
        rows.append(np.concatenate(cells, axis=1))
    part = out.with_name(f".{out.name}.part")
    try:
        Image.fromarray(np.concatenate(rows, axis=0)).save(part, format="PNG", optimize=True)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _psnr(image: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> float:
    error = float(np.mean((image.astype(np.float64) - seen) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def _cell(image: npt.NDArray[np.uint8], text: str) -> npt.NDArray[np.uint8]:
    """The image under its caption, with a thin white margin."""
    line = Image.new("RGB", (image.shape[1], CAPTION), "white")
    ImageDraw.Draw(line).text((4, 3), text, fill="black", font=ImageFont.load_default(13))
    cell = np.concatenate([np.asarray(line), image], axis=0)
    return np.pad(cell, ((0, 4), (0, 4), (0, 0)), constant_values=255)
