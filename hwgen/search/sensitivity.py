"""Sensitivity: PSNR where one layer alone is pruned or has fewer bits, without any training.

It says where the search need not look (a layer whose few bits alone cost more than `TOO_MUCH_DB` keeps more), and
where it begins: bits of every layer as few as lose no more than some dB alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from hwgen.outputs import replaced_file
from hwgen.plainjson import json_object
from hwgen.search.space import Choice, Parameter, Space

TOO_MUCH_DB = 6.0
"""More than training is hoped to bring back."""
BEGINNINGS_DB = (0.1, 0.3, 1.0)
PROBED_BITS = (6, 4, 3, 2)

Losses: TypeAlias = dict[str, dict[int, float]]
"""dB that are lost at each value probed, by a parameter's name."""


def probes(space: Space) -> Iterator[tuple[Parameter, int]]:
    """The values of each parameter that are tried, all others as in the parent: half the channels, fewer bits."""
    for one in space.parameters:
        if one.kind == "channels":
            yield one, max(one.low, one.high // 2)
        else:
            yield from ((one, bits) for bits in PROBED_BITS if one.low <= bits < one.high)


def sensitivity(
    space: Space, psnr: Callable[[Choice], float], file: Path, told: Callable[[str], None] = lambda text: None
) -> tuple[float, Losses]:
    """PSNR of the parent with all its channels and bits in dB, and what each probe loses of it.

    Parameters
    ----------
    psnr : of a point without training
    file : where results are kept; those that are there are taken
    told : gets a line for each probe
    """
    known: dict[str, float] = {}
    if file.is_file():
        known = json_object(file.read_text(encoding="utf-8"), str(file))

    def measured(name: str, choice: Choice) -> float:
        if name not in known:
            known[name] = psnr(choice)
            with replaced_file(file) as part:
                part.write_text(json.dumps(known), encoding="utf-8")
        return known[name]

    whole = measured("whole", space.whole)
    found: Losses = {}
    for one, value in probes(space):
        loss = whole - measured(f"{one.name}={value}", space.whole | {one.name: value})
        found.setdefault(one.name, {})[value] = loss
        told(f"{one.name} {value}: {-loss:+.2f} dB")
    return whole, found


def least(space: Space, losses: Losses, most_db: float) -> dict[str, int]:
    """The fewest bits of each layer that were probed and lose at most so many dB alone, the parent's where none do."""
    found = {}
    for one in space.parameters:
        if one.kind == "channels":
            continue
        bits = [one.high]
        for value in sorted(losses.get(one.name, {}), reverse=True):  # from many to few: the first that loses too much
            if losses[one.name][value] > most_db:
                break
            bits.append(value)
        found[one.name] = min(bits)
    return found


def narrowed(space: Space, losses: Losses) -> Space:
    """Without bits that lose too much."""
    return space.narrowed(least(space, losses, TOO_MUCH_DB))


def beginnings(space: Space, losses: Losses) -> Iterator[dict[str, int]]:
    """Points to begin with: the parent, then few bits where those lose little, with all channels and with fewer."""

    def with_channels(share: float) -> dict[str, int]:
        return {one.name: max(one.low, round(one.high * share)) for one in space.of_kind("channels")}

    seen = []
    for share in (1.0, 0.8):
        for most_db in (0.0, *BEGINNINGS_DB):
            point = space.whole | with_channels(share) | (least(space, losses, most_db) if most_db else {})
            if point not in seen:
                seen.append(point)
                yield point
