"""A whole study with jobs that end at once: what is asked of them, and what is made of their rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.train_samples import specification

from hwgen import board as boards
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, Result
from hwgen.study import run as module
from hwgen.study.grid import Grid, Width
from hwgen.study.run import CASES, Study, study
from hwgen.study.table import MEASURED
from hwgen.train import data as image_data
from hwgen.train.checkpoint import write
from hwgen.train.network import dense
from hwgen.verdict import DIFFERS, PROVEN, not_run

Answer = Callable[[Job], dict[str, Any]]


class Told(Executor):
    """Ends every job with a record."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.jobs = answer, list[Job]()

    def submit(self, job: Job) -> Future[Result]:
        self.jobs.append(job)
        future: Future[Result] = Future()
        future.set_result(Result(job, self.answer(job)))
        return future

    def cancel(self) -> None:
        """Nothing runs."""


def rows(job: Job) -> dict[str, Any]:
    """Rows of the cases that a job is asked for; of a verification that all is equal."""
    if job.module == "hwgen":
        return {"verdict": PROVEN, "error": None, "values_compared": 12, "mismatches": 0}
    cases, grid, _ = json.loads(job.words[0])
    found = {}
    for case in cases:
        name = f"{case['criterion']} {case['ratio']:g} seed {case['seed']}"
        found[name] = [{**case, "bits": f"w{width['weights']}a{width['activations']}",
                        "calibration": width["calibration"], **dict.fromkeys(MEASURED, 20.0),
                        "folder": f"of {name}"} for width in grid["widths"]]  # fmt: skip
    return {"verdict": PROVEN, "error": None, "rows": found}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    spec = specification(tmp_path)
    torch.manual_seed(1)
    write(tmp_path / "float.safetensors", dense(spec).state_dict(), {})
    (tmp_path / "out").mkdir()
    pictures = list(np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8))
    monkeypatch.setattr(image_data, "load", lambda data, split: pictures)
    grid = Grid(("l1", "taylor"), (0.5,), (Width(8, 8), Width(4, 8)), (1, 2), 3, 2)
    return Study(str(spec.path), None, "photos", tmp_path / "out", grid, 2, "pynq_z2", None, 2)


def test_a_study(asked: Study, capsys: pytest.CaptureFixture[str]) -> None:
    executor = Told(rows)
    assert study(asked, executor) == 0
    cases = asked.grid.cases()
    trained = [job for job in executor.jobs if job.module == "hwgen.study.case"]
    assert [len(json.loads(job.words[0])[0]) for job in trained] == [CASES, len(cases) - CASES]
    verified = [job.words for job in executor.jobs if job.module == "hwgen"]
    assert [(Path(words[2]).name, words[4]) for words in verified] == [
        ("of none 0 seed 1", "tx"), ("of none 0 seed 1", "rx"), ("of l1 0.5 seed 1", "tx"), ("of l1 0.5 seed 1", "rx")]
    assert len((asked.out / "study.csv").read_text().splitlines()) == 1 + 2 * len(cases)
    assert (asked.out / "study.png").stat().st_size > 1000
    out, err = capsys.readouterr()
    assert "3 steps of fine-tuning, 2 of QAT" in " ".join(out.split())
    assert out.count("proven, 12 values") == 4
    assert "1/2 none 0 seed 1" in err


def test_complex_layers_have_no_binary_weights(asked: Study) -> None:
    """Said before anything is trained."""
    own = replace(asked, model="complex_int8", grid=replace(asked.grid, criteria=("l1",), widths=(Width(1, 8),)))
    executor = Told(rows)
    wanted = "--bits: wanted 2 bits of weights or more, as complex_int8 has complex layers, got w1a8"
    with pytest.raises(HwgenError, match=wanted):
        study(own, executor)
    assert not executor.jobs


def test_a_board_is_what_its_file_says(asked: Study, tmp_path: Path) -> None:
    """The same name with other DSPs is another row; another name of the same board is not."""
    text = Path(boards.load("pynq_z2").path).read_text()
    inputs = []
    for name, content in (("a", text), ("a", text.replace("dsp: 220", "dsp: 200")), ("b", text)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(content)
        executor = Told(rows)
        assert study(replace(asked, board=str(path), verified=0), executor) == 0
        inputs.append(json.loads(executor.jobs[0].words[0])[2]["inputs"])
    assert inputs[0] == inputs[2] != inputs[1]


def test_as_json(asked: Study, capsys: pytest.CaptureFixture[str]) -> None:
    assert study(asked, Told(rows), json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == PROVEN
    assert len(found["rows"]) == 2 * len(asked.grid.cases())
    assert {one["mismatches"] for one in found["verified"]} == {0}


def test_a_row_that_differs_is_the_verdict(asked: Study) -> None:
    def answer(job: Job) -> dict[str, Any]:
        if job.module == "hwgen" and "rx" in job.words:
            return {"verdict": DIFFERS, "error": None, "values_compared": 12, "mismatches": 1}
        return rows(job)

    assert study(asked, Told(answer)) == 1


def test_a_job_that_came_to_nothing_is_named(asked: Study) -> None:
    with pytest.raises(HwgenError, match=r"study: none 0 seed 1, .*: wanted a result, got killed"):
        study(asked, Told(lambda job: not_run("killed")))
    assert not (asked.out / "study.csv").exists()


def test_a_parent_without_weights_is_trained(asked: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    weights = tmp_path / "float.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    phases = []

    def trains(spec: object, phase: str, *rest: object, **options: object) -> None:
        phases.append(phase)
        (asked.out / "float.safetensors").write_bytes(content)

    monkeypatch.setattr("hwgen.train.phases.run_phase", trains)
    executor = Told(rows)
    assert study(asked, executor) == 0
    assert phases == ["float"]
    assert json.loads(executor.jobs[0].words[0])[2]["weights"] == str(asked.out / "float.safetensors")
    assert study(asked, Told(rows)) == 0
    assert phases == ["float"], "once"


def test_verified_frames_go_with_the_strides() -> None:
    assert all(int(side) % 16 == 0 for side in module.VERIFIED_FRAME.split("x"))
