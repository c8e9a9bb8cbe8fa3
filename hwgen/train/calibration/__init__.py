"""Calibration of quantisers: which scale values get, by the names that `quantisers` of a specification has.

A file a method, and the table of all of them (`hwgen.spec.quantisers`, docs/model_spec.md). Each ends in an exponent of
two, so whatever is chosen has the same integer form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwgen.spec.quantisers import Quantisers
from hwgen.train.calibration.choice import ByCost, ByRange, Calibration
from hwgen.train.calibration.divergence import divergence
from hwgen.train.calibration.min_max import min_max
from hwgen.train.calibration.percentile import percentile
from hwgen.train.calibration.sigma import sigma
from hwgen.train.calibration.squared_error import squared_error

CALIBRATIONS: Mapping[str, Calibration] = {
    "mse": ByCost(squared_error),
    "kl": ByCost(divergence),
    "min_max": ByRange(min_max),
    "percentile": ByRange(percentile),
    "sigma": ByRange(sigma),
}
MSE = CALIBRATIONS["mse"]


@dataclass(frozen=True)
class Calibrations:
    """Those of a network.

    per_tensor : whether all of a convolution's weights have one scale
    """

    weights: Calibration = MSE
    per_tensor: bool = False
    activations: Calibration = MSE

    @classmethod
    def of(cls, asked: Quantisers) -> Calibrations:
        """Of a specification's section."""
        named = CALIBRATIONS[asked.weights], CALIBRATIONS[asked.activations]
        return cls(named[0], asked.weight_scales == "tensor", named[1])
