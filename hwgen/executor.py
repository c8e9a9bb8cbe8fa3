"""Run many hwgen commands: on a pool of processes of this machine, or on a Dask cluster.

A job is a command line of hwgen whose standard output is one JSON object, as `--json` prints it. It runs as a process
of its own, wherever that is, so that one which is killed or runs out of memory takes no other with it. Nothing but
words and JSON travels. A result whose exit status, object and verdict do not agree is "not run", as is that of a
worker which was lost: trouble of a machine never looks like a difference.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.verdict import STATUS, not_run

LOCAL = "local"
"""Address of a Dask cluster that is started here and ends with the command."""
WORKERS_SECONDS = 30
"""How long a cluster may take to answer, and how long it may have no worker."""
POLL_SECONDS = 1.0
"""How often it is looked whether there still is one."""
PASSED = ("HWGEN_", "OMP_")
"""Beginnings of the variables that a job gets from where it runs, beside those of every child process."""


@dataclass(frozen=True)
class Job:
    """A command to run.

    name : for who reads the results
    module : what `python -m` runs
    words : its arguments; paths in them are absolute, as they may be read elsewhere
    then : jobs that are better run after this one, because it leaves something in a cache for them
    """

    name: str
    module: str
    words: tuple[str, ...]
    then: tuple[Job, ...] = ()


@dataclass(frozen=True)
class Result:
    """The end of a job: its object, which has a verdict; `seconds` it took where it ran."""

    job: Job
    record: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        return str(self.record["verdict"])

    @property
    def error(self) -> str | None:
        """Why nothing is known; None where something is."""
        return self.record.get("error")


class Executor(ABC):
    """Runs jobs, several at a time; a context manager, which stops on its way out whatever still runs."""

    @abstractmethod
    def submit(self, job: Job) -> Future[Result]:
        """Start a job as soon as there is room for it; jobs begin in this order."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop all jobs, those that run and those that wait, and give back what the executor holds."""

    def watch(self) -> None:
        """Called every now and then while results are awaited: ends jobs that nobody can run any more."""
        return

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def as_completed(
        self, jobs: Sequence[Job], say: Callable[[int, int, Result], None] = lambda done, count, result: None
    ) -> Iterator[Result]:
        """The results in the order in which they come, each once; of those that come together, that of their jobs.

        say : told of each result, how many there are so far and how many there will be
        """
        pending = dict.fromkeys(self.submit(job) for job in jobs)
        done, count = 0, sum(1 + len(job.then) for job in jobs)
        while pending:
            found, _ = wait(pending, POLL_SECONDS, return_when=FIRST_COMPLETED)
            self.watch()
            for future in [one for one in pending if one in found]:
                del pending[future]
                result = future.result()
                pending |= dict.fromkeys(self.submit(job) for job in result.job.then)
                done += 1
                say(done, count, result)
                yield result


class LocalExecutor(Executor):
    """A pool of processes of this machine.

    jobs : processes at a time
    """

    def __init__(self, jobs: int) -> None:
        self.pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="hwgen")
        self.token = uuid.uuid4().hex

    def submit(self, job: Job) -> Future[Result]:
        return self.pool.submit(lambda: Result(job, *run_words(job.module, job.words, self.token)))

    def cancel(self) -> None:
        stop(self.token)
        self.pool.shutdown(cancel_futures=True)


class DaskExecutor(Executor):
    """A Dask cluster, whose workers have hwgen from the same sources and see the same files.

    address : the scheduler's, such as tcp://host:8786; `local` starts a cluster here
    jobs : jobs at a time on a cluster started here; another one has what its workers offer

    Raises
    ------
    HwgenError : no scheduler answers there, it has no worker, or workers have other sources
    ModuleNotFoundError : Dask is not installed
    """

    def __init__(self, address: str, jobs: int = 1) -> None:
        import distributed  # an extra, and heavy

        self.token = uuid.uuid4().hex
        self.remotes: list[Any] = []
        self.alone_since: float | None = None
        self.folder = process.new_folder("hwgen_dask_") if address == LOCAL else None
        # Each job is a process anyway: the workers of a local cluster can be threads. What it serves stays on this
        # machine, on any free port.
        self.cluster = None if self.folder is None else distributed.LocalCluster(
            n_workers=1, threads_per_worker=jobs, processes=False, dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0", local_directory=str(self.folder),
        )  # fmt: skip
        try:
            self.client = distributed.Client(self.cluster or address, timeout=WORKERS_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise HwgenError("--scheduler", f"`{LOCAL}` or the address of a running Dask scheduler", f"{address} "
                             f"({error})") from None  # fmt: skip
        try:
            self._check_workers(address)
        except BaseException:
            self.cancel()
            raise

    def _check_workers(self, address: str) -> None:
        try:
            self.client.wait_for_workers(1, timeout=WORKERS_SECONDS)
            found = self.client.run(sources_hash)
        except Exception as error:  # its own and asyncio's time-outs; whatever a worker without hwgen raises
            text = str(error) or type(error).__name__
            raise HwgenError("--scheduler", f"a cluster of workers with hwgen {sources_hash()[:8]}",
                             f"{address}: {text}") from None  # fmt: skip
        others = sorted(worker for worker, value in found.items() if value != sources_hash())
        if others:
            raise HwgenError("--scheduler", "workers with the sources of this hwgen", f"others on {', '.join(others)}")

    def submit(self, job: Job) -> Future[Result]:
        # pure=False: the same words run again where they are asked for again.
        remote = self.client.submit(run_words, job.module, job.words, self.token, pure=False)
        future: Future[Result] = Future()
        remote.add_done_callback(lambda ended: future.set_result(_result(job, ended)))
        self.remotes.append(remote)
        return future

    def watch(self) -> None:
        try:
            alone = not self.client.scheduler_info()["workers"]
        except Exception:  # the scheduler is gone
            alone = True
        self.alone_since = (self.alone_since or time.monotonic()) if alone else None
        if self.alone_since is not None and time.monotonic() - self.alone_since > WORKERS_SECONDS:
            with suppress(Exception):  # whatever it says: the jobs that wait end with it
                self.client.cancel(self.remotes, force=True)

    def cancel(self) -> None:
        with suppress(Exception):  # a worker that is lost has nothing to stop
            self.client.run(stop, self.token)
        self.client.close()
        if self.cluster is not None:
            self.cluster.close()
        if self.folder is not None:
            process.remove(self.folder)


def _result(job: Job, ended: Any) -> Result:
    """The result of a job on a cluster: its worker may have been lost on the way."""
    try:
        record, seconds = ended.result()
    except BaseException as error:  # CancelledError is none of Exception's
        return Result(job, not_run(" ".join(f"the worker: {type(error).__name__}: {error}".split())))
    return Result(job, record, seconds)


def executor(scheduler: str | None, jobs: int) -> Executor:
    """The executor for `--scheduler`: None takes a pool of `jobs` processes, else a Dask cluster.

    Raises
    ------
    HwgenError : as DaskExecutor
    ModuleNotFoundError : Dask is not installed
    """
    return LocalExecutor(jobs) if scheduler is None else DaskExecutor(scheduler, jobs)


def sources_hash() -> str:
    """SHA-256 of hwgen's Python files, those it links to included: the same where jobs mean the same."""
    root = Path(__file__).resolve().parent
    found = hashlib.sha256()
    for folder in (root, root / "rtl", root / "sim"):
        for path in sorted(folder.rglob("*.py")):
            found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


class _Running:
    """The processes of jobs in this Python, by the token of their executor, and the executors that were stopped."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.processes: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.stopped: set[str] = set()


_running = _Running()


def stop(token: str) -> None:
    """End the jobs of one executor that run in this Python; those that were to follow do not start."""
    with _running.lock:
        _running.stopped.add(token)
        found = _running.processes.pop(token, [])
    for child in found:
        process.stop(child)


def run_words(module: str, words: Sequence[str], token: str) -> tuple[dict[str, Any], float]:
    """Run `python -m module words` to its end: its object, and how many seconds it took. Raises nothing."""
    started = time.perf_counter()
    try:
        record = _run(module, words, token)
    except (OSError, HwgenError) as error:
        record = not_run(str(error))
    except process.Interrupted:
        record = not_run("interrupted")
    return record, time.perf_counter() - started


def _run(module: str, words: Sequence[str], token: str) -> dict[str, Any]:
    own = {"PYTHONPATH": process.python_path(), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with process.private_folder("hwgen_job_") as folder:
        paths = folder / "output", folder / "errors"
        with paths[0].open("wb") as output, paths[1].open("wb") as errors:
            with _running.lock:
                if token in _running.stopped:
                    return not_run("stopped before it began")
                child = process.start(
                    [sys.executable, "-m", module, *words], folder, output.fileno(),
                    process.environment(own, PASSED), errors=errors.fileno(),
                )  # fmt: skip
                _running.processes.setdefault(token, []).append(child)
            try:
                status = child.wait()
            finally:
                process.stop(child)
        with _running.lock:
            if child in _running.processes.get(token, []):
                _running.processes[token].remove(child)
        return judged(process.Ended(status, *(path.read_text("utf-8", errors="replace") for path in paths)))


def judged(ended: process.Ended) -> dict[str, Any]:
    """The object that a command printed, if its exit status says the same; else one that says what is wrong."""
    try:
        record = json.loads(ended.output)
        if isinstance(record, dict) and STATUS.get(record.get("verdict", "")) == ended.status:
            return record
    except (ValueError, TypeError):
        pass
    lines = [line for line in ended.errors.splitlines() if line.strip()]
    return not_run(f"{ended.how}, no verdict" + (f": {lines[-1]}" if lines else ""))
