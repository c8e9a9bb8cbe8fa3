"""Storage: LUTs or block RAM, by what half a block is worth on a part."""

from __future__ import annotations

import pytest

from hwgen.rtl.memory import Form, block_cost, distributed_cost
from hwgen.rtl.storage import Storage, lut_memory_depth


@pytest.mark.parametrize(("rate", "depth"), [(1, 64), (163, 64), (190, 64), (379, 64), (380, 128), (407, 128)])
def test_depth(rate: int, depth: int) -> None:
    assert lut_memory_depth(rate) == depth


@pytest.mark.parametrize(("rate", "depth", "form"), [
    (190, 1, "distributed"), (190, 64, "distributed"), (190, 65, "block"), (163, 65, "block"),
    (407, 65, "distributed"), (407, 128, "distributed"), (407, 129, "block"),
])  # fmt: skip
def test_forms(rate: int, depth: int, form: Form) -> None:
    """A memory of a KV260 (407 LUTs to half a block) is in LUTs up to 128 words, an XC7Z020's (190) up to 64."""
    ram = Storage(half_block_luts=rate).ram(depth, 8)
    assert (ram.depth, ram.width, ram.form, ram.half_block_luts) == (depth, 8, form, rate)
    wanted = distributed_cost(depth, 8, "xcup") if form == "distributed" else block_cost(depth, 8, False, "xcup", rate)
    assert ram.cost("xcup") == wanted


def test_choices() -> None:
    """UltraRAM where a part has it, but not for what is in LUTs anyway."""
    block = Storage(half_block_luts=407)
    ultra = Storage("ultra", 407)
    assert [block.choices(depth, True) for depth in (128, 129)] == [(block,), (block, ultra)]
    assert block.choices(5000, False) == (block,)
    assert [ultra.ram(depth, 8).form for depth in (128, 129)] == ["distributed", "ultra"]


def test_what_goes_to_luts_is_worth_less_than_its_blocks() -> None:
    """At any width, of memories up to the depth of the part."""
    for rate in (190, 407):
        depth = lut_memory_depth(rate)
        for width in range(1, 200):
            luts, block = distributed_cost(depth, width, "xc7"), block_cost(depth, width, False, "xc7", rate)
            assert luts.lut + luts.ff // 2 < block.lut + 2 * block.bram36 * rate
