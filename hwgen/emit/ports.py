"""The ports of an emitted module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwgen.numerics import formats
from hwgen.rewrite.hardware import HardwareGraph


@dataclass(frozen=True)
class Port:
    """A port of the top: its name, direction, width in bits, and what it is for."""

    name: str
    direction: Literal["input", "output"]
    width: int
    meaning: str


PIXELS = {1: "grey [7:0]", 3: "R [7:0], G [15:8], B [23:16]"}
"""Where a pixel's values lie, by their number."""
MEANING = {channels: f"{order}; raster order" for channels, order in PIXELS.items()}
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


def ports(hardware: HardwareGraph) -> tuple[Port, ...]:
    """All ports of a design, in order."""
    found = list(CLOCK)
    for stream in hardware.ports:
        bits, meaning, item = {
            "pixels": (formats.PIXEL.bits * hardware.image_channels, MEANING[hardware.image_channels], "pixel"),
            "symbols": (32, SYMBOL, "symbol"),
            "coefficients": (32, COEFFICIENT, "coefficient"),
        }[stream.payload]
        if stream.direction == "output":
            found += master(stream.name, bits, meaning, f"high on a frame's last {item}")
            continue
        found += slave(stream.name, bits, meaning)
        if stream.payload == "symbols":
            found.append(Port(f"{stream.name}_tlast", "input", 1, "not looked at: symbols are counted"))
    return tuple(found)
