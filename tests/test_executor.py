"""Jobs on a pool of processes and on a Dask cluster: results, lost workers, nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from support.processes import ends

from hwgen import executor as executors
from hwgen.errors import HwgenError
from hwgen.executor import DaskExecutor, Executor, Job, LocalExecutor, Result
from hwgen.process import Ended

TOY = "support.executor_toy"


def toy(name: str, *words: str, then: tuple[Job, ...] = ()) -> Job:
    return Job(name, TOY, words, then)


@pytest.fixture(params=["pool", "dask"])
def pool(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "dask":
        pytest.importorskip("distributed")
    with executors.executor("local" if request.param == "dask" else None, 2) as found:
        yield found


def test_results_of_jobs_and_of_those_that_follow(pool: Executor) -> None:
    jobs = [
        toy("a", "proven", "1", then=(toy("c", "differs"), toy("d", "killed"))), toy("b", "broken"), toy("e", "not run")
    ]  # fmt: skip
    told: list[tuple[int, int]] = []
    found: dict[str, Result] = {}
    for result in pool.as_completed(jobs, lambda done, count, result: told.append((done, count))):
        assert result.job.name not in ("c", "d") or "a" in found
        found[result.job.name] = result
    assert {name: result.verdict for name, result in found.items()} == {
        "a": "proven", "b": "not run", "c": "differs", "d": "not run", "e": "not run"
    }  # fmt: skip
    assert found["a"].record["rest"] == ["1"] and found["a"].seconds > 0
    assert found["b"].error == "exit status 1, no verdict: RuntimeError: a defect"
    assert found["d"].error == "signal 9 (SIGKILL), no verdict"
    assert found["e"].error is None
    assert told == [(done, 5) for done in range(1, 6)]


def test_whoever_leaves_stops_what_runs_and_what_waits(pool: Executor, tmp_path: Path) -> None:
    files = [tmp_path / str(index) for index in range(3)]
    futures = [pool.submit(toy(file.name, "sleeps", str(file))) for file in files]
    while not all(file.exists() and file.read_text() for file in files[:2]):
        time.sleep(0.01)
    pids = [int(file.read_text()) for file in files[:2]]
    pool.cancel()
    assert all(ends(pid) for pid in pids)
    assert not files[2].exists()
    for future in futures[:2]:
        assert future.cancelled() or future.result().verdict == "not run"


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        (Ended(0, ""), "exit status 0, no verdict"),
        (Ended(0, "[1]"), "exit status 0, no verdict"),
        (Ended(0, '{"verdict": "differs"}'), "exit status 0, no verdict"),
        (Ended(1, '{"verdict": "proven"}'), "exit status 1, no verdict"),
        (Ended(1, '{"verdict": ["proven"]}'), "exit status 1, no verdict"),
        (Ended(0, '{"verdict": "proven"', "x\nlast\n\n"), "exit status 0, no verdict: last"),
        (Ended(-15, '{"verdict": "proven"}'), "signal 15 (SIGTERM), no verdict"),
    ],
)
def test_an_end_without_a_verdict_is_no_verdict(ended: Ended, error: str) -> None:
    assert executors.judged(ended) == {"verdict": "not run", "error": error}
    assert executors.judged(Ended(1, '{"verdict": "differs", "x": 1}')) == {"verdict": "differs", "x": 1}


def test_a_worker_that_is_lost_is_no_difference() -> None:
    lost: Future[Any] = Future()
    lost.set_exception(ConnectionError("gone"))
    result = executors._result(toy("a", "proven"), lost)
    assert (result.verdict, result.error) == ("not run", "the worker: ConnectionError: gone")


def test_a_program_that_does_not_start_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/none/python")
    with LocalExecutor(1) as pool:
        (result,) = pool.as_completed([toy("a", "proven")])
    assert result.verdict == "not run" and "/none/python" in str(result.error)


def test_a_scheduler_at_an_address(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, processes=False, dashboard_address=":0", local_directory=str(tmp_path)
    ) as cluster:
        with executors.executor(cluster.scheduler_address, 1) as pool:
            assert [result.verdict for result in pool.as_completed([toy("a", "differs")])] == ["differs"]
        assert cluster.scheduler.workers, "a cluster that was there before stays"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("Dask-Worker")]


def test_a_cluster_without_workers_is_not_awaited_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "POLL_SECONDS", 0.05)
    with DaskExecutor("local") as pool:
        monkeypatch.setattr(executors, "WORKERS_SECONDS", 0.2)
        monkeypatch.setattr(pool.client, "scheduler_info", lambda: {"workers": {}})
        jobs = [toy(name, "sleeps", str(tmp_path / name)) for name in "ab"]
        found = list(pool.as_completed(jobs))
    assert [result.verdict for result in found] == ["not run"] * 2
    assert str(found[0].error).startswith("the worker: FutureCancelledError")


def nobody_came(client: Any, workers: int, timeout: float) -> None:
    assert (workers, timeout) == (1, 30)
    raise TimeoutError("nobody came")


def test_clusters_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "WORKERS_SECONDS", 0.2)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(HwgenError, match="--scheduler: wanted `local` or the address of a running Dask scheduler"):
            DaskExecutor(address)
    monkeypatch.setattr(executors, "WORKERS_SECONDS", 30)
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster:
        with monkeypatch.context() as patch:
            patch.setattr(distributed.Client, "wait_for_workers", nobody_came)
            with pytest.raises(HwgenError, match=r"--scheduler: wanted a cluster of workers with hwgen .*nobody came"):
                DaskExecutor(cluster.scheduler_address)
    monkeypatch.setattr(executors, "sources_hash", lambda: threading.current_thread().name)
    with pytest.raises(HwgenError, match="--scheduler: wanted workers with the sources of this hwgen, got others on"):
        DaskExecutor("local")
