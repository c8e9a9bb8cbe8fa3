"""Training of the segmentation network, and the labelled images that it takes."""

from __future__ import annotations

import numpy as np
import torch

from hwgen.metrics.semantic import UNLABELLED, accuracy
from hwgen.train import segmentation
from hwgen.train.labelled import Labelled
from hwgen.train.segmentation_network import classes


def scenes(count: int) -> Labelled:
    """Bright sky above a dark road, the horizon anywhere; a strip without labels."""
    rng = np.random.default_rng(3)
    images, labels = np.zeros((count, 32, 48, 3), np.uint8), np.zeros((count, 32, 48), np.uint8)
    for image, label in zip(images, labels, strict=True):
        horizon = int(rng.integers(8, 24))
        image[:horizon], image[horizon:] = (200, 210, 240), (60, 60, 60)
        label[horizon:] = 3
        label[:, :4] = UNLABELLED
    return Labelled(images, labels)


def test_it_learns_and_repeats() -> None:
    losses: list[float] = []
    data = scenes(8)
    network = segmentation.train(data, 25, 1, lambda step, loss: losses.append(loss))
    assert len(losses) == 25 and losses[-1] < losses[0] / 2
    found = [accuracy(classes(network, image), label) for image, label in zip(data.images, data.labels, strict=True)]
    assert np.mean(found) > 0.8
    again = segmentation.train(data, 2, 1, lambda step, loss: losses.append(loss))
    assert losses[25] == losses[0]  # before the first step of a schedule that is another one
    assert set(again.state_dict()) == set(network.state_dict())


def test_crops_keep_labels_and_pixels_together() -> None:
    data = scenes(4)
    pixels, labels = segmentation.batch(data, np.random.default_rng(5))
    assert pixels.shape == (8, 3, 32, 48) and labels.shape == (8, 32, 48) and float(pixels.max()) <= 1.0
    bright = pixels[:, 0] > 0.4
    known = labels != UNLABELLED
    assert torch.equal(bright[known], (labels == 0)[known])
