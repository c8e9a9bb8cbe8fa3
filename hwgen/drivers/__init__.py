"""Drivers that are emitted beside an IP: Python for PYNQ, C for bare metal and Linux. They need nothing of hwgen."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
FILES = ("hwgen_driver.py", "hwgen_ip.h", "hwgen_ip.c", "hwgen_uio.c")
"""The files, which are the same for every design. hwgen_ip.c includes registers.h, which is emitted with the IP."""
NOTEBOOKS = {"tx": "transmitter.ipynb", "rx": "receiver.ipynb"}
"""A notebook for Jupyter on a PYNQ board, by the design's side."""


def files(side: str) -> tuple[str, ...]:
    """The files for a design of this side."""
    return (*FILES, NOTEBOOKS[side])
