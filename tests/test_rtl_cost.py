# amaranth: UnusedElaboratable=no
"""The stated costs against tables of the parts, and against the multipliers and memories that are elaborated."""

from __future__ import annotations

import re

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, signed
from test_rtl_convolution import Layer

from hwgen.rtl.cost import LayerNumbers, convolution_cost, mac_cost, window_cost
from hwgen.rtl.gain import Gain
from hwgen.rtl.memory import band_halves
from hwgen.rtl.primitives import Cost, multiplier_dsp
from hwgen.rtl.symbols import SymbolPacker


def multipliers(dut: Elaboratable) -> list[tuple[int, int]]:
    """The operands' widths of every multiplication in the elaborated component, the wider one first."""
    text = rtlil.convert(dut, emit_src=False)
    cells = re.findall(r"cell \$mul .*?\bend\b", text, re.DOTALL)
    widths = [[int(found) for found in re.findall(r"parameter \\[AB]_WIDTH (\d+)", cell)] for cell in cells]
    return [(max(pair), min(pair)) for pair in widths]


def blocks(dut: Elaboratable) -> list[tuple[int, int]]:
    """(depth, width) of every memory in the elaborated component that asks for block RAM."""
    text = rtlil.convert(dut, emit_src=False)
    found = re.findall(r'_style "(\w+)"\n(?:\s*attribute .*\n)*\s*memory width (\d+) size (\d+)', text)
    return [(int(depth), int(width)) for style, width, depth in found if style == "block"]


@pytest.mark.parametrize(("bits", "slices"), [(1, 1), (18, 1), (25, 1), (26, 2), (48, 2), (49, 2), (50, 3), (73, 3)])
def test_multiplier(bits: int, slices: int) -> None:
    """25 x 18 signed in one slice; each further one takes 24 bits, unsigned."""
    assert multiplier_dsp(bits) == slices


LAYERS = [
    Layer(),
    Layer(prelu=True),
    Layer(pe=1, simd=1),
    Layer(pe=5, simd=3, signs=(False, True), prelu=True),
    Layer(channels=(9, 4), pe=3, simd=9, prelu=True),
    Layer(channels=(20, 36), frame=(64, 8), kernel=5, pe=4, simd=5, prelu=True),
    Layer(channels=(20, 16), frame=(64, 8), kernel=5, pe=16, simd=10, bits=(8, 4, 8)),
    Layer(channels=(3, 20), frame=(512, 8), kernel=5, stride=2, pe=5, simd=3, taps=5, lanes=(3, 1)),
    Layer(channels=(3, 20), frame=(512, 8), kernel=5, stride=2, pe=7, simd=3, lanes=(3, 1), signs=(False, True)),
]


def cost(layer: Layer, family: str = "xc7") -> Cost:
    numbers = {key: value for key, value in layer.numbers.items() if key not in ("weight", "lanes")}
    return convolution_cost(layer.folding, LayerNumbers.of(**numbers), family)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_convolution_dsp(layer: Layer) -> None:
    """One DSP for each multiplication that is elaborated, but for a PReLU's wide one; all fit their slices."""
    folding, bits = layer.folding, layer.numbers["accumulator_bits"]
    found = multipliers(layer.dut)
    assert len(found) == folding.mac_dsp + layer.prelu * folding.out_lanes
    assert max(wide for wide, _ in found) <= (max(25, bits) if layer.prelu else 25)
    assert max(narrow for _, narrow in found) <= 18
    prelu = multiplier_dsp(bits) * folding.out_lanes if layer.prelu else 0
    assert cost(layer).dsp == folding.mac_dsp + prelu


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_convolution_bram(layer: Layer) -> None:
    """Line buffer and weights, piece by piece."""
    assert cost(layer).bram36 == sum(band_halves(*at) for at in blocks(layer.dut)) / 2


def test_gain_and_symbols() -> None:
    shapes = dict(input=signed(8), output=signed(16))
    found = multipliers(Gain(factor=41235, shift=5, **shapes))
    assert len(found) == Gain.cost_of(factor=41235, shift=5, family="xc7", **shapes).dsp == 1
    assert found[0] <= (25, 18)
    assert Gain.cost_of(factor=41235, shift=-12, family="xc7", **shapes).dsp == 2  # the left shift is in the factor
    assert Gain.cost_of(factor=64, shift=5, family="xc7", **shapes).dsp == 0
    assert multipliers(SymbolPacker(8)) == []


def test_costs_add_up() -> None:
    assert Cost(1, 2, 3, 0.5) + Cost(10, 20, 30, 1.0) == Cost(11, 22, 33, 1.5)
    assert Cost(1, 2, 3, 0.5) * 3 == Cost(3, 6, 9, 1.5)


def test_a_prediction_is_quick() -> None:
    """Sizing asks thousands of times: parts that were asked for before cost nothing again."""
    layer = LAYERS[5]
    numbers = LayerNumbers.of(**{k: v for k, v in layer.numbers.items() if k not in ("weight", "lanes")})
    convolution_cost(layer.folding, numbers, "xc7")
    misses = window_cost.cache_info().misses + mac_cost.cache_info().misses
    convolution_cost(layer.folding, numbers, "xc7")
    assert window_cost.cache_info().misses + mac_cost.cache_info().misses == misses
