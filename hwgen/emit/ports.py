"""The ports of an emitted module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwgen.ir.graph import Graph
from hwgen.numerics import formats


@dataclass(frozen=True)
class Port:
    """A port of the top: its name, direction, width in bits, and what it is for."""

    name: str
    direction: Literal["input", "output"]
    width: int
    meaning: str


PIXEL = "R [7:0], G [15:8], B [23:16]; raster order"
SYMBOL = f"I [15:0], Q [31:16], signed {formats.SYMBOL} each"
COEFFICIENT = (
    f"real part [15:0], imaginary part [31:16], signed {formats.COEFFICIENT} each; a frame's before its symbols"
)
CLOCK = (
    Port("aclk", "input", 1, "clock"),
    Port("aresetn", "input", 1, "synchronous reset, active low"),
)


def slave(name: str, bits: int, meaning: str) -> tuple[Port, ...]:
    """An AXI4-Stream that comes in."""
    return (
        Port(f"{name}_tdata", "input", bits, meaning),
        Port(f"{name}_tvalid", "input", 1, "AXI4-Stream"),
        Port(f"{name}_tready", "output", 1, "AXI4-Stream"),
    )


def master(name: str, bits: int, meaning: str, last: str) -> tuple[Port, ...]:
    """An AXI4-Stream that goes out, with TLAST."""
    return (
        Port(f"{name}_tdata", "output", bits, meaning),
        Port(f"{name}_tvalid", "output", 1, "AXI4-Stream"),
        Port(f"{name}_tready", "input", 1, "AXI4-Stream"),
        Port(f"{name}_tlast", "output", 1, last),
    )


def ports(graph: Graph) -> tuple[Port, ...]:
    """All ports of a graph's design, in order."""
    coefficients = slave("s_coef", 32, COEFFICIENT) if graph.coefficient_words else ()
    if graph.side == "tx":
        output = master("m_axis", 32, SYMBOL, "high on a frame's last symbol")
        return CLOCK + slave("s_axis", 24, PIXEL) + coefficients + output
    unused = Port("s_axis_tlast", "input", 1, "not looked at: symbols are counted")
    output = master("m_axis", 24, PIXEL, "high on a frame's last pixel")
    return (*CLOCK, *slave("s_axis", 32, SYMBOL), unused, *coefficients, *output)
