"""An emitted design as its folder describes it: manifest.json read into plain records, and the probes made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwgen.errors import HwgenError

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Stream:
    """One stream between layers: `name` of the layer, `path` of its interface below the top, shape of a frame."""

    name: str
    path: str
    bits: int
    signed: bool
    channels: int
    height: int
    width: int

    @property
    def beats(self) -> int:
        """Beats per frame: one value each, raster order, channel last."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class Design:
    """What a bench needs to know of a design. `predicted` is the manifest's own, untouched."""

    folder: Path
    top: str
    width: int
    height: int
    input_bits: int
    input_beats: int
    output_bits: int
    output_beats: int
    streams: tuple[Stream, ...]
    sources: tuple[Path, ...]
    predicted: Mapping[str, Any]
    manifest: Mapping[str, Any]

    def prediction(self, key: str) -> int | None:
        """An integer of the manifest's `predicted`, None where it says nothing."""
        value = self.predicted.get(key)
        return None if value is None else int(value)


def load(folder: Path) -> Design:
    """Read `folder`/manifest.json. Raises HwgenError when the folder holds no design that can be simulated."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text())
    except OSError as error:
        raise HwgenError(str(path), "the manifest of an emitted design", error.strerror or str(error)) from error
    except ValueError as error:
        raise HwgenError(str(path), "a JSON object", f"something else ({error})") from error
    if not isinstance(manifest, dict):
        raise HwgenError(str(path), "a JSON object", type(manifest).__name__)
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise HwgenError(f"{path}: format_version", str(FORMAT_VERSION), repr(version))
    try:
        streams = tuple(
            Stream(**{key: item[key] for key in Stream.__dataclass_fields__}) for item in manifest["streams"]
        )
        design = Design(
            folder=folder,
            top=manifest["top"],
            width=int(manifest["frame"]["width"]),
            height=int(manifest["frame"]["height"]),
            input_bits=int(manifest["input"]["bits"]),
            input_beats=int(manifest["input"]["beats"]),
            output_bits=int(manifest["output"]["bits"]),
            output_beats=int(manifest["output"]["beats"]),
            streams=streams,
            sources=tuple(folder / name for name in sorted(manifest["files"]) if name.endswith((".v", ".sv"))),
            predicted=manifest.get("predicted") or {},
            manifest=manifest,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HwgenError(str(path), "the keys of a design's manifest", f"{type(error).__name__}: {error}") from error
    if not design.sources:
        raise HwgenError(f"{path}: files", "at least one Verilog file", "none")
    for source in design.sources:
        if not source.is_file():
            raise HwgenError(f"{path}: files", "files that are there", f"no {source.name}")
    return design


def probes(design: Design) -> str:
    """SystemVerilog text of the probes: one per layer by hierarchical reference, one each for input and output.

    Stream 0 is the input, 1..n the layers in dataflow order, n + 1 the output.
    """
    ports = ".clock, .running, .finish, .cycle"
    lines = ["// Generated from manifest.json: the design itself is not changed."]
    lines.append(
        f"stream_probe #(.STREAM(0), .BITS(32)) probe_input ({ports}, .valid(s_valid), .ready(s_ready),"
        " .payload(s_payload), .last(1'b0), .beat(beat[0]));"
    )
    for index, stream in enumerate(design.streams, start=1):
        path = f"dut.{stream.path}__"
        lines.append(
            f"stream_probe #(.STREAM({index}), .BITS({stream.bits})) probe_{index} ({ports}, .valid({path}valid),"
            f" .ready({path}ready), .payload({path}payload), .last(1'b0), .beat(beat[{index}]));"
        )
    last = len(design.streams) + 1
    lines.append(
        f"stream_probe #(.STREAM({last}), .BITS({design.output_bits})) probe_output ({ports}, .valid(m_valid),"
        f" .ready(m_ready), .payload(m_payload[{design.output_bits - 1}:0]), .last(m_last), .beat(beat[{last}]));"
    )
    return "\n".join(lines) + "\n"


def defines(design: Design) -> dict[str, object]:
    """Verilog macros of the harness for this design."""
    return {
        "HWGEN_TOP": design.top,
        "HWGEN_STREAMS": len(design.streams) + 2,
        "HWGEN_INPUT_BITS": design.input_bits,
        "HWGEN_OUTPUT_BITS": design.output_bits,
    }
