"""When channels go: at once, in rounds with training between, or softly. All of it is part of fine-tuning's steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hwgen.spec.model import ModelSpec
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense
from hwgen.train.prune import prune
from hwgen.train.rounds import pruned_in_rounds
from hwgen.train.soft_pruning import softener

After: TypeAlias = Callable[[int], None] | None
Train: TypeAlias = Callable[[DeepJSCC, str, int, After], None]
"""Trains a network in place: a name for its state's file, optimiser steps, what is called after each."""


def untrained(network: DeepJSCC, name: str, steps: int, after: After) -> None:
    """No training at all."""


def parts(spec: ModelSpec, steps: int) -> tuple[int, ...]:
    """Fine-tuning's steps, part by part; the last one is that of the network with the specification's channels."""
    if spec.pruning.soft:
        return steps // 2, steps - steps // 2
    each = steps // spec.pruning.rounds
    return (each,) * (spec.pruning.rounds - 1) + (steps - each * (spec.pruning.rounds - 1),)


def start_of_finetuning(
    parent: DeepJSCC, spec: ModelSpec, crops: Crops | None, steps: int, train: Train
) -> DeepJSCC:
    """The network with the specification's surviving channels, before the last part of fine-tuning.

    Raises
    ------
    HwgenError
        As `prune`.
    Interrupted
        By a signal, while an earlier part is trained; the same call goes on.
    """
    if spec.pruning.soft:
        first = parts(spec, steps)[0]
        whole = dense(spec)
        whole.load_state_dict(parent.state_dict())
        train(whole, "finetune_soft", first, softener(whole, spec, first))
        return prune(whole, spec, crops)
    if spec.pruning.rounds == 1:
        return prune(parent, spec, crops)

    def of_round(network: DeepJSCC, number: int) -> None:
        train(network, f"finetune_round_{number}", parts(spec, steps)[number - 1], None)

    return pruned_in_rounds(parent, spec, crops, of_round)
