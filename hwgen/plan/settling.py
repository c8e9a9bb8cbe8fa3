"""The cycles of a frame's events, each found once, for depths that change one at a time.

What `hwgen.plan.events` states of a frame says the same of every frame. So it is laid out once, as indices relative to
the frame that waits, and settled by a compiled loop (`settle.wat`): every kind of event goes on while all that its next
event waits for is known, as the hardware does, so that nothing is found twice. Events that are one (`Together`) are
settled as one.

Three questions are answered. `first` has a first frame's cycles, with nothing before it. `latest` has the latest cycles
with which it would not end later (required times, by the backward pass of the critical path method); what makes an
event wait beyond its own, as a smaller buffer may, makes the frame end later. `repeats` looks for a schedule that
repeats itself in the given interval: it raises cycles in turns, each by all that the frame before, one interval
earlier, makes them wait. What a turn does is monotone, and a constant added to all cycles is added to what it makes of
them, so if there is such a schedule, turns come to an end: late enough, it is never passed. If there is none, they go
on for ever. That shows when all events that moved in one turn have moved again since. For then each of these waited,
when it moved last, for one that moved in the same turn before it or in the turn before, so for one of them. Following
whom each waited for leads in a circle at last. Around it the waits add up to what its members moved after others had
waited for them; and some did, or each would have moved before the next. So every round takes more than its intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwgen.plan.events import NEVER, Chain, Constraint, Cycles, Events, Together, Wait
from hwgen.plan.kernel import Kernel

NOTHING = -(1 << 31)
"""In place of an index: waits for nothing."""
KIND, WAIT = 7, 4
"""Words of an entry in the kernel's tables."""


@dataclass(frozen=True)
class _Kind:
    """Events that are settled together: how many a frame has, and addresses in the kernel's memory."""

    count: int
    entry: int
    cycles: int
    steps: int
    latest: int


@dataclass(frozen=True)
class _Row:
    """A wait of a kind's events, in the kernel's memory.

    `delays` is 0 where all are the same.
    """

    target: _Kind
    source: _Kind
    entry: int
    indices: int
    delays: int
    buffer: object


Indices = NDArray[np.intp]
State = tuple[Cycles, ...]
"""The cycles of a frame's events, by kind."""


class Settling:
    """The events of a frame.

    Parameters
    ----------
    kinds
        All of them.
    constraints
        Of one frame, behind so many others that nothing waits for what is before the first one.
    frame
        Its number.
    interval
        Cycles from one frame to the next.

    Attributes
    ----------
    events
        Number of a frame's, those that are one counted once.
    """

    def __init__(self, kinds: Sequence[Events], constraints: Sequence[Constraint], frame: int, interval: int) -> None:
        self.kinds, self.interval, self._kernel = tuple(kinds), interval, Kernel()
        self._aliases = _aliases(constraints, frame)
        own = [kind for kind in kinds if kind not in self._aliases]
        self._table = self._kernel.allocate(KIND * len(own), np.int32)
        self._end = self._table + 4 * KIND * len(own)
        self._kinds = {kind: self._add_kind(place, kind.per_frame) for place, kind in enumerate(own)}
        self.events = sum(kind.per_frame for kind in own)
        self._order = self._kernel.allocate(self.events, np.int64)
        waits = self._waits(constraints)
        entries: dict[int, int] = {}
        for kind in own:
            places = [place for place, one in enumerate(waits) if self._target(one) is kind]
            table = self._kernel.allocate(WAIT * len(places), np.int32)
            ends = table, table + 4 * WAIT * len(places)
            self._kernel.array(self._kinds[kind].entry, KIND, np.uint32)[4:6] = ends
            entries |= {place: table + 4 * WAIT * number for number, place in enumerate(places)}
        self._across: dict[_Row, tuple[Indices, Indices, Indices]] = {}
        self._rows = [self._add_row(entries[place], one, frame) for place, one in enumerate(waits)]
        self._state_chains(own, constraints)
        self._of_chains = {one.buffer for one in constraints if isinstance(one, Chain)} - {None}

    def restate(self, constraints: Sequence[Constraint], frame: int, changed: Set[object]) -> None:
        """Lay out anew what is stated on account of some buffers; all else is as it was."""
        chains = [one for one in constraints if isinstance(one, Chain) and one.buffer in changed]
        self._state_chains([one.events for one in chains], constraints)
        for row, one in zip(self._rows, self._waits(constraints), strict=True):
            if one.buffer in changed:
                self._write(row, *self._resolved(one, frame))

    def holds(self, buffer: object, first: State, steady: State) -> bool:
        """Whether a buffer makes nothing wait longer, in a first frame and in frames that repeat themselves."""
        if buffer in self._of_chains:
            return False  # its steps are merged with those of other chains: what it alone does is not known
        return not self._passes(buffer, first, first, True) and not self._passes(buffer, steady, steady, False)

    def misses_required(self, buffer: object, first: State, latest: State) -> bool:
        """True if a buffer alone makes some event of a first frame later than its latest cycle, and so the frame's end.

        If False, the frame may still end later.
        """
        return self._passes(buffer, first, latest, True)

    def _passes(self, buffer: object, state: State, most: State, alone: bool) -> bool:
        """True if a buffer alone would make some event later than in `most`.

        state : cycles of the events that it makes others wait for.
        alone : a first frame, which waits for nothing in frames before it.
        """
        places = {id(kind): place for place, kind in enumerate(self._kinds.values())}
        for row in self._rows:
            if row.buffer != buffer:
                continue
            index = self._kernel.array(row.indices, row.target.count, np.int32)
            waits = np.flatnonzero((index >= 0) if alone else (index != NOTHING))
            delay = self._delays(row)
            frames, event = np.divmod(index[waits], row.source.count)
            far = delay if isinstance(delay, int) else delay[waits]
            wanted = state[places[id(row.source)]][event] + far + frames.astype(np.int64) * self.interval
            if (wanted > most[places[id(row.target)]][waits]).any():
                return True
        return False

    def first(self, source: Events, cycle: int) -> State | None:
        """The cycles of a first frame whose first event of `source` is not before a cycle; None: it stands still."""
        for kind in self._kinds.values():
            self._cycles(kind)[:] = NEVER
        self._cycles(self._kinds[source])[0] = cycle
        return None if self._settle(periodic=False) is None else self.state

    def latest(self, kind: Events, event: int, cycle: int) -> State:
        """The latest cycles of a first frame's events, with which one of them is not later than a cycle.

        They are of the depths for which `first` was called last, which must have found cycles. Events that it does not
        wait for have no bound: `-NEVER`.

        event : an index of a frame's events of `kind`.
        """
        for one in self._kinds.values():
            self._latest(one)[:] = -NEVER
        own, places = self._aliases.get(kind) or (kind, np.arange(kind.per_frame))
        self._latest(self._kinds[own])[places[event]] = cycle
        self._kernel.required(self._order, self._order + 8 * self.events)
        return tuple(self._latest(one).copy() for one in self._kinds.values())

    def repeats(self) -> bool:
        """Whether cycles, raised from what they are as much as it takes, can repeat themselves in every frame."""
        before, marked, turns = self.state, list[tuple[Indices, Cycles]](), 0
        while moved := self._settle(periodic=True):
            if not self._delays_next_frame():
                return True
            now, turns = self.state, turns + 1
            if marked and all((cycles[places] > old).all() for cycles, (places, old) in zip(now, marked, strict=True)):
                return False
            if turns & (turns - 1) == 0:  # anew from time to time: the first turns move much that does not go on
                places = [np.flatnonzero(cycles > old) for cycles, old in zip(now, before, strict=True)]
                marked = [(here, cycles[here]) for here, cycles in zip(places, now, strict=True)]
            before = now
        return moved is not None

    def _delays_next_frame(self) -> bool:
        """True if events of the next frame wait for those of this one beyond their present cycles.

        If False, another turn moves nothing: a turn leaves no event earlier than its own frame allows.
        """
        for kind in self._kinds.values():
            cycles = self._cycles(kind)
            step = int(self._kernel.array(kind.steps, 1, np.int32)[0])
            if int(cycles[-1]) + step - self.interval > int(cycles[0]):
                return True
        for row, (places, frames, event) in self._across.items():
            delay = self._delays(row)
            far = delay if isinstance(delay, int) else delay[places]
            wanted = self._cycles(row.source)[event] + far + frames * self.interval
            if (wanted > self._cycles(row.target)[places]).any():
                return True
        return False

    @property
    def state(self) -> State:
        """The cycles as they are; what is put here, later ones are not earlier than."""
        return tuple(self._cycles(kind).copy() for kind in self._kinds.values())

    @state.setter
    def state(self, state: State) -> None:
        for kind, cycles in zip(self._kinds.values(), state, strict=True):
            self._cycles(kind)[:] = cycles

    def cycles(self, state: State, kind: Events) -> Cycles:
        """The cycles of one kind of event."""
        alias = self._aliases.get(kind)
        own, places = alias or (kind, slice(None))
        return state[list(self._kinds).index(own)][places]

    def _settle(self, periodic: bool) -> int | None:
        for kind in self._kinds.values():
            self._kernel.array(kind.entry, KIND, np.int32)[2] = 0
        order = 0 if periodic else self._order
        moved = self._kernel.settle(self._table, self._end, self.interval, periodic, order)
        settled = all(self._kernel.array(kind.entry, KIND, np.int32)[2] == kind.count for kind in self._kinds.values())
        return moved if settled else None

    def _cycles(self, kind: _Kind) -> Cycles:
        return self._kernel.array(kind.cycles, kind.count, np.int64)

    def _latest(self, kind: _Kind) -> Cycles:
        return self._kernel.array(kind.latest, kind.count, np.int64)

    def _delays(self, row: _Row) -> int | Cycles:
        if row.delays:
            return self._kernel.array(row.delays, row.target.count, np.int32)
        return int(self._kernel.array(row.entry, WAIT, np.int32)[3])

    def _add_kind(self, place: int, count: int) -> _Kind:
        entry = self._table + 4 * KIND * place
        cycles, steps = self._kernel.allocate(count, np.int64), self._kernel.allocate(count, np.int32)
        latest = self._kernel.allocate(count, np.int64)
        self._kernel.array(entry, KIND, np.uint32)[:4] = count, cycles, 0, steps
        self._kernel.array(entry, KIND, np.uint32)[6] = latest
        return _Kind(count, entry, cycles, steps, latest)

    def _add_row(self, entry: int, one: Wait | Chain, frame: int) -> _Row:
        source = one.source if isinstance(one, Wait) else one.events
        resolved = self._resolved(one, frame)
        target, kind = self._kinds[self._target(one)], self._kinds[self._own(source)]
        indices = self._kernel.allocate(target.count, np.int32)
        same = isinstance(resolved[2], int)
        delays = 0 if same else self._kernel.allocate(target.count, np.int32)
        row = _Row(target, kind, entry, indices, delays, one.buffer)
        self._kernel.array(entry, WAIT, np.uint32)[:] = kind.entry, indices, row.delays, 0
        self._write(row, *resolved)
        return row

    def _write(self, row: _Row, places: Cycles, index: Cycles, delay: int | Cycles) -> None:
        indices = self._kernel.array(row.indices, row.target.count, np.int32)
        indices[:] = NOTHING
        indices[places] = index
        across = index < 0
        self._across[row] = places[across], *np.divmod(index[across], row.source.count)
        if row.delays:
            self._kernel.array(row.delays, row.target.count, np.int32)[places] = delay
        else:
            self._kernel.array(row.entry, WAIT, np.int32)[3] = delay

    def _own(self, kind: Events) -> Events:
        return self._aliases[kind][0] if kind in self._aliases else kind

    def _target(self, one: Wait | Chain) -> Events:
        return self._own(one.target if isinstance(one, Wait) else one.events)

    def _waits(self, constraints: Iterable[Constraint]) -> list[Wait | Chain]:
        """All that is no chain of a kind settled in its order."""
        found = (one for one in constraints if not isinstance(one, Together))
        return [one for one in found if isinstance(one, Wait) or one.events in self._aliases]

    def _resolved(self, one: Wait | Chain, frame: int) -> tuple[Cycles, Cycles, int | Cycles]:
        """(target's events, source's events relative to the frame, delays)."""
        if isinstance(one, Chain):
            count = one.events.per_frame
            here, before = np.arange(count), np.arange(-1, count - 1)
            return self._mapped(one.events, here), self._mapped(one.events, before), _steps(one)
        index, delay = one.where()
        count = one.target.per_frame
        places = np.arange(count)
        if isinstance(one.places, slice):
            places = places[one.places.start - frame * count : one.places.stop - frame * count : one.places.step]
        else:
            places = one.places - frame * count
        index = index - frame * one.source.per_frame
        return self._mapped(one.target, places), self._mapped(one.source, index), delay

    def _mapped(self, kind: Events, index: Cycles) -> Cycles:
        """Indices of a kind, relative to the frame, as those of the kind that it is settled with."""
        if kind not in self._aliases:
            return index
        own, places = self._aliases[kind]
        frames, event = np.divmod(index, kind.per_frame)
        return frames * own.per_frame + places[event]

    def _state_chains(self, kinds: Iterable[Events], constraints: Sequence[Constraint]) -> None:
        for kind in set(kinds) & set(self._kinds):
            chains = [_steps(one) for one in constraints if isinstance(one, Chain) and one.events is kind]
            own = self._kinds[kind]
            self._kernel.array(own.steps, own.count, np.int32)[:] = np.max(chains, axis=0)


def _steps(chain: Chain) -> Cycles:
    """From every event's predecessor to it, of the first one from the frame before."""
    return np.append(chain.step, np.diff(chain.offsets))


def _aliases(constraints: Sequence[Constraint], frame: int) -> dict[Events, tuple[Events, Cycles]]:
    """Of kinds whose events are some of another kind: that one, and which of a frame's they are."""
    found: dict[Events, tuple[Events, Cycles]] = {}
    for one in constraints:
        if isinstance(one, Together):
            own, places = one.one, one.places - frame * one.one.per_frame
            if own in found:
                own, before = found[own]
                places = before[places]
            found[one.other] = own, places
    return found
