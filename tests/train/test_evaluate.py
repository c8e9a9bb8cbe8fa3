"""PSNR, SSIM and static gain against numbers that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from hwgen.metrics.psnr import psnr_of_mse
from hwgen.spec.model import Channel
from hwgen.train.channel import symbol_power
from hwgen.train.evaluate import batches, evaluate, mean_power, static_gain


class Offset:
    """Sends the picture itself; the receiver gets it back with a given error, whatever the noise."""

    power = 1.0
    channel = Channel()

    def __init__(self, error: Tensor) -> None:
        self.error = error
        self.images = torch.zeros(0)

    def encode(self, images: Tensor) -> Tensor:
        self.images = images
        return images

    def decode(self, received: Tensor) -> Tensor:
        return self.images + self.error[: len(received)].view(-1, 1, 1, 1) / 256.0

    def eval(self) -> None:
        pass


def pictures(count: int, width: int = 24, height: int = 16) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(40, 200, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def test_mean_psnr_and_psnr_of_the_mean() -> None:
    """Errors of 2 and of 10 steps: MSEs 4 and 100, so 42.11 and 28.13 dB, and 52 on average."""
    result = evaluate(Offset(torch.tensor([2.0, 10.0])), pictures(2), 4, (10.0,))[10.0]
    assert result.psnr == pytest.approx((psnr_of_mse(4.0) + psnr_of_mse(100.0)) / 2.0, abs=1e-5)
    assert result.psnr == pytest.approx(35.12, abs=0.01)
    assert result.psnr_of_mean_mse == pytest.approx(10.0 * math.log10(255.0**2 / 52.0), abs=1e-5)


def test_outputs_are_clamped_and_rounded_to_pixels() -> None:
    white = [np.full((16, 16, 3), 250, np.uint8)]
    assert evaluate(Offset(torch.tensor([60.0])), white, 4, (10.0,))[10.0].psnr == pytest.approx(psnr_of_mse(25.0))
    assert evaluate(Offset(torch.tensor([0.4])), white, 4, (10.0,))[10.0].psnr == math.inf


def test_ssim_is_the_usual_one() -> None:
    """Against scikit-image's, with the parameters of the original paper."""
    image = pictures(1, 40, 40)[0]
    result = evaluate(Offset(torch.tensor([25.0])), [image], 4, (10.0,))[10.0]
    expected = structural_similarity(
        image,
        image + 25,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
    )
    assert result.ssim == pytest.approx(expected, abs=2e-3)


def test_static_gain_gives_the_power_on_average() -> None:
    network, images = Offset(torch.zeros(9)), pictures(9)
    gain = static_gain(network, images, 4)
    powers = torch.cat([symbol_power(batch * gain) for batch in batches(images, 4)])
    assert powers.mean().item() == pytest.approx(1.0, rel=1e-5)
    assert powers.std().item() > 0, "but not every image's"
    assert mean_power(lambda batch: batch * gain, images, 4) == pytest.approx(1.0, rel=1e-5)


def test_batches_keep_order_and_crop_to_the_strides() -> None:
    images = [*pictures(3, 24, 16), *pictures(1, 21, 18), *pictures(2, 24, 16)]
    shapes = [tuple(batch.shape) for batch in batches(images, 4, limit=2)]
    assert shapes == [(2, 3, 16, 24), (1, 3, 16, 24), (1, 3, 16, 20), (2, 3, 16, 24)]
    first = next(iter(batches(images, 4)))
    assert torch.equal((first[1] * 256.0).permute(1, 2, 0), torch.from_numpy(images[1].astype(np.float32)))


def test_the_noise_is_the_same_for_every_network() -> None:
    class Sees(Offset):
        received: list[Tensor]

        def decode(self, received: Tensor) -> Tensor:
            self.received = [*getattr(self, "received", []), received]
            return super().decode(received)

    first, second = Sees(torch.zeros(1)), Sees(torch.ones(1))
    for network in (first, second):
        evaluate(network, pictures(1), 4, (1.0, 19.0))
    assert all(torch.equal(a, b) for a, b in zip(first.received, second.received, strict=True))
