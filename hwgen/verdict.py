"""The three ways in which a proof can end, and their exit status."""

from __future__ import annotations

from typing import Any

PROVEN, DIFFERS, NOT_RUN = "proven", "differs", "not run"
"""All is equal; a value, a stream's rule or a measured cycle is not the model's, or the design hangs; nothing is known,
whatever stood in the way: bad input, no disk, no compiler, a killed simulator, stalls that reached too little."""
STATUS = {PROVEN: 0, DIFFERS: 1, NOT_RUN: 2}
"""Exit status of each."""
VERIFY_KEYS = (
    "verdict", "error", "frames", "directed_frames", "values_compared", "mismatches", "first_mismatch",
    "frame_interval_cycles", "predicted_interval_cycles", "latency_cycles", "predicted_latency_cycles",
    "macs_per_frame", "multipliers", "dsp",
    "macs_per_cycle_per_dsp", "psnr_db", "coverage", "coverage_total",
)  # fmt: skip
"""Keys of the object that `verify --json` prints, in order."""


def not_run(error: str, command: str = "") -> dict[str, Any]:
    """The object that a command prints with --json where it came to no result."""
    empty = dict.fromkeys(VERIFY_KEYS) if command == "verify" else {}
    return empty | {"verdict": NOT_RUN, "error": error}


def worst(verdicts: list[str]) -> str:
    """The verdict of several: one that differs outweighs one that was not run."""
    return max(verdicts, key=(PROVEN, NOT_RUN, DIFFERS).index)
