"""A picture for people: images, and what came out of the link at each SNR."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hwgen.link.measure import Result
from hwgen.metrics.psnr import psnr

ROWS = 4
"""Frames that are shown, the first that were simulated."""
CAPTION = 18
"""Height of the captions in pixels."""
FONT_SIZE = 12


def draw(path: Path, result: Result) -> None:
    """Write a PNG: a row per frame, the original and then what was received, with captions."""
    width, height = result.link.size
    frames = (result.request.simulated or range(len(result.images)))[:ROWS]
    snrs = list(result.received)
    sheet = Image.new("RGB", ((1 + len(snrs)) * width, len(frames) * (height + CAPTION)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for row, index in enumerate(frames):
        original = result.images[index]
        tiles = [("original", original)]
        for snr_db in snrs:
            seen = result.received[snr_db][index]
            tiles.append((f"{snr_db:g} dB SNR: {psnr(original, seen):.2f} dB", seen))
        for column, (caption, tile) in enumerate(tiles):
            x, y = column * width, row * (height + CAPTION)
            sheet.paste(Image.fromarray(tile), (x, y + CAPTION))
            pen.text((x + 3, y + 2), caption, "black", font=font)
    sheet.save(path, format="PNG", optimize=True)
