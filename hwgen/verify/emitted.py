"""An emitted folder beside what a verification asks for: is it this model's design, with these options, as it was?"""

from __future__ import annotations

import hashlib
from typing import get_args

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph, SymbolNode
from hwgen.numerics.formats import PIXEL
from hwgen.sim.design import WORD_BITS, Design
from hwgen.spec.model import Kind


def channel_kind(design: Design) -> str | None:
    """The kind of radio channel that a design was emitted for, as its manifest says."""
    kind: str | None = design.manifest.get("channel")
    if kind is not None and kind not in get_args(Kind):
        raise HwgenError(f"{design.folder / 'manifest.json'}: channel", ", ".join(get_args(Kind)), repr(kind))
    return kind


def check_asked(options: DesignOptions, design: Design) -> None:
    """Refuse options that say something else than the design that is there; the board is always the design's own."""
    manifest = design.manifest
    frame = f"{design.width}x{design.height}"
    size = None if options.frame is None else "x".join(map(str, options.frame))
    init = None if options.init is None else f"random:{options.init}"
    for option, asked, there in (
        ("--frame", size, frame),
        ("--top", options.top, design.top),
        ("--fps", options.fps, manifest.get("requested_fps", options.fps)),
        ("--init", init, manifest.get("init", init)),
        ("--engine", options.engine, manifest.get("engine", "direct")),
        ("--fill", options.fill or None, manifest.get("fill", False)),
    ):
        if asked != there and (asked is not None or option == "--init"):
            wanted = f"{there or 'none'}, as {design.folder / 'manifest.json'} says"
            raise HwgenError(option, wanted, str(asked or "none"))


def check_same(design: Design, graph: Graph) -> None:
    """A design must be of this side of this model: the same layers, shapes and types, each with its stream."""
    manifest = design.folder / "manifest.json"
    if design.side != graph.side:
        raise HwgenError(f"{manifest}: side", f"{graph.side} (--side)", design.side)
    shapes = graph.shapes(design.width, design.height)
    wanted = [
        (node.name, WORD_BITS, False, 1, shapes[node.name][1], 1)
        if isinstance(node, SymbolNode)
        else (node.name, node.output.bits, node.output.signed, *shapes[node.name])
        for node in graph.nodes
    ]
    got = [(s.name, s.bits, s.signed, s.height, s.width, s.channels) for s in design.streams]
    for here, there in zip(wanted, got, strict=False):
        if here != there:
            raise HwgenError(f"{manifest}: streams", f"{here} as the model has", str(there))
    if len(wanted) != len(got):
        raise HwgenError(f"{manifest}: streams", f"{len(wanted)} layers", str(len(got)))
    if design.profiles != graph.profiles:
        raise HwgenError(f"{manifest}: profiles.count", f"{graph.profiles} as the model has", str(design.profiles))
    port, beats = ("output", design.output_beats) if graph.side == "tx" else ("input", design.input_beats)
    pixel = PIXEL.bits * (graph.input_channels if graph.side == "tx" else graph.edges[graph.sink].channels)
    bits = (pixel, WORD_BITS) if graph.side == "tx" else (WORD_BITS, pixel)
    for end, width, there_are in zip(("input", "output"), bits, (design.input_bits, design.output_bits), strict=True):
        if width != there_are:
            raise HwgenError(f"{manifest}: {end}.bits", str(width), str(there_are))
    for key, number, count in (
        (port, graph.symbols(design.width, design.height), beats),
        ("coefficients", graph.coefficient_words, design.coefficient_beats),
    ):
        if number != count:
            raise HwgenError(f"{manifest}: {key}.beats", str(number), str(count))


def edited(design: Design) -> tuple[str, ...]:
    """Files that are not as emit wrote them; they are verified as they stand."""
    hashes: dict[str, str] = design.manifest["files"]
    return tuple(
        source.name
        for source in design.sources
        if hashes.get(source.name) and hashlib.sha256(source.read_bytes()).hexdigest() != hashes[source.name]
    )
