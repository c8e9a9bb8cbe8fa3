"""Output for people and for programs: tables, and JSON that any parser takes."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from rich.console import Console


def console() -> Console:
    """Standard output; where that is no terminal there is no width to wrap at."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)


def print_json(record: Any) -> None:
    """Print one object on standard output. JSON has no infinity and no NaN: what is no finite number is null."""
    print(json.dumps(_finite(record), allow_nan=False), flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
