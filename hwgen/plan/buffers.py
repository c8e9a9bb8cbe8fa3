"""Buffer depths: every FIFO and ring as shallow as it can be without costing a cycle.

Wanted are depths with which latency and interval are those of buffers without bound (`timing.py`), and of which none
can lose a single place. Whether given depths do is decided exactly, from the cycles of all events (`flow.py`).

Less room never makes anything earlier, so what suffices for a buffer suffices with one more place, and a bisection
finds the least. All buffers begin with depths that suffice; then each in turn gets the least that does no harm. What is
chosen later only takes room away, so no earlier buffer can be spared a place afterwards either: the depths are minimal,
each by itself. They are no more than what sizing counted on.

Several such sets exist, for what one buffer does not hold another may. FIFOs come first: theirs are single beats, and
the ring behind one would hold whole pixels anyway. What they need then follows from their own stage: the results of
folds in flight, at the pace at which its windows become complete. Rings follow from the first to the last. One that is
always busy needs (kernel + stride - 2) * width + kernel + stride pixels; a slower pace, short frames and FIFOs that
wait before it change that. Of a transposed convolution two rows of outputs read the same rows of its input, and these
are given back with the second.

What stands around the convolutions of a receiver, or behind those of a transmitter that has more than a gain, has a
fixed handful of places each (`ends.py`), a power normalisation a frame's values.

No design stands still, whatever pauses at its ends: an event waits for others only, and with these depths every event
of a frame gets its cycle, so there is no circle of events that wait for one another; a pause only makes events later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hwgen.plan.ends import bounded, end_places
from hwgen.plan.flow import Flow
from hwgen.plan.plan import Plan
from hwgen.rtl.gain import Gain
from hwgen.rtl.pixels import PixelSerialiser
from hwgen.rtl.symbols import SymbolPacker


@dataclass(frozen=True)
class Bounds:
    """Depths of a buffer: the least that works at all, what a stage that is always busy needs, enough for any other.

    All are multiples of `unit`: 1, or the pixels of a row where each row has a memory of its own.
    """

    least: int
    busy: int
    enough: int
    unit: int = 1


def bounds(plan: Plan) -> dict[str, Bounds]:
    """Of every buffer whose depth is chosen, in the order in which they are. Names as in `flow.Flow`."""
    limits: dict[str, Bounds] = {}

    def fifo(name: str, least: int, full_rate: int) -> None:
        limits[name] = Bounds(least, full_rate, full_rate)

    if plan.serialised:
        fifo("pixels", 1, PixelSerialiser.places)
    for name, folding in plan.foldings.items():
        fifo(f"{name}.fifo", folding.fold_beats, replace(folding, places=None).fifo_depth)
    if bounded(plan.graph):
        fifo(f"{plan.graph.nodes[-1].name}.fifo", 1, Gain.places)
        fifo("symbols.fifo", 1, SymbolPacker.places)
    for name, folding in plan.foldings.items():
        window = replace(folding.window, pixels=None)
        # A window's rows and pixels, the rows that come in while one goes out, and a stride of pixels to hide the way
        # from one that is given back to its successor's arrival.
        rows, stride = (max(window.phase_taps) + 1, 1) if window.transposed else (window.kernel, window.stride)
        busy = (rows + stride - 2) * window.width + rows + stride
        unit = 1 if window.taps == 1 else window.width
        least, busy, enough = (-(-max(window.span, depth) // unit) * unit for depth in (0, busy, window.depth))
        limits[f"{name}.ring"] = Bounds(least, busy, enough, unit)
    return limits


def minimal_depths(plan: Plan) -> dict[str, int]:
    """The depth of every buffer, by its name, in beats or (rings) pixels."""
    flow, limits = Flow(plan), bounds(plan)
    chosen = {name: bound.enough for name, bound in limits.items()}
    while (schedule := flow.keeps_pace(chosen)) is None:  # not seen yet; then the rings hold more than sizing took
        chosen = {name: 2 * depth if name.endswith(".ring") else depth for name, depth in chosen.items()}
    for name, bound in limits.items():
        least, most = bound.least // bound.unit, chosen[name] // bound.unit
        trial, tries = bound.busy // bound.unit - 1, 0
        while least < most:
            trial = max(trial, least)
            if tried := flow.keeps_pace({**chosen, name: trial * bound.unit}, schedule, name):
                most, schedule = trial, tried
            else:
                least = trial + 1
            # A stage that is seldom busy often needs the least.
            trial, tries = least if tries == 0 else (least + most) // 2, tries + 1
        chosen[name] = most * bound.unit
    return chosen


def with_depths(plan: Plan, chosen: Mapping[str, int]) -> Plan:
    """The plan with buffers of these depths: all of them, by name."""
    foldings = {
        name: replace(
            folding, places=chosen[f"{name}.fifo"], window=replace(folding.window, pixels=chosen[f"{name}.ring"])
        )
        for name, folding in plan.foldings.items()
    }
    others = {name.removesuffix(".fifo"): depth for name, depth in chosen.items() if not name.endswith(".ring")}
    return replace(plan, foldings=foldings, places={k: v for k, v in others.items() if k not in foldings})


def depths(plan: Plan) -> dict[str, int]:
    """The depth of every buffer as the plan has it, by name; those that are not chosen first and last."""
    convolutions = {
        name: depth
        for node, folding in plan.foldings.items()
        for name, depth in ((f"{node}.ring", folding.window.capacity), (f"{node}.fifo", folding.fifo_depth))
    }
    limits = {name: bound.enough for name, bound in bounds(plan).items()}
    others = {f"{name}.fifo" if name != "pixels" else name: depth for name, depth in plan.places.items()}
    before, behind = end_places(plan)
    return before | limits | convolutions | others | behind


def minimal_buffers(plan: Plan) -> Plan:
    """The plan with every buffer as shallow as interval and latency allow."""
    return with_depths(plan, minimal_depths(plan))
