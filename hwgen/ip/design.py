"""An IP around an emitted design: its ports, and what its registers say, from the design's manifest alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hwgen.emit.ports import PROFILE, Direction, Port
from hwgen.emit.simulation import profiles_of
from hwgen.errors import HwgenError
from hwgen.ip.names import field_name
from hwgen.ip.options import IpOptions
from hwgen.ip.registers import COEFFICIENTS, FRAMES_IN, MEMORIES, OUTPUT_STARVED, REGISTERS
from hwgen.numerics.formats import PIXEL, SYMBOL
from hwgen.rtl.axi.coefficients import CoefficientsConfig
from hwgen.rtl.axi.counters import CountersConfig
from hwgen.rtl.axi.crossing import LiteCrossingConfig
from hwgen.rtl.axi.lite import LiteSlaveConfig
from hwgen.rtl.axi.packer import PackerConfig
from hwgen.rtl.axi.registers import Access, Field, RegistersConfig
from hwgen.rtl.axi.slots import Slots
from hwgen.rtl.axi.unpacker import UnpackerConfig
from hwgen.rtl.primitives import Cost

ADDRESS_BITS = 12
"""4 KiB, the least that an interconnect gives."""
COUNTED = tuple(one.name for one in REGISTERS if FRAMES_IN <= one.address <= OUTPUT_STARVED)
"""The counters' registers, in the order of their addresses."""
CLOCKS = (
    Port("aclk", "input", 1, "clock of the streams and the design"),
    Port("aresetn", "input", 1, "its reset, active low, synchronous"),
)
REGISTER_CLOCKS = (
    Port("s_axi_aclk", "input", 1, "clock of the registers"),
    Port("s_axi_aresetn", "input", 1, "its reset, active low, synchronous; together with aresetn"),
)
CHANNELS = {
    "aw": (("addr", ADDRESS_BITS), ("prot", 3)), "w": (("data", 32), ("strb", 4)), "b": (("resp", 2),),
    "ar": (("addr", ADDRESS_BITS), ("prot", 3)), "r": (("data", 32), ("resp", 2)),
}  # fmt: skip
"""AXI4-Lite: the payloads of each channel, and their widths."""
DIRECTIONS: tuple[Direction, Direction] = ("input", "output")
"""Directions of a channel's payload and `valid`, and of its `ready`, where the IP receives; reversed where it sends."""
ANSWERS = ("b", "r")
"""Channels that the slave drives."""


@dataclass(frozen=True)
class IpDesign:
    """An IP around a design.

    Parameters
    ----------
    manifest : the design's, as emit writes it
    options : of the IP
    graph_hash : SHA-256 of graph.json, in hexadecimal

    Raises
    ------
    HwgenError : more coefficients than the registers hold
    """

    manifest: Mapping[str, Any]
    options: IpOptions
    graph_hash: str

    def __post_init__(self) -> None:
        (memory,) = MEMORIES
        if self.coefficient_words > memory.words:
            raise HwgenError("--ip", f"at most {memory.words} coefficients a frame", str(self.coefficient_words))

    @property
    def core(self) -> str:
        """The design's module."""
        return str(self.manifest["top"])

    @property
    def top(self) -> str:
        """The IP's module."""
        return f"{self.core}_ip"

    @property
    def receiver(self) -> bool:
        """True for a receiver: symbols in, pixels out."""
        return bool(self.manifest["side"] == "rx")

    @property
    def channels(self) -> int:
        """Channels of a pixel: 1 or 3."""
        return int(self.manifest["output" if self.receiver else "input"]["channels"])

    @property
    def coefficient_words(self) -> int:
        """Coefficients that a frame takes, a 32-bit word each; 0 where the design has none."""
        coefficients = self.manifest["coefficients"]
        return 0 if coefficients is None else int(coefficients["beats"])

    @property
    def profile_bits(self) -> int:
        """Width of the design's input `profile`; 0 where it has none."""
        port = self.manifest["ports"].get(PROFILE)
        return 0 if port is None else int(port["width"])

    @cached_property
    def slots(self) -> tuple[Slots, Slots]:
        """Byte layout of the items on s_axis and on m_axis."""
        beat = self.options.beat_bits // 8
        values = self.channels * PIXEL.bits // 8
        pixel = Slots(beat, values if self.options.pixels == "rgb" else 4, values)
        symbol = Slots(beat, 2 * SYMBOL.bits // 8, 2 * SYMBOL.bits // 8)
        return (symbol, pixel) if self.receiver else (pixel, symbol)

    @property
    def frame_bytes(self) -> tuple[int, int]:
        """Bytes of a frame on s_axis and on m_axis."""
        into, out = self.slots
        return int(self.manifest["input"]["beats"]) * into.slot, int(self.manifest["output"]["beats"]) * out.slot

    @cached_property
    def gain(self) -> tuple[int, int] | None:
        """Factor and shift of the only static gain; None where there is none that 32 bits hold."""
        found = [layer for layer in self.manifest["predicted"]["layers"] if "factor" in layer]
        if len(found) != 1 or not isinstance(found[0]["factor"], int) or found[0]["factor"] >= 1 << 32:
            return None  # of several profiles, one each
        return int(found[0]["factor"]), int(found[0]["shift"])

    @cached_property
    def constants(self) -> dict[str, int]:
        """Values of the read-only fields that describe the design, by `hwgen.ip.names.field_name`."""
        frame, (bytes_in, bytes_out) = self.manifest["frame"], self.frame_bytes
        factor, shift = self.gain or (0, 0)
        return {
            "model_hash": int(self.graph_hash[:8], 16),
            "capabilities_receiver": int(self.receiver),
            "capabilities_packed": int(self.options.pixels == "rgb"),
            "capabilities_profile": int(self.profile_bits > 0),
            "capabilities_coefficients": int(self.coefficient_words > 0),
            "capabilities_gain": int(self.gain is not None),
            "capabilities_clocks": self.options.clocks - 1,
            "capabilities_channels": self.channels,
            "capabilities_beat_bytes": self.options.beat_bits // 8,
            "frame_width": frame["width"],
            "frame_height": frame["height"],
            "input_bytes": bytes_in,
            "output_bytes": bytes_out,
            "coefficient_words": self.coefficient_words,
            "profiles": profiles_of(self.manifest),
            "gain": factor,
            "gain_shift": shift & 0xFFFFFFFF,
        }

    @cached_property
    def registers(self) -> RegistersConfig:
        """The registers of registers.rdl, what the design does not have without a place to keep anything."""
        found = []
        for register in REGISTERS:
            fields = []
            for field in register.fields:
                name = field_name(register.name, field.name)
                access, width, reset = field.access, field.width, field.reset
                if name in self.constants:
                    reset = self.constants[name]
                elif name == "profile":
                    access, width, reset = ("rw", self.profile_bits, 0) if self.profile_bits else ("r", width, 0)
                elif name in ("control_commit", "status_committed") and not self.coefficient_words:
                    access, reset = "r", 0
                fields.append(Field(name, field.low, width, _access(access), reset))
            found.append((register.address // 4, tuple(fields)))
        window = (COEFFICIENTS // 4, MEMORIES[0].words) if self.coefficient_words else None
        return RegistersConfig(tuple(found), ADDRESS_BITS - 2, window)

    @cached_property
    def components(self) -> dict[str, Any]:
        """The config of every component, by name."""
        into, out = self.slots
        found = {
            "unpacker": UnpackerConfig(into), "packer": PackerConfig(out), "lite": LiteSlaveConfig(ADDRESS_BITS),
            "registers": self.registers, "counters": CountersConfig(len(COUNTED)),
        }  # fmt: skip
        if self.coefficient_words:
            found["coefficients"] = CoefficientsConfig(self.coefficient_words)
        if self.options.clocks == 2:
            found["crossing"] = LiteCrossingConfig(ADDRESS_BITS)
        return found

    def costs(self, family: str) -> dict[str, Cost]:
        """Resources of every component, and of what joins them; the design itself not among them."""
        found = {name: config.cost(family) for name, config in self.components.items()}
        return found | {"top": Cost(10, 2 + 2 * (self.options.clocks - 1))}

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """All ports, in order."""
        found = [*CLOCKS, *(REGISTER_CLOCKS if self.options.clocks == 2 else ())]
        for channel, payloads in CHANNELS.items():
            given, taken = DIRECTIONS if channel not in ANSWERS else reversed(DIRECTIONS)
            found += [Port(f"s_axi_{channel}{name}", given, width, "AXI4-Lite") for name, width in payloads]
            found += [Port(f"s_axi_{channel}valid", given, 1, "AXI4-Lite"),
                      Port(f"s_axi_{channel}ready", taken, 1, "AXI4-Lite")]  # fmt: skip
        bits = self.options.beat_bits
        for name in ("s_axis", "m_axis"):
            given, taken = DIRECTIONS if name == "s_axis" else reversed(DIRECTIONS)
            item = self.manifest["ports"][f"{name}_tdata"]["meaning"]
            for part, width, meaning in (
                ("tdata", bits, f"{self.packing(name)}; {item}"),
                ("tkeep", bits // 8, "bytes of a frame's last beat that belong to it"),
                ("tlast", 1, "high on a frame's last beat"),
                ("tvalid", 1, "AXI4-Stream"),
            ):
                found.append(Port(f"{name}_{part}", given, width, meaning))
            found.append(Port(f"{name}_tready", taken, 1, "AXI4-Stream"))
        return (*found, Port("irq", "output", 1, "high while an enabled event is not cleared"))

    def packing(self, stream: str) -> str:
        """Packing of a stream's items into its beats, in words, for the manifest."""
        slots = self.slots[stream == "m_axis"]
        unused = "" if slots.used == slots.slot else f", the highest {slots.slot - slots.used} not used"
        return f"one item in {slots.slot} bytes{unused}, the first in the lowest bytes"


def _access(text: str) -> Access:
    assert text in ("r", "rw", "w1c", "pulse")
    return text  # type: ignore[return-value]
