"""The quantisers' section: how scales are calibrated."""

from __future__ import annotations

from typing import Literal

from hwgen.yamlmarks import Frozen

Method = Literal["mse", "kl", "min_max", "percentile", "sigma"]
"""Names of the calibrations of `hwgen.train.calibration`."""


class Quantisers(Frozen):
    """Calibration of weights and of activations, and whether weights have a scale per channel or one per tensor."""

    weights: Method = "mse"
    weight_scales: Literal["channel", "tensor"] = "channel"
    activations: Method = "mse"
