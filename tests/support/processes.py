"""Whether processes of a test are still there."""

from __future__ import annotations

import time
from pathlib import Path

POLLS = 6000


def alive(number: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(number: int) -> bool:
    """Whether a process ends by itself soon: one that was killed may need a moment on a busy machine.

    Only a process that was left running takes as long as all polls.
    """
    for _ in range(POLLS):
        if not alive(number):
            return True
        time.sleep(0.01)
    return False
