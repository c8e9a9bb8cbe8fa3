"""The separation bound against its definition."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from skimage import data

from hwgen.link.separation import Jpegs, capacity_bits, path_gains, scan_bits
from hwgen.metrics.psnr import psnr
from hwgen.radio.channel import draw
from hwgen.spec.model import Channel


def test_capacity_of_awgn() -> None:
    found = draw(Channel(), 10.0, 8, 1)
    assert capacity_bits(found, 1000) == pytest.approx(1000 * math.log2(11))


@pytest.mark.parametrize("scheme", ["svd", "alamouti"])
def test_gains_of_two_antennas(scheme: str) -> None:
    found = draw(Channel(kind="mimo2x2", scheme=scheme), 10.0, 8, 3)
    assert np.sum(path_gains(found)) == pytest.approx(np.sum(np.abs(found.h) ** 2) / (1 if scheme == "svd" else 2))
    if scheme == "svd":  # log2 det(I + H H^H SNR), two symbols a slot
        wanted = np.linalg.slogdet(np.eye(2) + 10 * found.h @ found.h.conj().T)[1] / math.log(2)
        assert capacity_bits(found, 100) == pytest.approx(50 * wanted)


def test_gains_of_one_antenna() -> None:
    flat = draw(Channel(kind="rayleigh"), 10.0, 8, 3)
    assert capacity_bits(flat, 10) == pytest.approx(10 * math.log2(1 + 10 * abs(flat.h) ** 2))
    many = draw(Channel(kind="ofdm", subcarriers=8), 10.0, 8, 3)
    assert capacity_bits(many, 8) == pytest.approx(np.sum(np.log2(1 + 10 * np.abs(many.h) ** 2)))


def test_best_jpeg_that_fits() -> None:
    image = data.astronaut()[100:164, 100:196]
    found = Jpegs.of(image)
    assert (np.diff(found.psnr) >= 0).all() and (np.diff(found.bits) >= 0).all()
    for budget in (int(found.bits[0]), 9000):
        best = 0.0
        for quality in range(1, 101):
            for colours in ("4:4:4", "4:2:0"):
                buffer = io.BytesIO()
                Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=colours)
                if scan_bits(buffer.getvalue()) <= budget:
                    best = max(best, psnr(image, np.asarray(Image.open(buffer))))
        assert found.fits(budget)
        assert found.at(budget) == pytest.approx(max(best, found.mean_colour))


def test_none_fits_means_the_mean_colour() -> None:
    image = data.astronaut()[100:164, 100:196]
    found = Jpegs.of(image)
    least = int(found.bits[0])
    assert not found.fits(least - 1)
    flat = np.tile(np.rint(image.reshape(-1, 3).mean(0)).astype(np.uint8), (64, 96, 1))
    assert found.at(least - 1) == pytest.approx(psnr(image, flat))


def test_scan_bits_leave_out_headers() -> None:
    """A flat image leaves hardly anything: three blocks' worth, not the header's hundreds of bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 128, np.uint8)).save(buffer, "JPEG", subsampling="4:4:4")
    assert len(buffer.getvalue()) > 500
    assert 8 <= scan_bits(buffer.getvalue()) <= 32
