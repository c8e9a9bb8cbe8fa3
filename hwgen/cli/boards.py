"""`hwgen boards`."""

from __future__ import annotations

import argparse

TEXT = "list the boards that come with hwgen"


def add_options(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_: argparse.Namespace) -> int:
    """Print a table."""
    from rich.table import Table

    from hwgen import board
    from hwgen.console import console

    table = Table(title="boards")
    table.add_column("name")
    table.add_column("part")
    table.add_column("grade")
    for column in ("DSP", "LUT", "FF", "BRAM36", "URAM", "clock MHz", "DMA bits"):
        table.add_column(column, justify="right")
    for name in board.available():
        loaded = board.load(name)
        has = loaded.resources
        amounts = (f"{n:,}" for n in (has.dsp, has.lut, has.ff, has.bram36, has.uram))
        port = "" if loaded.ps is None else str(loaded.ps.memory_bits)
        table.add_row(name, loaded.part, loaded.speed_grade, *amounts, f"{loaded.clock_mhz:g}", port)
    console().print(table)
    return 0
