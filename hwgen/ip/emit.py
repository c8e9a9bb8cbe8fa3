"""The files of an IP, beside those of its design."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from hwgen import __version__, drivers
from hwgen.board import Board
from hwgen.emit import Beside
from hwgen.emit.manifest import sha256
from hwgen.emit.verilog import verilog_of
from hwgen.emit.verilog_steps import one_line
from hwgen.ip import constraints, vivado
from hwgen.ip.design import ADDRESS_BITS, IpDesign
from hwgen.ip.ip_xact import component
from hwgen.ip.options import IpOptions
from hwgen.ip.registers import MEMORIES, REGISTERS
from hwgen.ip.simulation import fusesoc_core, simulation_files
from hwgen.ip.top import IpTop
from hwgen.ir.serialize import GRAPH_FILE
from hwgen.rtl.primitives import Cost

FOLDER = "ip"
"""Subfolder of all files but Verilog sources, component.xml and the FuseSoC core."""
GENERATED = ("registers.rdl", "registers.h", "registers.py", "registers.md")
"""The registers' description and the files generated from it, the same for every design."""


def writer(options: IpOptions) -> Beside:
    """The `beside` argument of `hwgen.emit.emit` that writes an IP next to a design."""
    return partial(write_ip, options)


def write_ip(options: IpOptions, folder: Path, board: Board, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write an IP into a design's folder; the manifest's entry `ip`.

    Parameters
    ----------
    manifest : the design's

    Raises
    ------
    HwgenError : a design that no IP can be made of, or Verilog that cannot be written
    """
    design = IpDesign(manifest, options, sha256((folder / GRAPH_FILE).read_bytes()))
    (folder / f"{design.top}.v").write_text(verilog(design), encoding="utf-8")
    (folder / FOLDER).mkdir()
    for name in GENERATED:
        (folder / FOLDER / name).write_bytes((Path(__file__).parent / name).read_bytes())
    for name in drivers.files(manifest["side"]):
        (folder / FOLDER / name).write_bytes((drivers.FOLDER / name).read_bytes())
    sources = [*manifest["sources"], f"{design.top}.v"]
    anywhere, alone = f"{FOLDER}/{design.top}.xdc", f"{FOLDER}/{design.top}_ooc.xdc"
    files = [*((name, "verilogSource") for name in sources), (anywhere, "xdc")]
    texts = {
        "component.xml": component(design, board, files),
        f"{design.top}.core": fusesoc_core(design, sources, [anywhere]),
        anywhere: constraints.in_a_design(design),
        alone: constraints.out_of_context(design, board),
        f"{FOLDER}/out_of_context.tcl": vivado.out_of_context(design, board),
        f"{FOLDER}/block_design.tcl": vivado.block_design(design, board),
    } | {f"{FOLDER}/{name}": text for name, text in simulation_files(design).items()}
    for name, content in texts.items():
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return {"ip": entry(design, board)}


def verilog(design: IpDesign) -> str:
    """The IP's module; that of the design is in its own file."""
    manifest = design.manifest
    title = (
        f"{design.top}: {one_line(manifest['model'])}, {manifest['side']}, with AXI4-Stream of"
        f" {design.options.beat_bits} bits and AXI4-Lite registers; emitted by hwgen {__version__}"
    )
    facts = {"instantiates": f"{design.core}, {design.core}.v", f"{GRAPH_FILE}, SHA-256": design.graph_hash}
    return verilog_of(IpTop(design), design.top, title, facts)


def entry(design: IpDesign, board: Board) -> dict[str, Any]:
    """The manifest's entry: ports, streams, registers, predictions."""
    into, out = design.slots
    costs = design.costs(board.family)
    bytes_in, bytes_out = design.frame_bytes
    return {
        "top": design.top,
        "options": design.options.record(),
        "ports": {
            port.name: {"direction": port.direction, "width": port.width, "meaning": port.meaning}
            for port in design.ports
        },
        "input": {"bytes": bytes_in, "item_bytes": into.slot, "used_bytes": into.used, "beat_bytes": into.beat},
        "output": {"bytes": bytes_out, "item_bytes": out.slot, "used_bytes": out.used, "beat_bytes": out.beat},
        "registers": {
            "bytes": 1 << ADDRESS_BITS,
            "addresses": {register.name: register.address for register in REGISTERS}
            | {memory.name: memory.address for memory in MEMORIES},
            "constants": design.constants,
        },
        "predicted": {
            **asdict(sum(costs.values(), Cost())),
            "components": {name: asdict(cost) for name, cost in costs.items()},
        },
        "sources": [*design.manifest["sources"], f"{design.top}.v"],
    }
