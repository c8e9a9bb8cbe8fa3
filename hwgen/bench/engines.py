"""`bench engines`: models and channel lists with a product for each tap, and with what sizing chooses, side by side.

All figures are those of the emitted manifests, from before anything is simulated; `hwgen verify` proves cycles and
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from hwgen import process
from hwgen.bench.datapath import INIT, Subject
from hwgen.bench.encoder import dashed, write_spec
from hwgen.bench.roofline import roofline
from hwgen.console import console, print_json
from hwgen.design_options import DesignOptions
from hwgen.emit import Emitted, emit
from hwgen.errors import HwgenError
from hwgen.ir.graph import SIDES
from hwgen.ir.serialize import GRAPH_FILE
from hwgen.model import graph_folder
from hwgen.option_values import ENGINE, Engine
from hwgen.spec import model as specs

ENGINES: tuple[Engine, Engine] = ("direct", ENGINE)


@dataclass(frozen=True)
class Row:
    """A design's predicted figures.

    form : of its convolutions, each once. fps : at the board's clock. macs_per_cycle_per_dsp : None of a design without
    DSPs. roofline : the lowest bound in MAC per cycle, for the forms that the design has, and of : its name.
    """

    name: str
    side: str
    engine: str
    form: str
    interval: int
    fps: float
    dsp: int
    lut: int
    ff: int
    bram36: float
    macs_per_cycle: float
    macs_per_cycle_per_dsp: float | None
    roofline: float
    of: str


def row(name: str, engine: Engine, design: Emitted) -> Row:
    """The figures of an emitted design."""
    manifest, bound = design.manifest, roofline(design.plan)
    predicted = manifest["predicted"]
    rate = predicted["macs_per_frame"] / predicted["frame_interval_cycles"]
    forms = sorted({layer["form"] for layer in predicted["layers"] if "form" in layer})
    return Row(
        name, manifest["side"], engine, ", ".join(forms), predicted["frame_interval_cycles"], predicted["fps"],
        predicted["dsp"], predicted["lut"], predicted["ff"], predicted["bram36"], rate,
        rate / predicted["dsp"] if predicted["dsp"] else None,
        bound.bound, bound.active,
    )  # fmt: skip


def bench(
    models: Sequence[str | Path] = (), channels: Sequence[tuple[int, ...]] = (), board: str | Path = "pynq_z2",
    as_json: bool = False,
) -> int:  # fmt: skip
    """Emit all by either engine and print a table.

    Parameters
    ----------
    models : names or paths of specifications; both sides of those that are trained, else the transmitter with random
        weights
    channels : of the encoder of `hwgen.bench.encoder`
    board : name or path
    as_json : print one JSON object and nothing else

    Returns
    -------
    int : 0

    Raises
    ------
    HwgenError : bad input, a design that does not fit the board
    """
    found: list[Row] = []
    with process.private_folder("hwgen_bench_") as folder:
        subjects: list[tuple[Subject, tuple[str, ...]]] = []
        for model in models:
            spec = specs.load(model)
            trained = all((graph_folder(spec, side) / GRAPH_FILE).is_file() for side in SIDES)
            subjects.append((Subject(spec.name, model, None if trained else INIT), SIDES if trained else SIDES[:1]))
        for counts in dict.fromkeys(channels):
            subjects.append((Subject(dashed(counts), write_spec(folder, counts), INIT), SIDES[:1]))
        if not subjects:
            raise HwgenError("--model", "a model", "none")
        for subject, sides in subjects:
            for side in sides:
                for engine in ENGINES:
                    options = DesignOptions(subject.model, side, board, init=subject.init, engine=engine)
                    found.append(row(subject.name, engine, emit(options, folder / "design", quiet=True)))
    if as_json:
        print_json({"board": str(board), "designs": [asdict(one) for one in found]})
    else:
        console().print(_table(found, str(board)))
    return 0


def _table(rows: Sequence[Row], board: str) -> Table:
    table = Table(title=f"{board}, predicted")
    for column in ("design", "side", "engine", "form"):
        table.add_column(column)
    for column in ("cycles", "fps", "DSP", "LUT", "FF", "BRAM36", "MAC/cycle", "MAC/cycle/DSP", "roofline"):
        table.add_column(column, justify="right")
    for place, one in enumerate(rows):
        table.add_row(
            one.name, one.side, one.engine, one.form, f"{one.interval:,}", f"{one.fps:,.1f}", str(one.dsp),
            f"{one.lut:,}", f"{one.ff:,}", f"{one.bram36:g}", f"{one.macs_per_cycle:.1f}",
            "-" if one.macs_per_cycle_per_dsp is None else f"{one.macs_per_cycle_per_dsp:.3f}",
            f"{one.macs_per_cycle / one.roofline:.0%} of {one.of}",
            end_section=place % len(ENGINES) == len(ENGINES) - 1,
        )  # fmt: skip
    return table
