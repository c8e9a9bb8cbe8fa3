# amaranth: UnusedElaboratable=no
"""Block RAM counts against tables of the parts; what is asked of synthesis is what is counted."""

from __future__ import annotations

import re

import pytest
from amaranth.back import rtlil
from test_rtl_convolution import Layer

from hwgen.rtl.cost import convolution_bram36
from hwgen.rtl.memory import IN_LUTS, LUT_MEMORY_DEPTH, memory_bram36, ram_attributes, rom_attributes


@pytest.mark.parametrize(("depth", "width", "blocks"), [
    (1, 1, 0.0), (64, 1000, 0.0),  # distributed RAM
    (65, 1, 0.5), (512, 36, 0.5), (512, 37, 1.0), (512, 72, 1.0), (512, 73, 1.5), (512, 144, 2.0),
    (513, 36, 1.0), (1024, 18, 0.5), (1024, 36, 1.0), (1025, 36, 1.5),
    (2048, 9, 0.5), (2048, 18, 1.0), (4096, 4, 0.5), (4096, 9, 1.0),
    (8192, 2, 0.5), (8192, 4, 1.0), (16384, 1, 0.5), (16384, 2, 1.0), (32768, 1, 1.0), (32769, 1, 1.5),
])  # fmt: skip
def test_memory(depth: int, width: int, blocks: float) -> None:
    """The shapes of 7 series and UltraScale+ block RAM (UG473, UG573), whole and in halves."""
    assert memory_bram36(depth, width) == blocks


def test_memory_never_costs_less_when_it_grows() -> None:
    for depth in (65, 300, 512, 1000, 3000, 20000):
        for width in range(1, 80):
            here = memory_bram36(depth, width)
            assert 36 * 1024 * here >= depth * width
            assert memory_bram36(depth, width + 1) >= here
            assert memory_bram36(depth + 1, width) >= here


@pytest.mark.parametrize("depth", [1, LUT_MEMORY_DEPTH - 1, LUT_MEMORY_DEPTH, LUT_MEMORY_DEPTH + 1, 5000])
@pytest.mark.parametrize("width", [1, 36, 500])
def test_what_is_asked_is_what_is_counted(depth: int, width: int) -> None:
    block = memory_bram36(depth, width) > 0
    assert ram_attributes(depth) == {"ram_style": "block" if block else "distributed"}
    assert rom_attributes(depth) == ({"rom_style": "block"} if block else IN_LUTS)


@pytest.mark.parametrize("layer", [
    Layer(prelu=True),
    Layer(channels=(9, 20), frame=(32, 4), pe=4, simd=5, prelu=True),
    Layer(channels=(3, 70), frame=(8, 4), kernel=5, pe=2, simd=3),  # more channels than a small memory has words
], ids=str)  # fmt: skip
def test_every_memory_of_a_layer_asks(layer: Layer) -> None:
    """None is left to the synthesis tool's own choice: blocks where blocks are counted, else LUTs."""
    text = rtlil.convert(layer.dut, emit_src=False)
    found = re.findall(r"((?: *attribute [^\n]*\n)*) *memory width (\d+) size (\d+)", text)
    blocks = 0.0
    for attributes, width, depth in found:
        asked = re.findall(r"(ram_style|rom_style|logic_block) (.*)", attributes)
        assert len(asked) == 1, (width, depth)
        if asked[0][1] == '"block"':
            blocks += memory_bram36(int(depth), int(width))
        else:
            assert asked[0][0] == "logic_block" or asked[0][1] == '"distributed"'
    assert blocks == convolution_bram36(layer.folding, layer.bits[1])
