"""Every kind of fault, and what the rule of framing makes of it."""

from __future__ import annotations

from collections import Counter
from itertools import count
from random import Random

import pytest

from hwgen.numerics.framing import framed
from hwgen.soak.faults import FAULTS, MIXED, OF_SEVERAL, faulty, kinds, script

SEEN = {
    "missing TLAST": {("long",)},
    "extra TLAST": {("short", "short")},
    "early TLAST": {("short", "long")},
    "late TLAST": {("long", "short")},
    "missing beat": {("short",)},
    "surplus beat": {("long",)},
    "missing end": {("long",)},
    "surplus end": {(None, "short")},
}
"""By kind: what becomes of a single fault's frames, good ones on either side left out."""


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("length", [2, 3, 9])
def test_a_single_fault(kind: str, length: int) -> None:
    """Two frames at most are not good, the others come as they were sent."""
    for seed in range(30):
        random, number = Random(seed), count(1)
        frames = [[next(number) for _ in range(length)] for _ in range(12)]
        given = iter(frames)
        found = framed(faulty(kind, lambda given=given: next(given), 1, random), length)  # type: ignore[misc]
        sent = [tuple(frame) for frame in frames]
        good = [frame for frame in found if frame.fault is None and frame.beats in sent]
        bad = [frame for frame in found if frame.fault is not None]
        doubled = (None,) if kind == "surplus end" else ()
        assert (*doubled, *(frame.fault for frame in bad)) in SEEN[kind]
        assert found[0] == good[0] and found[-1] == good[-1]
        assert all(frame.fault or frame.beats in sent for frame in found)


def test_faults_of_one_beat() -> None:
    """A frame of a single beat is never short."""
    assert set(kinds(1)) == set(FAULTS) - OF_SEVERAL | {MIXED}
    assert set(kinds(2)) == {*FAULTS, MIXED}
    for kind in kinds(1):
        number = count(1)
        found = framed(faulty(kind, lambda number=number: [next(number)], 40, Random(2)), 1)  # type: ignore[misc]
        assert {frame.fault for frame in found} <= {None, "long"}


@pytest.mark.parametrize("kind", kinds(8))
def test_many(kind: str) -> None:
    """Close together and apart, from one seed the same; the stream ends with a whole frame."""
    streams = [faulty(kind, lambda: list(range(1, 9)), 200, Random(7)) for _ in range(2)]
    assert streams[0] == streams[1] != faulty(kind, lambda: list(range(1, 9)), 200, Random(8))
    found = framed(streams[0], 8)
    assert found[0].fault is found[-1].fault is None
    kinds_of = Counter(frame.fault for frame in found)
    assert kinds_of["short"] + kinds_of["long"] >= 80
    sent = script(streams[0])
    assert (sent.words.tolist(), sent.last.tolist()) == tuple(map(list, zip(*streams[0], strict=True)))
