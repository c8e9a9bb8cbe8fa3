"""`python -m hwgen.formal`: run the proofs, or write the list of them."""

from __future__ import annotations

import sys

from hwgen import process
from hwgen.formal.command import main

if __name__ == "__main__":
    try:
        with process.interruptible():
            sys.exit(main())
    except process.Interrupted as error:
        sys.exit(128 + error.number)
