"""The best file of an image for a number of bits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, features
from skimage import data

from hwgen.link import source_code
from hwgen.link.source_code import Code, Picture, codes
from hwgen.metrics.psnr import psnr

IMAGE = data.astronaut()[100:164, 100:196]


def test_codes_that_pillow_has() -> None:
    names = [code.name for code in codes()]
    assert names.count("JPEG") == 2
    assert ("WEBP" in names) == features.check("webp") and ("AVIF" in names) == features.check("avif")


@pytest.mark.parametrize("bits", [9_000, 20_000])
def test_the_whole_file_counts(bits: int) -> None:
    best = Picture(IMAGE).best(bits)
    assert best is not None and best.bits <= bits
    fitting = []
    for code in codes():
        for quality in range(1, code.most + 1, 7):
            file = code.encode(IMAGE, quality)
            if 8 * len(file) <= bits:
                seen = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
                fitting.append(psnr(IMAGE, seen))
    assert psnr(IMAGE, best.image) >= max(fitting)


def test_the_best_of_one_code_is_its_largest_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg = Code("JPEG", 95, (("subsampling", "4:4:4"),))
    monkeypatch.setattr(source_code, "codes", lambda: (jpeg,))
    sizes = [8 * len(jpeg.encode(IMAGE, quality)) for quality in range(1, 96)]
    picture = Picture(IMAGE)
    for bits in (sizes[0], sizes[40] - 1, sizes[40], sizes[-1] + 1):
        best = picture.best(bits)
        assert best is not None and best.bits == max(size for size in sizes if size <= bits)
    assert picture.best(sizes[0] - 1) is None


def test_mean_colour() -> None:
    flat = Picture(IMAGE).mean_colour()
    assert flat.shape == IMAGE.shape and (flat == flat[0, 0]).all()
    assert flat[0, 0].tolist() == np.rint(IMAGE.reshape(-1, 3).mean(0)).tolist()
