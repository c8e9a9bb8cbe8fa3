"""Values of command-line options, each error with the range that was wanted."""

from __future__ import annotations

import re

from hwgen.errors import HwgenError


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


class Number:
    """A number on the command line, with its range in its error."""

    def __init__(self, option: str, kind: type[int] | type[float], low: float, high: float | None = None) -> None:
        self.option, self.kind, self.low, self.high = option, kind, low, high

    def __call__(self, text: str) -> int | float:
        wanted = "an integer" if self.kind is int else "a number"
        wanted += f" of at least {self.low}" if self.high is None else f" from {self.low} to {self.high}"
        try:
            value = self.kind(text)
        except ValueError:
            raise HwgenError(self.option, wanted, repr(text)) from None
        if not self.low <= value <= (float("inf") if self.high is None else self.high) or value == float("inf"):
            raise HwgenError(self.option, wanted, repr(text))
        return value
