from pathlib import Path

import numpy as np
from PIL import Image

from hwgen.cli.main import main
from hwgen.images import load_images
from hwgen.metrics.psnr import psnr
from hwgen.picture import CAPTION
from hwgen.spec import model as spec


def test_original_and_reconstructions(tmp_path: Path) -> None:
    assert main(["picture", "--model", "tiny", "--out", str(tmp_path / "a.png")]) == 0
    frame = spec.load("tiny").frame
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    assert sheet.shape == (2 * (frame.height + CAPTION), 2 * frame.width, 3)
    original = load_images(None, 1, frame.width, frame.height)[0]
    tiles = [sheet[y + CAPTION : y + CAPTION + frame.height, x : x + frame.width]
             for y in (0, frame.height + CAPTION) for x in (0, frame.width)]
    assert (tiles[0] == original).all()
    quality = [psnr(original, tile) for tile in tiles[1:]]
    assert 10 < quality[0] < quality[1]
    assert main(["picture", "--model", "tiny", "--out", str(tmp_path / "b.png")]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_psnr() -> None:
    black = np.zeros((2, 2, 3), np.uint8)
    assert psnr(black, black) == float("inf")
    assert psnr(black, black + np.uint8(255)) == 0
