"""Pruning's section: how many channels go, which stay whatever happens, and in which steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from hwgen.spec.layers import Identifier
from hwgen.spec.values import Count, Number
from hwgen.yamlmarks import Frozen, between, wrong

Criterion = Literal[
    "l1", "l2", "random", "fpgm", "taylor", "snip", "mean_gradient", "apoz", "hrank", "similarity", "joint", "usc",
    "slimming", "none",
]  # fmt: skip
"""Names of the scores of `hwgen.train.criteria`."""
MOST_ROUNDS = 16


class SurvivingChannels(Frozen):
    """Output channels left after pruning, one count for every convolution."""

    encoder: Annotated[tuple[Count, ...], Field(min_length=1)]
    decoder: tuple[Count, ...] = ()


class Protected(Frozen):
    """Convolutions, by name, that keep all their channels, and so whatever meets these."""

    encoder: tuple[Identifier, ...] = ()
    decoder: tuple[Identifier, ...] = ()


class Pruning(Frozen):
    """Pruning of channels, by a ratio or by explicit surviving counts, and the criterion.

    Attributes
    ----------
    protected
        With a ratio only: counts say it themselves.
    rounds
        In how many rounds channels go, each followed by its part of fine-tuning (`hwgen.train.rounds`).
    soft
        Whether the first half of fine-tuning trains all channels, the worst of them set to zero again and again
        (`hwgen.train.soft_pruning`).
    smoothing
        Whether the survivors stand in for what goes, by least squares (`hwgen.train.channel_smoothing`).
    """

    criterion: Criterion = "l1"
    ratio: Annotated[Number, Field(ge=0, lt=1)] | None = None
    channels: SurvivingChannels | None = None
    protected: Protected | None = None
    rounds: Annotated[int, Strict(), between(1, MOST_ROUNDS)] = 1
    soft: Annotated[bool, Strict()] = False
    smoothing: Annotated[bool, Strict()] = False

    @model_validator(mode="after")
    def _one_of_them(self) -> Pruning:
        if self.criterion == "none":
            if self.ratio is not None or self.channels is not None:
                raise wrong("neither ratio nor channels with criterion none", "one of them", "criterion")
            for key in ("protected", "rounds", "soft", "smoothing"):
                if key in self.model_fields_set:
                    raise wrong("this key with another criterion than none only", "criterion none", key)
        elif (self.ratio is None) == (self.channels is None):
            raise wrong("exactly one of ratio and channels", "neither" if self.ratio is None else "both")
        if self.protected is not None and self.ratio is None:
            raise wrong("this key with a ratio only", "counts", "protected")
        if self.soft and self.rounds > 1:
            raise wrong("one of rounds and soft", "both", "soft")
        return self
