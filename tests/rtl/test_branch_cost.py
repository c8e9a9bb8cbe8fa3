"""The stated costs of what branches, joins, reorders and pools, against synthesis (synth_xilinx)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from hwgen.rtl.add import AddConfig
from hwgen.rtl.concat import ConcatConfig
from hwgen.rtl.depth_to_space import DepthToSpaceConfig
from hwgen.rtl.pooling import PoolingConfig
from hwgen.rtl.skip_fifo import SkipFifoConfig
from hwgen.rtl.space_to_depth import SpaceToDepthConfig
from hwgen.rtl.streams import ForkConfig

S8, U8, S4, U4 = signed(8), unsigned(8), signed(4), unsigned(4)
MEASURED: list[tuple[Any, int, int, float]] = [
    (SkipFifoConfig(8, 2), 17, 15, 0),
    (SkipFifoConfig(8, 3), 22, 18, 0),
    (SkipFifoConfig(8, 16), 39, 27, 0),
    (SkipFifoConfig(8, 60), 57, 34, 0),
    (SkipFifoConfig(8, 100), 56, 30, 0.5),
    (SkipFifoConfig(16, 512), 56, 39, 0.5),
    (SkipFifoConfig(8, 1000), 71, 42, 0.5),
    (SkipFifoConfig(8, 5000), 100, 55, 1.5),
    (SkipFifoConfig(36, 3000), 124, 51, 3),
    (ForkConfig(8, (3, 100)), 86, 48, 0.5),
    (ForkConfig(8, (3, 3, 20)), 89, 66, 0),
    (AddConfig((S8, S8), 1, S8), 46, 56, 0),
    (AddConfig((U8, U8), 0, U8), 42, 55, 0),
    (AddConfig((S8, S8), 0, S4, 4), 90, 113, 0),
    (AddConfig((U4, S8), 2, U8, 2), 72, 89, 0),
    (AddConfig((S8, S8), 0, S8, 2), 72, 91, 0),
    (AddConfig((S8, S8), 0, U8, 2), 54, 89, 0),
    (AddConfig((S8, S8), 1, U8), 55, 56, 0),
    (AddConfig((U8, U8), 1, U8), 46, 56, 0),
    (AddConfig((S8, S8), 3, U4, 4), 102, 121, 0),
    (AddConfig((S8, S8), 3, S8), 44, 52, 0),
    (AddConfig((U8, U8), 3, U4, 4), 90, 117, 0),
    (ConcatConfig((3, 5), 8), 41, 26, 0),
    (ConcatConfig((4, 4), 8, 4), 73, 43, 0),
    (ConcatConfig((16, 3, 7), 4), 47, 28, 0),
    (ConcatConfig((1, 1, 1, 9), 8), 57, 25, 0),
    (ConcatConfig((8, 8, 8), 8), 57, 32, 0),
    (ConcatConfig((40, 20), 6, 2), 52, 34, 0),
    (ConcatConfig((12, 20, 4, 8), 8, 4), 102, 53, 0),
    (SpaceToDepthConfig(3, 64, 2, 8), 122, 75, 0.5),
    (SpaceToDepthConfig(1, 4, 2, 8), 78, 56, 0),
    (SpaceToDepthConfig(16, 32, 2, 6), 132, 82, 0.5),
    (SpaceToDepthConfig(3, 128, 4, 8), 147, 88, 1),
    (SpaceToDepthConfig(1, 32, 16, 8), 120, 78, 0.5),
    (DepthToSpaceConfig(48, 32, 4, 8), 146, 88, 1),
    (DepthToSpaceConfig(12, 64, 2, 8), 131, 80, 0.5),
    (DepthToSpaceConfig(64, 16, 2, 4), 129, 80, 0.5),
    (PoolingConfig(16, 32, 2, S8, None, S8), 78, 80, 0.5),
    (PoolingConfig(16, 32, 2, U8, 2, U8), 85, 106, 0.5),
    (PoolingConfig(1, 32, 2, U8, None, U8), 77, 68, 0),
    (PoolingConfig(16, 32, 4, S8, 4, S8, 4), 175, 284, 0),
    (PoolingConfig(32, 64, 2, U8, None, U8, 2), 99, 108, 0.5),
    (PoolingConfig(1, 16, 16, S8, 8, S8), 71, 84, 0),
    (PoolingConfig(3, 64, 8, U4, 6, U4), 86, 92, 0),
]


@pytest.mark.parametrize(("config", "lut", "ff", "bram36"), MEASURED, ids=lambda case: type(case).__name__)
def test_each(config: Any, lut: int, ff: int, bram36: float) -> None:
    """DSP and block RAM exactly, flip-flops and LUTs within a tenth or a few."""
    cost = config.cost("xc7")
    assert (cost.dsp, cost.bram36) == (0, bram36)
    assert abs(cost.ff - ff) <= max(0.05 * ff, 2)
    assert abs(cost.lut - lut) <= max(0.11 * lut, 6)


@pytest.mark.parametrize("kind", sorted({type(case[0]) for case in MEASURED}, key=lambda kind: kind.__name__))
def test_in_all(kind: type) -> None:
    """All cases of a kind together: LUTs within a twentieth, flip-flops within a fiftieth."""
    cases = [case for case in MEASURED if type(case[0]) is kind]
    predicted = np.array([[case[0].cost("xc7").lut, case[0].cost("xc7").ff] for case in cases]).sum(axis=0)
    lut, ff = (sum(case[place] for case in cases) for place in (1, 2))
    assert abs(predicted[0] / lut - 1) <= 0.05
    assert abs(predicted[1] / ff - 1) <= 0.02


@pytest.mark.parametrize(("config", "lut", "ff", "bram36"), [
    (SkipFifoConfig(36, 3000), 123, 51, 3),
    (SpaceToDepthConfig(3, 128, 4, 8), 147, 88, 1),
    (PoolingConfig(16, 32, 2, S8, None, S8), 78, 80, 0.5),
    (AddConfig((S8, S8), 0, S8, 2), 76, 91, 0),
], ids=lambda case: type(case).__name__)  # fmt: skip
def test_ultrascale(config: Any, lut: int, ff: int, bram36: float) -> None:
    """As `test_each`, of the other family."""
    cost = config.cost("xcup")
    assert (cost.dsp, cost.bram36, cost.ff) == (0, bram36, ff)
    assert abs(cost.lut - lut) <= 0.05 * lut
