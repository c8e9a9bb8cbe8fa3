"""JSON for programs: one line that a strict parser takes. Text for people: nothing in it steers a terminal."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from hwgen.cli.main import main
from hwgen.console import console, print_json, standard_streams, visible
from hwgen.spec import model as specs


def test_what_is_no_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"psnr_db": math.inf, "points": [(1, -math.inf), {"nmse_db": math.nan}], "name": "a", "ok": True})
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == {"psnr_db": None, "points": [[1, None], {"nmse_db": None}], "name": "a", "ok": True}


NASTY = "a\x1b[31mb\rc\x07d\u202ee\x9bf\udc80g [red]h[/red] [/] :smile: \u2028i"
SEEN = r"a\x1b[31mb\rc\x07d\u202ee\x9bf\udc80g [red]h[/red] [/] :smile: \u2028i"


def test_control_characters_are_seen() -> None:
    assert visible(NASTY) == SEEN
    assert visible("plain \u00e9 \u2502 text\twith\nlines") == "plain \u00e9 \u2502 text\twith\nlines"


def test_nothing_in_a_text_steers_the_terminal(capsys: pytest.CaptureFixture[str],
                                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("FORCE_COLOR", "1")
    with standard_streams():
        table = Table(title=NASTY)
        table.add_column(NASTY)
        table.add_row(NASTY)
        console().print(table)
        console().print(NASTY)
        print(NASTY)
        print(NASTY, file=sys.stderr)
    printed = capsys.readouterr()
    assert printed.out.count(SEEN) == 5 and printed.err == f"{SEEN}\n"
    assert not set(printed.out) & set("\x1b\r\x07\u202e\x9b")


def test_a_model_with_a_nasty_description(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = specs.load("tiny").path.read_text(encoding="utf-8")
    bad = tmp_path / "bad[red]\x1b.yaml"
    bad.write_text(text.replace("kernel: 3", "kernel: 4", 1))
    assert main(["emit", "--model", str(bad)]) == 2
    said = capsys.readouterr().err
    assert r"bad[red]\x1b.yaml:" in said and "\x1b" not in said and said.count("\n") == 1


STREAMS = {
    ">&-": (2, "error: standard output: wanted a file that can be read and written, got Bad file descriptor\n"),
    ">/dev/full": (2, "error: standard output: wanted a file that can be read and written, got No space left on "
                      "device\n"),
    ">&- 2>&-": (2, ""),
    "2>/dev/full": (0, ""),
    "<&- 2>&-": (0, ""),
}  # fmt: skip
"""Redirections of `hwgen boards`: its status and what it says."""


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
@pytest.mark.parametrize("redirected", STREAMS)
def test_closed_and_full_streams(redirected: str) -> None:
    done = subprocess.run(["sh", "-c", f"'{sys.executable}' -m hwgen boards {redirected}"], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == STREAMS[redirected]
    assert ("pynq_z2" in done.stdout) == (done.returncode == 0)


def test_a_terminal_of_ascii() -> None:
    """Whatever the encoding cannot hold is escaped, tables have lines of ASCII."""
    done = subprocess.run(["env", "PYTHONIOENCODING=ascii", "TERM=dumb", "LC_ALL=C", sys.executable, "-m", "hwgen",
                           "emit", "--model", "n\u00f6\U0001f600"], capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 2 and done.stderr.isascii() and rb"n\xf6\U0001f600" in done.stderr
