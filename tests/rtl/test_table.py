# amaranth: UnusedElaboratable=no
"""Table against indexing."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import Run, run_stream, stream_rules

from hwgen.rtl.table import Table


def entries(bits: int, width: int = 8) -> list[int]:
    found: list[int] = np.random.default_rng(bits).integers(0, 1 << width, 1 << bits).tolist()
    return found


def check(values: list[int], input: Shape, **conditions: float) -> Run:
    table = entries(input.width)
    run = run_stream(Table(table, input), values, len(values), **conditions)
    assert run.outputs == [table[value % (1 << input.width)] for value in values]
    return run


@pytest.mark.parametrize("input", [signed(2), unsigned(2), signed(5), signed(8), unsigned(8), signed(10)])
def test_every_input(input: Shape) -> None:
    low = -(1 << input.width - 1) if input.signed else 0
    check(list(range(low, low + (1 << input.width))), input)


def test_negative_inputs_are_the_upper_half() -> None:
    assert run_stream(Table([10, 11, 12, 13], signed(2)), [0, 1, -2, -1], 4).outputs == [10, 11, 12, 13]


def test_block_ram() -> None:
    assert Table.form_of(12, 8) == "block"
    check(np.random.default_rng(2).integers(-2048, 2048, 100).tolist(), signed(12))


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    check(np.random.default_rng(9).integers(-128, 128, 50).tolist(), signed(8), idle=idle, stall=stall, seed=6)


def test_latency_and_interval() -> None:
    """Each value after exactly `latency` cycles, a value accepted in every cycle."""
    assert Table.latency == 3
    run = check(list(range(-40, 40)), signed(8))
    assert run.input_cycles == list(range(80))
    assert run.output_cycles == [cycle + Table.latency for cycle in run.input_cycles]


@pytest.mark.parametrize("places", range(1, Table.places + 2))
def test_places(places: int) -> None:
    """As many values in any `latency` + 1 cycles as there are places; all of them where that is one per cycle."""
    run = run_stream(Table(entries(6), signed(6), places=places), list(range(-20, 20)), 40)
    lag = max(places, Table.places)
    assert run.input_cycles == [lag * (n // places) + n % places for n in range(40)]


def test_stream_rules() -> None:
    assert stream_rules(Table(entries(8), signed(8)), list(range(-50, 50)), 100) > 0


@pytest.mark.parametrize(("change", "message"), [
    (dict(values=[1, 2, 3]), "values: wanted 4, one for each input, got 3"),
    (dict(values=[1, 2, 256, 3]), r"values: wanted 0 \.\. 255, got 256"),
    (dict(values=[1, 2, -1, 3]), r"values: wanted 0 \.\. 255, got -1"),
    (dict(places=0), "places: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Table(**(dict(values=[1, 2, 3, 4], input=signed(2)) | change))


def test_cost() -> None:
    """Up to ten bits LUTs are cheaper than half a block RAM."""
    assert [Table.form_of(bits, 8) for bits in (2, 8, 10)] == ["logic"] * 3
    assert Table.cost_of(signed(8), "xc7").bram36 == 0
    assert Table.cost_of(signed(12), "xc7").bram36 == 1
