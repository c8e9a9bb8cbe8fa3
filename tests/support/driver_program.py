"""What runs inside the simulation for the drivers' tests: a cocotb test that hands a board to programs of plain Python.

The programs and the design's folder come by +programs=MODULE:FUNCTION,... and +design=FOLDER.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.task import bridge

from hwgen.testbench.board import Board


def pauses(seed: int = 1) -> Any:
    random = Random(seed)
    while True:
        yield random.random() < 0.2


@cocotb.test()
async def programs(dut: Any) -> None:
    """Run the programs on a board with this design, one after the other; they raise where something is wrong."""
    logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)  # cocotbext-axi tells of every access
    board = Board(dut, pauses())
    await board.start()
    for name in str(cocotb.plusargs["programs"]).split(","):
        module, _, function = name.partition(":")
        found = getattr(importlib.import_module(module), function)
        await bridge(found)(board, Path(str(cocotb.plusargs["design"])))
