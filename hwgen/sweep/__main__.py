"""`python -m hwgen.sweep`."""

from __future__ import annotations

import sys

from hwgen.program import run_program
from hwgen.sweep.command import main

if __name__ == "__main__":
    sys.exit(run_program(main))
