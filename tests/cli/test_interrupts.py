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


def marked(mark: str) -> list[int]:
    """Processes with a text in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has ended, or is another user's
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left(moment: str, tmp_path: Path) -> None:
    words, sign, number = MOMENTS[moment]
    (tmp_path / "tmp").mkdir()
    variables = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    running = subprocess.Popen([sys.executable, "-m", "hwgen", *words], cwd=tmp_path, env=variables,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
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
