"""Buffer depths: every FIFO and ring as shallow as it can be without costing a cycle.

Wanted are depths with which latency and interval are those of buffers without bound, and of which none can lose a
single entry. Whether given depths do is decided exactly, from the cycles of all events (`schedule.py`).

Less room never makes anything earlier, so what suffices for a buffer suffices with one entry more, and a bisection
finds the least. All buffers begin with depths that suffice; then each in turn gets the least that does no harm. What is
chosen later only takes room away, so no earlier buffer can be spared an entry afterwards either: the depths are
minimal, each by itself. They are no more than what sizing counted on, but for those of skip connections, which it only
estimates.

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

from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.lower.base import RESOURCES, Buffer, Depths
from hwgen.option_values import Engine
from hwgen.plan.design import Design
from hwgen.plan.plan import Plan
from hwgen.plan.profiles import with_profiles
from hwgen.plan.schedule import Scheduler
from hwgen.plan.size import Sizing
from hwgen.rtl.primitives import Cost

DOUBLINGS = 16
"""Most doublings of the depths until they suffice, before something must be wrong."""
SIZINGS = 6
"""Times, at most, that designs are sized until their buffers fit as well."""


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
    found = _with_buffers(plan)
    check_fits([found])
    return found


def size_with_buffers(
    graphs: Sequence[Graph], board: Board, width: int, height: int, fps: float | None, engine: Engine
) -> tuple[Plan, ...]:
    """Size graphs that share a board (`hwgen.plan.size`), every buffer as shallow as interval and latency allow.

    Sizing estimates what skip connections hold. Where their buffers take more than the board then has, all is sized
    again with as much kept free, at a longer interval if need be.

    Raises
    ------
    HwgenError
        As `hwgen.plan.size.size_together`, or the buffers fit at no interval that was tried.
    """
    kept: dict[str, float] = {}
    # One for all trials: what each node may become is priced once.
    sizing = Sizing([Design(graph, board, width, height, engine) for graph in graphs])
    plans = tuple(map(_with_buffers, sizing.plans(fps)))
    for _ in range(SIZINGS - 1):
        over = {key: taken - board.budget(key) for key, taken in _taken(plans).items() if taken > board.budget(key)}
        if not over:
            break
        kept = {key: kept.get(key, 0) + over.get(key, 0) for key in RESOURCES}
        try:
            sized = sizing.plans(fps, kept)
        except HwgenError:
            break  # what the buffers lack is the error that helps
        plans = tuple(map(_with_buffers, sized))
    check_fits(plans)
    return plans


def _with_buffers(plan: Plan) -> Plan:
    return with_profiles(with_depths(plan, minimal_depths(plan)))


def _taken(plans: Sequence[Plan]) -> dict[str, float]:
    """What plans take together, by resource."""
    total = sum((cost for plan in plans for cost in plan.costs.values()), Cost())
    return {key: getattr(total, key) for key in RESOURCES}


def check_fits(plans: Sequence[Plan]) -> None:
    """Make sure that plans for one board fit it together, with the buffers that they have.

    Raises
    ------
    HwgenError
        They do not.
    """
    first = plans[0]
    for key, taken in _taken(plans).items():
        if taken > (has := first.board.budget(key)):
            both = "" if len(plans) == 1 else f" ({len(plans)} designs together)"
            wanted = f"at least {taken:g} for {first.graph.model}{both} with the buffers of its branches"
            raise HwgenError(first.board.where("resources", key), f"{wanted}; try a lower --fps", f"{has:g}")
