"""Packing and unpacking of the streams' words."""

from __future__ import annotations

import numpy as np
import pytest

from hwgen.numerics.words import (
    pack_coefficients,
    pack_pixels,
    pack_symbols,
    signed_values,
    unpack_lanes,
    unpack_pixels,
    unpack_symbols,
)


def test_pack_symbols_orders_and_pads() -> None:
    words = pack_symbols(np.array([[[1, -1], [0x1234, -32768]], [[32767, 2], [3, 4]]])[:, :, :])
    assert words.tolist() == [0xFFFF0001, 0x80001234, 0x00027FFF, 0x00040003]
    assert words.dtype == np.uint32
    assert pack_symbols(np.array([5, 6, -7])).tolist() == [0x00060005, 0x0000FFF9]
    assert pack_symbols(np.array([], dtype=np.int64)).shape == (0,)


def test_pack_symbols_refuses_wide_values() -> None:
    with pytest.raises(ValueError, match="wanted -32768..32767, got 0..32768"):
        pack_symbols(np.array([0, 32768]))


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_packed_symbols_are_the_values_in_little_endian_order(count: int) -> None:
    values = np.random.default_rng(count).integers(-32768, 32768, count)
    halves = np.frombuffer(pack_symbols(values).astype("<u4").tobytes(), dtype="<i2")
    assert halves.tolist() == values.tolist() + [0] * (count % 2)


def test_unpacked_symbols_are_the_packed_ones() -> None:
    values = np.random.default_rng(0).integers(-32768, 32768, (50, 2))
    assert unpack_symbols(pack_symbols(values)).tolist() == values.tolist()
    assert unpack_symbols(np.array([0x80007FFF], dtype=np.uint32)).tolist() == [[32767, -32768]]


@pytest.mark.parametrize("shape", [(3, 4, 3), (2, 3, 4, 3), (2, 3, 4, 1), (1, 1, 2)])
def test_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    words = pack_pixels(pixels)
    assert words.dtype == np.uint32 and words.shape == (*shape[:-3], shape[-3] * shape[-2])
    plain = [sum(int(value) << 8 * lane for lane, value in enumerate(pixel)) for pixel in pixels.reshape(-1, shape[-1])]
    assert words.reshape(-1).tolist() == plain
    assert np.array_equal(unpack_pixels(words, *shape[-3:]), pixels)


@pytest.mark.parametrize("images", [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 3), np.uint8), np.zeros((2, 2, 3))])
def test_other_pixels_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"images: wanted uint8 \(..., H, W, C\) with C from 1 to 3, got "):
        pack_pixels(images)


def test_coefficients() -> None:
    words = pack_coefficients(np.array([[[-1, 1], [0x7FFF, -0x8000]], [[2, 3], [4, 5]]]))
    assert words.tolist() == [[0x0001FFFF, 0x80007FFF], [0x00030002, 0x00050004]]
    with pytest.raises(ValueError, match=r"coefficients: wanted pairs \(frames, ..., 2\), got shape \(2, 3\)"):
        pack_coefficients(np.zeros((2, 3), dtype=np.int64))
    with pytest.raises(ValueError, match="values: wanted -32768..32767, got 0..32768"):
        pack_coefficients(np.array([[0, 32768]]))


def test_lanes_and_signs() -> None:
    lanes = unpack_lanes(np.array([0x4321, 0xFFFFFFFF], dtype=np.uint32), 3, 4)
    assert lanes.tolist() == [[1, 2, 3], [15, 15, 15]] and lanes.dtype == np.uint32
    assert signed_values(np.arange(8), 3, True).tolist() == [0, 1, 2, 3, -4, -3, -2, -1]
    assert signed_values(np.arange(8), 3, False).tolist() == list(range(8))
