"""`bench emit`: time and memory of `hwgen emit`, for a model that comes with hwgen and for an encoder that
doubles: twice the multipliers and weights each time, on a board with twice of everything."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.table import Table

from hwgen import board as boards, process
from hwgen.bench.encoder import CHANNELS, FRAME, dashed, write_spec
from hwgen.board import Board
from hwgen.console import console, print_json
from hwgen.errors import HwgenError
from hwgen.model import load_graph
from hwgen.spec import model as specs
from hwgen.spec.model import ModelSpec

FACTORS = (1, 2, 4, 8)
"""Multiples of a design's multipliers and weights: channels grow with their square roots."""


@dataclass(frozen=True)
class Measured:
    """One run of `hwgen emit` in a process of its own.

    multipliers, weights : of the design. seconds : on the clock. cpu_seconds : of all its processes, user and system.
    peak_mb : the largest process' resident memory. verilog_mb : what it wrote.
    """

    name: str
    multipliers: int
    weights: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    verilog_mb: float

    @property
    def record(self) -> dict[str, str | int | float]:
        return dict(vars(self))


def bench(
    model: str | Path,
    board: str | Path = "pynq_z2",
    frame: tuple[int, int] = FRAME,
    factors: Sequence[int] = FACTORS,
    as_json: bool = False,
) -> int:
    """Measure and print.

    Parameters
    ----------
    model : a trained specification, name or path
    board : name or path; the doubled encoder's boards are multiples of it
    frame : (width, height) in pixels of the doubled encoder
    factors : how many times the first list's multipliers and weights
    as_json : print one JSON object and nothing else

    Returns
    -------
    int : 0

    Raises
    ------
    HwgenError : bad input; `hwgen emit` fails
    """
    spec, target = specs.load(model), boards.load(board)
    load_graph(spec)  # what is wrong with it is said here, not by the process that is measured
    with process.private_folder("hwgen_bench_") as folder:
        channels = [tuple(round(count * math.sqrt(factor)) for count in CHANNELS[0]) for factor in factors]
        encoders = [specs.load(write_spec(folder, counts)) for counts in channels]
        for encoder in encoders:
            encoder.check_frame(*frame, "--frame")
        options = ["--init", "random:1", "--frame", f"{frame[0]}x{frame[1]}"]
        shipped = measure(spec, target.path, folder, [])
        grown = [
            measure(encoder, write_board(folder, target, factor), folder, options)
            for encoder, factor in zip(encoders, factors, strict=True)
        ]
    if as_json:
        print_json({"model": shipped.record, "encoders": [m.record for m in grown]})
    else:
        _print(shipped, grown, target)
    return 0


def measure(spec: ModelSpec, board: Path, folder: Path, options: list[str]) -> Measured:
    """Run `hwgen emit` and wait for it.

    Raises
    ------
    HwgenError : it fails; what it says last becomes the error's
    """
    out = folder / f"out_{spec.name}_{board.stem}"
    command = ["emit", "--model", str(spec.path), "--board", str(board), "--out", str(out), *options]
    with tempfile.TemporaryFile() as errors:
        started = os.times().elapsed
        child = process.start(
            [sys.executable, "-m", "hwgen", *command], Path.cwd(), subprocess.DEVNULL,
            process.environment({"PYTHONPATH": process.python_path()}), errors=errors.fileno(),
        )  # fmt: skip
        try:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)  # it is not waited for again
        finally:
            process.stop(child)
        seconds = os.times().elapsed - started
        if child.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").splitlines()
            got = said[-1] if said else str(child.returncode)
            raise HwgenError(f"hwgen {' '.join(command)}", "exit status 0", got)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    channels = [3, *spec.encoder_channels]
    return Measured(
        name=dashed(spec.encoder_channels),
        multipliers=manifest["predicted"]["multipliers"],
        weights=sum(i * o * math.prod(layer.kernel_size)
                    for i, o, layer in zip(channels, channels[1:], spec.convolutions("encoder"), strict=False)),
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)),  # bytes there, else KiB
        verilog_mb=(out / f"{manifest['top']}.v").stat().st_size / 1e6,
    )


def write_board(folder: Path, board: Board, factor: int) -> Path:
    """A board file with `factor` times the resources."""
    content = board.model_dump(exclude={"resources"}) | {
        "description": f"{factor} times {board.name}",
        "resources": {key: factor * amount for key, amount in board.resources.model_dump().items()},
    }
    path = folder / f"{board.name}_times_{factor}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _print(shipped: Measured, grown: Sequence[Measured], board: Board) -> None:
    title = f"hwgen emit; encoders on 1, 2, 4 ... times {board.name}, in brackets by the first one"
    table = Table(title=title)
    table.add_column("encoder channels")
    for column in ("multipliers", "weights", "seconds", "CPU seconds", "peak MB", "Verilog MB"):
        table.add_column(column, justify="right")
    table.add_row(*_cells(shipped, None), end_section=True)
    for m in grown:
        table.add_row(*_cells(m, grown[0]))
    console().print(table)


def _cells(m: Measured, first: Measured | None) -> list[str]:
    cells = [m.name]
    forms = {"multipliers": ",d", "weights": ",d", "seconds": ".1f", "cpu_seconds": ".1f", "peak_mb": ".0f",
             "verilog_mb": ".2f"}  # fmt: skip
    for key, form in forms.items():
        value = getattr(m, key)
        cells.append(format(value, form) + ("" if first is None else f" ({value / getattr(first, key):.1f})"))
    return cells
