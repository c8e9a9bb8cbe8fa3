"""The console that tables are printed on."""

from __future__ import annotations

import sys

from rich.console import Console


def console() -> Console:
    """Standard output; where that is no terminal there is no width to wrap at."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)
