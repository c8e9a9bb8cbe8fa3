"""Values of command-line options, each error with the range that was wanted."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from hwgen.errors import HwgenError

Engine = Literal["best", "direct", "winograd", "winograd2d", "polynomial"]
"""Engines of a convolution that sizing may choose: one product a tap (direct); Winograd's products, and layers without
such ones direct (winograd), or in two dimensions where that is possible (winograd2d); products of polynomials, likewise
(polynomial); for each layer what makes the whole design fastest (best)."""
ENGINE: Engine = "best"
"""The one that is taken where none is asked for."""
SEEDS = 10_000
"""Most seeds of one call."""
T = TypeVar("T")


def frame(text: str) -> tuple[int, int]:
    """``512x256`` -> (512, 256): width, height."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text)
    if match is None:
        raise HwgenError("--frame", "WIDTHxHEIGHT in pixels, such as 512x256", repr(text))
    return int(match[1]), int(match[2])


def init(text: str) -> int:
    """``random:7`` -> 7, the seed of random weights."""
    match = re.fullmatch(r"random:([0-9]{1,9})", text)
    if match is None:
        raise HwgenError("--init", "random:SEED, such as random:1", repr(text))
    return int(match[1])


def seeds(text: str) -> tuple[int, ...]:
    """``1..3,8`` -> (1, 2, 3, 8)."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,10})(?:\.\.([0-9]{1,10}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 2**32 or last - first >= SEEDS:
            raise HwgenError("--seeds", f"seeds such as 1..20 or 1,5,9..12, at most {SEEDS}", repr(text))
        found += range(first, last + 1)
    if len(set(found)) < len(found) or len(found) > SEEDS:
        raise HwgenError("--seeds", f"at most {SEEDS} seeds, each once", repr(text))
    return tuple(found)


def add_cache(parser: ArgumentParser) -> None:
    """Add ``--cache`` to a command that keeps what it builds."""
    parser.add_argument("--cache", type=path("--cache"), metavar="DIR",
                        help="folder of what was built before (default: hwgen's in the user's cache folder, or a "
                             "temporary one where that cannot be written)")


def path(option: str) -> Callable[[str], Path]:
    """A file's or folder's path; an empty text, which would stand for the current folder, is none."""

    def of(text: str) -> Path:
        if not text:
            raise HwgenError(option, "a path", repr(text))
        return Path(text)

    return of


class Number:
    """A number on the command line, with its range in its error: ASCII digits alone, as all other tools read them."""

    _plain = re.compile(r"[-+.0-9eE]{1,400}|[-+]?(inf|nan)")

    def __init__(self, option: str, kind: type[int] | type[float], low: float, high: float | None = None) -> None:
        self.option, self.kind, self.low, self.high = option, kind, low, high

    def __call__(self, text: str) -> int | float:
        wanted = "an integer" if self.kind is int else "a number"
        wanted += f" of at least {self.low}" if self.high is None else f" from {self.low} to {self.high}"
        try:
            value = self.kind(text if self._plain.fullmatch(text) else "")
        except ValueError:
            raise HwgenError(self.option, wanted, repr(text)) from None
        if not self.low <= value <= (float("inf") if self.high is None else self.high) or value == float("inf"):
            raise HwgenError(self.option, wanted, repr(text))
        return value


def evenly(given: Sequence[T], count: int) -> list[T]:
    """At most so many of them (1 or more), evenly spread, the first among them."""
    return list(given[:: max(1, -(-len(given) // count))])
