"""A study as a whole: its parent, its jobs, and its table, picture and verified sample."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hwgen import board as boards
from hwgen.console import console, print_json
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, Result
from hwgen.option_values import evenly
from hwgen.outputs import check_file, replaced_file
from hwgen.spec.model import ModelSpec, load
from hwgen.study import schedules
from hwgen.study.case import Settings, words
from hwgen.study.grid import Grid, key
from hwgen.study.plot import draw
from hwgen.study.table import as_csv, lines, printed
from hwgen.verdict import PROVEN, STATUS, worst

TABLE_FILE, PLOT_FILE = "study.csv", "study.png"
CASES = 4
"""Cases of a job: they share the seconds that torch and the images take."""
VERIFIED_FRAME = "32x32"
"""Small: what is compared is every value of every layer, of a frame of any size."""


@dataclass(frozen=True)
class Study:
    """What is compared, and on what.

    Parameters
    ----------
    model : the parent's specification
    weights : its float network; one that is missing is trained
    data : images
    out : the study's folder
    images : validation images that are measured
    board, fps : what is sized for
    verified : how many rows are verified, evenly spread
    designs : whether rows are sized and emitted
    """

    model: str
    weights: Path | None
    data: str
    out: Path
    grid: Grid
    images: int
    board: str
    fps: float | None
    verified: int
    designs: bool = True


def study(asked: Study, executor: Executor, json: bool = False) -> int:
    """Run what is missing of a study and print it; 0, 1 where a verified row differs, 2 where one came to nothing.

    Raises
    ------
    HwgenError : no such model, board or data; a specification that cannot be trained; a job that came to nothing
    """
    spec = load(asked.model)
    spec.check_trainable()
    for name in (TABLE_FILE, PLOT_FILE):
        check_file("--out", asked.out / name)
    settings, protected = _settings(asked, spec)
    asked = replace(asked, grid=replace(asked.grid, protected=protected))
    cases = asked.grid.cases()
    parts = [cases[start : start + CASES] for start in range(0, len(cases), CASES)]
    jobs = [Job(", ".join(case.name for case in part), "hwgen.study.case", words(part, asked.grid, settings))
            for part in parts]  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    with executor:
        for result in executor.as_completed(jobs, say):
            if result.error is not None:
                raise HwgenError(f"study: {result.job.name}", "a result", result.error)
            found |= result.record["rows"]
        rows = [row for case in cases for row in found[case.name]]
        checked = list(executor.as_completed(_verifications(rows, asked), say))
    with replaced_file(asked.out / TABLE_FILE) as part:
        part.write_text(as_csv(rows), encoding="utf-8")
    draw(lines(rows), asked.out / PLOT_FILE, f"{spec.name} on {asked.board}")
    verdict = worst([PROVEN, *(result.verdict for result in checked)])
    if json:
        verified = [{"row": result.job.name, "verdict": result.verdict, "error": result.error,
                     "values_compared": result.record.get("values_compared"),
                     "mismatches": result.record.get("mismatches")} for result in checked]  # fmt: skip
        print_json({"verdict": verdict, "rows": rows, "verified": verified})
        return STATUS[verdict]
    steps = f"{asked.grid.finetune_steps} steps of fine-tuning, {asked.grid.qat_steps} of QAT"
    console().print(printed(lines(rows), f"{spec.name} on {asked.board}: {steps}"))
    for result in checked:
        values = result.record.get("values_compared") or 0
        print(f"verified {result.job.name}: {result.verdict}, {values:,} values"
              + (f" ({result.error})" if result.error else ""))  # fmt: skip
    return STATUS[verdict]


def say(done: int, count: int, result: Result) -> None:
    """A line for each job that ended."""
    print(f"{done}/{count} {result.job.name}: {result.error or 'done'}, {result.seconds:.0f} s", file=sys.stderr,
          flush=True)  # fmt: skip


def _settings(asked: Study, spec: ModelSpec) -> tuple[Settings, dict[str, Any]]:
    """With the parent's weights, which are trained where there are none, and digests of them and of the images; and the
    layers that are protected, by the schedule's word."""
    from hwgen.train import data as image_data, scores
    from hwgen.train.checkpoint import sha256
    from hwgen.train.contribution import most_contributing
    from hwgen.train.data import Crops
    from hwgen.train.evaluate import check_measurable
    from hwgen.train.loop import pick_device
    from hwgen.train.phases import run_phase
    from hwgen.train.trained import FILES, trained

    for case in asked.grid.cases():
        pruning = spec.pruning.model_copy(update={"criterion": case.criterion, "soft": case.schedule == "soft"})
        scores.check(spec.model_copy(update={"pruning": pruning}))
    binary = next((width for width in asked.grid.widths if width.weights == 1), None)
    parts = [layer for side in scores.SIDES for layer in spec.convolutions(side) if layer.complex]
    if binary is not None and parts:
        wanted = f"2 bits of weights or more, as {spec.name} has complex layers"
        raise HwgenError("--bits", wanted, f"w{binary.weights}a{binary.activations}")
    training = spec.training
    assert training is not None, "checked"
    train_images, val_images = image_data.load(asked.data, "train"), image_data.load(asked.data, "val")
    check_measurable(val_images, spec.downscale)
    weights = asked.weights or spec.folder / FILES["float"]
    if asked.weights is None and not weights.is_file():
        weights = asked.out / FILES["float"]
        if not weights.is_file():
            run_phase(spec, "float", train_images, val_images, pick_device("cpu"), asked.out, where=asked.data)
    origin = Crops(train_images, training.crop, asked.data).origin
    measured = Crops(val_images, spec.downscale, asked.data).origin
    board = key(boards.load(asked.board).model_dump(mode="json"))  # what it is, not what it is called
    inputs = (sha256(weights), str(origin["sha256"]), str(measured["sha256"]), str(asked.images), board, str(asked.fps))
    protected = {}
    for word in asked.grid.schedules:
        if (share := schedules.share(word)) is not None:
            parent = trained(spec, "float", weights.parent, weights.name)
            crops = Crops(train_images, training.crop, asked.data)
            protected[word] = most_contributing(parent, spec, crops, share)
    path = Path(asked.data)
    data = str(path.resolve()) if path.exists() else asked.data
    found = Settings(str(spec.path.resolve()), str(weights.resolve()), data, asked.images, asked.board, asked.fps,
                    inputs, str(asked.out.resolve()), asked.grid.seeds[0] if asked.designs else None)  # fmt: skip
    return found, protected


def _verifications(rows: Sequence[dict[str, Any]], asked: Study) -> list[Job]:
    """Jobs that verify a sample of the rows, evenly spread, both sides each."""
    some = evenly(rows, asked.verified) if asked.verified else []
    jobs = []
    for row in some:
        folder = asked.out.resolve() / "rows" / row["folder"]
        for side in ("tx", "rx"):
            what = " ".join(f"{row[key]}" for key in ("criterion", "ratio", "schedule", "bits", "calibration"))
            name = f"{what} seed {row['seed']} {side}"
            jobs.append(Job(name, "hwgen", ("verify", "--model", str(folder), "--side", side, "--board", asked.board,
                                            "--frame", VERIFIED_FRAME, "--json")))  # fmt: skip
    return jobs
