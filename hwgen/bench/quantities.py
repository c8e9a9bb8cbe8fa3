"""Quantities that `bench datapath` measures of a design: one list, from which table, JSON and CSV are made."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from hwgen.bench.roofline import Roofline
from hwgen.outputs import replaced_file
from hwgen.plan.plan import Plan
from hwgen.synth.statistics import Statistics
from hwgen.verify.report import Report

Value = int | float | str | None
RATES_MHZ = (150, 200)


@dataclass(frozen=True)
class Measured:
    """One design: its plan, what simulation found, its components as synthesised (None: they were not), its bounds."""

    name: str
    plan: Plan
    report: Report
    synthesised: Sequence[Statistics] | None
    roofline: Roofline

    def predicted(self, key: str) -> int | float | None:
        """A number of the manifest's `predicted`."""
        value: int | float | None = self.report.design.manifest["predicted"].get(key)
        return value

    def counted(self, key: str) -> int | float | None:
        """A resource as synthesis counted it."""
        return None if self.synthesised is None else sum(getattr(part, key) for part in self.synthesised)

    @property
    def macs_per_cycle(self) -> float | None:
        macs, interval = self.predicted("macs_per_frame"), self.report.interval
        return None if macs is None or not interval else macs / interval

    @property
    def macs_per_cycle_per_dsp(self) -> float | None:
        """By the synthesised DSPs; by the predicted ones where nothing was synthesised."""
        dsp = self.counted("dsp") or self.predicted("dsp")
        return None if self.macs_per_cycle is None or not dsp else self.macs_per_cycle / dsp

    @property
    def utilisation(self) -> float | None:
        """Products by what all lanes could have done in the measured interval."""
        lanes, interval = self.predicted("multipliers"), self.report.interval
        layers = self.report.design.manifest["predicted"]["layers"]
        products = sum(layer.get("products", 0) for layer in layers)
        return products / interval / lanes if interval and lanes else None

    @property
    def of_bound(self) -> float | None:
        return None if self.macs_per_cycle is None else self.macs_per_cycle / self.roofline.bound


@dataclass(frozen=True)
class Quantity:
    """A row of the table: its key in JSON and CSV, its label, the format of its numbers, and where it comes from.

    first : a rule stands above it
    """

    key: str
    label: str
    form: str
    value: Callable[[Measured], Value]
    first: bool = False


def _resource(key: str, label: str) -> tuple[Quantity, Quantity]:
    form = ",.1f" if key == "bram36" else ",d"
    return (
        Quantity(f"predicted_{key}", f"{label}, predicted", form, lambda m: m.predicted(key), first=key == "dsp"),
        Quantity(key, f"{label}, synthesised", form, lambda m: m.counted(key)),
    )


def _rate(mhz: int) -> Quantity:
    def rate(m: Measured) -> Value:
        return None if not m.report.interval else mhz * 1e6 / m.report.interval

    return Quantity(f"fps_{mhz}_mhz", f"fps at {mhz} MHz", ".2f", rate)


def _bound(name: str, label: str) -> Quantity:
    def value(m: Measured) -> Value:
        found = m.roofline.bounds[name]
        return found if math.isfinite(found) else None

    return Quantity(f"bound_{name}", label, ",.1f", value, first=name == "dsp")


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("side", "side", "", lambda m: m.plan.graph.side),
    Quantity("frame", "frame", "", lambda m: f"{m.plan.width}x{m.plan.height}"),
    Quantity("macs_per_frame", "MAC per frame", ",d", lambda m: m.predicted("macs_per_frame")),
    Quantity("multipliers", "multiplier lanes", ",d", lambda m: m.predicted("multipliers")),
    Quantity("frame_interval_cycles", "frame interval, simulated", ",d", lambda m: m.report.interval, first=True),
    Quantity("predicted_interval_cycles", "frame interval, predicted", ",d",
             lambda m: m.predicted("frame_interval_cycles")),
    Quantity("latency_cycles", "latency, simulated", ",d", lambda m: m.report.latency),
    Quantity("predicted_latency_cycles", "latency, predicted", ",d", lambda m: m.predicted("latency_cycles")),
    *map(_rate, RATES_MHZ),
    *_resource("dsp", "DSP"),
    *_resource("lut", "LUT"),
    *_resource("ff", "FF"),
    *_resource("bram36", "BRAM36"),
    Quantity("macs_per_cycle", "MAC per cycle", ",.1f", lambda m: m.macs_per_cycle, first=True),
    Quantity("lane_utilisation", "lane utilisation", ".1%", lambda m: m.utilisation),
    Quantity("macs_per_cycle_per_dsp", "MAC per cycle and DSP", ".3f", lambda m: m.macs_per_cycle_per_dsp),
    _bound("dsp", "bound: DSPs"),
    _bound("bram", "bound: weights from block RAM"),
    _bound("pixels", "bound: one pixel a cycle"),
    _bound("values", "bound: full beats between layers"),
    Quantity("active_bound", "active bound", "", lambda m: m.roofline.active),
    Quantity("of_bound", "reached of it", ".1%", lambda m: m.of_bound),
    Quantity("values_compared", "values compared", ",d", lambda m: m.report.values_compared, first=True),
    Quantity("mismatches", "mismatches", ",d", lambda m: m.report.mismatches),
    Quantity("psnr_db", "PSNR at 10 dB SNR, dB", ".2f", lambda m: m.report.psnr_db),
)  # fmt: skip


def table(measured: Sequence[Measured], title: str) -> Table:
    """A row per quantity, a column per design."""
    made = Table(title=title)
    made.add_column("")
    for m in measured:
        made.add_column(m.name, justify="right")
    for quantity, following in zip(QUANTITIES, [*QUANTITIES[1:], None], strict=True):
        cells = (quantity.value(m) for m in measured)
        made.add_row(quantity.label, *("-" if cell is None else format(cell, quantity.form) for cell in cells),
                     end_section=following is not None and following.first)
    return made


def as_record(m: Measured) -> dict[str, Value]:
    """The quantities by key; what does not apply is None."""
    return {"name": m.name} | {quantity.key: quantity.value(m) for quantity in QUANTITIES}


def write_csv(path: Path, measured: Sequence[Measured]) -> None:
    """A line per design below a line of keys."""
    with replaced_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["name", *(quantity.key for quantity in QUANTITIES)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(as_record, measured))
