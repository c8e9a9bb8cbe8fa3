"""Buffer depths: every FIFO and ring as shallow as it can be without costing a cycle.

Wanted are depths with which latency and interval are those of buffers without bound, and of which none can lose a
single entry. Whether given depths do is decided exactly, from the cycles of all events (`schedule.py`).

Less room never makes anything earlier, so what suffices for a buffer suffices with one entry more, and a bisection
finds the least. All buffers begin with depths that suffice; then each in turn gets the least that does no harm. What is
chosen later only takes room away, so no earlier buffer can be spared an entry afterwards either: the depths are
minimal, each by itself. They are no more than what sizing counted on.

Several such sets exist, for what one buffer does not hold another may. FIFOs come first: theirs are single beats, and
the ring behind one would hold whole pixels anyway. What they need then follows from their own stage: the results of
folds in flight, at the pace at which its windows become complete. Rings follow from the first to the last. One that is
always busy needs (kernel + stride - 2) * width + kernel + stride pixels; a slower pace, short frames and FIFOs that
wait before it change that. Of a transposed convolution two rows of outputs read the same rows of its input, and these
are free with the second.

Nodes before and after the convolutions of a receiver, or behind those of a transmitter that has more than a gain, have
a fixed handful of entries each (`hwgen.lower.end`), a power normalisation a frame's values.

No design stands still, whatever pauses at its ends: an event waits for others only, and with these depths every event
of a frame gets its cycle, so there is no circle of events that wait for one another; a pause only makes events later.
"""

from __future__ import annotations

from collections.abc import Sequence

from hwgen.errors import HwgenError
from hwgen.lower.base import RESOURCES, Buffer, Depths
from hwgen.plan.plan import Plan
from hwgen.plan.profiles import with_profiles
from hwgen.plan.schedule import Scheduler
from hwgen.rtl.primitives import Cost

DOUBLINGS = 16
"""Most doublings of the depths until they suffice, before something must be wrong."""


def minimal_depths(plan: Plan) -> dict[Buffer, int]:
    """The depth of every buffer that is chosen, in beats or (line buffers) pixels."""
    scheduler = Scheduler(plan)
    chosen = {buffer: buffer.enough for buffer in scheduler.buffers}
    for _ in range(DOUBLINGS):
        if (schedule := scheduler.keeps_pace(chosen)) is not None:
            break
        # Where branches meet, one waits for the others, and holds more than what stands behind it alone would make it.
        chosen = {buffer: depth * (2 if buffer.entries else 1) for buffer, depth in chosen.items()}
    else:
        raise RuntimeError(f"{plan.graph.model}: no buffers keep its pace, the deepest tried: {max(chosen.values())}")
    for buffer in scheduler.buffers:
        least, most = buffer.least // buffer.unit, chosen[buffer] // buffer.unit
        like = buffer.node, buffer.like
        near = next((depth for other, depth in chosen.items() if (other.node, other.part) == like), None)
        trial, passed, failed = (near or buffer.busy) // buffer.unit - 1, 0, 0
        while least < most:
            trial = min(max(trial, least), most - 1)
            if tried := scheduler.keeps_pace({**chosen, buffer: trial * buffer.unit}, schedule, buffer):
                most, schedule, passed = trial, tried, passed + 1
            else:
                least, failed = trial + 1, failed + 1
            if near is None and passed + failed == 1:
                trial = least  # a stage that is seldom busy often needs the least
            elif near is None or (passed and failed):
                trial = (least + most) // 2
            else:  # in steps that double, until it lies between two
                trial = least + (1 << failed - 1) - 1 if failed else most - (1 << passed - 1)
        chosen[buffer] = most * buffer.unit
    return chosen


def with_depths(plan: Plan, depths: Depths) -> Plan:
    """The plan with buffers of these depths."""
    by_node: dict[str, dict[str, int]] = {}
    for buffer, depth in depths.items():
        by_node.setdefault(buffer.node, {})[buffer.part] = depth
    lowerings = plan.design.lowerings
    return plan.with_configs({
        name: lowerings[name].with_depths(plan.configs[name], parts) for name, parts in by_node.items()
    })  # fmt: skip


def minimal_buffers(plan: Plan) -> Plan:
    """The plan with every buffer as shallow as interval and latency allow.

    Raises
    ------
    HwgenError
        They do not fit the board: sizing counted on an estimate of what skip connections hold.
    """
    found = with_profiles(with_depths(plan, minimal_depths(plan)))
    check_fits([found])
    return found


def check_fits(plans: Sequence[Plan]) -> None:
    """Make sure that plans for one board fit it together, with the buffers that they have.

    Raises
    ------
    HwgenError
        They do not.
    """
    first = plans[0]
    total = sum((cost for plan in plans for cost in plan.costs.values()), Cost())
    for key in RESOURCES:
        taken, has = getattr(total, key), first.board.budget(key)
        if taken > has:
            both = "" if len(plans) == 1 else f" ({len(plans)} designs together)"
            wanted = f"at least {taken:g} for {first.graph.model}{both} with the buffers of its branches"
            raise HwgenError(first.board.where("resources", key), f"{wanted}; try a lower --fps", f"{has:g}")
