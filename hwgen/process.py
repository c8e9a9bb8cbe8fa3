"""Child processes and private folders: a clean environment, one way to start them, and nothing left at the end.

Every program that hwgen starts gets the variables named here and what its caller adds, and nothing else: settings of
other tools (`WAVES`, `COCOTB_*`, `CXXFLAGS`, `MAKEFLAGS` ...) change no result. Each runs in a session of its own, so
that a signal reaches hwgen alone, which then ends the whole group and removes every folder and file it has made for
itself. Its temporary files are in a private folder, too: a compiler that is killed leaves some.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

PASSED = ("PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables that every child gets as they are. LC_ALL and PYTHONUTF8 are set: messages are plain English."""
NETWORK = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "http_", "https_", "HTTP_", "HTTPS_", "no_proxy", "NO_PROXY",
           "all_proxy", "ALL_PROXY")  # fmt: skip
"""Beginnings of the variables that a program needs to fetch packages."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal that asks hwgen to end; `number` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Ended:
    """A program that has ended: its exit status, negative after a signal, and what it printed on either stream."""

    status: int
    output: str = ""
    errors: str = ""

    @property
    def how(self) -> str:
        """The end in words: "exit status 2", "signal 9 (SIGKILL)"."""
        if self.status >= 0:
            return f"exit status {self.status}"
        try:
            return f"signal {-self.status} ({signal.Signals(-self.status).name})"
        except ValueError:
            return f"signal {-self.status}"


def environment(extra: Mapping[str, str] | None = None, prefixes: Sequence[str] = ()) -> dict[str, str]:
    """The variables of a child.

    Parameters
    ----------
    extra : added, and stronger
    prefixes : beginnings of further names that are passed on
    """
    found = {name: os.environ[name] for name in PASSED if name in os.environ}
    found |= {name: value for name, value in os.environ.items() if name.startswith(tuple(prefixes))} if prefixes else {}
    return found | {"LC_ALL": "C", "PYTHONUTF8": "1"} | dict(extra or {})


def python_path() -> str:
    """PYTHONPATH with which another Python finds the modules that this one does, whatever its current folder."""
    return os.pathsep.join(os.path.abspath(part) for part in sys.path)


class _State:
    """Children, folders and files that must go when hwgen ends, and the signal that has come, if any."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.children: set[subprocess.Popen[bytes]] = set()
        self.folders: set[Path] = set()  # and files
        self.parents: list[Path] = []  # folders that go only where they are empty, the deepest first
        self.held = 0  # of the main thread: a signal waits until it is 0
        self.pending: int | None = None
        self.ended: int | None = None  # the signal that ends hwgen
        self.last: Callable[[int], None] | None = None  # what to do before the process exits in a signal's handler
        self.session = 0


_state = _State()


@contextmanager
def whole() -> Iterator[None]:
    """Run a few lines that no signal cuts in two, one thread at a time.

    Raises
    ------
    Interrupted : hwgen is about to end
    """
    main = threading.current_thread() is threading.main_thread()
    _state.held += main
    try:
        with _state.lock:
            if _state.ended is not None:
                raise Interrupted(_state.ended)
            yield
    finally:
        _state.held -= main
        if main and not _state.held and _state.pending is not None:
            number, _state.pending = _state.pending, None
            _end(number)


@contextmanager
def interruptible(last: Callable[[int], None] | None = None) -> Iterator[None]:
    """Turn INT, TERM and HUP into `Interrupted`, raised once in the main thread; at the end, stop and remove all.

    Signals that are ignored (`nohup`) stay so. Outside the main thread no signal is handled.

    Parameters
    ----------
    last
        Of a process that is hwgen's alone: a signal is then not raised, for what it interrupts (an import, a finaliser)
        may swallow that. Its handler stops and removes all, calls `last` with the signal's number, and the process
        exits with status 128 + n.
    """
    old = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                old[number] = signal.signal(number, _handle)
    _state.pending = _state.ended = None
    _state.last = last
    _state.session += 1
    torch = Path(tempfile.gettempdir(), f"hwgen_torch_{os.getpid()}")
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(torch))  # PyTorch makes this folder, and leaves it
    _state.folders.add(torch)
    try:
        yield
    finally:
        _clean()
        if last is None:
            for number, handler in old.items():
                signal.signal(number, handler)
        _state.pending = _state.ended = None


def session() -> int:
    """A number that is another one after everything was removed: folders made before are gone."""
    return _state.session


def _handle(number: int, frame: FrameType | None) -> None:
    if _state.ended is not None or _state.pending is not None:
        return  # it is ending: a second signal must not cut the cleaning short
    if _state.held:
        _state.pending = number
        return
    _end(number)


def _end(number: int) -> None:
    """Raise the signal, or end the process at once where it is hwgen's alone."""
    _state.ended = number
    if _state.last is None:
        raise Interrupted(number)
    try:
        with _state.lock:  # what other threads must not leave half done is done
            sys.addaudithook(_halt)
            for process in list(_state.children):
                _kill(process)
            _state.children.clear()
            _clean()
        _state.last(number)
    finally:
        os._exit(128 + number)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """As `stop`, but takes no lock: whatever a signal interrupts may hold it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(process.pid, 0)


def _halt(event: str, arguments: object) -> None:
    """Stop every thread but the main one at its next file, folder or process: it must make nothing that stays."""
    if threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


def _clean() -> None:
    """Stop what runs and remove what is there."""
    stop_all()
    with _state.lock:
        folders, parents = list(_state.folders), list(_state.parents)
    for folder in folders:
        remove(folder)
    for parent in parents:
        with suppress(OSError):
            parent.rmdir()


atexit.register(_clean)


@contextmanager
def private_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder, removed at the end unless it was moved, or kept by `keep`.

    Parameters
    ----------
    parent : where; None takes the system's folder for temporary files
    """
    folder = new_folder(prefix, parent)
    try:
        yield folder
    finally:
        if folder in _state.folders:
            remove(folder)


def new_folder(prefix: str, parent: Path | None = None) -> Path:
    """A new folder that goes when hwgen ends, at the latest; as `private_folder` otherwise."""
    with whole():
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        _state.folders.add(folder)
    return folder


def new_file(prefix: str, parent: Path) -> Path:
    """A new empty file that goes when hwgen ends, unless it was moved or kept until then."""
    with whole():
        number, name = tempfile.mkstemp(prefix=prefix, dir=parent)
        os.close(number)
        _state.folders.add(Path(name))
    return Path(name)


@contextmanager
def made_parents(path: Path) -> Iterator[None]:
    """The folders above a path, made where they are missing; those go again where the block does not end well.

    Raises
    ------
    OSError : one cannot be made
    """
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        with whole():
            _state.parents = [*missing, *_state.parents]
            path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise
    finally:
        _state.parents = [parent for parent in _state.parents if parent not in missing]


def keep(path: Path) -> None:
    """Leave a private folder or file where it is."""
    _state.folders.discard(path)


def remove(path: Path) -> None:
    """Remove a folder with all in it, or a file, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    _state.folders.discard(path)


def stop_all() -> None:
    """End every program that was started and not yet stopped, and those that another thread is about to start."""
    with _state.lock:
        children = list(_state.children)
    for process in children:
        stop(process)


def start(
    command: Sequence[str | Path],
    cwd: Path,
    output: int,
    env: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    errors: int = subprocess.STDOUT,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; whoever starts it must `stop` it.

    Parameters
    ----------
    output, stdin, errors : as Popen's stdout, stdin and stderr
    env : all of its variables; None takes `environment()`

    Raises
    ------
    OSError : it cannot be started
    """
    variables = environment() if env is None else dict(env)
    with whole():
        process = subprocess.Popen(
            [str(word) for word in command], cwd=cwd, env=variables, stdin=stdin, stdout=output, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        _state.children.add(process)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it has started, if any of it still runs."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    _state.children.discard(process)


def run(
    command: Sequence[str | Path],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    given: str = "",
    seconds: float | None = None,
) -> Ended:
    """Run a program to its end.

    Parameters
    ----------
    cwd : its current folder
    env : all of its variables; None takes `environment()`. TMPDIR is a private folder's
    log : file that what it prints is added to, both streams; None returns it
    given : its standard input
    seconds : after which it is stopped; None waits for ever

    Raises
    ------
    OSError : it cannot be started, or the log not written
    subprocess.TimeoutExpired : it was stopped
    """
    with private_folder("hwgen_run_") as folder:
        source, output, errors = folder / "input", folder / "output", folder / "errors"
        source.write_text(given, encoding="utf-8")
        with source.open("rb") as text, (log or output).open("ab") as sink, errors.open("wb") as second:
            both = sink.fileno(), subprocess.STDOUT if log is not None else second.fileno()
            variables = dict(environment() if env is None else env) | {"TMPDIR": str(folder)}
            process = start(command, cwd, both[0], variables, text.fileno(), both[1])
            try:
                status = process.wait(seconds)
            finally:
                stop(process)
        if log is not None:
            return Ended(status)
        return Ended(status, *(path.read_text(encoding="utf-8", errors="replace") for path in (output, errors)))
