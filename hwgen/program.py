"""A program: the end of a process that is one command's, whether it comes by an error, a signal or a closed pipe."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from hwgen import process
from hwgen.console import open_closed, standard_streams, write_raw
from hwgen.errors import HwgenError

PIPE_CLOSED = 128 + signal.SIGPIPE
"""Exit status of a program whose reader (head, less) has seen enough, as of any other program."""


def interruption(number: int) -> str:
    """The line that is printed after a signal."""
    return "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"


def run_program(main: Callable[[], int]) -> int:
    """Run the only function of a process (``python -m hwgen.sweep``); its exit status, as `hwgen` has it.

    A bad input or trouble of the machine is one line on standard error and 2; a signal leaves nothing and is 128 + n.
    """
    open_closed()
    with standard_streams():
        try:
            with process.interruptible(lambda number: write_raw(2, f"{interruption(number)}\n")):
                status = main()
                sys.stdout.flush()
                return status
        except process.Interrupted as error:
            print(interruption(error.number), file=sys.stderr)
            return 128 + error.number
        except HwgenError as error:
            print(f"error: {error}", file=sys.stderr)
        except BrokenPipeError:
            return PIPE_CLOSED
        except OSError as error:
            print(f"error: {HwgenError.of(error)}", file=sys.stderr)
        return 2
