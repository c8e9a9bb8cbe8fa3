"""Children get named variables alone, and go with all that they started; folders go; a signal leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.processes import alive, ends

from hwgen import process


def wait_for(path: Path) -> str:
    """The contents of a file as soon as it has some."""
    while not (path.is_file() and path.read_text()):
        time.sleep(0.01)
    return path.read_text()


def test_settings_of_other_tools_do_not_reach_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAVES", "COCOTB_TESTCASE", "MAKEFLAGS", "CXXFLAGS", "VERILATOR_ROOT", "PYTHONHOME", "GPI_USERS"):
        monkeypatch.setenv(name, "1")
    ended = process.run([sys.executable, "-c", "import os; print(sorted(os.environ))"], tmp_path)
    names = set(eval(ended.output))
    assert names <= {*process.PASSED, "LC_ALL", "PYTHONUTF8", "LC_CTYPE"} and {"PATH", "LC_ALL"} <= names
    assert process.environment({"A": "1"}, ("CXX",))["CXXFLAGS"] == "1"


def test_status_output_and_input(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read()); print('bad', file=sys.stderr); sys.exit(3)"
    ended = process.run([sys.executable, "-c", code], tmp_path, given="word")
    assert (ended.status, ended.output, ended.errors) == (3, "word\n", "bad\n")
    assert ended.how == "exit status 3"
    ended = process.run(["sh", "-c", "echo one; echo two >&2; kill -KILL $$"], tmp_path, log=tmp_path / "log")
    assert ended.how == "signal 9 (SIGKILL)"
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_child_goes_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is up as soon as its own child is there."""
    command = ["sh", "-c", f"sleep 1000 & echo $! > '{tmp_path}/number'; wait"]
    wait = subprocess.Popen.wait

    def late(child: subprocess.Popen[bytes], seconds: float | None = None) -> int:
        if seconds is None:
            return wait(child)
        wait_for(tmp_path / "number")
        raise subprocess.TimeoutExpired(command, seconds)

    monkeypatch.setattr(subprocess.Popen, "wait", late)
    with pytest.raises(subprocess.TimeoutExpired):
        process.run(command, tmp_path, seconds=1.0)
    assert ends(int(wait_for(tmp_path / "number")))


def test_a_limit_of_time_stops_a_child(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        process.run(["sleep", "1000"], tmp_path, seconds=0.01)


def test_temporary_files_of_a_killed_child_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(process.tempfile, "tempdir", None)
    (tmp_path / "tmp").mkdir()
    ended = process.run(["sh", "-c", 'touch "$TMPDIR/of_the_compiler"; echo "$TMPDIR"; kill -9 $$'], tmp_path)
    assert ended.status == -9 and ended.output.startswith(str(tmp_path / "tmp"))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_private_folders(tmp_path: Path) -> None:
    with process.private_folder("a_", tmp_path) as folder:
        (folder / "file").touch()
    assert list(tmp_path.iterdir()) == []
    with process.private_folder("a_", tmp_path) as folder:
        process.keep(folder)
    assert list(tmp_path.iterdir()) == [folder]


def test_stopping_waits_for_a_child_that_is_being_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the system's start of a child and its entry in the list nothing may look the other way."""
    popen, begun, go_on = subprocess.Popen, threading.Event(), threading.Event()
    children: list[subprocess.Popen[bytes]] = []

    def slow(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        children.append(popen(*arguments, **options))
        begun.set()
        go_on.wait()
        return children[0]

    monkeypatch.setattr(process.subprocess, "Popen", slow)
    starter = threading.Thread(target=process.start, args=(["sleep", "1000"], tmp_path, subprocess.DEVNULL))
    stopper = threading.Thread(target=process.stop_all)
    starter.start()
    begun.wait()
    stopper.start()
    stopper.join(0.2)
    go_on.set()
    for thread in (starter, stopper):
        thread.join()
    found = alive(children[0].pid)
    process.stop_all()
    assert not found


LONG = """
import sys, time
from pathlib import Path
from hwgen import process
try:
    with process.interruptible():
        process.new_folder("loose_")
        with process.private_folder("held_") as folder:
            process.run(["sh", "-c", f"sleep 1000 & echo $$ $! > '{sys.argv[1]}'; wait"], folder)
except process.Interrupted as error:
    sys.exit(128 + error.number)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    variables = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    running = subprocess.Popen([sys.executable, "-c", LONG, str(tmp_path / "numbers")], env=variables)
    children = [int(word) for word in wait_for(tmp_path / "numbers").split()]
    running.send_signal(number)
    running.send_signal(signal.SIGTERM)  # a second one does not cut the cleaning short
    assert running.wait() == 128 + number
    assert all(ends(child) for child in children)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_signal_waits_for_what_must_be_whole() -> None:
    steps = []

    def work() -> None:
        with process.interruptible():
            with process.whole():
                signal.raise_signal(signal.SIGTERM)
                steps.append("whole")
            steps.append("never")

    with pytest.raises(process.Interrupted):
        work()
    assert steps == ["whole"]
    assert process.run(["true"], Path.cwd()).status == 0, "what comes later is another matter"


ALONE = """
import os, signal, sys, threading, time
from pathlib import Path
from hwgen import process

numbers, base = signal.SIGTERM, Path(sys.argv[1])

class Swallows:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)  # an exception would be printed and forgotten here

def thread():
    process.new_folder("thread_", base)
    while True:
        (base / "late").mkdir(exist_ok=True)
        (base / "late").rmdir()

def last(number):
    print("last", number, flush=True)
    for other in process.SIGNALS:
        signal.raise_signal(other)  # a second one must not cut this short

with process.interruptible(last):
    threading.Thread(target=thread, daemon=True).start()
    process.new_folder("folder_", base)
    process.new_file("file_", base)
    with process.made_parents(base / "a" / "b" / "c"):
        child = process.start(["sleep", "1000"], base, 1)
        with process.private_folder("held_", base):
            if sys.argv[2] == "lock":
                child._waitpid_lock.acquire()  # as within Popen.wait
            Swallows()
            print("never")
"""


@pytest.mark.parametrize("how", ["", "lock"])
def test_a_process_of_its_own_ends_in_the_handler(how: str, tmp_path: Path) -> None:
    """In a finaliser, beside a busy thread, with the lock of a child's wait taken, with more signals on the way."""
    (tmp_path / "base").mkdir()
    done = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path / "base"), how], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, f"last {signal.SIGTERM}\n", "")
    assert [path.name for path in (tmp_path / "base").iterdir() if path.name != "late"] == []


def test_hangup_stays_ignored_under_nohup(tmp_path: Path) -> None:
    """The whole command line: it comes to its end, whatever `nohup` made it ignore."""
    code = ("import signal, sys; from hwgen.cli import boards; from hwgen.__main__ import main; run = boards.run; "
            "boards.run = lambda a: (signal.raise_signal(signal.SIGHUP), run(a))[1]; sys.exit(main())")
    words = ["sh", "-c", 'trap "" HUP; exec "$0" -c "$1" boards', sys.executable, code]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "pynq_z2" in done.stdout
    done = subprocess.run([sys.executable, "-c", code, "boards"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (129, "", "interrupted by SIGHUP\n")


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with process.interruptible():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
