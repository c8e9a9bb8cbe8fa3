# amaranth: UnusedElaboratable=no
"""Gain against hwgen.numerics.integer.requantise, every input value where the type is narrow."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import Run, run_stream, stream_rules

from hwgen.numerics import integer as fixedpoint
from hwgen.rtl.gain import GainConfig


def expected(values: list[int], factor: int, shift: int, output: Shape) -> list[int]:
    return fixedpoint.requantise(np.array(values) * factor, shift, output.width, output.signed).tolist()


SYMBOL = signed(16)


def check(values: list[int], input: Shape, factor: int, shift: int, output: Shape = SYMBOL, **run: float) -> Run:
    done = run_stream(GainConfig(input, factor, shift, output).build(), values, len(values), **run)
    assert done.outputs == expected(values, factor, shift, output)
    return done


def every(shape: Shape) -> list[int]:
    low, high = fixedpoint.bounds(shape.width, shape.signed)
    return list(range(low, high + 1))


@pytest.mark.parametrize(("value", "factor", "shift", "result"), [
    (5, 3, 0, 15),
    (1, 1, 1, 0),  # 0.5: tie to even
    (3, 1, 1, 2),  # 1.5
    (5, 1, 1, 2),  # 2.5: half up would say 3
    (-1, 1, 1, 0),  # -0.5
    (-3, 1, 1, -2),  # -1.5: half up would say -1
    (-5, 1, 1, -2),
    (7, 1, 3, 1),
    (127, 1, 8, 0),
    (-128, 1, 8, 0),  # exactly -0.5, the shift as wide as the value
    (-128, 1, 7, -1),
    (-128, 1, 40, 0),
    (100, 65535, 0, 32767),
    (-100, 65535, 0, -32768),
    (3, 5, -4, 240),
    (-128, 1, -16, -32768),
    (77, 0, 3, 0),
])  # fmt: skip
def test_table(value: int, factor: int, shift: int, result: int) -> None:
    assert check([value], signed(8), factor, shift).outputs == [result]


def test_the_table_tells_half_even_from_half_up() -> None:
    values = every(signed(8))
    half_up = [min(max((value * 5 + 4) >> 3, -32768), 32767) for value in values]
    assert half_up != expected(values, 5, 3, signed(16))


FACTORS = [(41235, 5), (65535, 8), (1, 0), (3, 1), (0, 0), (12, 4), (9, -11), (1, 12)]


@pytest.mark.parametrize("input", [signed(8), unsigned(8), signed(2), unsigned(2), signed(1), unsigned(1)])
@pytest.mark.parametrize(("factor", "shift"), FACTORS)
def test_every_input(input: Shape, factor: int, shift: int) -> None:
    check(every(input), input, factor, shift)


@pytest.mark.parametrize("output", [signed(2), unsigned(2), signed(8), unsigned(8), signed(1), unsigned(1)])
def test_output_types_saturate_at_both_ends(output: Shape) -> None:
    values = every(signed(8))
    run = check(values, signed(8), 201, 5, output)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(output.width, output.signed)


def test_random() -> None:
    random = np.random.default_rng(11)
    for _ in range(12):
        input = Shape(int(random.integers(2, 13)), bool(random.integers(0, 2)))
        output = Shape(int(random.integers(1, 17)), bool(random.integers(0, 2)))
        low, high = fixedpoint.bounds(input.width, input.signed)
        values = random.integers(low, high + 1, 60).tolist()
        check(values, input, int(random.integers(0, 65536)), int(random.integers(-16, 41)), output, seed=2, stall=0.2)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    values = np.random.default_rng(9).integers(-128, 128, 50).tolist()
    check(values, signed(8), 777, 6, idle=idle, stall=stall, seed=6)


def test_latency_and_interval() -> None:
    """Each value after exactly `latency` cycles, a value accepted in every cycle."""
    assert GainConfig.latency == 7
    run = check(list(range(-40, 40)), signed(8), 100, 3)
    assert run.input_cycles == list(range(80))
    assert run.output_cycles == [cycle + GainConfig.latency for cycle in run.input_cycles]


def test_stream_rules() -> None:
    dut = GainConfig(signed(8), factor=3, shift=1, output=signed(16)).build()
    assert stream_rules(dut, list(range(-50, 50)), 100) > 0


def test_factor_error() -> None:
    with pytest.raises(ValueError, match=r"^factor: wanted at least 0, got -1$"):
        GainConfig(signed(8), factor=-1, shift=0, output=signed(16))


def test_depth_error() -> None:
    with pytest.raises(ValueError, match="^depth: wanted at least 1, got 0$"):
        GainConfig(signed(8), factor=1, shift=0, output=signed(16), depth=0)


@pytest.mark.parametrize("depth", range(1, GainConfig.default_depth + 2))
def test_depth(depth: int) -> None:
    """As many values in any `latency` + 1 cycles as the FIFO is deep; all of them where that is one per cycle."""
    values = list(range(-20, 20))
    run = run_stream(
        GainConfig(Shape(8, True), factor=3, shift=1, output=SYMBOL, depth=depth).build(), values, len(values)
    )
    assert run.outputs == expected(values, 3, 1, SYMBOL)
    lag = max(depth, GainConfig.default_depth)
    assert run.input_cycles == [lag * (n // depth) + n % depth for n in range(len(values))]
