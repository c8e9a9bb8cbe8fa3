"""A model on every board: the plan's figures, what is short, one plan for boards with equal parts."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from hwgen import board as boards
from hwgen.cli import main as cli
from hwgen.design_options import DesignOptions
from hwgen.emit import graph_of
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, LocalExecutor, Result
from hwgen.fit import Fit, fit, fits, groups
from hwgen.option_values import ENGINE
from hwgen.plan.buffers import minimal_buffers
from hwgen.plan.size import size
from hwgen.spec import model as specs
from hwgen.verdict import PROVEN, not_run

TINY = DesignOptions("tiny", frame=(16, 16))


def board_of(folder: Path, **resources: int) -> str:
    """A file of a PYNQ-Z2 with other resources."""
    text = boards.load("pynq_z2").path.read_text(encoding="utf-8")
    for key, amount in resources.items():
        own = str(getattr(boards.load("pynq_z2").resources, key))
        assert f"  {key}: {own} " in text
        text = text.replace(f"  {key}: {own} ", f"  {key}: {amount} ")
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


class Told(Executor):
    """Ends every job with one record."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record, self.jobs = record, list[Job]()

    def submit(self, job: Job) -> Future[Result]:
        self.jobs.append(job)
        future: Future[Result] = Future()
        future.set_result(Result(job, self.record))
        return future

    def cancel(self) -> None:
        """Nothing runs."""


def test_figures_are_the_plans() -> None:
    found, target = fit(TINY), boards.load("pynq_z2")
    graph, width, height = graph_of(TINY, specs.load("tiny"))
    plan = minimal_buffers(size(graph, target, width, height, engine=ENGINE))
    assert found.fits and found.interval_cycles == plan.frame_interval
    assert found.fps == round(150e6 / plan.frame_interval, 3)
    for key, amount in found.used.items():
        assert amount == sum(getattr(cost, key) for cost in plan.costs.values())
        assert amount + found.left[key] == getattr(target.resources, key)
    assert list(found.used) == ["dsp", "lut", "ff", "bram36", "uram"]


def test_both_sides_take_what_both_take() -> None:
    pair, one = fit(TINY, both=True), fit(TINY)
    assert pair.fits and pair.used["lut"] > one.used["lut"]
    assert pair.interval_cycles is not None and one.interval_cycles is not None
    assert pair.interval_cycles >= one.interval_cycles


def test_what_is_short(tmp_path: Path) -> None:
    small = fit(DesignOptions("tiny", frame=(16, 16), board=board_of(tmp_path, lut=1000)))
    assert not small.fits and small.short is not None and (small.fps, small.used, small.left) == (None, {}, {})
    assert small.short.startswith("lut: wanted at least ") and small.short.endswith(" short")
    fast = fit(DesignOptions("tiny", frame=(16, 16), fps=1e6))
    assert fast.short is not None and fast.short.startswith("--fps: wanted at most ")


def test_bad_input_is_no_lack_of_a_board() -> None:
    with pytest.raises(HwgenError, match="--frame: wanted"):
        fit(DesignOptions("tiny", frame=(15, 16)))
    with pytest.raises(HwgenError, match="--frame: wanted"):
        fits(DesignOptions("tiny", frame=(15, 16)), True, [boards.load("kv260")], Told({}))


def test_one_plan_for_boards_with_equal_parts() -> None:
    shipped = [boards.load(name) for name in boards.available()]
    of_xc7z020 = ["arty_z7_20", "pynq_z1", "pynq_z2", "zedboard", "zybo_z7_20"]
    assert [[one.name for one in group] for group in groups(shipped)] == [
        of_xc7z020, ["kv260"], ["ultra96_v2"], ["zc706"], ["zcu104"],
    ]  # fmt: skip
    record = asdict(Fit("arty_z7_20", "xc7z020clg400-1", 150.0, None, 1, 2.0, {"dsp": 3}, {"dsp": 4}))
    told = Told({"verdict": PROVEN, "error": None, "fit": record})
    targets = [boards.load(name) for name in ("zedboard", "kv260", "pynq_z2")]
    found = fits(TINY, True, targets, told)
    assert [(one.board, one.part) for one in found] == [(one.name, one.part) for one in targets]
    assert [job.words[-4:] for job in told.jobs] == [
        ("--side", "both", "--board", str(boards.load(name).path.resolve())) for name in ("zedboard", "kv260")
    ]


def test_a_job_that_comes_to_nothing_is_an_error() -> None:
    target = boards.load("kv260")
    with pytest.raises(HwgenError, match=r"kv260.yaml: wanted a result, got killed"):
        fits(TINY, False, [target], Told(not_run("killed")))


def test_jobs_are_processes_of_their_own() -> None:
    (found,) = fits(TINY, False, [boards.load("zybo_z7_20")], LocalExecutor(1))
    assert found == fit(DesignOptions("tiny", frame=(16, 16), board="zybo_z7_20"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    big = Fit("small", "xc7z020clg400-1", 150.0, None, 1536, 97656.25, dict.fromkeys(("dsp", "lut", "ff", "bram36"), 1)
              | {"uram": 0}, dict.fromkeys(("dsp", "lut", "ff", "bram36", "uram"), 2))  # fmt: skip
    none = Fit("small", "xc7z020clg400-1", 150.0, "lut: wanted more", None, None, {}, {})
    words = ["fit", "--model", "tiny", "--side", "rx", "--board", board_of(tmp_path)]
    for one, shown in ((big, "97,656.25"), (none, "small: lut: wanted more")):
        record = {"verdict": PROVEN, "error": None, "fit": asdict(one)}
        monkeypatch.setattr("hwgen.executor.LocalExecutor", lambda jobs, record=record: Told(record))
        assert cli.main(words) == 0
        assert shown in capsys.readouterr().out
        assert cli.main([*words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"model": "tiny", "side": "rx", "boards": [one.record()]}
    assert one.record()["fits"] is False
