"""The linear code against its definition: components, shares of power, rotation, errors."""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from hwgen.errors import HwgenError
from hwgen.linear_code import (
    Array,
    Components,
    LinearCode,
    allocate,
    blocks,
    channels_of,
    linear_code,
    measure,
    picture,
    rotation,
)
from hwgen.metrics.psnr import psnr


def smooth(count: int = 6, height: int = 16, width: int = 24) -> list[np.ndarray]:
    """Random walks in both directions: neighbouring pixels are alike."""
    random = np.random.default_rng(0)
    walks = random.normal(size=(count, height, width, 3)).cumsum(1).cumsum(2)
    return list(np.clip(128 + 4 * walks, 0, 255).astype(np.uint8))


def covariance(images: list[np.ndarray], size: int) -> Array:
    values = np.concatenate([blocks(image, size).reshape(-1, 3 * size**2) for image in images])
    return np.cov(values.T)


def test_blocks_are_ordered_as_torch_orders_them() -> None:
    image = np.random.default_rng(1).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].double() / 256
    wanted = torch.nn.functional.pixel_unshuffle(tensor, 4)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(blocks(image, 4), wanted)
    assert np.array_equal(picture(blocks(image, 4), 4), image)


def test_parts_of_blocks_are_left_out() -> None:
    image = np.random.default_rng(1).integers(0, 256, (9, 15, 1), dtype=np.uint8)
    assert np.array_equal(blocks(image, 4), blocks(image[:8, :12], 4))


def test_pictures_are_rounded_and_clamped() -> None:
    values = np.array([[[-0.1, 0.5 / 256, 1.5 / 256, 2.4 / 256]]]).repeat(2, 1)
    assert picture(values, 1).tolist() == [[[0, 0, 2, 2]] * 2]
    assert picture(np.full((1, 1, 3), 1.0), 1).tolist() == [[[255, 255, 255]]]


def test_components_of_a_distribution_that_is_known() -> None:
    """Pixels of (128 + a, 128 + b, 128 + a): a = 12 and -12, b = 4 and -4, independent."""
    pixels = [[[128 + a, 128 + b, 128 + a] for a in (12, -12) for b in (4, -4)]]
    found = Components.of([np.array(pixels, np.uint8)], 1)
    assert found.mean.tolist() == [0.5, 0.5, 0.5]
    # four samples: sums of squares by three
    assert found.variances == pytest.approx(np.array([2 * 4 * 12**2, 4 * 4**2, 0]) / 3 / 2**16)
    half = math.sqrt(0.5)
    assert found.basis[:, :2] == pytest.approx(np.array([[half, 0], [0, 1], [half, 0]]))


def test_components_are_those_of_all_images_together() -> None:
    images = [*smooth(), smooth()[0][:8, :20]]
    found = Components.of(images, 4)
    assert found.basis @ np.diag(found.variances) @ found.basis.T == pytest.approx(covariance(images, 4))
    assert np.all(np.diff(found.variances) <= 0)


def test_a_single_block_has_no_components() -> None:
    with pytest.raises(HwgenError, match="linear code: wanted images with at least two blocks of 8x8 pixels, got 1"):
        Components.of([np.zeros((8, 12, 3), np.uint8)], 8)


def test_shares_of_power() -> None:
    """Gains v^(-1/4) give powers in the ratio of the square roots; the optimum takes the noise from each."""
    variances = np.array([16.0, 1.0])
    assert allocate(variances, 10.0, 0.5) == pytest.approx([8.0, 2.0])
    assert allocate(variances, 10.0, 0.5, "optimal") == pytest.approx([11 * 0.8 - 0.5, 11 * 0.2 - 0.5])


def test_what_does_not_pay_is_left_out() -> None:
    """A weak component costs the strong one more than it brings: 16/3 + 1/(1+2/3) against 16/4 + 1."""
    variances = np.array([16.0, 1.0])
    shares = np.array([3 * 0.8, 3 * 0.2])
    both = (variances / (shares + 1)).sum()
    assert both > 16 / 4 + 1
    assert allocate(variances, 3.0, 1.0).tolist() == [3.0]
    assert allocate(variances, 3.0, 1.0, "optimal").tolist() == [3.0], "4 * 0.2 - 1 is negative"


def test_the_optimum_is_one() -> None:
    """No other shares of the same sum have a smaller error (Lee and Petersen: it is convex)."""
    random = np.random.default_rng(2)
    variances, noise = np.sort(random.exponential(size=8))[::-1], 0.3
    best = allocate(variances, 4.0, noise, "optimal")
    padded = np.pad(best, (0, 8 - len(best)))

    def error(shares: Array) -> float:
        return float((variances * noise / (shares + noise)).sum())

    assert padded.sum() == pytest.approx(4.0)
    for _ in range(200):
        other = np.abs(padded + random.normal(scale=0.05, size=8))
        assert error(other * 4.0 / other.sum()) >= error(padded)
    quarter = allocate(variances, 4.0, noise)
    assert error(np.pad(quarter, (0, 8 - len(quarter)))) >= error(padded)


@pytest.mark.parametrize("channels", [1, 2, 5, 8, 12, 64])
def test_rotations(channels: int) -> None:
    matrix = rotation(channels)
    assert matrix @ matrix.T == pytest.approx(np.eye(channels))
    if channels & (channels - 1) == 0:
        assert np.abs(matrix) == pytest.approx(np.full((channels, channels), channels**-0.5))


def expected(code: LinearCode, spread: Array, noise: float) -> float:
    """Squared error of a block: of what is lost on the way without noise, and of the noise."""
    lost = np.eye(len(spread)) - code.receiver @ code.transmitter
    return float(np.trace(lost @ spread @ lost.T) + noise * np.square(code.receiver).sum())


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("allocation", ["quarter", "optimal"])
@pytest.mark.parametrize("snr_db", [-10.0, 3.0, 30.0])
def test_power_and_error_are_what_they_are_said_to_be(snr_db: float, allocation: str, rotated: bool) -> None:
    images = smooth()
    components, spread = Components.of(images, 4), covariance(images, 4)
    code = linear_code(components, 16, snr_db, 2.0, allocation, rotated)  # type: ignore[arg-type]
    noise = 2.0 * 10 ** (-snr_db / 10) / 2
    assert code.transmitter.shape == code.receiver.T.shape == (16, 48)
    powers = np.diag(code.transmitter @ spread @ code.transmitter.T)
    assert powers.sum() == pytest.approx(16 * 2.0 / 2)
    assert expected(code, spread, noise) / 48 == pytest.approx(code.error)
    if rotated:
        assert powers == pytest.approx(np.full(16, 1.0))
        plain = linear_code(components, 16, snr_db, 2.0, allocation)  # type: ignore[arg-type]
        assert code.error == plain.error
        assert code.receiver @ code.transmitter == pytest.approx(plain.receiver @ plain.transmitter)


def test_the_receiver_is_the_best_linear_one() -> None:
    """Against the normal equations: R = C T' (T C T' + s I)^-1."""
    images = smooth()
    spread = covariance(images, 4)
    code = linear_code(Components.of(images, 4), 12, 5.0, rotated=True)
    noise = 10**-0.5 / 2
    received = code.transmitter @ spread @ code.transmitter.T + noise * np.eye(12)
    assert code.receiver == pytest.approx(spread @ code.transmitter.T @ np.linalg.inv(received))


def test_without_noise_and_with_all_components_pictures_come_back() -> None:
    images = smooth()
    code = linear_code(Components.of(images, 2), 12, 120.0, rotated=True)
    for image in images:
        assert np.array_equal(code.receive(code.transmit(image)), image)


def test_refusals() -> None:
    components = Components.of(smooth(), 2)
    for channels in (0, 13):
        with pytest.raises(HwgenError, match=f"wanted 1 to 12 channels, the values of a block, got {channels}"):
            linear_code(components, channels, 10.0)
    grey = Components.of([np.full((8, 8, 3), 7, np.uint8)], 2)
    with pytest.raises(HwgenError, match="linear code: wanted images with some contrast, .*, got none"):
        linear_code(grey, 4, 10.0)


def test_power_is_measured_and_made_one() -> None:
    """The gain of equal power is the static one by the square root of the power: the noise grows by it instead."""
    train, val = smooth()[:4], smooth()[4:]
    code = linear_code(Components.of(train, 8), 64, 10.0)
    found = measure(code, val, 10.0, seed=5)
    sent = [code.transmit(image) for image in val]
    assert found.power == pytest.approx(np.mean([2 * np.square(symbols).mean() for symbols in sent]))
    quality = []
    for index, (image, symbols) in enumerate(zip(val, sent, strict=True)):
        noise = np.random.default_rng(5 + index).normal(size=symbols.shape) * np.sqrt(0.05)
        quality.append(psnr(image, code.receive(symbols + noise)))
    assert found.static_psnr_db == np.mean(quality)
    on_train = measure(code, train, 10.0)
    assert on_train.power == pytest.approx(23 / 24), "variances are sums divided by one block less than the 24"
    scale = math.sqrt(found.power)
    scaled = dataclasses.replace(code, transmitter=code.transmitter / scale, receiver=code.receiver * scale)
    again = measure(scaled, val, 10.0, seed=5)
    assert again.power == pytest.approx(1.0)
    assert again.static_psnr_db == pytest.approx(found.psnr_db, abs=1e-3), "but for pixels on the edge of rounding"


def test_images_are_measured_one_at_a_time() -> None:
    """Of images that are read from files as they are asked for, no two are ever held."""
    train = smooth()[:4]
    held: list[weakref.ref[Held]] = []

    class Files(Sequence[np.ndarray]):
        def __len__(self) -> int:
            return len(train)

        def __getitem__(self, index: Any) -> Any:
            image = train[index].view(Held)
            held.append(weakref.ref(image))
            assert sum(other() is not None for other in held) <= 2, "this one, and the one before until it is replaced"
            return image

    code = linear_code(Components.of(train, 8), 64, 10.0)
    assert measure(code, Files(), 10.0, seed=5) == measure(code, train, 10.0, seed=5)
    assert len(held) == 2 * len(train)
    with pytest.raises(HwgenError, match="linear code: wanted images to measure, got none"):
        measure(code, [], 10.0)


class Held(np.ndarray):
    """An array that a weak reference can be made to."""


def test_channels_of_a_ratio() -> None:
    assert channels_of(Fraction(1, 6), 768, "here") == 256
    assert channels_of(Fraction(1, 2), 12, "here") == 12
    for share, got in ((Fraction(1, 7), "1536/7"), (Fraction(2, 3), "1024"), (Fraction(0), "0")):
        with pytest.raises(HwgenError) as caught:
            channels_of(share, 768, "here")
        wanted = "a k/n that gives 1 to 768 real symbols for a block's 768 values"
        assert str(caught.value) == f"here: wanted {wanted}, got {got}"
