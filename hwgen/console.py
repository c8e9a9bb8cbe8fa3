"""Output for people and for programs: streams that no text can steer, tables, and JSON that any parser takes."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text


def visible(text: str) -> str:
    r"""Text as a terminal may have it: whatever is no printable character as its escape, such as ``\x1b``, ``\u202e``.

    Names of files, models and layers, notes and messages of other programs may hold what moves a cursor, rings a bell
    or turns the direction of writing. New lines and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode("ascii") for each in text
    )


class Stream(io.TextIOBase):
    """Standard output or standard error, with every control character visible.

    Attributes
    ----------
    inner
        The stream itself, for progress bars alone.
    used
        Whether anything was written.
    """

    def __init__(self, inner: TextIO, name: str, lenient: bool) -> None:
        super().__init__()
        self.inner, self.name, self.lenient = inner, name, lenient
        self.used = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.inner.encoding

    def isatty(self) -> bool:
        return self.inner.isatty()

    def fileno(self) -> int:
        return self.inner.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Write it.

        Raises
        ------
        OSError : it cannot be written; nowhere to say so is no trouble where the stream is lenient
        """
        self.used = self.used or bool(text)
        with self._named():
            self.inner.write(visible(text))
        return len(text)

    def flush(self) -> None:
        """Write what waits; OSError as `write`."""
        with self._named():
            self.inner.flush()

    def abandon(self) -> None:
        """Let what still waits go nowhere: Python writes it once more as it exits."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.inner.fileno())
            os.close(nowhere)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abandon()
            if self.lenient:
                return
            error.filename = self.name  # of a BrokenPipeError too, which stays one
            raise


@contextmanager
def standard_streams() -> Iterator[None]:
    """Standard output and standard error as `Stream`, for as long as the block runs. What no one can read on the latter
    is lost; what cannot be written on the former is an error."""
    before = sys.stdout, sys.stderr
    for inner in before:
        if isinstance(inner, io.TextIOWrapper):  # terminals of any encoding, paths of any bytes
            inner.reconfigure(errors="backslashreplace")
    sys.stdout = Stream(before[0], "standard output", lenient=False)
    sys.stderr = Stream(before[1], "standard error", lenient=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def open_closed() -> None:
    """Open what the process was started without, before any file takes its number: nothing is read on standard input,
    writing on standard output fails, what standard error gets is lost."""
    for number in range(3):
        try:
            os.fstat(number)
            continue
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)  # takes the lowest free number
        if number == 0:
            sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  as long as the process
        elif number == 1:
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        else:
            sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def progress(text: str) -> None:
    """A line on standard error for who watches; a file or a pipe gets results only."""
    if sys.stderr.isatty():
        print(f"{text} ...", file=sys.stderr, flush=True)


def bar_stream() -> TextIO:
    """Standard error for a progress bar, which moves the cursor."""
    return sys.stderr.inner if isinstance(sys.stderr, Stream) else sys.stderr


def printed() -> bool:
    """Whether anything was written on standard output."""
    return isinstance(sys.stdout, Stream) and sys.stdout.used


def console(stderr: bool = False) -> Console:
    """Standard output, or error: plain text, in which brackets and colons mean nothing.

    Where that is no terminal there is no width to wrap at.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return _Plain(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, color_system=None)


class _Plain(Console):
    """Measures texts as they will be seen, and drops nothing of them."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)

    def on_broken_pipe(self) -> None:
        """Let the command line say what its status is: Rich would exit with 1, a difference."""
        raise


def json_line(record: Any) -> str:
    """One object as a line. JSON has no infinity and no NaN: what is no finite number is null."""
    return json.dumps(_finite(record), allow_nan=False)


def print_json(record: Any) -> None:
    """Print one object on standard output, as `json_line` has it."""
    print(json_line(record), flush=True)


def write_raw(number: int, text: str) -> None:
    """Write on a file descriptor at once, past all buffers, or not at all: for a signal's handler."""
    with suppress(OSError):
        os.write(number, visible(text).encode("ascii", "backslashreplace"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
