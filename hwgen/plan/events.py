"""A timed event graph: the exact cycle of everything that happens, from what every event waits for.

An event happens as soon as those that it waits for allow, so its cycle is the maximum of theirs plus constants. The
cycles of a frame are the least ones that satisfy all that was stated; they are found by relaxing whole arrays until
nothing changes: a chain (x[k] >= x[k - 1] + constant) is a running maximum, every other wait a gather. Nothing is
stepped through cycle by cycle. Frames follow one another in the same indices. Where the same frame is asked for again
and again, with other depths, `hwgen.plan.settling` is quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Cycles = NDArray[np.int64]
NEVER = -(1 << 40)


class Events:
    """The cycles of one kind of event, frame after frame; `version` grows with every change."""

    def __init__(self, per_frame: int) -> None:
        self.per_frame = per_frame
        self.cycles: Cycles = np.empty(0, dtype=np.int64)
        self.version = 0

    def frame(self, frame: int) -> Cycles:
        """The cycles of one frame, a view."""
        return self.cycles[frame * self.per_frame : (frame + 1) * self.per_frame]

    def add_frame(self, at_least: Cycles | None) -> None:
        """One frame more, not earlier than `at_least`."""
        if at_least is None:
            at_least = np.full(self.per_frame, NEVER, dtype=np.int64)
        self.cycles = np.concatenate([self.cycles, at_least])
        self.version += 1

    def span(self, frame: int, step: int = 1) -> slice:
        """The indices of a frame's events, every `step`-th."""
        return slice(frame * self.per_frame, (frame + 1) * self.per_frame, step)


class Wait:
    """target[place] >= source[index] + delay; negative indices, all at the front, are before the beginning.

    Parameters
    ----------
    target, places
        The events that wait: a slice of them, or their indices, each once.
    source
        What they wait for.
    where
        Gives index and delay, when they are asked for first.
    buffer
        What the wait is due to, if it is the lack of room in a buffer.
    """

    def __init__(
        self,
        target: Events,
        places: slice | Cycles,
        source: Events,
        where: Callable[[], tuple[Cycles, int | Cycles]],
        buffer: object = None,
    ) -> None:
        self.target, self.source, self.buffer = target, source, buffer
        self.places, self.where = places, where
        self.index: Cycles | None = None
        self.delay: int | Cycles = 0
        self.seen = -1

    def settle(self) -> None:
        """Say that it is satisfied."""
        self.seen = self.source.version

    def relax(self) -> None:
        """Move the target's events as far as they must."""
        if self.seen == self.source.version:
            return
        index, delay = self.resolved()
        self.settle()
        target = self.target.cycles[self.places]
        wanted = self.source.cycles[index] + delay
        if (wanted > target).any():
            self.target.cycles[self.places] = np.maximum(target, wanted)
            self.target.version += 1

    def resolved(self) -> tuple[Cycles, int | Cycles]:
        """(indices, delays) of what each of `places` waits for; without those that wait for nothing."""
        if self.index is None:
            index, delay = self.where()
            skip = int(np.searchsorted(index, 0))
            if isinstance(self.places, slice):
                start = self.places.start + skip * (self.places.step or 1)
                self.places = slice(start, self.places.stop, self.places.step)
            else:
                self.places = self.places[skip:]
            self.index, self.delay = index[skip:], delay if isinstance(delay, int) else delay[skip:]
        return self.index, self.delay


class Chain:
    """x[k] >= x[k - 1] + (offsets[k] - offsets[k - 1]) in a frame; its first is `step` after the last frame's last."""

    def __init__(self, events: Events, frame: int, offsets: Cycles, step: int, buffer: object = None) -> None:
        self.events, self.at, self.offsets, self.step, self.buffer = events, frame, offsets, step, buffer
        self.seen = -1

    def settle(self) -> None:
        """Say that it is satisfied."""
        self.seen = self.events.version

    def relax(self) -> None:
        """Move the events as far as they must."""
        if self.seen == self.events.version:
            return
        cycles = self.events.frame(self.at)
        if self.at:
            cycles[0] = max(cycles[0], self.events.frame(self.at - 1)[-1] + self.step)
        wanted = np.maximum.accumulate(cycles - self.offsets) + self.offsets
        if not np.array_equal(wanted, cycles):
            cycles[:] = wanted
            self.events.version += 1
        self.settle()


class Together:
    """Events that are one: one[places] = other[others], as beats of two streams of which none moves without the other.

    Parameters
    ----------
    one, other
        Two kinds of events.
    places, others
        Their indices, each rising; all of a frame's that `other` has.
    """

    buffer: object = None

    def __init__(self, one: Events, places: Cycles, other: Events, others: Cycles) -> None:
        self.one, self.places, self.other, self.others = one, places, other, others
        self.waits = (
            Wait(one, places, other, lambda: (others, 0)),
            Wait(other, others, one, lambda: (places, 0)),
        )

    def settle(self) -> None:
        """Say that it is satisfied."""
        for wait in self.waits:
            wait.settle()

    def relax(self) -> None:
        """Move both as far as the other one makes them."""
        for wait in self.waits:
            wait.relax()


Constraint: TypeAlias = Wait | Chain | Together


class Loop:
    """Two waits in a circle: x[k] >= y[.] + constant and y[j] >= x[.] + constant, as a FIFO's ends wait for each other.

    Relaxing them in turn moves as many events a pass as the FIFO holds. Here an event of x that waits for an earlier
    one by way of y, x[k] >= x[p(k)] + w(k), moves at once as far as all before it make it, by pointer jumping: p and w
    become those of two steps, then of four, and so on.
    """

    def __init__(self, forth: Wait, back: Wait) -> None:
        self.forth, self.back = forth, back

    @staticmethod
    def among(constraints: Iterable[Constraint], moving: Sequence[Events]) -> list[Loop]:
        """All pairs of them that are a loop of events that are moving, each once."""
        waits = [one for one in constraints if isinstance(one, Wait) and one.target in moving]
        return [
            Loop(forth, back)
            for place, forth in enumerate(waits)
            for back in waits[place + 1 :]
            if forth.target is back.source and forth.source is back.target and forth.target is not forth.source
        ]

    def relax(self) -> None:
        """Move the events of x in the newest frame as far as they must."""
        x, y = self.forth.target, self.forth.source
        first, first_y = (len(events.cycles) - events.per_frame for events in (x, y))
        (index, delay), (back_index, back_delay) = self.forth.resolved(), self.back.resolved()
        by_way, back_far = np.full(y.per_frame, -1, dtype=np.int64), np.zeros(y.per_frame, dtype=np.int64)
        places = np.arange(len(y.cycles))[self.back.places] - first_y
        by_way[places], back_far[places] = back_index - first, back_delay
        here, far = np.arange(x.per_frame), np.zeros(x.per_frame, dtype=np.int64)
        source, inside = here.copy(), index >= first_y  # what waits for older frames is where it must be
        places, way = (np.arange(len(x.cycles))[self.forth.places] - first)[inside], index[inside] - first_y
        waits = (by_way[way] >= 0) & (by_way[way] < places)
        source[places[waits]] = by_way[way[waits]]
        far[places[waits]] = (back_far[way] + (delay if isinstance(delay, int) else delay[inside]))[waits]
        cycles, moved = x.cycles[first:], False
        while ((wanted := cycles[source] + far) > cycles).any():
            np.maximum(cycles, wanted, out=cycles)
            moved = True
            far, source = far + far[source], source[source]
        x.version += moved


class Beats:
    """The cycles in which the beats of a stream move from its producer to its consumer.

    A beat is counted over all frames. Its cycle is that of one event plus a delay: of the event of its own, or of the
    first beat of a run that follows without a gap.

    Parameters
    ----------
    per_frame
        Beats of a frame.
    pixels
        Pixels of a frame.
    """

    def __init__(self, per_frame: int, pixels: int) -> None:
        self.per_frame, self.pixels = per_frame, pixels
        self.per_pixel = per_frame // pixels
        self.events = Events(per_frame)

    def of(self, beats: Cycles) -> tuple[Cycles, int | Cycles]:
        """(events' indices, delays): a beat moves in the cycle of its event plus its delay."""
        return beats, 0

    def frame(self, frame: int) -> Cycles:
        """The beats of a frame."""
        return np.arange(frame * self.per_frame, (frame + 1) * self.per_frame, dtype=np.int64)

    def last_of(self, pixels: Cycles) -> tuple[Cycles, int | Cycles]:
        """As `of`, of the last beat of each pixel, counted over all frames."""
        return self.of(pixels * self.per_pixel + self.per_pixel - 1)

    def first_of_pixels(self, frame: int) -> tuple[slice, int]:
        """(events, delay) of a frame's pixels: the first beat of each is `delay` after its event."""
        return self.events.span(frame, self.per_pixel), 0


class PixelBeats(Beats):
    """As `Beats`, of a source whose pixels come as a whole: one event a pixel, its last beat."""

    def __init__(self, per_frame: int, pixels: int) -> None:
        super().__init__(per_frame, pixels)
        self.events = Events(pixels)

    def of(self, beats: Cycles) -> tuple[Cycles, int | Cycles]:
        pixel, place = np.divmod(beats, self.per_pixel)
        return pixel, place - (self.per_pixel - 1)

    def last_of(self, pixels: Cycles) -> tuple[Cycles, int | Cycles]:
        return pixels, 0

    def first_of_pixels(self, frame: int) -> tuple[slice, int]:
        return self.events.span(frame), 1 - self.per_pixel


class FoldBeats(Beats):
    """As `Beats`, where a pixel comes in folds: one event a fold, its first beat; the others follow at once.

    Parameters
    ----------
    folds
        Of each pixel.
    fold_beats
        Of each fold but a run's last, which has the rest.
    runs
        Into which a pixel's folds fall, all alike.
    """

    def __init__(self, per_frame: int, pixels: int, folds: int, fold_beats: int, runs: int = 1) -> None:
        super().__init__(per_frame, pixels)
        self.folds, self.fold_beats = folds, fold_beats
        self.run_folds, self.per_run = folds // runs, self.per_pixel // runs
        self.events = Events(pixels * folds)

    def of(self, beats: Cycles) -> tuple[Cycles, int | Cycles]:
        run, place = np.divmod(beats, self.per_run)
        fold = np.minimum(place // self.fold_beats, self.run_folds - 1)
        return run * self.run_folds + fold, place - fold * self.fold_beats

    def last_of(self, pixels: Cycles) -> tuple[Cycles, int | Cycles]:
        last = self.per_run - (self.run_folds - 1) * self.fold_beats
        return pixels * self.folds + self.folds - 1, last - 1

    def first_of_pixels(self, frame: int) -> tuple[slice, int]:
        return self.events.span(frame, self.folds), 0
