"""The rows of `bench peer`: one list of columns, from which table and JSON are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table

from hwgen.peer.synthesis import Synthesised

Value = int | float | str | None


@dataclass(frozen=True)
class Row:
    """One measured design.

    Attributes
    ----------
    system, setting : whose it is, and how it was built
    multipliers : multiplier lanes
    cycles : from one frame to the next, simulated
    macs : MACs of a frame
    wrong : values that were not as expected
    synthesised : None: not synthesised
    limit : processor minutes that synthesis was given
    """

    system: str
    setting: str
    multipliers: int
    cycles: int
    macs: int
    wrong: int
    synthesised: Synthesised | None
    limit: float

    @property
    def macs_per_cycle(self) -> float:
        return self.macs / self.cycles

    @property
    def dsp(self) -> int | None:
        return None if self.synthesised is None else self.synthesised.dsp

    @property
    def macs_per_cycle_per_dsp(self) -> float | None:
        return self.macs_per_cycle / self.dsp if self.dsp else None

    def counted(self, key: str) -> Value:
        value: Value = None if self.synthesised is None else getattr(self.synthesised, key)
        return value

    @property
    def synthesis(self) -> str | None:
        """Duration of the synthesis, or the step in which it did not come to an end."""
        done = self.synthesised
        if done is None:
            return None
        if done.finished:
            return f"{done.seconds:,.0f} s"
        step = f", in {done.step}" if done.step else ""
        if done.crashed:
            return f"broke off after {done.seconds:,.0f} s{step}"
        return f"no result in {self.limit:g} min{step}"


@dataclass(frozen=True)
class Column:
    """A column: its key in JSON, its heading, the format of its cells, where it comes from."""

    key: str
    heading: str
    form: str
    value: Callable[[Row], Value]


COLUMNS: tuple[Column, ...] = (
    Column("system", "system", "", lambda r: r.system),
    Column("setting", "setting", "", lambda r: r.setting),
    Column("multipliers", "multipliers", ",d", lambda r: r.multipliers),
    Column("frame_interval_cycles", "cycles/frame", ",d", lambda r: r.cycles),
    Column("mmac_per_frame", "MMAC", ",.2f", lambda r: r.macs / 1e6),
    Column("macs_per_cycle", "MAC/cycle", ",.1f", lambda r: r.macs_per_cycle),
    Column("dsp", "DSP", ",d", lambda r: r.dsp),
    Column("macs_per_cycle_per_dsp", "MAC/cycle/DSP", ".2f", lambda r: r.macs_per_cycle_per_dsp),
    Column("lut", "LUT", ",d", lambda r: r.counted("lut")),
    Column("ff", "FF", ",d", lambda r: r.counted("ff")),
    Column("bram36", "BRAM36", ",.1f", lambda r: r.counted("bram36")),
    Column("synthesis", "synthesis", "", lambda r: r.synthesis),
    Column("mismatches", "wrong", ",d", lambda r: r.wrong),
)


def table(rows: Sequence[Row], title: str) -> Table:
    """A line per design; what was not measured is a dash."""
    made = Table(title=title)
    for column in COLUMNS:
        made.add_column(column.heading, justify="right" if column.form else "left")
    for row in rows:
        cells = ((column.value(row), column.form) for column in COLUMNS)
        made.add_row(*("-" if cell is None else format(cell, form) for cell, form in cells))
    return made


def as_record(row: Row) -> dict[str, Value]:
    """The columns by key, and what synthesis took; what was not measured is None."""
    done = row.synthesised
    return {column.key: column.value(row) for column in COLUMNS} | {
        "synthesis_finished": None if done is None else done.finished,
        "synthesis_seconds": None if done is None else done.seconds,
    }
