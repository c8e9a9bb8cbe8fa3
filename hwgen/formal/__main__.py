"""`python -m hwgen.formal`: run the proofs, or write the list of them."""

from __future__ import annotations

import sys

from hwgen.formal.command import main
from hwgen.program import run_program

if __name__ == "__main__":
    sys.exit(run_program(main))
