"""`hwgen search`: sensitivity, trials, the front."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hwgen.console import console, print_json, progress
from hwgen.errors import HwgenError
from hwgen.option_values import evenly
from hwgen.outputs import replaced_file
from hwgen.search import sensitivity as probing
from hwgen.search.front import front, plot, row, write_csv
from hwgen.search.question import Question
from hwgen.search.rebase import plain, rebased, text_of
from hwgen.search.space import MOST_BITS, Choice, Space, key_of, space
from hwgen.search.trial import Budget, Outcome, Trials
from hwgen.spec.model import ModelSpec, load
from hwgen.train import data as image_data
from hwgen.train.checkpoint import read, sha256
from hwgen.train.data import Crops
from hwgen.train.evaluate import check_measurable
from hwgen.train.short import Bench, untrained
from hwgen.train.trained import FILES, trained

PHASES = {"float": "float", "pruned": "finetune"}
"""Networks that can be the parent, and their phase."""
SPACE = "space"
"""The folder of the parent's specification."""


@dataclass(frozen=True)
class Limits:
    """How far the search may go: see `hwgen.search.space.space`."""

    channels: float = 0.5
    weight_bits: int = 2
    activation_bits: int = MOST_BITS


@dataclass(frozen=True)
class Plan:
    """What a search does.

    Parameters
    ----------
    parent : "float" or "pruned": whose weights every trial starts from
    trials : so many in all, those of earlier calls counted
    budget : optimiser steps of a trial
    snr_db : where PSNR is measured
    images : at most so many validation images, evenly spaced, that it is measured on
    seed : of the proposals
    storage : URL of a shared database; None for a file
    """

    parent: str
    trials: int
    budget: Budget
    snr_db: float
    images: int
    seed: int
    storage: str | None = None


def search(
    model: str | Path,
    data: str | Path,
    question: Question,
    limits: Limits,
    plan: Plan,
    out: Path,
    as_json: bool = False,
) -> int:
    """Search; 0.

    Raises
    ------
    HwgenError
        No such model or data, no parent's weights, nothing that may change, or a database that cannot be used.
    Interrupted
        By a signal; the same call goes on.
    """
    from hwgen.search import study as studies

    spec = load(model)
    spec.check_trainable()
    parent_file = spec.folder / FILES[PHASES[plan.parent]]
    header = read(parent_file)[1]
    train_images, val_images = image_data.load(data, "train"), image_data.load(data, "val")
    some = evenly(val_images, plan.images)
    check_measurable(some, spec.downscale)
    values = plain(spec) | {"pruning": {"criterion": "none"}} if plan.parent == "float" else rebased(
        spec, header.get("kept") == "encoder")  # fmt: skip
    values["description"] = f"found by a search that began with {spec.name}"
    base = _written(values, out / SPACE, spec)
    criterion = spec.pruning.criterion if spec.pruning.criterion != "none" else "l1"
    whole = space(base, values, limits.channels, limits.weight_bits, limits.activation_bits, criterion)
    if not whole.parameters:
        raise HwgenError("--least-channels, --least-weight-bits", "something that may change", "nothing")
    assert base.training is not None, "checked"
    crops = Crops(train_images, base.training.crop, str(data))
    bench = Bench(crops, train_images, some, plan.snr_db)
    parent_digest = sha256(parent_file)
    measured = Crops(some, spec.downscale, str(data)).origin
    seen = {"values": values, "parent": parent_digest, "data": crops.origin, "measured": measured,
            "snr_db": plan.snr_db}  # fmt: skip
    asked = {"budget": asdict(plan.budget), **_asked(question)}
    about = key_of([seen, asked])
    with studies.opened(f"{spec.name} {about}", plan.storage, out, plan.seed) as study:
        # Points of other parents in this folder keep theirs.
        weights = f"parent_{parent_digest[:16]}.safetensors"
        for copy in (out / weights, base.folder / FILES["float"]):  # a dense network's name, for `trained`
            with replaced_file(copy) as part:
                shutil.copyfile(parent_file, part)
        parent = trained(base, "float", base.folder)
        file = out / f"sensitivity_{key_of(seen)}.json"
        _, losses = probing.sensitivity(whole, _psnr(whole, parent, bench, out), file,
                                        lambda text: _say(text, as_json))  # fmt: skip
        narrow = probing.narrowed(whole, losses)
        trials = Trials(narrow, question, plan.budget, bench, parent, out / "points", about, weights)
        studies.begin(study, probing.beginnings(narrow, losses))
        studies.search(study, narrow, trials.run, plan.trials,
                       lambda number, outcome: _say(f"trial {number}: {shown(outcome)}", as_json))  # fmt: skip
        found = studies.outcomes(study)
    best = front(found)
    write_csv(found, out / "points.csv")
    _plot(found, best, f"{spec.name} on {question.board.name}", out / "front.png")
    if as_json:
        print_json({"model": spec.name, "board": question.board.name, "trials": len(found), "losses": losses,
                    "front": [row(one) | {"specification": str(trials.specification(one.choice).path)}
                              for one in best]})  # fmt: skip
    else:
        _print(spec.name, trials, found, best)
        if not best:
            print(f"none of {len(found)} trials meets what is asked for: {out / 'points.csv'} has them all")
    return 0


def _written(values: dict[str, Any], folder: Path, spec: ModelSpec) -> ModelSpec:
    """The parent's specification, in a folder of its own."""
    with replaced_file(folder / "spec.yaml") as part:
        part.write_text(text_of(values, f"The parent of a search: {spec.name}'s network."), encoding="utf-8")
    return load(folder / "spec.yaml")


def _asked(question: Question) -> dict[str, Any]:
    """All of a question that decides a result."""
    told = asdict(replace(question, board=None))  # type: ignore[arg-type]
    return told | {"board": question.board.model_dump(mode="json")}


def _psnr(whole: Space, parent: Any, bench: Bench, out: Path) -> Any:
    """PSNR of a point without training."""

    def of(choice: Choice) -> float:
        return untrained(_probe(whole, choice, out), parent, bench)[0]

    return of


def _probe(whole: Space, choice: Choice, out: Path) -> ModelSpec:
    """A point's specification where the same file is written over and over."""
    path = out / "probe" / "spec.yaml"
    with replaced_file(path) as part:
        part.write_text(text_of(whole.specification(choice), "A probe of the search."), encoding="utf-8")
    return load(path)


def shown(outcome: Outcome) -> str:
    """A trial in a line."""
    cycles = "" if outcome.cycles is None else f", {outcome.cycles:,} cycles"
    if outcome.psnr is None:
        return f"{outcome.key} left{cycles}: {outcome.stopped}"
    missed = [name for name, value in outcome.shortfalls.items() if value > 0]
    return f"{outcome.key} {outcome.psnr:.2f} dB{cycles}" + (f", misses {', '.join(missed)}" if missed else "")


def _say(text: str, quiet: bool) -> None:
    """A line for who watches: on stderr where stdout is JSON's."""
    if quiet:
        progress(text)
    else:
        print(text, flush=True)


def _plot(found: list[Outcome], best: list[Outcome], title: str, path: Path) -> None:
    try:
        plot(found, best, title, path)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("matplotlib"):
            raise
        print("note: no picture without matplotlib: pip install 'hwgen[plot]'", file=sys.stderr)


def _print(model: str, trials: Trials, found: list[Outcome], best: list[Outcome]) -> None:
    from rich.table import Table

    table = Table(title=f"{model} on {trials.question.board.name}: the front of {len(found)} trials")
    table.add_column("point")
    for column in ("PSNR dB", "untrained", "cycles", "fps", "DSP", "LUT", "BRAM36", "GMAC", "weight kbit"):
        table.add_column(column, justify="right")
    table.add_column("channels, weight bits, activation bits")
    for one in best:
        sides = list(one.sides.values())
        rate = min(used["fps"] for used in sides)
        amounts = [" / ".join(f"{used[key]:,g}" for used in sides) for key in ("dsp", "lut", "bram36")]
        layers = _layers(trials.specification(one.choice))
        table.add_row(one.key, f"{one.psnr:.2f}", f"{one.untrained:.2f}", f"{one.cycles:,}", f"{rate:,.1f}", *amounts,
                      f"{one.macs / 1e9:.3f}", f"{one.weight_bits / 1e3:,.0f}", layers)
    console().print(table)


def _layers(spec: ModelSpec) -> str:
    """Surviving channels and bits of both sides."""
    sides: Mapping[str, tuple[int, ...]] = {"encoder": spec.encoder_channels, "decoder": spec.decoder_channels}
    found = []
    for side, channels in sides.items():
        layers = spec.convolutions(side)  # type: ignore[arg-type]
        if layers:
            weights, activations = ("-".join(str(getattr(layer, f"{what}_bits")) for layer in layers)
                                    for what in ("weight", "activation"))  # fmt: skip
            found.append(f"{'-'.join(map(str, channels))} W {weights} A {activations}")
    return "; ".join(found)
