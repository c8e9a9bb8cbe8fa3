"""The cocotb bench: writes the run's settings into the harness, starts it and waits for its end.

It is the same for every design: what is driven and checked comes from files (run.json, input.bin, made from
manifest.json). No Python runs per cycle; source, sink, probes and watchdog are compiled (harness.sv).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

RESULTS = {"status": "status", "cycles": "cycle", "frame_errors": "frame_errors", "error_cycles": "error_cycles"}
"""Results by name, each a signal of the harness; cycles are those since reset was released."""


@cocotb.test()  # type: ignore[misc,unused-ignore]
async def run_frames(dut: Any) -> None:
    """Run until the harness is done; result.json gets its RESULTS."""
    settings: dict[str, int] = json.loads(Path("run.json").read_text())
    for name, value in settings.items():
        getattr(dut, name).value = value
    await Timer(2, unit="ns")
    dut.start.value = 1
    await RisingEdge(dut.done)
    result = {name: int(getattr(dut, signal).value) for name, signal in RESULTS.items()}
    Path("result.json").write_text(json.dumps(result))
