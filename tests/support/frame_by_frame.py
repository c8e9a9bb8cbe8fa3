"""Whether depths keep a design's pace, found frame after frame by relaxing whole arrays: slow, and written apart."""

from __future__ import annotations

from hwgen.lower.base import Buffer, Depths
from hwgen.plan.events import Loop
from hwgen.plan.schedule import Scheduler

PATIENCE = 40
"""Frames after which a design whose buffers have been filled once must repeat itself, to be called steady."""
PASSES = 8
"""Passes over all constraints after which loops of two are relaxed at once."""


class FrameByFrame(Scheduler):
    """A `Scheduler` that plays frames one after the other until they repeat themselves.

    A frame's cycles are a function of those of the m frames before it, monotone and homogeneous, where m is how many
    frames the deepest buffer reaches back. So if in m frames one after the other no event is later than one interval
    after its predecessor a frame before, none ever will be.
    """

    def keeps_pace(  # type: ignore[override]  # its answer is only asked for its truth
        self, depths: Depths, before: bool | None = None, smaller: Buffer | None = None
    ) -> bool | None:
        """True or None."""
        run, good = self._run(), 0
        events = run.events
        reach = max([1, *(-(-depth // buffer.entries) for buffer, depth in depths.items() if buffer.entries)])
        for frame in range(reach + PATIENCE):
            for kind in events:
                kind.add_frame(None)
            if frame == 0:
                run.source.events.cycles[0] = self._start(run.source)
            constraints = self._constraints(frame, depths, run, {})

            def end(frame: int = frame) -> int:
                index, delay = run.sink.of(run.sink.frame(frame)[-1:])
                last = delay if isinstance(delay, int) else int(delay[-1])
                return int(run.sink.events.cycles[index[-1]]) + last + self.tail

            versions, count = [kind.version for kind in events], 0
            while frame or end() <= self.latency:
                for constraint in constraints:
                    constraint.relax()
                versions, old = [kind.version for kind in events], versions
                if versions == old:
                    break
                count += 1
                if count % PASSES == 0:
                    for loop in Loop.among(constraints, events):
                        loop.relax()
            if frame == 0 and end() != self.latency:
                return None
            if frame:
                steps = [(kind.frame(frame) - kind.frame(frame - 1)) for kind in events]
                good = good + 1 if all(step.max() <= self.interval for step in steps) else 0
                if good == reach:
                    return True
                if all(step.min() > self.interval for step in steps):
                    return None
        return None
