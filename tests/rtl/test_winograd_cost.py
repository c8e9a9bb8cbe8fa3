"""Predicted resources of layers by Winograd's products against synthesis, whose counts stand here.

They are what `hwgen.synth.synthesise` counted in `Winograd.build()`'s Verilog, for an XC7; synthesising again takes a
minute.
"""

from __future__ import annotations

import pytest
from support.layers import Layer
from support.transposed import Transposed
from support.winograd import Winograd

from hwgen.rtl.memory import rom_form
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import varying_columns

PLAIN = Winograd(Layer(channels=(8, 8), kernel=5, frame=(32, 16), pe=4, simd=4, signs=(False, True)), chain=2)
STRIDED = Winograd(Layer(channels=(3, 10), kernel=5, stride=2, frame=(64, 16), pe=10, simd=3, signs=(False, False),
                         prelu=True), chain=3)  # fmt: skip
TRANSPOSED = Winograd(Transposed(channels=(6, 10), kernel=5, padding=2, frame=(32, 16), pe=5, simd=3,
                                 signs=(False, True)), chain=3)  # fmt: skip


@pytest.mark.parametrize(("winograd", "synthesised"), [
    (PLAIN, Cost(1064, 1593, 8, 4)), (STRIDED, Cost(1848, 2581, 16, 1)), (TRANSPOSED, Cost(1223, 1604, 9, 4)),
])  # fmt: skip
def test_cost(winograd: Winograd, synthesised: Cost) -> None:
    """DSP and block RAM exactly, LUTs within 7 %, flip-flops within 3 %."""
    config = winograd.config
    in_logic = rom_form(config.weight_rows, config.weights_in) == "logic"
    cost = config.cost("xc7", varying_columns(config.memories(winograd.weight), distinct=in_logic))
    assert (cost.dsp, cost.bram36) == (synthesised.dsp, synthesised.bram36)
    assert cost.lut == pytest.approx(synthesised.lut, rel=0.07)
    assert cost.ff == pytest.approx(synthesised.ff, rel=0.03)
