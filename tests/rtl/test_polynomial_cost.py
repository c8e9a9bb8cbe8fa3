"""Predicted resources of layers by products of polynomials against synthesis, whose counts stand here.

They are what `hwgen.synth.synthesise` counted in `Polynomial.build()`'s Verilog, for an XC7; synthesising again takes a
minute.
"""

from __future__ import annotations

import pytest
from support.layers import Layer
from support.polynomial import Polynomial
from support.transposed import Transposed

from hwgen.rtl.memory import rom_form
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import varying_columns

STRIDED = Polynomial(Layer(channels=(8, 8), kernel=4, stride=2, padding=(1, 1), frame=(32, 16), pe=4, simd=8,
                           bits=(8, 4, 8), signs=(False, False)))  # fmt: skip
SIGNED = Polynomial(Layer(channels=(3, 10), kernel=5, stride=2, frame=(64, 16), pe=5, simd=3, bits=(8, 4, 8),
                          prelu=True))  # fmt: skip
THREE = Polynomial(Layer(channels=(8, 9), kernel=3, frame=(32, 16), pe=3, simd=8, bits=(4, 4, 4), signs=(False, False),
                         lanes=(2, 1)), 3)  # fmt: skip
ONE_FOLD = Polynomial(Layer(channels=(12, 4), kernel=3, frame=(32, 16), pe=4, simd=6, bits=(4, 4, 4),
                            signs=(False, False)), 3)  # fmt: skip
TRANSPOSED = Polynomial(Transposed(channels=(6, 6), kernel=4, extra=0, frame=(32, 16), pe=2, simd=3, bits=(8, 4, 8),
                                   signs=(False, True)))  # fmt: skip


@pytest.mark.parametrize(("polynomial", "synthesised"), [
    (STRIDED, Cost(1465, 2234, 32, 2)), (SIGNED, Cost(1153, 1620, 17, 1)), (THREE, Cost(1179, 1591, 24, 1)),
    (ONE_FOLD, Cost(931, 1281, 24, 1)), (TRANSPOSED, Cost(830, 1193, 6, 1)),
])  # fmt: skip
def test_cost(polynomial: Polynomial, synthesised: Cost) -> None:
    """DSP and block RAM exactly, LUTs within 5 %, flip-flops within 2 %."""
    config = polynomial.config
    in_logic = rom_form(config.weight_rows, config.weights_in) == "logic"
    cost = config.cost("xc7", varying_columns(config.memories(polynomial.weight), distinct=in_logic))
    assert (cost.dsp, cost.bram36) == (synthesised.dsp, synthesised.bram36)
    assert cost.lut == pytest.approx(synthesised.lut, rel=0.05)
    assert cost.ff == pytest.approx(synthesised.ff, rel=0.02)
