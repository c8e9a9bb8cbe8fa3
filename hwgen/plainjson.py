"""JSON objects of limited nesting and numbers, every key once: the reader of what files of others say.

Python's own reader takes numbers of any length, NaN and Infinity, keeps the last of two equal keys, and ends in a
RecursionError for brackets in brackets.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hwgen.errors import HwgenError

MOST_NESTING = 8
"""Deepest nesting of brackets."""
MOST_DIGITS = 20
"""Longest whole number; in characters."""
MOST_FRACTION = 32
"""Longest other number, in characters."""

_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def json_object(text: str, where: str) -> dict[str, Any]:
    """The object of a JSON text.

    Parameters
    ----------
    where
        For errors.

    Raises
    ------
    HwgenError
        At `where`: no JSON, no object, or beyond a limit.
    """
    _check_nesting(text, where)

    def limited(digits: str, most: int) -> str:
        if len(digits) > most:
            raise HwgenError(where, f"numbers of at most {most} digits", f"one of {len(digits)}")
        return digits

    def fraction(digits: str) -> float:
        return float(limited(digits, MOST_FRACTION))

    def constant(name: str) -> float:
        raise HwgenError(where, "numbers that JSON has", name)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise HwgenError(where, "every key once", f"two of {next(n for n in names if names.count(n) > 1)!r}")
        return found

    try:
        content = json.loads(
            text, parse_int=lambda digits: int(limited(digits, MOST_DIGITS)), parse_float=fraction,
            parse_constant=constant, object_pairs_hook=mapping,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise HwgenError(where, "a JSON object", str(error)) from None
    if not isinstance(content, dict):
        raise HwgenError(where, "a JSON object", type(content).__name__)
    return content


def _check_nesting(text: str, where: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth > MOST_NESTING:
            raise HwgenError(where, f"at most {MOST_NESTING} levels of brackets", "more")
