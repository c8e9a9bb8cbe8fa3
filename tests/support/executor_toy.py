"""A job that ends as its first word says: run by the executor's tests as `python -m support.executor_toy`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

STATUS = {"proven": 0, "differs": 1, "not run": 2}


def main(word: str, *rest: str) -> int:
    """Print an object and return its status, or go wrong."""
    if word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "broken":
        raise RuntimeError("a defect")
    if word == "sleeps":
        Path(rest[0]).write_text(str(os.getpid()))
        time.sleep(60)
    print(json.dumps({"verdict": word, "error": None, "rest": list(rest)}))
    return STATUS[word]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
