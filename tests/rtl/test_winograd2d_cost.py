"""Predicted resources of layers by Winograd's products in two dimensions against synthesis, whose counts stand here.

They are what `hwgen.synth.synthesise` counted in `Winograd2d.build()`'s Verilog, for an XC7; synthesising again takes
minutes.
"""

from __future__ import annotations

import pytest
from support.layers import Layer
from support.transposed import Transposed
from support.winograd2d import Winograd2d

from hwgen.rtl.memory import rom_form
from hwgen.rtl.primitives import Cost
from hwgen.rtl.stream import CreditFifoConfig
from hwgen.rtl.weights import varying_columns

PLAIN = Winograd2d(Layer(channels=(8, 8), kernel=5, frame=(32, 16), pe=4, simd=4, signs=(False, True)), chain=2)
STRIDED = Winograd2d(Layer(channels=(3, 10), kernel=5, stride=2, frame=(64, 16), pe=10, simd=3, signs=(False, False),
                           prelu=True), chain=3)  # fmt: skip
TRANSPOSED = Winograd2d(Transposed(channels=(6, 10), kernel=5, padding=2, frame=(32, 16), pe=4, simd=3,
                                   signs=(False, True)), chain=3)  # fmt: skip


@pytest.mark.parametrize(("layer", "synthesised"), [
    (PLAIN, Cost(2058, 2750, 8, 5)), (STRIDED, Cost(3251, 4481, 16, 7)), (TRANSPOSED, Cost(2536, 2646, 6, 3.5)),
])  # fmt: skip
def test_cost(layer: Winograd2d, synthesised: Cost) -> None:
    """DSP and block RAM exactly, LUTs and flip-flops within 10 %."""
    config = layer.config
    in_logic = rom_form(config.weight_rows, config.weights_in) == "logic"
    cost = config.cost("xc7", varying_columns(config.memories(layer.weight), distinct=in_logic))
    assert (cost.dsp, cost.bram36) == (synthesised.dsp, synthesised.bram36)
    assert cost.lut == pytest.approx(synthesised.lut, rel=0.1)
    assert cost.ff == pytest.approx(synthesised.ff, rel=0.1)


def test_fifo_in_block_ram() -> None:
    """A row's beats: no LUT RAM, and the block's own register is the output's."""
    in_luts, in_block = (CreditFifoConfig(8, 640, 4, in_block).cost("xc7") for in_block in (False, True))
    assert (in_luts.bram36, in_block.bram36) == (0, 0.5)
    assert in_block.lut < in_luts.lut // 2
