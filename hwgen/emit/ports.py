"""The ports of an emitted module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwgen.ir.graph import Graph
from hwgen.numerics import formats
from hwgen.numerics.framing import ERROR_BITS
from hwgen.rewrite.hardware import HardwareGraph

Direction = Literal["input", "output"]


@dataclass(frozen=True)
class Port:
    """A port of the top: its name, direction, width in bits, and what it is for."""

    name: str
    direction: Direction
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


PARAMETER = "USE_TLAST"
"""The module's parameter, 1 where nothing else is said."""
PARAMETER_MEANING = "1: a frame ends with its TLAST; 0: TLAST of the inputs is not looked at, beats are counted"
FLAG = "use_tlast"
"""The input that becomes the parameter (`hwgen.emit.parameter`)."""
PROFILE = "profile"
"""The input of a design with several profiles."""
FAULTS = (
    Port("frame_error", "output", 1, "high for a cycle where an input frame is found too short or too long"),
    Port("frame_errors", "output", ERROR_BITS, f"such frames since reset, modulo 2**{ERROR_BITS}"),
)


def slave(name: str, bits: int, meaning: str, last: str) -> tuple[Port, ...]:
    """An AXI4-Stream that comes in, with TLAST."""
    return (
        Port(f"{name}_tdata", "input", bits, meaning),
        Port(f"{name}_tvalid", "input", 1, "AXI4-Stream"),
        Port(f"{name}_tready", "output", 1, "AXI4-Stream"),
        Port(f"{name}_tlast", "input", 1, last),
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
        kind = master if stream.direction == "output" else slave
        found += kind(stream.name, bits, meaning, f"high on a frame's last {item}")
    return (*found, *_profile(hardware.network), *FAULTS)


def _profile(network: Graph) -> tuple[Port, ...]:
    """The choice of a profile, where there are several."""
    if network.profiles == 1:
        return ()
    last = network.profiles - 1
    meaning = f"the frame's profile, 0 to {last}, taken with its first s_axis beat; any other number is profile {last}"
    return (Port(PROFILE, "input", last.bit_length(), meaning),)
