"""Faults of an input stream's frames: what may happen to beats and TLAST on the way to a design.

A frame is a list of (beat, TLAST) pairs; a fault changes one frame, or one and the one behind it. What a design must
make of it is not said here: that is `hwgen.numerics.framing`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import numpy as np

from hwgen.sim.simulate import Script

Frame = list[tuple[int, bool]]
Fault = Callable[[Frame, Frame, Random], None]
"""Changes a frame, and may change the one behind it."""


def missing_tlast(frame: Frame, behind: Frame, random: Random) -> None:
    """TLAST is lost."""
    frame[-1] = frame[-1][0], False


def extra_tlast(frame: Frame, behind: Frame, random: Random) -> None:
    """A TLAST too many, in the midst of the frame."""
    place = random.randrange(len(frame) - 1)
    frame[place] = frame[place][0], True


def early_tlast(frame: Frame, behind: Frame, random: Random) -> None:
    """TLAST comes earlier, by one beat as often as by more."""
    missing_tlast(frame, behind, random)
    place = len(frame) - 1 - _some(random, len(frame) - 1)
    frame[place] = frame[place][0], True


def late_tlast(frame: Frame, behind: Frame, random: Random) -> None:
    """TLAST comes later, on a beat of the frame behind."""
    missing_tlast(frame, behind, random)
    place = _some(random, max(len(behind) - 1, 1)) - 1
    behind[place] = behind[place][0], True


def missing_beat(frame: Frame, behind: Frame, random: Random) -> None:
    """A beat is lost, or several, but not the last."""
    for _ in range(_some(random, len(frame) - 1)):
        del frame[random.randrange(len(frame) - 1)]


def surplus_beat(frame: Frame, behind: Frame, random: Random) -> None:
    """A beat too many, or several, before the last."""
    for _ in range(_some(random, 2 * len(frame))):
        frame.insert(random.randrange(len(frame)), (frame[random.randrange(len(frame))][0], False))


def missing_end(frame: Frame, behind: Frame, random: Random) -> None:
    """The last beat is lost, and TLAST with it."""
    del frame[-1]


def surplus_end(frame: Frame, behind: Frame, random: Random) -> None:
    """The last beat comes twice, with its TLAST."""
    frame.append(frame[-1])


def _some(random: Random, most: int) -> int:
    """1 .. most, 1 half of the time."""
    return 1 if random.random() < 0.5 else random.randint(1, most)


FAULTS: dict[str, Fault] = {
    "missing TLAST": missing_tlast,
    "extra TLAST": extra_tlast,
    "early TLAST": early_tlast,
    "late TLAST": late_tlast,
    "missing beat": missing_beat,
    "surplus beat": surplus_beat,
    "missing end": missing_end,
    "surplus end": surplus_end,
}
"""Kinds of faults by name."""
OF_SEVERAL = frozenset({"extra TLAST", "early TLAST", "missing beat", "missing end"})
"""Kinds that a frame of a single beat cannot have; where that is lost nothing can tell."""
MIXED = "mixed"
"""A kind that is every one of them in turn, by chance."""
SPACING = (0, 0, 0, 1, 1, 2, 3)
"""Good frames between two faults: as many, with equal chances."""


def kinds(length: int) -> tuple[str, ...]:
    """Kinds that frames of so many beats can have, and all mixed."""
    return (*(kind for kind in FAULTS if length > 1 or kind not in OF_SEVERAL), MIXED)


def faulty(kind: str, frames: Callable[[], list[int]], count: int, random: Random) -> Frame:
    """A stream with so many faults of a kind, good frames before, between and behind.

    Parameters
    ----------
    frames
        Gives the beats of another frame.
    """

    def good() -> Frame:
        beats = frames()
        return [(beat, place == len(beats) - 1) for place, beat in enumerate(beats)]

    found = [good()]
    hit = []
    for _ in range(count):
        hit.append(len(found))
        found += [good() for _ in range(1 + random.choice(SPACING))]
    found += [good(), good(), good()]
    one_of = [name for name in kinds(len(found[0])) if name != MIXED]
    pairs = list(pairwise(found))
    for place in reversed(hit):  # a TLAST that is late stays where it comes, whatever befell the frame behind
        FAULTS[kind if kind != MIXED else random.choice(one_of)](*pairs[place], random)
    return [beat for frame in found for beat in frame]


def script(beats: Frame) -> Script:
    """A stream as the bench sends it."""
    return Script(
        np.array([beat for beat, _ in beats], dtype=np.uint32), np.array([last for _, last in beats], dtype=bool)
    )
