"""Frames that slip, for a run with stalls: TLAST comes too early or too late between the frames of a verification.

A frame whose TLAST comes too early is padded with zeros: two such stand behind the images, each an expected frame of
its own (`add_short`). One whose TLAST comes too late loses what it has too many and is what it would have been: any
other frame but the last may be one, the first always is (`sent`). `hwgen.numerics.framing` has the rule; `hwgen soak`
tries every way in which a frame can slip.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import numpy.typing as npt

from hwgen.ir.nodes import MatrixProduct
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import unpack_pixels, unpack_symbols
from hwgen.sim.design import Design
from hwgen.sim.simulate import Script
from hwgen.verify.directed import Directed
from hwgen.verify.profiles import driven
from hwgen.verify.reference import Reference, Setting, add_directed

Words = npt.NDArray[np.uint32]
SHORT = 2
"""Frames that are too short."""


@dataclass(frozen=True)
class Frames:
    """The frames of a verification as they are sent.

    order : numbers of the reference's frames; where more are sent, they begin again
    beats, loads : of frames that are too short, by number: the beats that come, and the words of coefficients
    slipping : whether others may be too long
    """

    order: tuple[int, ...]
    beats: Mapping[int, int]
    loads: Mapping[int, int]
    slipping: bool

    def numbers(self, count: int) -> npt.NDArray[np.int64]:
        """The reference's numbers of the first `count` frames."""
        return np.resize(np.array(self.order), count)


@dataclass(frozen=True)
class Sent:
    """Contents of the input streams of a run, and what the input `profile` has at each frame's first beat."""

    words: Words | Script
    coefficients: Words | Script | None
    profiles: npt.NDArray[np.int64]

    @property
    def scripts(self) -> list[Script | None]:
        """Those of both that are scripts."""
        return [given if isinstance(given, Script) else None for given in (self.words, self.coefficients)]


def whole(found: Reference) -> Frames:
    """Every frame as it should be, in the reference's order."""
    return Frames(tuple(range(len(found.words))), {}, {}, slipping=False)


def can_slip(design: Design) -> bool:
    """Whether a design has the framers that these faults are for."""
    return design.input_last and design.frame_errors


def add_short(setting: Setting, found: Reference, images: int, seed: int) -> tuple[Reference, Frames]:
    """The reference with two frames more, and the order in which they are sent: the images, then the short ones with a
    whole frame behind each. `found` stays as it is.

    The first lacks its last beat, or more of them; the second has its first beat alone, or some more. It has as few of
    its coefficients.
    """
    random = Random(f"{seed} short")
    total, length = len(found.words), len(found.words[0])
    found = replace(found, words=[*found.words], outputs=[*found.outputs], findings=[*found.findings],
                    profiles=[*found.profiles])  # fmt: skip
    if found.coefficients is not None:
        found.coefficients = [*found.coefficients]
    beats: dict[int, int] = {}
    loads: dict[int, int] = {}
    for place in range(SHORT if length > 1 else 0):
        number, source = total + place, place % total
        beats[number] = length - _some(random, length - 1) if place == 0 else _some(random, length - 1)
        load = None if found.coefficients is None else found.coefficients[source].copy()
        if load is not None and place:
            loads[number] = _some(random, len(load) - 1) if len(load) > 1 else 1
            load[loads[number] :] = 0
        words = found.words[source].copy()
        words[beats[number] :] = 0
        add_directed(setting, found, [_directed(found, words, load)], (place + 1) % found.graph.profiles)
    short, behind = list(beats), list(range(images, total))
    behind += list(range(max(0, len(short) - len(behind))))  # an image again where there are no directed frames
    order = [*range(images)]
    for one, other in itertools.zip_longest(short, behind):
        order += [number for number in (one, other) if number is not None]
    return found, Frames(tuple(order), beats, loads, slipping=True)


def sent(found: Reference, frames: Frames, count: int, seed: int) -> Sent:
    """Contents of the input streams in `count` frames."""
    numbers = frames.numbers(count)
    loads = found.coefficients
    profiles = np.array([driven(found.profiles[number], found.graph.profiles, at) for at, number in enumerate(numbers)])
    if not frames.slipping:
        return Sent(
            np.stack([found.words[number] for number in numbers]),
            None if loads is None else np.stack([loads[number] for number in numbers]),
            profiles,
        )
    random = Random(f"{seed} long")
    return Sent(
        _script([found.words[number] for number in numbers], [frames.beats.get(number) for number in numbers], random),
        None
        if loads is None
        else _script([loads[number] for number in numbers], [frames.loads.get(number) for number in numbers], random),
        profiles,
    )


def _script(words: Sequence[Words], beats: Sequence[int | None], random: Random) -> Script:
    """Frames as TLAST ends them: short ones after so many beats; of the others the first too late, and some by chance.

    Not the last one: nothing waits for the beats that are dropped behind its output.
    """
    parts: list[Words] = []
    for place, (frame, kept) in enumerate(zip(words, beats, strict=True)):
        surplus = _some(random, 2 * len(frame)) if place == 0 or random.random() < 0.5 else 0
        if kept is not None:
            parts.append(frame[:kept])
        elif place == len(words) - 1:
            parts.append(frame)
        else:
            parts.append(np.concatenate([frame, ~np.resize(frame, surplus)]))
    last = np.zeros(sum(map(len, parts)), dtype=bool)
    last[np.cumsum([len(part) for part in parts]) - 1] = True
    return Script(np.concatenate(parts), last)


def _some(random: Random, most: int) -> int:
    """1 .. most, 1 half of the time."""
    return 1 if random.random() < 0.5 else random.randint(1, most)


def _directed(found: Reference, words: Words, load: Words | None) -> Directed:
    """A frame and its coefficients as they are packed, unpacked."""
    graph = found.graph
    coefficients: IntArray | None = None
    if load is not None:
        node = graph.symbol_node
        assert isinstance(node, MatrixProduct), "only it takes coefficients"
        coefficients = unpack_symbols(load).reshape(node.tables, node.rows, node.columns, 2)
    if graph.side == "rx":
        return Directed(words, coefficients)
    width, height = found.link.size
    return Directed(unpack_pixels(words, height, width, graph.input_channels), coefficients)
