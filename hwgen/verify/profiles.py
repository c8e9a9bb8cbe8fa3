"""Frames in all profiles: which frame has which, and what the layers have met in each.

Consecutive frames have different profiles, in a random order in which each occurs: a component that took a neighbour
frame's would give other values. Coverage is of every profile by itself, for each is a graph of its own; what a layer
has met in profile p is under NAME@p.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

from hwgen.ir.graph import Graph
from hwgen.verify.bounds import Bounds, bounds_of
from hwgen.verify.coverage import Coverage, with_bounds
from hwgen.verify.directed import Directed, directed_frames
from hwgen.verify.meter import Meter

Size = tuple[int, int]


def order(frames: int, profiles: int, seed: int) -> list[int]:
    """The profile of each of so many images: each in every round, two neighbours never the same."""
    random, found = Random(f"{seed} profiles"), list[int]()
    while len(found) < frames and profiles > 1:
        own = random.sample(range(profiles), profiles)
        if found and own[0] == found[-1]:
            own.append(own.pop(0))
        found += own
    return found[:frames] if profiles > 1 else [0] * frames


def driven(profile: int, profiles: int, frame: int) -> int:
    """Number at a frame's input `profile`: for the last one now and then one that is too large, if there is one."""
    largest = (1 << (profiles - 1).bit_length()) - 1
    return largest if profile == profiles - 1 and frame % 2 else profile


def directed(
    graph: Graph, size: Size, meters: Sequence[Meter], bounds: Sequence[dict[str, Bounds]], most: int
) -> list[tuple[int, Directed]]:
    """At most so many directed frames of each profile, profiles in turn.

    meters, bounds : of each profile
    """
    found = [
        [(profile, frame) for frame in directed_frames(graph.at_profile(profile), size, meter.coverage(), own, most)]
        for profile, (meter, own) in enumerate(zip(meters, bounds, strict=True))
    ]
    return [frame for turn in itertools.zip_longest(*found) for frame in turn if frame is not None]


def bounds(graph: Graph, size: Size) -> list[dict[str, Bounds]]:
    """Proven bounds of every layer in each profile."""
    return [bounds_of(graph.at_profile(profile), *size) for profile in range(graph.profiles)]


def coverage(meters: Sequence[Meter], bounds: Sequence[dict[str, Bounds]]) -> Coverage:
    """Cases that the layers have met, with their bounds, in every profile."""
    each = [with_bounds(meter.coverage(), own) for meter, own in zip(meters, bounds, strict=True)]
    if len(each) == 1:
        return each[0]
    return {f"{name}@{place}": layer for place, found in enumerate(each) for name, layer in found.items()}
