"""The cycles of all events in a plan's design, for buffers of any depth.

A design without stalls at its ends is a timed event graph (`hwgen.plan.events`). Every node's hardware side states its
events: what they wait for among the events of its inputs, and what its inputs' beats wait for on its account. A buffer
of depth d adds one kind of wait, backwards: its k-th entry is not before the (k - d)-th exit. Without that wait the
buffer has no bound. The source always offers, and the output is always taken.

What stands at an end and passes a beat whenever one comes, a converter, an equaliser, a power normalisation, adds its
latency and no events. A gain with symbols behind it and nothing else is an end whose events count: its FIFOs are as
shallow as all others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwgen.ir.nodes import Gain
from hwgen.lower.base import Buffer, Depths, NodeEvents
from hwgen.plan.events import Beats, Chain, Constraint, Events, Loop, PixelBeats
from hwgen.plan.plan import Plan
from hwgen.plan.settling import Settling, State
from hwgen.rewrite.hardware import INPUT, SymbolPacker

PASSES = 8
"""Passes over all constraints after which loops of two are relaxed at once; most frames need fewer."""


@dataclass(frozen=True)
class Schedule:
    """The cycle of each frame's TLAST, and of all events."""

    ends: list[int]
    events: tuple[Events, ...]


@dataclass(frozen=True)
class Pace:
    """Cycles of all events.

    first, steady : of a first frame, and of one of those that repeat themselves.
    latest : the latest ones with which a first frame ends as early, in the deepest buffers that were tried. In
        shallower ones events must not be later either, so what is beyond these is beyond theirs.
    """

    first: State
    latest: State
    steady: State


@dataclass(frozen=True)
class _Run:
    """The events of one run, and who states what about them."""

    source: Beats
    nodes: tuple[tuple[NodeEvents, tuple[Beats, ...]], ...]
    events: tuple[Events, ...]
    sink: Beats


@dataclass(frozen=True)
class _Stated:
    """The constraints of one node in one frame, and the depths that they depend on."""

    frame: int
    asked: _Asked
    constraints: list[Constraint]

    def holds(self, frame: int, depths: Depths) -> bool:
        """True if they are those of this frame with these depths."""
        return frame == self.frame and all(depths.get(buffer) == seen for buffer, seen in self.asked.seen.items())


class Scheduler:
    """The events of a plan's design.

    Attributes
    ----------
    buffers
        Those whose depth matters: FIFOs, then what holds pixels of a frame. A buffer that is not named in `depths` has
        no bound; one in which the design would stand still (below its `least`) must not be asked for.
    latency
        Cycles from the first accepted beat to the first frame's TLAST, buffers without bound.
    interval
        Cycles from one frame's TLAST to the next.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._lowerings = plan.design.lowerings
        head, self.names, tail = self._parts()
        steady = {name: self._lowerings[name].steady(plan.configs[name]) for name in (*head, *tail)}
        self._pauses = [end.pauses for name in head if (end := steady[name]) and end.pauses is not None]
        self.head = sum(end.first_latency for name in head if (end := steady[name]))
        self.tail = sum(end.last_latency for name in tail if (end := steady[name]))
        chosen = [buffer for name in self.names for buffer in self._lowerings[name].buffers(plan.configs[name])]
        fifos, others = ([b for b in chosen if b.grows is grows] for grows in (False, True))
        self.buffers: list[Buffer] = [*self._pauses, *fifos, *others]
        self.interval = plan.frame_interval
        self._events, self._depths = self._run(), dict[Buffer, int]()
        self._settling: Settling | None = None
        self._frame, self._stated = 0, dict[NodeEvents, _Stated]()
        self.latency = self.schedule({}, 1).ends[0]

    def _parts(self) -> tuple[list[str], list[str], list[str]]:
        """The nodes before and behind those whose events count, and those."""
        hardware, configs = self.plan.design.hardware, self.plan.configs
        names = list(self._lowerings)

        def is_steady(name: str) -> bool:
            return self._lowerings[name].steady(configs[name]) is not None

        head: list[str] = []
        at = INPUT
        while len(hardware.consumers[at]) == 1 and is_steady(name := hardware.consumers[at][0][0]):
            head.append(name)
            at = name
        tail: list[str] = []
        at = hardware.sink
        last = hardware.by_name[at]
        bounded = isinstance(last, SymbolPacker) and isinstance(hardware.by_name[hardware.inputs[at][0]], Gain)
        while not bounded and len(hardware.consumers[at]) < 2 and is_steady(at):
            tail.insert(0, at)
            at = hardware.inputs[at][0]
        return head, [name for name in names if name not in head and name not in tail], tail

    def schedule(self, depths: Depths, frames: int) -> Schedule:
        """The cycles of all events in that many frames back to back."""
        run = self._run()
        ends = []
        for frame in range(frames):
            for kind in run.events:
                kind.add_frame(None)
            if frame == 0:
                run.source.events.cycles[0] = max(run.source.events.cycles[0], self._start(run.source))
            self._relax(self._constraints(frame, depths, run, {}), run)
            ends.append(self._end(run, frame))
        return Schedule(ends, run.events)

    def keeps_pace(
        self, depths: Depths, before: Pace | None = None, smaller: Buffer | None = None
    ) -> Pace | None:
        """The cycles where latency and interval are those of buffers without bound, else None.

        before, smaller : such cycles of the same depths, but for one buffer that was deeper: nothing can be earlier
        than there, and as long as that buffer makes no difference everything is as it was; where it makes an event wait
        beyond its latest cycle, the frame ends later (`Settling.misses_required`).

        The latency is the first frame's. The interval is kept where a schedule can repeat itself in it (`settling.py`):
        frames are never later than in one that begins late enough, and on average none can be earlier, since the
        busiest stage takes the interval for a frame.
        """
        settling = self.laid_out(depths)
        if before is not None and smaller is not None:
            if settling.holds(smaller, before.first, before.steady):
                return before
            if settling.misses_required(smaller, before.first, before.latest):
                return None
        source = self._events.source
        first = settling.first(source.events, self._start(source))
        if first is None or self._ends(settling, first) != self.latency:
            return None
        # Found with the deepest buffers, so an upper bound for all shallower ones.
        latest = self._latest(settling, first) if before is None else before.latest
        settling.state = first if before is None else before.steady
        return Pace(first, latest, settling.state) if settling.repeats() else None

    def _run(self) -> _Run:
        """Events without a frame yet."""
        hardware, configs = self.plan.design.hardware, self.plan.configs
        first = self._lowerings[self.names[0]]
        taken = first.inputs[0]
        per_frame = taken.pixels * taken.beats(first.lanes_in(configs[first.name]))
        kind = Beats if first.takes_single_beats else PixelBeats
        source = kind(per_frame, taken.pixels)
        events = [source.events]
        beats: dict[tuple[str, int], Beats] = {}  # of each input of a node
        nodes = []
        end: Beats = source
        for place, name in enumerate(self.names):
            one = self._lowerings[name]
            inputs = tuple(beats.get((name, index), source) for index in range(len(hardware.inputs[name])))
            consumers = hardware.consumers[name]
            behind = [self._lowerings[consumer] for consumer, _ in consumers if consumer in self.names]
            # The last one's beats leave one by one.
            single = not behind or any(following.takes_single_beats for following in behind)
            own = one.events(configs[name], inputs, single)
            assert own is not None, f"{name}: a node at an end stands in the middle"
            nodes.append((own, inputs))
            events += [*own.own, *(b.events for b in own.outputs if all(b.events is not e for e in events))]
            for index, consumer in enumerate(consumers):
                beats[consumer] = own.outputs[min(index, len(own.outputs) - 1)]
            if place == len(self.names) - 1:
                end = own.outputs[0]
        return _Run(source, tuple(nodes), tuple(events), end)

    def _start(self, source: Beats) -> int:
        """The cycle of the source's first event."""
        return self.head + (source.per_pixel - 1 if _whole(source) else 0)

    def _constraints(
        self, frame: int, depths: Depths, run: _Run, known: dict[NodeEvents, _Stated]
    ) -> list[Constraint]:
        """The constraints on one frame's events.

        known : those of each node when it was asked last, which are used again while they hold; brought up to date.
        """
        source = run.source
        per_pixel, whole = source.per_pixel, _whole(source)
        pauses = [buffer for buffer in self._pauses if depths.get(buffer) == 1]
        step = per_pixel + len(pauses)
        if whole:
            offsets = np.arange(source.pixels) * step
        else:
            pixel, place_in_it = np.divmod(np.arange(source.per_frame), per_pixel)
            offsets = pixel * step + place_in_it
        wrap = step if whole else 1 + len(pauses)
        found: list[Constraint] = []
        for node, inputs in run.nodes:
            if node not in known or not known[node].holds(frame, depths):
                known[node] = _Stated(frame, asked := _Asked(depths), node.constraints(frame, inputs, asked))
            found += known[node].constraints
        buffer = self._pauses[0] if self._pauses else None
        # The source's chain stands behind what may hold its beats up.
        found.insert(1, Chain(source.events, frame, offsets, wrap, buffer))
        return found

    def _end(self, run: _Run, frame: int) -> int:
        """The cycle of the frame's TLAST; NEVER plus something while it is not known."""
        index, delay = run.sink.of(run.sink.frame(frame)[-1:])
        last = delay if isinstance(delay, int) else int(delay[-1])
        return int(run.sink.events.cycles[index[-1]]) + last + self.tail

    def _relax(self, constraints: Sequence[Constraint], run: _Run) -> None:
        """Move events until all constraints hold."""
        versions = [kind.version for kind in run.events]
        for count in itertools.count(1):
            for constraint in constraints:
                constraint.relax()
            before, versions = versions, [kind.version for kind in run.events]
            if versions == before:
                break
            if count % PASSES == 0:
                still = [kind for kind, old, new in zip(run.events, before, versions, strict=True) if old != new]
                for loop in Loop.among(constraints, still):
                    loop.relax()

    def laid_out(self, depths: Depths) -> Settling:
        """The events of a frame with these depths."""
        reach = max((-(-depth // buffer.entries) for buffer, depth in depths.items() if buffer.entries), default=1)
        self._frame = max(self._frame, reach + 1)  # nothing waits for what is before the first one
        constraints = self._constraints(self._frame, depths, self._events, self._stated)
        if self._settling is None or self._depths.keys() != depths.keys():
            self._settling = Settling(self._events.events, constraints, self._frame, self.interval)
        else:
            changed = {buffer for buffer, depth in depths.items() if self._depths[buffer] != depth}
            self._settling.restate(constraints, self._frame, changed)
        self._depths = dict(depths)
        return self._settling

    def _ends(self, settling: Settling, state: State) -> int:
        """The cycle of a frame's TLAST."""
        event, delay = self._last()
        return int(settling.cycles(state, self._events.sink.events)[event]) + delay + self.tail

    def _latest(self, settling: Settling, first: State) -> State:
        """The cycles of events with which a first frame does not end later than it does."""
        end, (event, _) = self._events.sink.events, self._last()
        return settling.latest(end, event, int(settling.cycles(first, end)[event]))

    def _last(self) -> tuple[int, int]:
        """(event, delay) of a frame's last beat."""
        sink = self._events.sink
        index, delay = sink.of(sink.frame(0)[-1:])
        return int(index[-1]), delay if isinstance(delay, int) else int(delay[-1])


class _Asked(Mapping[Buffer, int]):
    """Depths that remember which of them were asked for: `seen`, with None for those that are not there."""

    def __init__(self, depths: Depths) -> None:
        self._depths, self.seen = depths, dict[Buffer, int | None]()

    def __getitem__(self, buffer: Buffer) -> int:
        self.seen[buffer] = self._depths.get(buffer)
        return self._depths[buffer]

    def __iter__(self) -> Iterator[Buffer]:
        raise TypeError("a node asks for depths of its own")

    def __len__(self) -> int:
        return len(self._depths)


def _whole(source: Beats) -> bool:
    """Whether the source's pixels are events."""
    return source.events.per_frame == source.pixels


def latency(plan: Plan) -> int:
    """Cycles from the first accepted input beat to the frame's TLAST, pipeline empty before."""
    return Scheduler(plan).latency
