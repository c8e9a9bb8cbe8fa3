"""One point of the space: sized as it is, trained while it promises something, sized again with its final weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwgen.errors import HwgenError
from hwgen.evaluate import counts, graphs_of
from hwgen.ir.graph import SIDES
from hwgen.outputs import replaced_file
from hwgen.plainjson import json_object
from hwgen.search.question import Question, Sized
from hwgen.search.rebase import text_of
from hwgen.search.space import Choice, Space, key_of
from hwgen.spec.model import ModelSpec, load
from hwgen.train.short import Bench, short_training, untrained
from hwgen.train.trained import FILES

if TYPE_CHECKING:
    from hwgen.train.deep_jscc import DeepJSCC

RESULT = "result.json"
COMMENT = "A point of a search (hwgen search): point {key}."


@dataclass(frozen=True)
class Budget:
    """Optimiser steps of a trial; where no channel goes, all of them are those of the quantised network."""

    finetune: int
    qat: int


@dataclass
class Outcome:
    """What a trial found.

    Parameters
    ----------
    key : name of the point's folder
    choice : the point
    psnr : dB at the end; None where it was not trained to the end
    cycles : of a frame with the final weights, or where there are none with the untrained ones; None: does not fit
    short : why it does not fit
    sides : resources by side
    macs, weight_bits : of both sides together, of a frame
    untrained : dB before any training
    rungs : dB by step
    stopped : why it was left, None where it was not
    shortfalls : see `Question.shortfalls`
    parent : the file of the parent's weights, in the search's folder
    """

    key: str
    choice: dict[str, int] = field(default_factory=dict)
    psnr: float | None = None
    cycles: int | None = None
    short: str | None = None
    sides: dict[str, dict[str, Any]] = field(default_factory=dict)
    macs: int = 0
    weight_bits: int = 0
    untrained: float | None = None
    rungs: dict[int, float] = field(default_factory=dict)
    stopped: str | None = None
    shortfalls: dict[str, float] = field(default_factory=dict)
    parent: str = ""

    @property
    def feasible(self) -> bool:
        return self.psnr is not None and all(value <= 0 for value in self.shortfalls.values())

    def take(self, sized: Sized) -> None:
        """Note a sizing."""
        found = sized.record()
        self.cycles, self.short, self.sides = found["cycles"], found["short"], found["sides"]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Outcome:
        """From JSON, whose keys are texts."""
        return cls(**record | {"rungs": {int(step): psnr for step, psnr in record["rungs"].items()}})


@dataclass(frozen=True)
class Trials:
    """Runs points of a space.

    Parameters
    ----------
    folder : a folder for each point, by its key
    parent : the float network of the space's specification
    about : all else that decides a result
    weights : the file of the parent's weights, in the search's folder
    """

    space: Space
    question: Question
    budget: Budget
    bench: Bench
    parent: DeepJSCC
    folder: Path
    about: str
    weights: str

    def key(self, choice: Choice) -> str:
        """The point's name: of its specification and all that decides its result."""
        return key_of([self.about, self.space.specification(choice)])[:8]

    def specification(self, choice: Choice) -> ModelSpec:
        """The point's specification, written into its folder.

        Raises
        ------
        HwgenError : its numbers do not go together
        """
        key = self.key(choice)
        path = self.folder / key / "spec.yaml"
        if not path.is_file():
            with replaced_file(path) as part:
                part.write_text(text_of(self.space.specification(choice), COMMENT.format(key=key)), encoding="utf-8")
        return load(path)

    def run(self, choice: Choice, stop: Callable[[Outcome], bool]) -> Outcome:
        """Size, train, size again.

        Parameters
        ----------
        stop
            Whether to leave a point after its latest rung.

        Raises
        ------
        Interrupted
            By a signal; the same call goes on.
        """
        found = Outcome(self.key(choice), dict(choice), parent=self.weights)
        done = self.folder / found.key / RESULT
        if done.is_file():
            return Outcome.of(json_object(done.read_text(encoding="utf-8"), str(done)))
        try:
            self._run(choice, found, stop)
        except HwgenError as error:  # numbers that do not go together, a training that diverged, integers that overflow
            found.stopped, found.shortfalls = str(error), {"possible": 1.0}
        with replaced_file(done) as part:
            part.write_text(json.dumps(asdict(found)), encoding="utf-8")
        return found

    def _run(self, choice: Choice, found: Outcome, stop: Callable[[Outcome], bool]) -> None:
        spec = self.specification(choice)
        folder, question = spec.folder, self.question
        found.macs, found.weight_bits = costs(spec, question.width, question.height)
        found.untrained, path = untrained(spec, self.parent, self.bench, folder)
        assert path is not None
        found.take(sized := question.sized(graphs_of(spec, path)))
        path.unlink()
        found.shortfalls = question.shortfalls(sized, None)
        if any(value > 0 for value in found.shortfalls.values()):
            found.stopped = found.short or "too slow"
            return

        def left(step: int, psnr: float) -> bool:
            return stop(found)

        total = self.budget.finetune + self.budget.qat
        finetune = self.budget.finetune if self.space.prunes(choice) else 0
        for step, psnr in short_training(
            spec, self.parent, self.bench, folder, finetune, total - finetune, left
        ):
            found.rungs[step] = psnr
        if step < total:
            found.stopped = f"no better than others after {step} steps"
            return
        found.psnr = psnr
        found.take(sized := question.sized(graphs_of(spec, folder / FILES["qat"])))
        found.shortfalls = question.shortfalls(sized, psnr)


def costs(spec: ModelSpec, width: int, height: int) -> tuple[int, int]:
    """MACs of a frame and weight bits of both sides."""
    both = [counts(spec, side, width, height) for side in SIDES]
    return sum(one["macs"] for one in both), sum(one["weight_bits"] for one in both)
