"""The frames that an input's TLAST makes of its beats: the rule of `hwgen.rtl.framer`, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ERROR_BITS = 32
"""Width of the counter of faults, which begins again at zero behind its largest number."""


@dataclass(frozen=True)
class Framed:
    """A frame as it leaves.

    Parameters
    ----------
    beats
        As many as a frame has; fewer where the input ended in the midst of it.
    sent
        Beats that came for it, the one with TLAST included.
    fault
        What TLAST said: "short" (before the last beat), "long" (not on it), or None.
    """

    beats: tuple[int, ...]
    sent: int
    fault: Literal["short", "long"] | None


def framed(beats: Iterable[tuple[int, bool]], length: int) -> list[Framed]:
    """Frames of `length` beats out of (beat, TLAST) pairs.

    A frame ends with its TLAST and nowhere else. Zeros take the place of beats that it lacks, and what it has too many
    is dropped: each is one fault, of however many beats.
    """
    found: list[Framed] = []
    frame: list[int] = []
    for beat, last in beats:
        frame.append(beat)
        if last:
            sent = len(frame)
            padded = (frame + [0] * (length - sent))[:length]
            found.append(Framed(tuple(padded), sent, None if sent == length else "short" if sent < length else "long"))
            frame = []
    if frame:
        found.append(Framed(tuple(frame[:length]), len(frame), None if len(frame) < length else "long"))
    return found
