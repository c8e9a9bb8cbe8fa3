"""`emit`: a model's integer graph becomes Verilog, and everything a designer needs beside it.

    graph -> size -> predict -> Verilog, manifest, sample frame, testbenches, constraints, README
          -> one folder, all or nothing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwgen import board as boards
from hwgen.board import Board
from hwgen.design_options import DesignOptions
from hwgen.emit.folder import check_replaceable, replaced_folder
from hwgen.emit.manifest import build_manifest, file_hashes, manifest_bytes
from hwgen.emit.sample import sample_files
from hwgen.emit.simulation import simulation_files
from hwgen.emit.text import constraints, readme
from hwgen.emit.verilog import verilog
from hwgen.ir import serialize
from hwgen.ir.graph import Graph
from hwgen.model import channel_of, load_graph
from hwgen.option_values import ENGINE
from hwgen.plan.buffers import size_with_buffers
from hwgen.plan.plan import Plan
from hwgen.spec import model as specs
from hwgen.spec.model import ModelSpec


@dataclass(frozen=True)
class Emitted:
    """An emitted design: its folder, its manifest, and the plan behind it."""

    folder: Path
    manifest: dict[str, Any]
    plan: Plan


Beside = Callable[[Path, boards.Board, dict[str, Any]], dict[str, Any]]
"""Writes further files into a design's folder, given its board and its manifest so far; gives the manifest's further
entries."""


def emit(
    options: DesignOptions, out: Path | None = None, quiet: bool = False, beside: Beside | None = None
) -> Emitted:
    """Size a model for a board and write its design folder.

    Parameters
    ----------
    out : folder to write, replaced as a whole; None takes hwgen_out/MODEL_SIDE_BOARD
    quiet : print nothing
    beside : see Beside

    Raises
    ------
    HwgenError : bad input, a rate or a board that does not fit, an `out` that is no design folder
    """
    spec, target = specs.load(options.model), target_of(options)
    graph, width, height = graph_of(options, spec)
    folder = out or Path("hwgen_out") / f"{spec.name}_{options.side}_{target.name}"
    check_replaceable(folder)  # before the work
    (plan,) = size_with_buffers([graph], target, width, height, options.fps, options.engine or ENGINE)
    with replaced_folder(folder) as part:
        manifest = write_design(part, plan, spec, options, beside)
    if not quiet:
        from hwgen.emit.table import print_summary

        print_summary(manifest, folder)
    return Emitted(folder, manifest, plan)


def target_of(options: DesignOptions) -> Board:
    """The board that is sized for, of which a design may fill the whole part.

    Raises
    ------
    HwgenError : no such board
    """
    target = boards.load(options.board)
    return target.filled() if options.fill else target


def graph_of(options: DesignOptions, spec: ModelSpec) -> tuple[Graph, int, int]:
    """The integer graph that is asked for, and the frame's width and height.

    Raises
    ------
    HwgenError : no such frame, channel or weights
    """
    width, height = options.frame or (spec.frame.width, spec.frame.height)
    spec.check_frame(width, height, "--frame", channel_of(spec, options.channel))
    return load_graph(spec, options.init, options.side, options.channel), width, height


def write_design(
    folder: Path, plan: Plan, spec: ModelSpec, options: DesignOptions, beside: Beside | None = None
) -> dict[str, Any]:
    """Write a plan's design into an empty folder; its manifest.

    Raises
    ------
    HwgenError : the Verilog cannot be written
    """
    top, graph = options.module, plan.graph
    (folder / f"{top}.v").write_text(verilog(plan, top), encoding="utf-8")
    (folder / f"{top}.xdc").write_text(constraints(plan.board), encoding="utf-8")
    serialize.save(graph, folder)
    for name, content in sample_files(graph, plan.width, plan.height).items():
        (folder / name).write_text(content, encoding="utf-8")
    manifest = build_manifest(plan, top, spec, options)
    for name, content in simulation_files(manifest).items():
        (folder / name).write_text(content, encoding="utf-8")
    if beside is not None:
        manifest |= beside(folder, plan.board, manifest)
    manifest["files"] = file_hashes(folder)
    (folder / "README.md").write_text(readme(manifest), encoding="utf-8")
    (folder / "manifest.json").write_bytes(manifest_bytes(manifest))
    return manifest
