# amaranth: UnusedElaboratable=no
"""Table against indexing."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import Run, run_stream, stream_rules

from hwgen.rtl.table import TableConfig


def entries(bits: int, width: int = 8) -> list[int]:
    found: list[int] = np.random.default_rng(bits).integers(0, 1 << width, 1 << bits).tolist()
    return found


def check(values: list[int], input: Shape, **conditions: float) -> Run:
    table = entries(input.width)
    run = run_stream(TableConfig(input).build(table), values, len(values), **conditions)
    assert run.outputs == [table[value % (1 << input.width)] for value in values]
    return run


@pytest.mark.parametrize("input", [signed(2), unsigned(2), signed(5), signed(8), unsigned(8), signed(10)])
def test_every_input(input: Shape) -> None:
    low = -(1 << input.width - 1) if input.signed else 0
    check(list(range(low, low + (1 << input.width))), input)


def test_negative_inputs_are_the_upper_half() -> None:
    assert run_stream(TableConfig(signed(2)).build([10, 11, 12, 13]), [0, 1, -2, -1], 4).outputs == [10, 11, 12, 13]


def test_block_ram() -> None:
    assert TableConfig(signed(12)).form == "block"
    check(np.random.default_rng(2).integers(-2048, 2048, 100).tolist(), signed(12))


@pytest.mark.parametrize(("rate", "bits", "entry", "form"), [
    (190, 11, 8, "block"), (407, 11, 8, "logic"), (190, 10, 9, "logic"), (163, 10, 9, "block"), (190, 10, 10, "block"),
])  # fmt: skip
def test_the_part_decides(rate: int, bits: int, entry: int, form: str) -> None:
    """2048 entries of 8 bits are 344 LUTs or half a block, 1024 of 9 bits are 189, of 10 bits 210."""
    config = TableConfig(signed(bits), entry, half_block_luts=rate)
    assert config.form == form
    assert config.cost("xcup").bram36 == (0.5 if form == "block" else 0)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    check(np.random.default_rng(9).integers(-128, 128, 50).tolist(), signed(8), idle=idle, stall=stall, seed=6)


def test_latency_and_interval() -> None:
    """Each value after exactly `latency` cycles, a value accepted in every cycle."""
    assert TableConfig.latency == 3
    run = check(list(range(-40, 40)), signed(8))
    assert run.input_cycles == list(range(80))
    assert run.output_cycles == [cycle + TableConfig.latency for cycle in run.input_cycles]


@pytest.mark.parametrize("depth", range(1, TableConfig.default_depth + 2))
def test_depth(depth: int) -> None:
    """As many values in any `latency` + 1 cycles as the FIFO is deep; all of them where that is one per cycle."""
    run = run_stream(TableConfig(signed(6), depth=depth).build(entries(6)), list(range(-20, 20)), 40)
    lag = max(depth, TableConfig.default_depth)
    assert run.input_cycles == [lag * (n // depth) + n % depth for n in range(40)]


def test_stream_rules() -> None:
    assert stream_rules(TableConfig(signed(8)).build(entries(8)), list(range(-50, 50)), 100) > 0


@pytest.mark.parametrize(("change", "message"), [
    (dict(values=[1, 2, 3]), "values: wanted 4, one for each input, got 3"),
    (dict(values=[1, 2, 256, 3]), r"values: wanted 0 \.\. 255, got 256"),
    (dict(values=[1, 2, -1, 3]), r"values: wanted 0 \.\. 255, got -1"),
    (dict(bits=0), "bits: wanted at least 1, got 0"),
    (dict(depth=0), "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(change: dict, message: str) -> None:
    values = change.pop("values", [1, 2, 3, 4])
    with pytest.raises(ValueError, match=f"^{message}$"):
        TableConfig(signed(2), **change).build(values)


def test_cost() -> None:
    """Up to ten bits LUTs are cheaper than half a block RAM."""
    assert [TableConfig(signed(bits)).form for bits in (2, 8, 10)] == ["logic"] * 3
    assert TableConfig(signed(8)).cost("xc7").bram36 == 0
    assert TableConfig(signed(12)).cost("xc7").bram36 == 1
