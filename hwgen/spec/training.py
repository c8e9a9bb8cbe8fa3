"""Training's sections: where the data comes from, and the schedule."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from hwgen.limits import MOST_PIXELS, MOST_PROFILES, MOST_STEPS
from hwgen.spec.values import Number, Side
from hwgen.yamlmarks import Frozen, Text, between, wrong


class Data(Frozen):
    """Where the training data comes from and the terms that the weights carry because of it."""

    license: Text
    source: Text


class Phase(Frozen):
    """One phase of training: optimiser steps and peak learning rate, that of the linear code's layers apart."""

    steps: Annotated[int, Strict(), between(0, MOST_STEPS)]
    lr: Annotated[Number, Field(gt=0, le=1)]
    linear_lr: Annotated[Number, Field(gt=0, le=1)] | None = None


class Training(Frozen):
    """The schedule: float, then fine-tuning after pruning, then quantisation-aware training.

    Attributes
    ----------
    start : str
        The float network's weights at first: random, or the linear code (`hwgen.train.linear_start`).
    power : str
        The source of the symbols' power while training: a factor for each image, or one for all.
    profiles : tuple
        SNRs in dB, ascending, at which one profile of the network ends and the next begins (`hwgen.train.profiles`);
        (): it has none.
    shares : tuple
        How often images are sent with each profile while training, in proportion, their SNRs uniform within its range;
        (): SNRs are uniform over the whole range.
    slimming, polarisation : float
        Weights of the penalties on batch normalisation's scales in the float phase (`hwgen.train.scale_penalty`).
    augment : tuple
        How crops are changed beside left-right flips (`hwgen.train.augment`).
    smoothing : float
        Decay of the running average of the weights, which is what a phase leaves, QAT too; 0: the last weights.
    """

    seed: Annotated[int, Strict(), Field(ge=0, lt=2**32)] = 1
    crop: Side = 128
    batch: Annotated[int, Strict(), between(1, 1 << 16)] = 16
    start: Literal["random", "linear_code"] = "random"
    power: Literal["image", "average"] = "image"
    profiles: Annotated[tuple[Annotated[Number, Field(ge=-100, le=100)], ...], Field(max_length=MOST_PROFILES - 1)] = ()
    shares: Annotated[tuple[Annotated[Number, Field(gt=0, le=1000)], ...], Field(max_length=MOST_PROFILES)] = ()
    augment: Annotated[tuple[Literal["turn", "colour"], ...], Field(max_length=2)] = ()
    smoothing: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    slimming: Annotated[Number, Field(ge=0, le=1)] = 0.0
    polarisation: Annotated[Number, Field(ge=0, le=1)] = 0.0
    finetune: Phase
    qat: Phase
    float: Phase  # last: below this line the name no longer means the type

    @model_validator(mode="after")
    def _consistent(self) -> Training:
        if self.batch * self.crop**2 > MOST_PIXELS:
            wanted = f"at most {MOST_PIXELS // self.crop**2} crops of {self.crop}x{self.crop}, {MOST_PIXELS} pixels"
            raise wrong(wanted, self.batch, "batch")
        for phase in ("float", "finetune", "qat"):
            if getattr(self, phase).linear_lr is not None and self.start != "linear_code":
                raise wrong("this key with start linear_code only", f"start {self.start}", phase, "linear_lr")
        if list(self.profiles) != sorted(set(self.profiles)):
            raise wrong("SNRs that ascend", list(self.profiles), "profiles")
        if self.profiles and self.power != "average":
            raise wrong("this key with power average only", f"power {self.power}", "profiles")
        if self.shares and len(self.shares) != len(self.profiles) + 1:
            raise wrong(f"a number for each of {len(self.profiles) + 1} profiles, or none", list(self.shares), "shares")
        if len(set(self.augment)) != len(self.augment):
            raise wrong("each way once", list(self.augment), "augment")
        return self
