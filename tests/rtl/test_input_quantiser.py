# amaranth: UnusedElaboratable=no
"""InputQuantiser against hwgen.numerics.integer."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Shape, signed
from support.streaming import Run, run_stream, stream_rules

from hwgen.numerics import integer as fixedpoint
from hwgen.rtl.input_quantiser import InputQuantiserConfig

Coarse = tuple[int, int] | None


def expected(values: list[int], shift: int, bits: int, coarse: Coarse = None) -> list[int]:
    real = fixedpoint.requantise(np.array(values), shift, bits, True)
    if coarse:
        imag = fixedpoint.requantise(np.array(values), shift + coarse[1], coarse[0], True) << coarse[1]
        real[1::2] = imag[1::2]
    return real.tolist()


def check(values: list[int], shift: int, bits: int = 8, coarse: Coarse = None, width: int = 16, **run: float) -> Run:
    dut = InputQuantiserConfig(signed(width), shift, signed(bits), coarse).build()
    done = run_stream(dut, values, len(values), **run)
    assert done.outputs == expected(values, shift, bits, coarse)
    return done


def some(count: int, width: int = 16, seed: int = 5) -> list[int]:
    """Small and large values, both bounds among them."""
    random = np.random.default_rng(seed)
    low, high = fixedpoint.bounds(width, True)
    wide = random.integers(low, high + 1, count)
    values: list[int] = np.where(random.random(count) < 0.5, wide, wide >> width // 2).tolist()
    return [low, high, *values][:count]


@pytest.mark.parametrize(("value", "shift", "result"), [
    (0, 5, 0),
    (16, 5, 0),  # 0.5: tie to even
    (48, 5, 2),  # 1.5
    (80, 5, 2),  # 2.5: half up would say 3
    (-16, 5, 0),
    (-48, 5, -2),  # -1.5: half up would say -1
    (32767, 5, 127),
    (-32768, 5, -128),
    (4063, 5, 127),
    (4080, 5, 127),
    (100, 0, 100),
    (200, 0, 127),
    (5, -3, 40),
    (100, -3, 127),
    (-32768, 16, 0),  # -0.5
    (-32768, 20, 0),
])  # fmt: skip
def test_table(value: int, shift: int, result: int) -> None:
    assert check([value], shift).outputs == [result]


@pytest.mark.parametrize("shift", [-2, 0, 1, 3, 5, 9])
def test_every_input_of_a_narrow_type(shift: int) -> None:
    low, high = fixedpoint.bounds(9, True)
    check(list(range(low, high + 1)), shift, bits=6, width=9)


@pytest.mark.parametrize("coarse", [(6, 2), (6, 0), (8, 0), (4, 1), (2, 6), (1, 3)])
@pytest.mark.parametrize("shift", [-1, 0, 4, 5])
def test_coarse_imaginary_parts(coarse: tuple[int, int], shift: int) -> None:
    check(some(200), shift, coarse=coarse, idle=0.2, stall=0.3, seed=1)


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_bits(bits: int) -> None:
    run = check(some(200), 7, bits)
    assert (min(run.outputs), max(run.outputs)) == fixedpoint.bounds(bits, True)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    check(some(50), 5, coarse=(6, 2), idle=idle, stall=stall, seed=6)


def test_latency_and_interval() -> None:
    """Each value after exactly `latency` cycles, a value accepted in every cycle."""
    assert InputQuantiserConfig.latency == 4
    run = check(some(80), 5)
    assert run.input_cycles == list(range(80))
    assert run.output_cycles == [cycle + InputQuantiserConfig.latency for cycle in run.input_cycles]


@pytest.mark.parametrize("depth", range(1, InputQuantiserConfig.default_depth + 2))
def test_depth(depth: int) -> None:
    """As many values in any `latency` + 1 cycles as the FIFO is deep; all of them where that is one per cycle."""
    run = run_stream(InputQuantiserConfig(signed(16), 5, signed(8), depth=depth).build(), some(40), 40)
    assert run.outputs == expected(some(40), 5, 8)
    lag = max(depth, InputQuantiserConfig.default_depth)
    assert run.input_cycles == [lag * (n // depth) + n % depth for n in range(40)]


def test_stream_rules() -> None:
    assert stream_rules(InputQuantiserConfig(signed(16), 5, signed(8), (6, 1)).build(), some(100), 100) > 0


@pytest.mark.parametrize(("change", "message"), [
    (dict(depth=0), "depth: wanted at least 1, got 0"),
    (dict(coarse=(6, 3)), r"coarse: wanted bits and a left shift inside 8 bits, got \(6, 3\)"),
    (dict(coarse=(0, 3)), r"coarse: wanted bits and a left shift inside 8 bits, got \(0, 3\)"),
    (dict(coarse=(6, -1)), r"coarse: wanted bits and a left shift inside 8 bits, got \(6, -1\)"),
])  # fmt: skip
def test_errors(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        InputQuantiserConfig(**(dict(input=signed(16), shift=5, output=signed(8)) | change))


def test_cost() -> None:
    """No multiplier; a grid of its own for imaginary parts costs."""
    shapes = dict(input=Shape(16, True), output=Shape(8, True))
    plain = InputQuantiserConfig(shift=5, **shapes).cost("xc7")
    complex_values = InputQuantiserConfig(shift=5, coarse=(6, 2), **shapes).cost("xc7")
    assert plain.dsp == complex_values.dsp == 0
    assert plain.lut < complex_values.lut and plain.ff < complex_values.ff
