"""What a receiver would see: symbols through the specification's channel and the trained decoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from hwgen.numerics.integer import IntArray
from hwgen.train.channel import through
from hwgen.train.quantised import SYMBOL_FRACTION, from_checkpoint

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec


def reconstruct(
    spec: ModelSpec, checkpoint: Path, symbols: IntArray, snr_db: float, seed: int
) -> npt.NDArray[np.uint8]:
    """One frame behind the channel.

    Parameters
    ----------
    checkpoint : the quantised network's
    symbols : (H', W', C) integers, Q3.12: the output of the gain
    snr_db : P / sigma^2 in dB with the specification's P per complex symbol; each real part gets noise sigma^2 / 2
    seed : of the noise (and of fading); AWGN is drawn in float64, other channels are training's

    Returns
    -------
    (H, W, 3) uint8
    """
    sent = symbols.astype(np.float64) * 2.0**-SYMBOL_FRACTION
    if spec.channel.kind == "awgn":
        deviation = np.sqrt(spec.channel.power / 10 ** (snr_db / 10) / 2)
        sent = sent + np.random.Generator(np.random.PCG64(seed)).normal(0.0, deviation, sent.shape)
    received = torch.from_numpy(sent).float().permute(2, 0, 1)[None]
    if spec.channel.kind != "awgn":
        received = through(spec.channel, received, torch.tensor([snr_db]), torch.Generator().manual_seed(seed))
    network = from_checkpoint(spec, checkpoint)
    with torch.no_grad():
        image = network.decode(received)
    return (image[0].permute(1, 2, 0) * 256.0).round().clamp(0, 255).to(torch.uint8).numpy()
