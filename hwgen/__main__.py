"""`hwgen`, and `python -m hwgen`: the command line, with whatever keeps it from starting."""

from __future__ import annotations

import os
import signal
import sys


def _end(number: int, frame: object) -> None:
    """Exit with one line: nothing was made yet, so there is nothing to remove."""
    line = "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"
    try:
        os.write(2, f"{line}\n".encode())
    finally:
        os._exit(128 + number)


def main() -> int:
    """Run the command line; its exit status. An installation that cannot be imported is 2, never 1, a difference."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):  # what is ignored (nohup) stays so
            signal.signal(number, _end)
    try:
        from hwgen.console import open_closed

        open_closed()
        from hwgen.cli.main import main as run
    except Exception:
        import traceback

        traceback.print_exc()
        return 2
    return run(alone=True)


if __name__ == "__main__":
    sys.exit(main())
