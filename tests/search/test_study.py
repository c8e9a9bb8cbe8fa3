"""The study: trials that are proposed, left, resumed and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from optuna.trial import TrialState
from support.train_samples import specification

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.search.rebase import plain
from hwgen.search.space import Space, space
from hwgen.search.study import begin, finished, opened, outcomes, search
from hwgen.search.trial import Outcome

Stop = Callable[[Outcome], bool]


@pytest.fixture
def some(tmp_path: Path) -> Space:
    spec = specification(tmp_path, "ratio: 0")
    return space(spec, plain(spec))


def run(choice: Mapping[str, int], stop: Stop) -> Outcome:
    bits = sum(choice.values())
    return Outcome(str(bits), psnr=bits / 10, cycles=100 * bits, rungs={1: bits / 10}, shortfalls={"board": -1.0})


def silent(number: int, outcome: Outcome) -> None:
    """Tell nothing."""


def test_trials_are_counted_over_calls_and_differ(some: Space, tmp_path: Path) -> None:
    for wanted in (2, 5, 5):
        with opened("s", None, tmp_path, seed=1) as study:
            search(study, some, run, wanted, silent)
            assert finished(study) == wanted
    with opened("s", None, tmp_path, seed=1) as study:
        choices = [tuple(trial.params.items()) for trial in study.trials]
        assert len(set(choices)) == 5 and len(outcomes(study)) == 5
        assert all(trial.constraints == {"board": -1.0} for trial in study.trials)
    with opened("another", None, tmp_path, seed=1) as study:
        assert finished(study) == 0


def test_points_to_begin_with_come_first_and_once(some: Space, tmp_path: Path) -> None:
    seen: list[Mapping[str, int]] = []

    def noted(choice: Mapping[str, int], stop: Stop) -> Outcome:
        seen.append(choice)
        return run(choice, stop)

    few = {one.name: one.low for one in some.parameters}
    for wanted in (1, 3):
        with opened("s", None, tmp_path, seed=1) as study:
            begin(study, iter([some.whole, few]))
            search(study, some, noted, wanted, silent)
    assert seen[:2] == [some.whole, few] and seen[2] not in seen[:2]


def test_an_interrupted_trial_is_tried_again(some: Space, tmp_path: Path) -> None:
    seen: list[Mapping[str, int]] = []

    def interrupted(choice: Mapping[str, int], stop: Stop) -> Outcome:
        seen.append(choice)
        raise process.Interrupted(15)

    with opened("s", None, tmp_path, seed=1) as study, pytest.raises(process.Interrupted):
        search(study, some, interrupted, 2, silent)
    with opened("s", None, tmp_path, seed=1) as study:
        search(study, some, run, 2, silent)
        done = study.get_trials(states=(TrialState.COMPLETE,))
    assert len(done) == 2 and done[0].params == seen[0]


def test_a_trial_of_a_killed_process_is_tried_again(some: Space, tmp_path: Path) -> None:
    with opened("s", None, tmp_path, seed=1) as study:
        lost = study.ask()
        chosen = {one.name: lost.suggest_int(one.name, one.low, one.high) for one in some.parameters}
    with opened("s", None, tmp_path, seed=1) as study:
        search(study, some, run, 1, silent)
        (done,) = study.get_trials(states=(TrialState.COMPLETE,))
    assert done.params == chosen


def test_a_point_behind_an_earlier_one_of_no_more_cycles_is_left(some: Space, tmp_path: Path) -> None:
    asked: list[bool] = []

    def staged(choice: Mapping[str, int], stop: Stop) -> Outcome:
        number = len(asked)
        psnr = (30, 29.5, 29.5, 29.8, 20)[number]
        found = Outcome(str(number), cycles=(100, 100, 99, 120, 100)[number], rungs={4: psnr})
        asked.append(stop(found))
        if asked[-1]:
            return found
        found.psnr = found.rungs[4]
        return found

    with opened("s", None, tmp_path, seed=1) as study:
        search(study, some, staged, 5, silent)
        assert asked == [False, True, False, False, True], "slower, or within the margin, is not behind"
        assert [trial.state == TrialState.PRUNED for trial in study.trials] == asked


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with opened("s", None, tmp_path, seed=1), pytest.raises(HwgenError, match="no other search runs"):
        with opened("s", None, tmp_path, seed=1):
            pass


def test_a_shared_database(some: Space, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with opened("s", url, tmp_path, seed=1) as study, opened("s", url, tmp_path, seed=2) as other:
        search(study, some, run, 1, silent)
        search(other, some, run, 2, silent)
        assert finished(study) == 2
    assert not (tmp_path / "study.db").exists()


@pytest.mark.parametrize("url", ["", "nosuch://x", "sqlite:////nowhere/at/all.db"])
def test_no_database(url: str, tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="--storage: wanted the URL of a database"), opened("s", url, tmp_path, 1):
        pass
