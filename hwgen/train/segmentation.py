"""Training of the segmentation network: cross entropy, crops with flips and gains, one cycle of AdamW, from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hwgen.metrics.semantic import UNLABELLED
from hwgen.train.labelled import Labelled
from hwgen.train.segmentation_network import Segmentation

BATCH = 8
CROP = (144, 192)
"""Rows and columns of a crop; of smaller images all."""
PEAK_RATE = 4e-3
DECAY = 1e-3
GAINS = (0.7, 1.3)
"""Range of the factor that each colour of a crop is multiplied by."""


def train(
    data: Labelled, steps: int, seed: int, say: Callable[[int, float], None] = lambda step, loss: None
) -> Segmentation:
    """Train from random weights, on one thread, so that the result repeats; `say` gets the loss of every step."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network = Segmentation().train()
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=max(steps, 2))
    for step in range(steps):
        pixels, labels = batch(data, rng)
        loss = functional.cross_entropy(network(pixels), labels, ignore_index=UNLABELLED)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        say(step, float(loss.detach()))
    return network.eval()


def batch(data: Labelled, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Crops, (N, 3, h, w) float32 at most 1, and the classes of their pixels, (N, h, w) int64."""
    rows, columns = (min(most, side) for most, side in zip(CROP, data.labels.shape[1:], strict=True))
    images, labels = [], []
    for index in rng.integers(0, len(data), BATCH):
        y = rng.integers(0, data.labels.shape[1] - rows + 1)
        x = rng.integers(0, data.labels.shape[2] - columns + 1)
        turn = int(rng.choice((1, -1)))
        cut = (index, slice(y, y + rows), slice(x, x + columns))
        images.append(data.images[cut][:, ::turn] / 256.0 * rng.uniform(*GAINS, 3))
        labels.append(data.labels[cut][:, ::turn])
    pixels = torch.from_numpy(np.minimum(np.stack(images), 1.0).astype(np.float32)).permute(0, 3, 1, 2)
    return pixels, torch.from_numpy(np.stack(labels).astype(np.int64))
