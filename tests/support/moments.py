"""A signal at every moment of a command: what it leaves behind, counted in steps that touch files or processes.

    PYTHONPATH=tests:. python tests/support/moments.py [COMMAND ...] [--every N] [--delays SECONDS ...]

runs each command of `COMMANDS` over and over, in a folder of its own and in a process forked from one that has imported
hwgen already. Before its k-th step (an audit event of Python: a file opened, made, renamed or removed, a folder made, a
process started) it gets a signal: of INT, TERM and HUP one after the other, and twice where k is odd. With --delays the
signal comes so long after each process that it starts instead. Linux.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import hwgen

EVENTS = ("open", "os.", "shutil.", "subprocess.Popen", "tempfile.")
"""Beginnings of the audit events that are steps."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TINY = ("--model", "tiny", "--init", "random:1", "--frame", "16x8")
CACHE = ("--cache", "cache")
COMMANDS: dict[str, tuple[str, ...]] = {
    "models": ("models",),
    "boards": ("boards",),
    "fit": ("fit", *TINY, "--board", "pynq_z2", "--jobs", "1"),
    "emit": ("emit", *TINY, "--out", "deep/out"),
    "pair": ("emit", *TINY, "--side", "both", "--out", "deep/out"),
    "ip": ("emit", *TINY, "--ip", "--out", "deep/out"),
    "export": ("export", "--model", "tiny", "--out", "deep/out"),
    "picture": ("picture", "--model", "tiny", "--snr", "10", "--out", "deep/picture.png"),
    "verify": ("verify", *TINY, *CACHE, "--frames", "1", "--out", "deep/out", "--junit", "deep/er/junit.xml"),
    "seeds": ("verify", *TINY, *CACHE, "--frames", "1", "--seeds", "1..3", "--jobs", "2"),
    "link": ("link", "--model", "tiny", *CACHE, "--frames", "1", "--out", "deep/out", "--csv", "table.csv"),
    "synth": ("synth", *TINY, *CACHE, "--jobs", "2"),
    "soak": ("soak", *TINY, *CACHE, "--side", "tx", "--faults", "18"),
    "regress": ("regress", *TINY, *CACHE, "--side", "tx", "--frames", "1", "--seeds", "1..2", "--jobs", "2",
                "--junit", "deep/er/junit.xml"),
    "train": ("train", "--model", "tiny", "--data", "skimage", "--phase", "float", "--steps", "3", "--out", "deep/out"),
    "evaluate": ("evaluate", "--model", "tiny", "--data", "skimage", "--snr", "10"),
    "search": ("search", "--model", "tiny", "--data", "skimage", "--trials", "2", "--steps", "1", "2", "--images", "1",
               "--least-channels", "1", "--least-weight-bits", "6", "--out", "deep/out"),
    "study": ("study", "--model", "tiny", "--data", "skimage", "--criteria", "none", "--seeds", "1..1", "--steps", "1",
              "1", "--images", "1", "--no-designs", "--verify", "0", "--jobs", "1", "--out", "deep/out"),
    "coverage": ("bench", "coverage", "--model", "tiny", "--frame", "16x8", "--directed", "1"),
    "shipped": ("bench", "shipped", "--model", "tiny"),
    "datapath": ("bench", "datapath", "--model", "tiny", "--no-synth", "--csv", "table.csv"),
}
LIGHT = {"models", "boards", "fit", "emit", "pair", "ip", "shipped"}
"""Commands without PyTorch."""
LEFT_BY_TRAINING = {"deep", "deep/out", "deep/out/state", "deep/out/state/float.safetensors",
                    "deep/out/state/float.csv", "deep/out/float.safetensors"}  # fmt: skip
"""The state from which the same command goes on is left on purpose."""


@dataclass(frozen=True)
class Run:
    """A run of a command: its steps, status, what it said, and every path that it left, relative to its folder."""

    steps: int
    status: int
    said: str
    left: frozenset[str]
    alive: tuple[int, ...]


def marked(mark: str) -> list[int]:
    """Processes with a text in their environment that run, or wait for their parent."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has ended, or is another user's
    return found


def run(words: Sequence[str], folder: Path, number: int = 0, at: int = 0, twice: bool = False,
        delay: float | None = None) -> Run:  # fmt: skip
    """Run a command in a new process in `folder`, made if needed.

    Parameters
    ----------
    number : signal that it gets; 0 for none
    at : before this step, counted from 1; or so many processes are started
    twice : it gets the signal twice
    delay : seconds after the start of the process number `at`; None counts steps
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    counter, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(counter)
        _child(words, folder, told, number if delay is None else 0, at, twice)
    os.close(told)
    steps = started = 0
    with os.fdopen(counter, "rb", buffering=0) as pipe:
        while event := pipe.read(1):
            steps += 1
            started += event == b"p"
            if delay is not None and event == b"p" and started == at:
                time.sleep(delay)
                for _ in range(1 + twice):
                    os.kill(child, number)
    _, ended = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(ended)
    alive = tuple(one for one in marked(str(folder)) if one != os.getpid())
    left = frozenset(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name not in ("stdout", "stderr")
    )
    return Run(steps, status, (folder / "stderr").read_text(), left, alive)


def _child(words: Sequence[str], folder: Path, told: int, number: int, at: int, twice: bool) -> None:
    """Become the command; never returns."""
    status = 99
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
        os.environ["XDG_CACHE_HOME"] = str(folder / "user")
        os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(file, descriptor)
            os.close(file)
        from hwgen.cli.main import main

        steps = 0

        def hook(event: str, arguments: object) -> None:
            nonlocal steps
            if event.startswith(EVENTS) and steps >= 0:
                steps += 1
                here = steps
                os.write(told, b"p" if event == "subprocess.Popen" else b".")
                if number and here == at:
                    for _ in range(1 + twice):
                        signal.pthread_kill(main_thread, number)

        main_thread = __import__("threading").get_ident()
        sys.addaudithook(hook)
        status = main(list(words), alone=True)
        steps = -1
        sys.stdout.flush()
    finally:
        os._exit(status)


def complaints(words: Sequence[str], whole: Run, found: Run, number: int) -> list[str]:
    """Faults of an interrupted run, beside one that was not: `whole`."""
    faults = []
    line = "interrupted\n" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}\n"
    if found.status not in (128 + number, whole.status):
        faults.append(f"status {found.status}: {found.said[-300:]!r}")
    if found.status == 128 + number and words[0] != "train" and found.said != whole_lines(found.said) + line:
        faults.append(f"said {found.said[-300:]!r}")
    if found.alive:
        faults.append(f"processes {found.alive}")
    allowed = LEFT_BY_TRAINING if words[0] == "train" else set()
    if words[0] in ("search", "study"):  # as training: what it goes on from, in its folder
        allowed = {path for path in found.left if path.startswith("deep")}
    empty = {"tmp", "cache", "cache/sim", "cache/synth", "user", "user/hwgen", "user/hwgen/sim", "user/hwgen/peer"}
    strange = {path for path in found.left - allowed - empty if path not in whole.left}
    if strange:
        faults.append(f"left {sorted(strange)[:5]}")
    outputs = {path for path in whole.left if not path.startswith(("cache", "user", "tmp"))} - allowed
    made = found.left & outputs
    groups = {path.split("/")[0] if path.startswith("table") else path.rsplit("/", 1)[-1] if "junit" in path else "out"
              for path in made}  # fmt: skip
    if "out" in groups and not {path for path in outputs if path.startswith("deep/out/")} <= made | allowed:
        faults.append(f"half of the output: {sorted(made)[:5]}")
    return faults


def whole_lines(said: str) -> str:
    """All lines but the last: notes and bars of progress, in a file."""
    return "".join(said.splitlines(keepends=True)[:-1])


def sweep(name: str, base: Path, moments: Callable[[Run], Sequence[int]], delays: Sequence[float] = (),
          warm: bool = True) -> tuple[int, list[str]]:  # fmt: skip
    """Interrupt a command at some moments; how many runs that were, and what was wrong with them.

    Parameters
    ----------
    moments : the steps at which, of a whole run
    delays : seconds after the start of each process at which, too
    warm : what a whole run has put into the cache is there already
    """
    words = COMMANDS[name]
    whole = run(words, base / "whole")
    assert whole.status in (0, 1), whole.said  # synth: 1 where a limit of the board is not met
    assert not whole.alive
    faults, count = [], 0
    cases: list[tuple[int, float | None]] = [(step, None) for step in moments(whole)]
    cases += [(child, delay) for delay in delays for child in range(1, 1 + _processes(words, base, warm))]
    for index, (at, delay) in enumerate(cases):
        folder, number = base / f"run{index}", SIGNALS[index % 3]
        folder.mkdir()
        if warm:
            for cache in ("cache", "user"):
                if (base / "whole" / cache).is_dir():
                    shutil.copytree(base / "whole" / cache, folder / cache, symlinks=True)
        found = run(words, folder, number, at, index % 2 == 1, delay)
        where = f"step {at} of {whole.steps}" if delay is None else f"process {at} after {delay:g} s"
        faults += [f"{name}, {where}, {number.name}: {fault}" for fault in complaints(words, whole, found, number)]
        count += 1
        shutil.rmtree(folder, ignore_errors=True)
    return count, faults


def _processes(words: Sequence[str], base: Path, warm: bool) -> int:
    """Processes that a command starts, with or without what is in the cache."""
    folder = base / "counted"
    folder.mkdir()
    if warm and (base / "whole" / "cache").is_dir():
        shutil.copytree(base / "whole" / "cache", folder / "cache", symlinks=True)
    counted = 0
    pipe, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(pipe)
        (folder / "tmp").mkdir()
        _child(words, folder, told, 0, 0, False)
    os.close(told)
    with os.fdopen(pipe, "rb", buffering=0) as events:
        while event := events.read(1):
            counted += event == b"p"
    os.waitpid(child, 0)
    return counted


def main() -> int:
    """1 where anything was left."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("commands", nargs="*", help=f"of {', '.join(COMMANDS)} (default: all)")
    parser.add_argument("--every", type=int, default=1, help="only every N-th step (default: 1)")
    parser.add_argument("--delays", type=float, nargs="*", default=[], help="seconds after the start of each process")
    parser.add_argument("--cold", action="store_true", help="with empty caches")
    arguments = parser.parse_args()
    names = arguments.commands or list(COMMANDS)
    import_all(set(names) <= LIGHT)
    wrong = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="moments_") as base:
            every = functools.partial(_every, arguments.every)
            count, faults = sweep(name, Path(base), every, arguments.delays, not arguments.cold)
        print(f"{name}: {count} moments, {len(faults)} faults", flush=True)
        for fault in faults[:20]:
            print(f"    {fault}", flush=True)
        wrong += len(faults)
    return 1 if wrong else 0


def import_all(light: bool) -> None:
    """Import hwgen's modules before all forks: each command would take seconds for it, and count it as steps."""
    if light:
        names = ["hwgen.cli.main", "hwgen.emit", "hwgen.emit.table", "hwgen.bench.shipped"]
    else:
        names = [module.name for module in pkgutil.walk_packages(hwgen.__path__, "hwgen.")]
    for name in names:
        if name not in ("hwgen.peer.nngen_design", "hwgen.sim.bench") and "__main__" not in name:
            importlib.import_module(name)


def _every(stride: int, whole: Run) -> range:
    return range(1, whole.steps + 1, stride)


if __name__ == "__main__":
    sys.exit(main())
