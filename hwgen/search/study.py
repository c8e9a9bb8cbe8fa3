"""Optuna's part: a study in a database, which proposes points and outlives the process.

Two objectives, PSNR and cycles of a frame, with the board and the target as constraints; proposals by TPE. Optuna's own
pruners look at one objective: `Dominated` is one that looks at both.
"""

from __future__ import annotations

import fcntl
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hwgen.errors import HwgenError
from hwgen.search.space import Choice, Space
from hwgen.search.trial import Outcome

MARGIN_DB = 0.3
STARTUP_TRIALS = 8
HEARTBEAT_SECONDS = 60
GRACE_SECONDS = 300
OUTCOME = "outcome"
"""Attribute of a trial: its Outcome, as JSON."""
DONE = (TrialState.COMPLETE, TrialState.PRUNED)


class Dominated(BasePruner):
    """Leaves a point where an earlier one of no more cycles was better by `MARGIN_DB` after as many steps."""

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        mine = outcome_of(trial)
        if mine is None or not mine.rungs or mine.cycles is None:
            return False
        step = max(mine.rungs)
        return any(
            other.cycles is not None and other.cycles <= mine.cycles
            and other.rungs.get(step, 0.0) >= mine.rungs[step] + MARGIN_DB
            for other in outcomes(study) if other.psnr is not None
        )  # fmt: skip


def outcome_of(trial: FrozenTrial) -> Outcome | None:
    """What a trial has found so far."""
    text = trial.user_attrs.get(OUTCOME)
    return None if text is None else Outcome.of(json.loads(text))


def outcomes(study: Study) -> list[Outcome]:
    """Of all trials that have ended, in their order."""
    found = [outcome_of(trial) for trial in study.get_trials(deepcopy=False, states=DONE)]
    return [outcome for outcome in found if outcome is not None]


def finished(study: Study) -> int:
    """How many trials have ended, trained to the end or left early; failed ones do not count."""
    return len(study.get_trials(deepcopy=False, states=DONE))


@contextmanager
def opened(name: str, url: str | None, folder: Path, seed: int) -> Iterator[Study]:
    """The study of a name, new or with all its trials.

    Parameters
    ----------
    url : of a database that several machines share; None for a file in the folder, which one process has at a time
    seed : of the proposals; those of a study that goes on differ from those before

    Raises
    ------
    HwgenError
        The database cannot be used, or another process has the file.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if url is not None:
            study = _study(name, _storage(url, shared=True), seed)
            yield study
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "study.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HwgenError("--out", "a folder in which no other search runs", str(folder)) from None
            study = _study(name, _storage(f"sqlite:///{(folder / 'study.db').resolve()}", shared=False), seed)
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):  # of a process that was killed
                study.tell(trial.number, state=TrialState.FAIL)
                study.enqueue_trial(trial.params)
            yield study


def _storage(url: str, shared: bool) -> BaseStorage:
    alive: dict[str, Any] = {"heartbeat_interval": HEARTBEAT_SECONDS, "grace_period": GRACE_SECONDS,
                             "heartbeat_stale_trial_callback": RetryHeartbeatStaleTrialCallback()} if shared else {}
    try:
        return RDBStorage(url, **alive)
    except Exception as error:  # SQLAlchemy's, its driver's, or a driver that is not installed
        raise HwgenError("--storage" if shared else url, "the URL of a database that can be used, such as "
                         "sqlite:///FILE or mysql://USER@HOST/NAME", f"{url}: {error}") from error


def _study(name: str, storage: BaseStorage, seed: int) -> Study:
    study = optuna.create_study(
        study_name=name, storage=storage, load_if_exists=True, directions=["maximize", "minimize"], pruner=Dominated()
    )
    begun = len(study.get_trials(deepcopy=False))
    study.sampler = TPESampler(seed=seed + begun, n_startup_trials=STARTUP_TRIALS, multivariate=True)
    return study


def begin(study: Study, points: Iterator[Choice]) -> None:
    """Have these points tried first, once."""
    for point in points:
        study.enqueue_trial(dict(point), skip_if_exists=True)


def suggested(trial: Trial, space: Space) -> dict[str, int]:
    """A proposal."""
    return {one.name: trial.suggest_int(one.name, one.low, one.high) for one in space.parameters}


Run = Callable[[Mapping[str, int], Callable[[Outcome], bool]], Outcome]
"""Runs a point; asks after each rung whether to leave it."""


def search(study: Study, space: Space, run: Run, trials: int, told: Callable[[int, Outcome], None]) -> None:
    """Run trials until so many have ended, those before this call counted.

    Parameters
    ----------
    told : gets each trial's number and outcome

    Raises
    ------
    Interrupted
        By a signal: the trial under way is tried again by the next call, and goes on where it was.
    """

    def objective(trial: Trial) -> tuple[float, float]:
        def note(outcome: Outcome) -> None:
            trial.set_user_attr(OUTCOME, json.dumps(asdict(outcome)))

        def stop(outcome: Outcome) -> bool:
            note(outcome)
            return study.pruner.prune(study, study.get_trials(deepcopy=False)[trial.number])

        outcome = run(suggested(trial, space), stop)
        note(outcome)
        for name, value in outcome.shortfalls.items():
            trial.set_constraint(name, value)
        told(trial.number, outcome)
        if outcome.psnr is None or outcome.cycles is None:
            raise optuna.TrialPruned
        return outcome.psnr, float(outcome.cycles)

    while finished(study) < trials:
        try:
            study.optimize(objective, n_trials=1)
        except KeyboardInterrupt:
            last = study.get_trials(deepcopy=False)[-1]
            if last.state == TrialState.FAIL:
                study.enqueue_trial(last.params)
            raise
