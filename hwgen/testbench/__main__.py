"""`python -m hwgen.testbench FOLDER`: frames and their answers as files, see `vectors`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.program import run_program
from hwgen.testbench.vectors import write_vectors


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m hwgen.testbench",
        description="Write frames for an emitted design, and what must come out, as words for $readmemh.",
    )
    parser.add_argument("folder", type=Path, help="folder that hwgen emit wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for input.hex, output.hex and coefficients.hex")
    parser.add_argument("--frames", type=int, default=8, help="number of frames (8)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the frames (1)")
    arguments = parser.parse_args(argv)
    try:
        if not 1 <= arguments.frames <= MOST_FRAMES:
            raise HwgenError("--frames", f"1 to {MOST_FRAMES}", str(arguments.frames))
        if arguments.seed < 0:
            raise HwgenError("--seed", "0 or more", str(arguments.seed))
        for path in write_vectors(arguments.folder, arguments.out, arguments.frames, arguments.seed):
            print(path)
    except (HwgenError, OSError) as error:
        print(f"error: {error if isinstance(error, HwgenError) else HwgenError.of(error)}", file=sys.stderr)
        return 2
    return 0


MOST_FRAMES = 10_000
"""Most frames of one call."""

if __name__ == "__main__":
    sys.exit(run_program(main))
