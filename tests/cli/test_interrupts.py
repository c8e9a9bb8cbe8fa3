"""INT, TERM and HUP at different moments of a command: one line, 128 + the signal's number, and nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import moments
from support.moments import marked

MODEL = ["--model", "tiny", "--init", "random:1", "--frame", "16x8"]
MOMENTS = {
    "while Yosys writes": (["emit", *MODEL, "--out", "deep/out"], "tmp/hwgen_yosys_*", signal.SIGINT),
    "while it is built": (
        ["verify", *MODEL, "--out", "deep/out", "--cache", "cache", "--json"], "cache/sim/build_*/build.log",
        signal.SIGTERM,
    ),
    "while it simulates": (
        ["verify", *MODEL, "--frames", "60", "--seeds", "1..3", "--jobs", "2"], "tmp/hwgen_verify_*/run/simulation.log",
        signal.SIGHUP,
    ),
    "while a link is emitted": (["link", "--model", "tiny", "--out", "out"], ".out.*", signal.SIGTERM),
}  # fmt: skip
"""The command line, a file that is there at that moment, the signal."""


def heed_signals() -> None:
    """Undo what the tests' own start may have set: a job in the background or under nohup ignores some signals, and so
    would all that it starts."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_before_any_step_nothing_is_left(tmp_path: Path) -> None:
    """Some steps of emit; `moments.py` by itself goes through all steps of all commands."""
    done = subprocess.run([sys.executable, moments.__file__, "models", "emit", "--every", "23"], capture_output=True,
                          text=True, env=os.environ | {"TMPDIR": str(tmp_path)}, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    name, _, found = done.stdout.splitlines()[-1].partition(": ")
    assert name == "emit" and found.endswith(" moments, 0 faults") and int(found.split()[0]) > 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left(moment: str, tmp_path: Path) -> None:
    words, sign, number = MOMENTS[moment]
    (tmp_path / "tmp").mkdir()
    variables = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    running = subprocess.Popen([sys.executable, "-m", "hwgen", *words], cwd=tmp_path, env=variables,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=heed_signals)  # fmt: skip
    while not list(tmp_path.glob(sign)):
        assert running.poll() is None, running.communicate()
        time.sleep(0.005)
    assert str(running.pid) in map(str, marked(str(tmp_path)))
    running.send_signal(number)
    printed, said = running.communicate()
    assert running.returncode == 128 + number
    assert said == ("interrupted\n" if number == signal.SIGINT else f"interrupted by {number.name}\n")
    if "--json" in words:
        found = json.loads(printed)
        assert found["verdict"] == "not run" and found["error"] == said.strip()
    else:
        assert printed == ""
    assert marked(str(tmp_path)) == []
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert [path for path in left if path not in ("tmp", "cache", "cache/sim")] == []
