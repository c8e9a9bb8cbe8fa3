"""What a study compares: criteria x schedules x shares of channels x seeds, each with several widths.

A case is one network that is fine-tuned: a criterion, a schedule, a share, a seed. Its rows are the
quantised networks made of it. Each has a specification of its own, the parent's with other values in a few keys.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml

from hwgen import __version__
from hwgen.errors import HwgenError
from hwgen.spec.bits import set_bits
from hwgen.spec.model import ModelSpec
from hwgen.spec.quantisers import Method
from hwgen.study import schedules
from hwgen.study.schedules import ONE_SHOT

VERSION = 1
"""Version of a case's files: raised wherever equal settings give another result."""
DENSE = "none"
"""Criterion of the rows without pruning, which are trained as long as all others."""
CONTROL = "random"
CONVOLUTIONS = ("conv", "deconv")
CALIBRATION = "mse"
"""What a specification has where it says nothing."""
PER_TENSOR = "/tensor"


@dataclass(frozen=True)
class Width:
    """Bits of weights and of activations, and the calibration of their scales.

    The image's layer keeps 8 bits of activations, a pixel's, and symbols their own format.

    Parameters
    ----------
    weights : 1 are -1 and 1
    calibration : of both, a method of `hwgen.spec.quantisers`; with `PER_TENSOR` behind it one scale for all weights of
        a layer
    """

    weights: int
    activations: int
    calibration: str = CALIBRATION

    @property
    def name(self) -> str:
        return f"w{self.weights}a{self.activations}"


@dataclass(frozen=True)
class Case:
    """One fine-tuned network: what prunes it, by which share, the seed of everything that is drawn, and in which steps.

    schedule : a word of `hwgen.study.schedules`
    """

    criterion: str
    ratio: float
    seed: int
    schedule: str = ONE_SHOT

    @property
    def name(self) -> str:
        how = "" if self.schedule == ONE_SHOT else f"{self.schedule} "
        return f"{self.criterion} {self.ratio:g} {how}seed {self.seed}"


@dataclass(frozen=True)
class Grid:
    """A study's axes and its budget.

    Parameters
    ----------
    criteria : of pruning; the control is added where it is missing
    ratios : shares of every layer's channels that go
    widths : of every case
    seeds : of fine-tuning's draws, and of what a criterion draws
    schedules : of every criterion, the control too; the dense parent has none
    protected : by the words of `schedules` that protect layers, which ones these are
    finetune_steps, qat_steps : optimiser steps of every case and of every row; 0 of the latter only calibrates

    Raises
    ------
    HwgenError : an axis is empty
    """

    criteria: tuple[str, ...]
    ratios: tuple[float, ...]
    widths: tuple[Width, ...]
    seeds: tuple[int, ...]
    finetune_steps: int
    qat_steps: int
    schedules: tuple[str, ...] = (ONE_SHOT,)
    protected: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for option, values in (("--criteria", self.criteria), ("--ratios", self.ratios), ("--bits", self.widths),
                               ("--seeds", self.seeds), ("--schedules", self.schedules)):  # fmt: skip
            if not values:
                raise HwgenError(option, "at least one", "none")

    def cases(self) -> list[Case]:
        """The dense parent, then every share with every criterion, control first: a block is complete early.

        With the parent as the only criterion, it alone.
        """
        found = [Case(DENSE, 0.0, seed) for seed in self.seeds]
        if not (named := [one for one in self.criteria if one != DENSE]):
            return found
        criteria = dict.fromkeys((CONTROL, *named))
        found += [Case(one, ratio, seed, word) for ratio in self.ratios for one in criteria
                  for word in self.schedules for seed in self.seeds]  # fmt: skip
        return found


def parsed_width(text: str) -> tuple[int, int]:
    """(weight bits, activation bits) of a word such as w8a8.

    Raises
    ------
    HwgenError : another word, or bits that no layer can have
    """
    found = re.fullmatch(r"w([0-9]{1,2})a([0-9]{1,2})", text)
    if found is None or not (1 <= int(found[1]) <= 8 and 2 <= int(found[2]) <= 8):
        wanted = "words such as w8a8 or w4a8, 1 to 8 bits of weights and 2 to 8 of activations"
        raise HwgenError("--bits", wanted, repr(text))
    return int(found[1]), int(found[2])


def checked_calibration(text: str) -> str:
    """A calibration's word.

    Raises
    ------
    HwgenError : it is none
    """
    if text.removesuffix(PER_TENSOR) not in get_args(Method):
        known = ", ".join(get_args(Method))
        wanted = f"some of {known}, with {PER_TENSOR} behind them for one scale of a layer's weights"
        raise HwgenError("--calibrations", wanted, repr(text))
    return text


def specification(parent: ModelSpec, case: Case, grid: Grid, width: Width | None = None) -> str:
    """The YAML text of a case's specification, or of one of its rows.

    Keys that are not the study's are the parent's, character by character where they are strings.
    """
    document: dict[str, Any] = yaml.safe_load(parent.path.read_text(encoding="utf-8"))
    document["pruning"] = {"criterion": case.criterion}
    if case.criterion != DENSE:
        document["pruning"] |= {"ratio": case.ratio, **schedules.keys(case.schedule, grid.protected)}
    training = document["training"]
    training["seed"] = case.seed
    training["finetune"]["steps"], training["qat"]["steps"] = grid.finetune_steps, grid.qat_steps
    if width is not None:
        if width.calibration != CALIBRATION or "quantisers" in document:
            method, scales = width.calibration.removesuffix(PER_TENSOR), width.calibration.endswith(PER_TENSOR)
            document["quantisers"] = {"weights": method, "weight_scales": "tensor" if scales else "channel",
                                      "activations": method}  # fmt: skip
        for side in ("encoder", "decoder"):
            for index, layer in enumerate(document[side]):
                _set_bits(layer, width, image=side == "decoder" and index in _image_layers(parent))
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def _image_layers(parent: ModelSpec) -> set[int]:
    """Indices of the decoder's layers whose values are pixels: they keep their 8 bits."""
    network = parent.parent("decoder")
    return {placed.index for placed in network.layers if getattr(placed.layer, "activation", "") == "clamp"}


def _set_bits(layer: dict[str, Any], width: Width, image: bool) -> None:
    kind = layer.get("kind")
    if kind in CONVOLUTIONS or (kind is None and "kernel" in layer):
        set_bits(layer, "weight_bits", width.weights)
    elif kind != "add":
        return
    if not image:
        set_bits(layer, "activation_bits", width.activations)


def key(*parts: object) -> str:
    """Name of a folder for everything that fixes what is in it: 16 hexadecimal digits."""
    text = json.dumps([VERSION, __version__, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folders(base: Path, parent: ModelSpec, case: Case, grid: Grid, inputs: Sequence[str]) -> tuple[Path, list[Path]]:
    """Where a case is fine-tuned, and where each of its rows is.

    Parameters
    ----------
    inputs : everything else that fixes the rows, see `hwgen.study.case.Settings`
    """
    text = specification(parent, case, grid)
    tuned = base / "cases" / key("case", text, *inputs)
    rows = [base / "rows" / key("row", specification(parent, case, grid, width), *inputs) for width in grid.widths]
    return tuned, rows
