"""Many verifications as one verdict."""

from __future__ import annotations

import json
import xml.etree.ElementTree as xml
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from hwgen.cli.main import main
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, Result
from hwgen.regress import Regression, regress
from hwgen.verdict import not_run

FIRST = {"kind": "value", "stream": "conv0", "message": "conv0: wanted 1, got 2", "frame": 0, "reproduce": "hwgen v"}
PROVEN = {"verdict": "proven", "error": None, "values_compared": 10, "first_mismatch": None, "coverage": {"conv0": {}}}
DIFFERS = PROVEN | {"verdict": "differs", "first_mismatch": FIRST}


class Told(Executor):
    """Ends every job with the record of its seed."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records, self.words = records, list[tuple[str, ...]]()

    def submit(self, job: Job) -> Future[Result]:
        self.words.append(job.words)
        future: Future[Result] = Future()
        future.set_result(Result(job, self.records[int(job.words[job.words.index("--seed") + 1])], 1.5))
        return future

    def cancel(self) -> None:
        self.words.append(("cancelled",))


def test_every_model_side_and_seed_once_and_first_seeds_first() -> None:
    told = Told(PROVEN, PROVEN)
    assert regress(Regression(("a", "b"), ("tx", "rx"), (0, 1), ("--stall", "0.2")), told) == 0
    assert told.words.pop() == ("cancelled",)
    assert set(told.words) == {
        ("verify", "--model", model, "--side", side, "--seed", seed, "--stall", "0.2", "--json")
        for model in "ab" for side in ("tx", "rx") for seed in "01"
    } and len(told.words) == 8  # fmt: skip
    assert [words[6] for words in told.words[:4]] == ["0"] * 4


@pytest.mark.parametrize(
    ("records", "status", "verdict"),
    [
        ((PROVEN, PROVEN, PROVEN), 0, "proven"),
        ((PROVEN, not_run("killed", "verify"), PROVEN), 2, "not run"),
        ((DIFFERS, not_run("killed", "verify"), PROVEN), 1, "differs"),
    ],
)
def test_the_worst_verdict(
    records: tuple[dict[str, Any], ...], status: int, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Regression(("a",), ("tx",), (0, 1, 2))
    assert regress(asked, Told(*records), json=True, junit=tmp_path / "new" / "j.xml") == status
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == verdict
    assert [run["run"] for run in found["runs"]] == [f"a tx seed {seed}" for seed in range(3)]
    assert [run["verdict"] for run in found["runs"]] == [record["verdict"] for record in records]
    suites = list(xml.parse(tmp_path / "new" / "j.xml").iter("testsuite"))
    assert len(suites) == 3 and {suite.get("time") for suite in suites} == {"1.500"}
    for suite, record in zip(suites, records, strict=True):
        assert (suite.get("failures"), suite.get("errors")) == {
            "proven": ("0", "0"), "differs": ("1", "0"), "not run": ("0", "1")
        }[record["verdict"]]  # fmt: skip
    assert regress(asked, Told(*records)) == status
    out = capsys.readouterr().out
    counted = [sum(record["verdict"] == name for record in records) for name in ("proven", "differs", "not run")]
    assert out.splitlines()[-1] == "{} proven, {} differs, {} not run".format(*counted)
    assert ("conv0: wanted 1, got 2" in out) == (verdict == "differs")
    assert ("killed" in out) == (verdict == "not run"), "the first trouble of a row"


def test_an_interrupt_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = Told({"verdict": "proven"})

    def interrupted(*given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(executor, "as_completed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        regress(Regression(("a",), ("tx",), (0,)), executor, junit=tmp_path / "new" / "j.xml")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_no_regression() -> None:
    with pytest.raises(HwgenError, match="--model: wanted at least one, got none"):
        Regression((), ("tx",), (1,))
    assert main(["regress", "--seeds", "3..1"]) == 2


@pytest.mark.parametrize("where", [["--jobs", "2"], ["--jobs", "2", "--scheduler", "local"]], ids=["pool", "dask"])
def test_tiny_with_two_seeds(where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "--scheduler" in where:
        pytest.importorskip("distributed")
    words = ["--model", "tiny", "--side", "tx", "--seeds", "1..2", "--frame", "16x16", "--frames", "1", *where]
    assert main(["regress", *words, "--json", "--junit", str(tmp_path / "j.xml")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["proven"], found["differs"], found["not_run"]) == ("proven", 2, 0, 0)
    assert [run["values_compared"] for run in found["runs"]] == [592, 592]
    cases = {case.get("name") for case in xml.parse(tmp_path / "j.xml").iter("testcase")}
    assert {"values of conv0", "values of output", "protocol"} <= cases
