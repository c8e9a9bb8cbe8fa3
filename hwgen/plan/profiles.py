"""Frames on their way through a design, whose profiles have to be kept."""

from __future__ import annotations

from hwgen.lower.input_framing import PROFILES
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import latency
from hwgen.rewrite.insert_framing import FRAMER

AGAIN = 2
"""Cycles from a frame's TLAST until another frame may begin in its place, at most."""
SPARE = 1
"""Frames more, that gather at the input while the output is held up."""


def with_profiles(plan: Plan) -> Plan:
    """The plan with room for the profiles of as many frames as latency and interval ask for; a power of two.

    A frame waits at the input while profiles of `frames` others are kept. No frame ends later than its first event
    plus the latency, and each begins an interval after the one before. With frames * interval >= latency + AGAIN the
    one that has to go has gone by then, so that nothing waits that would not wait anyway.
    """
    if plan.graph.profiles == 1:
        return plan
    needed = -(-(latency(plan) + AGAIN) // plan.frame_interval) + SPARE
    frames = 1 << (needed - 1).bit_length()
    framing = plan.design.lowerings[FRAMER].with_depths(plan.configs[FRAMER], {PROFILES: frames})
    return plan.with_configs({FRAMER: framing})
