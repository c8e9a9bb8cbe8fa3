"""The exact cycle of everything that happens in a design, for buffers of any depth.

A design without stalls at its ends is a timed event graph: every event happens as soon as the events that it waits for
allow, so its cycle is the maximum of theirs plus constants. A buffer of depth d adds one kind of edge, backwards:
its k-th entry is not before the (k - d)-th exit. Without that edge the buffer has no bound. Events and edges are

    issue[k]    a fold's last word        after issue[k - 1] + its words                 the multipliers
                                          after accepted[last pixel needed] + latency    the window is complete
                                          after given[result k' - places] + 1            room in the FIFO (*)
    given[k]    a fold's first result     after issue[k] + drain latency, given[k - 1] + its beats
                                          after issue[release of pixel - ring] + 1       room in the next ring (*)
    accepted    a pixel's last beat       = given of the pixel's last fold + its other beats
    value       the last layer's values   one by one; after gained[value - places] + 1   room in the gain's FIFO (*)
    gained      the gain's values         after value + latency; after the symbol that must have left + 1 (*)

and the source always offers. (*) are the backward edges. Frames follow one another in the same indices, so nothing
special happens between them. A fold of a transposed convolution has as many words as the taps of its pixel's phase.
What stands before and behind the convolutions of a receiver, and of a transmitter but for a gain and the packer, passes
a value in every cycle by itself (`ends.py`): there the last layer's values end it, and TLAST is a constant later.

The cycles of one frame are the least ones that satisfy all edges. They are found by relaxing whole arrays: a chain
(x[k] >= x[k - 1] + constant) is a running maximum, every other edge a gather; both repeat until nothing changes. No
cycle is stepped through and the hardware is not read: the constants are the components' own properties.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hwgen.plan.ends import bounded, head_latency, tail_latency
from hwgen.plan.plan import Plan
from hwgen.plan.timing import frame_interval, latency, needed
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.gain import Gain
from hwgen.rtl.symbols import SymbolPacker

Cycles = NDArray[np.int64]
NEVER = -(1 << 40)
PATIENCE = 12
"""Frames after which a design whose buffers have been filled once must repeat itself, to be called steady."""


class Events:
    """The cycles of one kind of event, frame after frame; `version` grows with every change."""

    def __init__(self, per_frame: int) -> None:
        self.per_frame = per_frame
        self.cycles: Cycles = np.empty(0, dtype=np.int64)
        self.version = 0

    def frame(self, frame: int) -> Cycles:
        return self.cycles[frame * self.per_frame : (frame + 1) * self.per_frame]

    def add_frame(self, at_least: Cycles | None) -> None:
        if at_least is None:
            at_least = np.full(self.per_frame, NEVER, dtype=np.int64)
        self.cycles = np.concatenate([self.cycles, at_least])
        self.version += 1


class Edge:
    """target[place] >= source[index] + delay; negative indices, all at the front, are before the beginning.

    Parameters: target and the slice of its places; source; what gives index and delay; the buffer it is due to.
    """

    def __init__(
        self, target: Events, places: slice, source: Events, where: Callable[[], tuple[Cycles, int | Cycles]],
        buffer: str = "",
    ) -> None:  # fmt: skip
        self.target, self.source, self.buffer = target, source, buffer
        self.places, self.where = places, where
        self.index: Cycles | None = None
        self.delay: int | Cycles = 0
        self.seen = -1

    def settle(self) -> None:
        """Say that it is satisfied."""
        self.seen = self.source.version

    def relax(self) -> None:
        if self.seen == self.source.version:
            return
        if self.index is None:
            index, delay = self.where()
            skip = int(np.searchsorted(index, 0))
            self.places = slice(self.places.start + skip * (self.places.step or 1), self.places.stop, self.places.step)
            self.index, self.delay = index[skip:], delay if isinstance(delay, int) else delay[skip:]
        self.settle()
        target = self.target.cycles[self.places]
        wanted = self.source.cycles[self.index] + self.delay
        if (wanted > target).any():
            np.maximum(target, wanted, out=target)
            self.target.version += 1


class Chain:
    """x[k] >= x[k - 1] + (offsets[k] - offsets[k - 1]) in a frame; its first is `step` after the last frame's last."""

    def __init__(self, events: Events, frame: int, offsets: Cycles, step: int, buffer: str = "") -> None:
        self.events, self.offsets, self.buffer = events, offsets, buffer
        self.cycles = events.frame(frame)
        self.first = int(events.frame(frame - 1)[-1]) + step if frame else NEVER
        self.seen = -1

    def settle(self) -> None:
        """Say that it is satisfied."""
        self.seen = self.events.version

    def relax(self) -> None:
        if self.seen == self.events.version:
            return
        self.cycles[0] = max(self.cycles[0], self.first)
        wanted = np.maximum.accumulate(self.cycles - self.offsets) + self.offsets
        if not np.array_equal(wanted, self.cycles):
            self.cycles[:] = wanted
            self.events.version += 1
        self.settle()


class Layer:
    """The constants of one convolution's events."""

    def __init__(self, folding: ConvolutionFolding) -> None:
        window = folding.window
        self.folding, self.folds = folding, window.folds
        self.pixels_in, self.pixels_out = window.width * window.height, window.out_width * window.out_height
        self.beats, self.fold_beats = folding.beats_out, folding.fold_beats
        self.needed = needed(window) - 1
        fold = np.arange(self.pixels_out * self.folds, dtype=np.int64)
        self.pixel_words = window.pixel_words
        words = np.repeat(self.pixel_words, self.folds)
        self.issue_offsets = np.cumsum(words) - words[0]
        self.beats_before = fold // self.folds * self.beats + fold % self.folds * self.fold_beats
        # The output pixel with which each input pixel is given back.
        given_back = np.append(_released(folding)[1:], self.pixels_in)
        self.release = np.searchsorted(given_back, np.arange(1, self.pixels_in + 1))

    def last_fold(self, pixel: Cycles) -> Cycles:
        return pixel * self.folds + self.folds - 1

    def fold_of(self, beat: Cycles) -> tuple[Cycles, Cycles]:
        """The fold that a beat, counted over all frames, belongs to, and its place in it."""
        pixel, place = np.divmod(beat, self.beats)
        fold = np.minimum(place // self.fold_beats, self.folds - 1)
        return pixel * self.folds + fold, place - fold * self.fold_beats


@dataclass(frozen=True)
class Schedule:
    """The cycle of each frame's TLAST, and of all events."""

    ends: list[int]
    events: tuple[Events, ...]


class Flow:
    """The events of a plan's design.

    A depth goes by its buffer's name: NODE.ring (pixels) and NODE.fifo (beats) of a convolution; GAIN.fifo and
    symbols.fifo behind it, where a transmitter has a gain last; and pixels (1 or 2) where there is a serialiser. A
    buffer that is not named has no bound; one in which the design would stand still must not be asked for
    (`buffers.bounds` has the least).
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names = list(plan.foldings)
        self.gain = plan.graph.nodes[-1].name if bounded(plan.graph) else None
        self.layers = [Layer(folding) for folding in plan.foldings.values()]
        self.interval, self.latency = frame_interval(plan), latency(plan)
        self.values = self.layers[-1].pixels_out * self.layers[-1].beats
        self.symbols = -(-self.values // 2)
        self.head = head_latency(plan)
        self.behind = SymbolPacker.latency if self.gain else tail_latency(plan)

    def schedule(self, depths: Mapping[str, int], frames: int) -> Schedule:
        """What happens in that many frames back to back."""
        events = self._events()
        ends = []
        for frame in range(frames):
            self._relax(self._add_frame(frame, depths, events, None), events)
            ends.append(self._end(events))
        return Schedule(ends, events)

    def keeps_pace(
        self, depths: Mapping[str, int], before: Schedule | None = None, smaller: str = ""
    ) -> Schedule | None:
        """The schedule where latency and interval are those of buffers without bound, else None.

        before, smaller : such a schedule of the same depths, but for one buffer that was deeper: nothing can be earlier
        than there, and as long as that buffer makes no difference everything is as it was.

        The latency is the first frame's. A frame's cycles are a function of those of the m frames before it, monotone
        and homogeneous, where m is how many frames the deepest buffer reaches back. So if in m frames one after the
        other no event is later than one interval after its predecessor a frame before, none ever will be; and on
        average none can be earlier, since the busiest stage takes the interval for a frame.
        """
        events, ends, good = self._events(), list[int](), 0
        reach, same = self._reach(depths), before is not None
        for frame in range(reach + PATIENCE):
            if before is not None and frame == len(before.ends):
                if same:
                    return before
                before = None
            edges = self._add_frame(frame, depths, events, before)
            if same:
                for edge in edges:
                    if edge.buffer != smaller:
                        edge.settle()
            same = not self._relax(edges, events, None if frame else self.latency) and same
            ends.append(self._end(events))
            if ends[0] != self.latency:
                return None
            if frame:
                steps = [(kind.frame(frame) - kind.frame(frame - 1)) for kind in events]
                good = good + 1 if all(step.max() <= self.interval for step in steps) else 0
                if good == reach:
                    return Schedule(ends, events)
                if all(step.min() > self.interval for step in steps):
                    return None
        return None

    def _events(self) -> tuple[Events, ...]:
        """accepted of the source; issue and given of every layer, but value for the last one's given; gained, where
        there is a gain."""
        events = [Events(self.layers[0].pixels_in)]
        for layer in self.layers:
            events += [Events(layer.pixels_out * layer.folds), Events(layer.pixels_out * layer.folds)]
        return (*events[:-1], Events(self.values), *([Events(self.values)] if self.gain else []))

    def _reach(self, depths: Mapping[str, int]) -> int:
        """How many frames back the events of a frame depend on: an edge through a buffer of d entries spans d."""
        entries = {self.gain: self.values, "symbols": self.symbols} if self.gain else {}
        spans = [1]
        for name, depth in depths.items():
            node, _, kind = name.partition(".")
            if kind and node in entries:
                spans.append(-(-depth // entries[node]))
            elif kind:
                layer = self.layers[self.names.index(node)]
                per_frame = layer.pixels_in if kind == "ring" else layer.pixels_out * layer.beats
                spans.append(-(-depth // per_frame))
        return max(spans)

    def _add_frame(
        self, frame: int, depths: Mapping[str, int], events: tuple[Events, ...], before: Schedule | None
    ) -> list[Edge | Chain]:
        """Add the events of one more frame, not earlier than before; returns what they must satisfy."""
        for place, kind in enumerate(events):
            kind.add_frame(None if before is None else before.events[place].frame(frame))
        if frame == 0:
            beats = self.layers[0].folding.beats_in
            events[0].cycles[0] = max(events[0].cycles[0], self.head + beats - 1)
        return self._edges(frame, depths, events)

    def _end(self, events: tuple[Events, ...]) -> int:
        """The cycle of the last frame's TLAST."""
        return int(events[-1].cycles[-1]) + self.behind

    def _relax(self, edges: list[Edge | Chain], events: tuple[Events, ...], latest: int | None = None) -> bool:
        """Move events until all edges are satisfied, or TLAST is later than `latest`; returns whether any moved."""
        first = versions = [kind.version for kind in events]
        while True:
            for edge in edges:
                edge.relax()
            before, versions = versions, [kind.version for kind in events]
            if versions == before or (latest is not None and self._end(events) > latest):
                return versions != first

    def _edges(self, frame: int, depths: Mapping[str, int], events: tuple[Events, ...]) -> list[Edge | Chain]:
        source = events[0]
        beats = self.layers[0].folding.beats_in
        step = beats + (depths.get("pixels") == 1)
        edges: list[Edge | Chain] = [
            *self._ring(0, frame, depths, events, source, _span(source, frame), beats),
            Chain(source, frame, np.arange(source.per_frame) * step, step, "pixels"),
        ]
        for index, layer in enumerate(self.layers):
            folding, last = layer.folding, index == len(self.layers) - 1
            above, issue, given = events[2 * index : 2 * index + 3]
            edges += [
                Edge(issue, _span(issue, frame, layer.folds), above, partial(self._window, index, frame)),
                *self._room(index, frame, depths, issue, given),
                Chain(issue, frame, layer.issue_offsets, int(layer.pixel_words[0])),
            ]
            if not last:
                same = partial(_same, issue, frame, folding.drain_latency)
                edges += [
                    Edge(given, _span(given, frame), issue, same),
                    *self._ring(index + 1, frame, depths, events, given, _span(given, frame, layer.folds), 1),
                    Chain(given, frame, layer.beats_before, folding.last_beats),
                ]
        return edges + self._tail(frame, depths, *events[2 * len(self.layers) - 1 :])

    def _window(self, index: int, frame: int) -> tuple[Cycles, Cycles]:
        """The last pixel that each window needs; its acceptance to the issue of a first fold's last word."""
        layer = self.layers[index]
        pixels = frame * layer.pixels_in + layer.needed
        delay = layer.folding.arrival_latency + layer.pixel_words - 1
        if index == 0:
            return pixels, delay
        above = self.layers[index - 1]
        return above.last_fold(pixels), delay + above.folding.last_beats - 1

    def _room(self, index: int, frame: int, depths: Mapping[str, int], issue: Events, given: Events) -> list[Edge]:
        """A fold's last word is issued when the FIFO has room for a whole fold's results."""
        name = f"{self.names[index]}.fifo"
        if name not in depths:
            return []
        layer, last = self.layers[index], index == len(self.layers) - 1

        def where() -> tuple[Cycles, int | Cycles]:
            first = frame * layer.pixels_out * layer.beats
            beat = first + layer.beats_before + layer.fold_beats - depths[name] - 1
            if last:
                return beat, 1
            fold, place = layer.fold_of(beat)
            return fold, place + 1

        return [Edge(issue, _span(issue, frame), given, where, name)]

    def _ring(
        self, index: int, frame: int, depths: Mapping[str, int], events: tuple[Events, ...], target: Events,
        places: slice, delay: int,
    ) -> list[Edge]:  # fmt: skip
        """Pixel p finds room in a layer's ring when pixel p - depth is given back."""
        name = f"{self.names[index]}.ring"
        if name not in depths:
            return []
        layer = self.layers[index]

        def where() -> tuple[Cycles, int]:
            pixels = frame * layer.pixels_in + np.arange(layer.pixels_in) - depths[name]
            frames, pixel = np.divmod(pixels, layer.pixels_in)
            return layer.last_fold(frames * layer.pixels_out + layer.release[pixel]), delay

        return [Edge(target, places, events[2 * index + 1], where, name)]

    def _tail(
        self, frame: int, depths: Mapping[str, int], issue: Events, value: Events, gained: Events | None = None
    ) -> list[Edge | Chain]:
        """The last layer's values, where there is a gain through it to the symbols."""
        layer, count, gain = self.layers[-1], np.arange(self.values), f"{self.gain}.fifo"
        here = frame * self.values + count

        def result() -> tuple[Cycles, Cycles]:
            fold, place = layer.fold_of(here)
            return fold, place + layer.folding.drain_latency

        def symbol() -> tuple[Cycles, int]:
            frames, symbol = np.divmod(frame * self.symbols + count // 2 - depths["symbols.fifo"], self.symbols)
            return frames * self.values + np.minimum(2 * symbol + 1, self.values - 1), SymbolPacker.latency + 1

        edges: list[Edge | Chain] = [Edge(value, _span(value, frame), issue, result)]
        if gained is None:
            return [*edges, Chain(value, frame, count, 1)]
        if gain in depths:
            edges.append(Edge(value, _span(value, frame), gained, lambda: (here - depths[gain], 1), gain))
        edges += [
            Chain(value, frame, count, 1),
            Edge(gained, _span(gained, frame), value, partial(_same, value, frame, Gain.latency)),
        ]
        if "symbols.fifo" in depths:
            edges.append(Edge(gained, _span(gained, frame), gained, symbol, "symbols.fifo"))
        return [*edges, Chain(gained, frame, count, 1)]


def _same(events: Events, frame: int, delay: int) -> tuple[Cycles, int]:
    """Each event of a frame, and what follows it after `delay`."""
    return np.arange(frame * events.per_frame, (frame + 1) * events.per_frame), delay


def _span(events: Events, frame: int, step: int = 1) -> slice:
    return slice(frame * events.per_frame, (frame + 1) * events.per_frame, step)


def _released(folding: ConvolutionFolding) -> Cycles:
    """window.released for every output pixel in raster order."""
    window = folding.window
    rows, columns = range(window.out_height), range(window.out_width)
    return np.array([window.released(row, column) for row in rows for column in columns], dtype=np.int64)
