"""Training's sections: where the data comes from, and the schedule."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from hwgen.spec.values import Count, Number, Text
from hwgen.yamlmarks import Frozen


class Data(Frozen):
    """Where the training data comes from and the terms that the weights carry because of it."""

    license: Text
    source: Text


class Phase(Frozen):
    """One phase of training: optimiser steps and peak learning rate."""

    steps: Annotated[int, Strict(), Field(ge=0)]
    lr: Annotated[Number, Field(gt=0)]


class Training(Frozen):
    """The schedule: float, then fine-tuning after pruning, then quantisation-aware training."""

    seed: Annotated[int, Strict(), Field(ge=0, lt=2**32)] = 1
    crop: Count = 128
    batch: Count = 16
    finetune: Phase
    qat: Phase
    float: Phase  # last: below this line the name no longer means the type
