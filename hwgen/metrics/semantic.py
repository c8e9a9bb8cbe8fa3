"""Semantic fidelity as figures: pixel accuracy, the useful share of it, Usc, and that by its cost, Esc.

No formula of these two could be found in print; hwgen's own are

    Usc = clip((Q - Q0) / (Q1 - Q0), 0, 1)
    Esc = Usc / sum over i of w_i R_i / R_i,ref

Q is the pixel accuracy of `hwgen.train.segmentation_network` on what was received, Q0 that on images' mean colours, Q1
that behind the float network without noise. R are what a transmitter costs: k/n, MACs and cycles per pixel, bits of its
weights; the weights w add up to 1. Esc of the reference itself is its Usc. Compare with nothing but hwgen's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
"""CamVid's, by their labels."""
UNLABELLED = len(CLASSES)
"""The label of pixels that count for nothing."""
REFERENCE = {
    "symbols_per_sample": 1 / 6,
    "macs_per_pixel": 6562.5,
    "weight_bits": 809_632.0,
    "cycles_per_pixel": 7.96875,
}
"""cityscapes_conv's transmitter: its card, and 1,044,480 cycles for a frame of 512x256 on pynq_z2 (`hwgen verify`)."""


def accuracy(found: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> float:
    """Share of the labelled pixels, (H, W), that have the right class.

    Raises
    ------
    ValueError
        Shapes that differ, or no pixel with a label.
    """
    if found.shape != labels.shape:
        raise ValueError(f"found: wanted shape {labels.shape}, got {found.shape}")
    known = labels < UNLABELLED
    if not known.any():
        raise ValueError("labels: wanted a pixel with a class, got none")
    return float((found == labels)[known].mean())


def usc(quality: float, none: float, best: float) -> float:
    """Useful share of the semantic fidelity, 0 to 1.

    Raises
    ------
    ValueError
        The best is no better than none.
    """
    if best <= none:
        raise ValueError(f"best: wanted more than {none}, got {best}")
    return min(max((quality - none) / (best - none), 0.0), 1.0)


def weights(costs: Mapping[str, float]) -> dict[str, float]:
    """Equal weights of the costs that are known."""
    return {name: 1.0 / len(costs) for name in costs}


def esc(useful: float, costs: Mapping[str, float]) -> float:
    """Usc by the weighted mean of the costs, names of `REFERENCE`, each by its reference's."""
    return useful / sum(weight * costs[name] / REFERENCE[name] for name, weight in weights(costs).items())
