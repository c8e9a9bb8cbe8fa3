# amaranth: UnusedElaboratable=no
"""The stated costs against tables of the parts, and against the multipliers and memories that are elaborated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, signed
from support.layers import Layer
from support.transposed import Transposed

from hwgen.rtl.gain import GainConfig
from hwgen.rtl.input_quantiser import InputQuantiserConfig
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.memory import band_halves
from hwgen.rtl.packing import Packing
from hwgen.rtl.pixels import PixelPackerConfig
from hwgen.rtl.primitives import Cost, multiplier_dsp
from hwgen.rtl.symbols import SymbolPackerConfig, SymbolUnpackerConfig
from hwgen.rtl.table import TableConfig
from hwgen.rtl.window_config import WindowConfig
from hwgen.synth.sweep import random_layer


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


@pytest.mark.parametrize(("family", "bits", "slices"), [
    ("xc7", 1, 1), ("xc7", 18, 1), ("xc7", 25, 1), ("xc7", 26, 2), ("xc7", 49, 2), ("xc7", 50, 3), ("xc7", 73, 3),
    ("xcup", 27, 1), ("xcup", 28, 2), ("xcup", 53, 2), ("xcup", 54, 3),
])  # fmt: skip
def test_multiplier(family: str, bits: int, slices: int) -> None:
    """25 (27) x 18 signed in one slice; each further one takes 24 (26) bits, unsigned."""
    assert multiplier_dsp(bits, family) == slices


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


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_convolution_dsp(layer: Layer) -> None:
    """One DSP for each multiplication that is elaborated, but for a PReLU's wide one; all fit their slices."""
    folding, bits = layer.config, layer.accumulator_bits
    found = multipliers(layer.dut)
    mac = folding.mac.dsp
    assert len(found) == mac + layer.prelu * folding.out_lanes
    assert max(wide for wide, _ in found) <= (max(25, bits) if layer.prelu else 25)
    assert max(narrow for _, narrow in found) <= 18
    prelu = multiplier_dsp(bits, "xc7") * folding.out_lanes if layer.prelu else 0
    assert layer.config.cost("xc7").dsp == mac + prelu


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_convolution_bram(layer: Layer) -> None:
    """Line buffer and weights, piece by piece."""
    assert layer.config.cost("xc7").bram36 == sum(band_halves(*at) for at in blocks(layer.dut)) / 2


TRANSPOSED = [
    Transposed(),
    Transposed((7, 5), pe=2, simd=7, kernel=5, padding=2, signs=(False, True), prelu=True, lanes=(1, 2)),
    Transposed((37, 20), (128, 64), 5, pe=4, padding=2, simd=19, prelu=True),
    Transposed((20, 3), (128, 64), 5, pe=3, padding=2, simd=10, signs=(False, True), lanes=(2, 3)),
    Transposed((16, 12), (64, 8), 4, pe=3, extra=0, simd=8, bits=(8, 4, 8), packing=Packing("dsp", 2, 21, 8)),
]


@pytest.mark.parametrize("layer", TRANSPOSED, ids=str)
def test_transposed_dsp_and_bram(layer: Transposed) -> None:
    """One DSP for each multiplication; line buffer and weights, piece by piece."""
    assert layer.requantiser.phases == (1 if layer.signs[0] else 4)
    cost = layer.config.cost("xc7")
    found = multipliers(layer.dut)
    bits = layer.accumulator_bits
    assert len(found) == layer.config.mac.dsp + layer.prelu * layer.lanes[1]
    assert cost.dsp == len(found) + layer.prelu * layer.lanes[1] * (multiplier_dsp(bits, "xc7") - 1)
    assert cost.bram36 == sum(band_halves(*at) for at in blocks(layer.dut)) / 2


def test_gain_and_symbols() -> None:
    shapes = dict(input=signed(8), output=signed(16))
    found = multipliers(GainConfig(factor=41235, shift=5, **shapes).build())
    assert len(found) == GainConfig(factor=41235, shift=5, **shapes).cost("xc7").dsp == 1
    wide, narrow = found[0]
    assert wide <= 25 and narrow <= 18
    assert GainConfig(factor=41235, shift=-12, **shapes).cost("xc7").dsp == 2  # the left shift is in the factor
    assert GainConfig(factor=64, shift=5, **shapes).cost("xc7").dsp == 0
    assert multipliers(SymbolPackerConfig(8).build()) == []


def test_ends_of_a_receiver() -> None:
    """LUTs, flip-flops and block RAM as Yosys 0.70 makes them (xc7); no multiplier."""
    shapes = dict(input=signed(16), output=signed(8))
    found = [
        (SymbolUnpackerConfig(131072).cost("xc7"), 56, 67, 0),
        (SymbolUnpackerConfig(1313).cost("xc7"), 55, 78, 0),
        (PixelPackerConfig(131072).cost("xc7"), 36, 102, 0),
        (PixelPackerConfig(1000).cost("xc7"), 28, 95, 0),
        (InputQuantiserConfig(shift=5, **shapes).cost("xc7"), 39, 44, 0),
        (InputQuantiserConfig(shift=7, coarse=(6, 2), **shapes).cost("xc7"), 58, 55, 0),
        (TableConfig(signed(8)).cost("xc7"), 57, 31, 0),
        (TableConfig(signed(12)).cost("xc7"), 25, 23, 1),
    ]
    for cost, lut, ff, bram36 in found:
        assert abs(cost.lut - lut) <= 8 and abs(cost.ff - ff) <= 2
        assert (cost.dsp, cost.bram36) == (0, bram36)


def test_costs_add_up() -> None:
    assert Cost(1, 2, 3, 0.5) + Cost(10, 20, 30, 1.0) == Cost(11, 22, 33, 1.5)
    assert Cost(1, 2, 3, 0.5) * 3 == Cost(3, 6, 9, 1.5)


def test_a_prediction_is_quick() -> None:
    """Sizing asks thousands of times: parts that were asked for before cost nothing again."""
    config = LAYERS[5].config
    config.cost("xc7")
    misses = WindowConfig.cost.cache_info().misses + MacConfig.cost.cache_info().misses
    config.cost("xc7")
    assert WindowConfig.cost.cache_info().misses + MacConfig.cost.cache_info().misses == misses


@pytest.mark.parametrize(("file", "kind", "lut_limits", "ff_limits"), [
    ("resources_xc7.json", "plain", (0.1, 0.05), (0.06, 0.03)),
    ("resources_transposed_xc7.json", "transposed", (0.13, 0.05), (0.11, 0.04)),
    ("resources_grouped_xc7.json", "grouped", (0.19, 0.1), (0.06, 0.02)),
    ("resources_pairs_xc7.json", "pairs", (0.07, 0.05), (0.17, 0.05)),
    ("resources_codebook_xc7.json", "codebook", (0.12, 0.03), (0.05, 0.02)),
])  # fmt: skip
def test_predictions_against_measurements(
    file: str, kind: str, lut_limits: tuple[float, float], ff_limits: tuple[float, float]
) -> None:
    """Layers synthesised by `python -m hwgen.synth.sweep LAYERS 1 xc7 tests/data/FILE --kind KIND`."""
    measured = json.loads((Path(__file__).parents[1] / "data" / file).read_text())
    random = np.random.default_rng(measured["seed"])
    lut, ff = [], []
    for found in measured["layers"]:
        layer = random_layer(random, measured["family"], kind)
        assert layer.name == found["layer"]
        assert (layer.cost.dsp, layer.cost.bram36) == (found["dsp"], found["bram36"]), layer.name
        lut.append((layer.cost.lut, found["lut"]))
        ff.append((layer.cost.ff, found["ff"]))
    for pairs, (most, most_in_all) in ((lut, lut_limits), (ff, ff_limits)):
        predicted, synthesised = np.array(pairs).T
        assert np.abs(predicted / synthesised - 1).max() <= most
        assert abs(predicted.sum() / synthesised.sum() - 1) <= most_in_all
