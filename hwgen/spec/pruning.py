"""Pruning's section: how many channels go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwgen.spec.values import Count, Number
from hwgen.yamlmarks import Frozen, wrong

Criterion = Literal[
    "l1", "l2", "random", "fpgm", "taylor", "snip", "mean_gradient", "apoz", "hrank", "similarity", "joint", "usc",
    "slimming", "none",
]  # fmt: skip
"""Names of the scores of `hwgen.train.criteria`."""


class SurvivingChannels(Frozen):
    """Output channels left after pruning, one count for every convolution."""

    encoder: Annotated[tuple[Count, ...], Field(min_length=1)]
    decoder: tuple[Count, ...] = ()


class Pruning(Frozen):
    """Pruning of channels, by a ratio or by explicit surviving counts, and the criterion."""

    criterion: Criterion = "l1"
    ratio: Annotated[Number, Field(ge=0, lt=1)] | None = None
    channels: SurvivingChannels | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Pruning:
        if self.criterion == "none":
            if self.ratio is not None or self.channels is not None:
                raise wrong("neither ratio nor channels with criterion none", "one of them", "criterion")
        elif (self.ratio is None) == (self.channels is None):
            raise wrong("exactly one of ratio and channels", "neither" if self.ratio is None else "both")
        return self
