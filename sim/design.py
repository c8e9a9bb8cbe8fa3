"""An emitted design as its folder describes it: manifest.json read into plain records, and the probes made from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hwgen.errors import HwgenError
from hwgen.limits import read_limited
from hwgen.plainjson import json_object

FORMAT_VERSION = 1
MOST_BYTES = 1 << 24
"""Largest manifest: 16 MiB."""
BEAT_BITS = 32
"""Bits of a beat that the recorder keeps."""
WORD_BITS = 32
"""Bits of a channel symbol, I and Q together: a stream with values of this width carries symbols, word by word."""


def _name(text: str) -> str:
    # Into Verilog, as the next one
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is None:
        raise ValueError("letters, digits and _")
    return text


def _way(text: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+", text) is None:
        raise ValueError("names with dots between them")
    return text


Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, AfterValidator(_name)]
Way = Annotated[str, AfterValidator(_way)]


@dataclass(frozen=True)
class Stream:
    """One stream between layers: `name` of the layer, `path` of its interface below the top, shape of a frame.

    lanes : values per beat, consecutive channels of one pixel, the first in the low bits; what a pixel's last beat has
        too many means nothing.
    branch : whether another way leads past the layer: what waits there may keep back-pressure from it
    """

    name: str
    path: str
    bits: int
    signed: bool
    channels: int
    height: int
    width: int
    lanes: int
    branch: bool = False

    @property
    def values(self) -> int:
        """Values per frame: raster order, channel last."""
        return self.channels * self.height * self.width

    @property
    def beat_bits(self) -> int:
        """Width of the payload."""
        return self.lanes * self.bits

    @property
    def symbols(self) -> bool:
        """Whether a value is a whole channel symbol, which has no pixel and no sign."""
        return self.bits == WORD_BITS


@dataclass(frozen=True)
class Link:
    """A stream between two components that is no layer's: its rules are watched, its beats are not recorded.

    path : of its interface below the top. bits : of its payload.
    behind : the layer's stream that it stands behind in dataflow order; None: the input.
    """

    name: str
    path: str
    bits: int
    behind: str | None = None


@dataclass(frozen=True)
class Design:
    """A design as a bench needs to know it.

    side : "tx": pixels in, symbols out; "rx": symbols in, pixels out.
    input_last, coefficients_last : it has that TLAST, which the bench then drives.
    frame_errors : it counts faults of the inputs' frames.
    coefficient_beats : words per frame of its second input stream, 0 where it has none.
    profiles : of which each frame has one, by the input `profile` where there are several.
    """

    folder: Path
    side: str
    top: str
    width: int
    height: int
    input_bits: int
    input_beats: int
    input_last: bool
    coefficients_last: bool
    frame_errors: bool
    coefficient_beats: int
    output_bits: int
    output_beats: int
    streams: tuple[Stream, ...]
    sources: tuple[Path, ...]
    predicted: Mapping[str, int | None]
    manifest: Mapping[str, Any]
    links: tuple[Link, ...] = ()
    profiles: int = 1

    @property
    def profile_bits(self) -> int:
        """Width of the input `profile`, 0 where there is none."""
        return (self.profiles - 1).bit_length()

    def prediction(self, key: str) -> int | None:
        """An integer of the manifest's `predicted`, None where it says nothing."""
        return self.predicted.get(key)


class _Part(BaseModel):
    """Numbers are numbers: "5", 5.0 and true are no integers. What a bench does not need is not looked at."""

    model_config = ConfigDict(strict=True, frozen=True)


class _Size(_Part):
    width: Positive
    height: Positive


class _Port(_Part):
    bits: Annotated[int, Field(ge=1, le=32)]
    beats: Positive


class _Coefficients(_Part):
    bits: Literal[32]
    beats: Positive


class _Profiles(_Part):
    count: Annotated[int, Field(ge=2, le=256)]


class _Stream(_Part):
    name: Name
    path: Way
    bits: Annotated[int, Field(ge=1, le=32)]
    signed: bool
    channels: Positive
    height: Positive
    width: Positive
    lanes: Positive
    branch: bool = False


class _Link(_Part):
    name: Name
    path: Way
    bits: Positive
    behind: Name | None = None


class _Predicted(_Part):
    frame_interval_cycles: Positive | None = None
    latency_cycles: Positive | None = None
    macs_per_frame: Count | None = None
    multipliers: Count | None = None
    dsp: Count | None = None


class _Manifest(_Part):
    top: Name
    side: Literal["tx", "rx"] = "tx"
    frame: _Size
    ports: dict[str, Any] = {}
    input: _Port
    output: _Port
    coefficients: _Coefficients | None = None
    profiles: _Profiles | None = None
    streams: list[_Stream]
    links: list[_Link] = []
    sources: list[str] | None = None
    files: dict[str, str]
    clock_mhz: float | None = None
    channel: str | None = None
    predicted: _Predicted = _Predicted()


def load(folder: Path) -> Design:
    """Read `folder`/manifest.json. Raises HwgenError when the folder holds no design that can be simulated."""
    path = folder / "manifest.json"
    try:
        text = read_limited(path, MOST_BYTES, "the manifest of an emitted design").decode("utf-8")
    except OSError as error:
        raise HwgenError(str(path), "the manifest of an emitted design", error.strerror or str(error)) from error
    except UnicodeDecodeError:
        raise HwgenError(str(path), "a JSON object in UTF-8", "other bytes") from None
    manifest = json_object(text, str(path))
    version = manifest.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise HwgenError(f"{path}: format_version", str(FORMAT_VERSION), repr(version))
    try:
        checked = _Manifest.model_validate(manifest)
    except ValidationError as error:
        raise refusal(error, f"{path}: ") from None
    for index, stream in enumerate(checked.streams):
        if stream.lanes * stream.bits > BEAT_BITS:
            where = f"{path}: streams.{index}.lanes"
            raise HwgenError(where, f"at most {BEAT_BITS} bits a beat", f"{stream.lanes} x {stream.bits} bits")
    frame, pixels = checked.frame, checked.frame.width * checked.frame.height
    key, beats = ("input", checked.input.beats) if checked.side == "tx" else ("output", checked.output.beats)
    if beats != pixels:  # the radio's side is not known here: verify checks it against the model
        raise HwgenError(f"{path}: {key}.beats", f"width x height = {pixels}", str(beats))
    key = "files" if checked.sources is None else "sources"
    sources = checked.sources  # manifests of older versions have none, and no testbench beside the design
    if sources is None:
        sources = [name for name in sorted(checked.files) if name.endswith((".v", ".sv"))]
    design = Design(
        folder=folder,
        side=checked.side,
        top=checked.top,
        width=frame.width,
        height=frame.height,
        input_bits=checked.input.bits,
        input_beats=checked.input.beats,
        input_last="s_axis_tlast" in checked.ports,
        coefficients_last="s_coef_tlast" in checked.ports,
        frame_errors="frame_errors" in checked.ports,
        coefficient_beats=checked.coefficients.beats if checked.coefficients else 0,
        output_bits=checked.output.bits,
        output_beats=checked.output.beats,
        streams=tuple(Stream(**stream.model_dump()) for stream in checked.streams),
        sources=tuple(folder / Path(name).name for name in sources),
        predicted=checked.predicted.model_dump(),
        manifest=manifest,
        links=tuple(Link(**link.model_dump()) for link in checked.links),
        profiles=1 if checked.profiles is None else checked.profiles.count,
    )
    if not design.sources:
        raise HwgenError(f"{path}: {key}", "at least one Verilog file", "none")
    for source in design.sources:
        if not source.is_file():
            raise HwgenError(f"{path}: {key}", "files that are there", f"no {source.name}")
    return design


def refusal(error: ValidationError, where: str) -> HwgenError:
    """The first thing that is wrong with a checked record; `where` stands in front of the key."""
    first = error.errors()[0]
    key = (where + ".".join(map(str, first["loc"]))).rstrip(".")
    if first["type"] == "missing":
        return HwgenError(key, "this key", "nothing")
    wanted = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return HwgenError(key, wanted, repr(first["input"]))


def probes(design: Design) -> str:
    """SystemVerilog text of the probes: one per layer by hierarchical reference, one each for the top's streams.

    Stream 0 is the input, 1..n the layers in dataflow order, n + 1 the output, n + 2 the coefficients where the design
    takes any. Behind them the rules of the links.
    """
    ports = ".clock, .running, .finish, .cycle"
    always = f"{ports}, .watch(1'b1)"
    lines = ["// Generated from manifest.json: the design itself is not changed."]
    lines.append(
        f"stream_probe #(.STREAM(0), .BITS(32)) probe_input ({always}, .valid(s_valid), .ready(s_ready),"
        " .payload(s_payload), .last(s_last), .beat(beat[0]));"
    )
    for index, stream in enumerate(design.streams, start=1):
        path = f"dut.{stream.path}__"
        lines.append(
            f"stream_probe #(.STREAM({index}), .BITS({stream.beat_bits})) probe_{index} ({ports}, .watch,"
            f" .valid({path}valid), .ready({path}ready), .payload({path}payload), .last(1'b0), .beat(beat[{index}]));"
        )
    last = len(design.streams) + 1
    lines.append(
        f"stream_probe #(.STREAM({last}), .BITS({design.output_bits})) probe_output ({always}, .valid(m_valid),"
        f" .ready(m_ready), .payload(m_payload[{design.output_bits - 1}:0]), .last(m_last), .beat(beat[{last}]));"
    )
    if design.coefficient_beats:
        lines.append(
            f"stream_probe #(.STREAM({last + 1}), .BITS(32)) probe_coefficients ({always}, .valid(c_valid),"
            f" .ready(c_ready), .payload(c_payload), .last(c_last), .beat(beat[{last + 1}]));"
        )
    for index, link in enumerate(design.links):
        path = f"dut.{link.path}__"
        lines.append(
            f"stream_rules #(.LINK({index}), .BITS({link.bits})) link_{index} (.clock, .running, .cycle,"
            f" .valid({path}valid), .ready({path}ready), .payload({path}payload));"
        )
    return "\n".join(lines) + "\n"


def defines(design: Design) -> dict[str, object]:
    """Verilog macros of the harness for this design."""
    found: dict[str, object] = {
        "HWGEN_TOP": design.top,
        "HWGEN_STREAMS": len(design.streams) + 2 + bool(design.coefficient_beats),
        "HWGEN_INPUT_BITS": design.input_bits,
        "HWGEN_OUTPUT_BITS": design.output_bits,
    }
    if design.input_last:
        found["HWGEN_INPUT_LAST"] = 1
    if design.coefficient_beats:
        found["HWGEN_COEFFICIENTS"] = 1
    if design.coefficients_last:
        found["HWGEN_COEFFICIENTS_LAST"] = 1
    if design.frame_errors:
        found["HWGEN_FRAME_ERRORS"] = 1
    if design.profile_bits:
        found["HWGEN_PROFILE_BITS"] = design.profile_bits
    return found
