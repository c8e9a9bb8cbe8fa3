"""A digital chain: which scheme it takes, and what it loses where the SNR differs."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from hwgen.link.digital import LOST, Design, DigitalChain, design
from hwgen.link.source_code import Picture
from hwgen.metrics.psnr import psnr
from hwgen.radio.ldpc import SCHEMES, BlockErrors, Count

IMAGES = [data.astronaut()[100:164, 100:196], data.coffee()[100:164, 100:196]]
SYMBOLS = 2 * 8192
LOW, HIGH = SCHEMES[1], SCHEMES[4]
"""Two blocks, and four."""
ERRORS = BlockErrors([
    Count(LOW.index, 0.0, 10, 10), Count(LOW.index, 1.0, 1000, 0), Count(HIGH.index, 3.0, 10, 9),
    Count(HIGH.index, 4.0, 1000, 3), Count(HIGH.index, 5.0, 1000, 2),
])  # fmt: skip


def test_the_largest_payload_that_is_hardly_ever_lost() -> None:
    assert 4 * 0.003 > LOST > 4 * 0.002
    chosen = [design(snr_db, SYMBOLS, ERRORS) for snr_db in (0.5, 1.0, 4.0, 5.0)]
    assert chosen == [None, Design(1.0, LOW, SYMBOLS), Design(4.0, LOW, SYMBOLS), Design(5.0, HIGH, SYMBOLS)]
    assert design(5.0, 8192, ERRORS) == Design(5.0, HIGH, 8192)
    assert design(4.0, 4096, ERRORS) == Design(4.0, HIGH, 4096)  # one block: 3 of 1000; LOW's does not fit
    assert design(9.0, 4095, ERRORS) is None
    assert Design(5.0, HIGH, SYMBOLS).payload_bits == 4 * (HIGH.information_bits - 24)


def test_expected_quality_and_the_cliff() -> None:
    chain = DigitalChain(SYMBOLS, ERRORS)
    chain.make((0.0, 1.0, 5.0, 10.0), (5.0, 0.0))
    for image in IMAGES:
        chain.add(image)
    assert list(chain.matched) == [1.0, 5.0, 10.0] and chain.fixed == (Design(5.0, HIGH, SYMBOLS),)
    best = [Picture(image).best(chain.fixed[0].payload_bits) for image in IMAGES]
    coded = np.mean([psnr(image, one.image) for image, one in zip(IMAGES, best, strict=True) if one is not None])
    flat = np.mean([psnr(image, Picture(image).mean_colour()) for image in IMAGES])
    curve = chain.curve(chain.fixed[0], (1.0, 5.0, 10.0))
    assert [point.snr_db for point in curve] == [1.0, 3.0, 4.0, 5.0, 10.0]
    for point, rate in zip(curve, (1.0, 0.9, 0.003, 0.002, 0.002), strict=True):
        lost = 1 - (1 - rate) ** 4
        assert point.lost == lost
        assert point.quality.psnr_db == pytest.approx(lost * flat + (1 - lost) * coded)
    assert curve[0].quality.psnr_db == flat < coded
    assert chain.at(chain.matched[1.0], 1.0).quality.psnr_db < coded


def test_frames_without_room_for_a_block() -> None:
    chain = DigitalChain(128, ERRORS)
    chain.make((1.0, 10.0), (7.0,))
    chain.add(IMAGES[0])
    assert not chain.matched and not chain.fixed
