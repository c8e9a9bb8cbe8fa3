"""The options of a convolution with groups against every folding that its hardware takes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from support.graphs import Builder

from hwgen import board
from hwgen.ir.nodes import Conv2d
from hwgen.ir.types import IntType
from hwgen.lower.base import Stream, amounts, shape_of
from hwgen.lower.convolution import ConvolutionLowering
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.packing import packings
from hwgen.rtl.pair_convolution import PairConvolutionConfig, in_pairs

BEATS = (1, 2, 4)


def lowering_of(groups: int, inputs: int, outputs: int, kernel: int) -> ConvolutionLowering:
    """The hardware side of a layer of so many groups, channels in and out of each, in frames of 12x8."""
    builder = Builder(np.random.default_rng(groups), "tx", groups * inputs, (8, 12))
    builder.conv("pixels", groups * outputs, groups=groups, kernel_size=(kernel, kernel), type=IntType(8, True),
                 activation="none", weight_bits=8)  # fmt: skip
    node = builder.nodes[-1]
    assert isinstance(node, Conv2d)
    return ConvolutionLowering(node, (Stream(8, 12, groups * inputs, node.input),),
                               Stream(8, 12, groups * outputs, node.output))  # fmt: skip


def foldings(one: ConvolutionLowering) -> list[ConvolutionConfig]:
    """Every folding in its default form, and where a group's outputs are odd in number, in pairs of columns."""
    node, found = one.node, []
    for pe, simd, taps, in_lanes, out_lanes in itertools.product(
        range(1, node.out_channels + 1), range(1, node.in_channels + 1), {1, node.kernel_height}, BEATS, BEATS
    ):
        try:
            found.append(one.fold(pe, simd, taps=taps, in_lanes=in_lanes, out_lanes=out_lanes))
            if node.out_channels // node.groups % 2 and (pairs := in_pairs(found[-1], "xc7")):
                found.append(pairs)
        except ValueError:
            continue  # one that cannot be
    return found


CASES = [(5, 1, 1, 3), (6, 1, 2, 3), (2, 3, 5, 1), (3, 2, 4, 3), (2, 4, 2, 3)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_folding_is_better_than_the_options(case: tuple[int, int, int, int]) -> None:
    """Whatever streams a folding has, some option with the same ones or a narrower output is as good."""
    one, pynq = lowering_of(*case), board.load("pynq_z2")
    options = one.options(pynq, [BEATS], BEATS)
    assert options.configs
    plain = [p for p in packings(one.node.weight_bits, shape_of(one.node.input), "xc7") if p.form == "dsp"]
    every = foldings(one)
    assert len(every) > len(options.configs) / 8
    for folding, packing in itertools.product(every, plain):
        if isinstance(folding, PairConvolutionConfig):
            packing = folding.packing
        formed = replace(folding, packing=replace(packing, chain=1))
        taken = amounts(formed.cost("xc7"))
        same = (options.lanes[:, 0] == folding.in_lanes) & (options.lanes[:, 1] <= folding.out_lanes)
        good = (options.cycles <= folding.cycles) & (options.amounts[:, 0] <= taken[0])
        assert (same & good & (options.amounts[:, 3] <= taken[3])).any(), formed


@pytest.mark.parametrize("case", [(5, 1, 1, 3), (6, 1, 2, 3), (2, 3, 5, 3)], ids=str)
def test_pairs_where_no_two_weights_share_a_dsp(case: tuple[int, int, int, int]) -> None:
    """Two products a DSP and cycle of every case: by pairs of columns where a group has an odd number of outputs."""
    one = lowering_of(*case)
    options = one.options(board.load("pynq_z2"), [BEATS], BEATS)
    assert any(isinstance(config, PairConvolutionConfig) for config in options.configs) == (case[2] % 2 == 1)
    macs = one.node.macs((8, 12, one.node.in_channels))
    rates = [macs / cycles / dsp for cycles, dsp in zip(options.cycles, options.amounts[:, 0], strict=True) if dsp]
    assert max(rates) == 2


@pytest.mark.parametrize("case", CASES, ids=str)
def test_zeros_are_not_multiplied(case: tuple[int, int, int, int]) -> None:
    """The busiest layer's products are its MACs, the fewest that a frame takes, wherever no lane has to idle."""
    one = lowering_of(*case)
    macs = one.node.macs((8, 12, one.node.in_channels))
    products = [config.lanes * config.compute_cycles for config in foldings(one)]
    assert min(products) == macs
    assert all(product >= macs for product in products)
