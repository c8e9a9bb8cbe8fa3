"""Options of a convolution by Winograd's products: where there are some, and what they reach."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.graphs import Builder

from hwgen import board
from hwgen.ir.nodes import Conv2d, ConvTranspose2d
from hwgen.ir.types import IntType
from hwgen.lower.base import Options, Stream
from hwgen.lower.convolution import ConvolutionLowering
from hwgen.lower.winograd_options import has_winograd, has_winograd2d
from hwgen.option_values import Engine
from hwgen.rtl.winograd2d_convolution import Winograd2dConvolutionConfig
from hwgen.rtl.winograd_convolution import WinogradConvolutionConfig


def lowering_of(
    kernel: int = 5, stride: int = 1, channels: tuple[int, int] = (4, 6), **more: Any
) -> ConvolutionLowering:
    """The hardware side of a layer in frames of 16x12, with small weights."""
    builder = Builder(np.random.default_rng(1), "tx", channels[0], (12, 16))
    builder.conv("pixels", channels[1], kernel_size=(kernel, kernel), stride=stride, type=IntType(8, True),
                 activation="none", weight_bits=8, **more)  # fmt: skip
    node = builder.nodes[-1]
    assert isinstance(node, Conv2d)
    node = replace(node, weight=node.weight // 8)  # a trained layer's are mostly small
    rows, columns, _ = node.output_shape((12, 16, channels[0]))
    return ConvolutionLowering(node, (Stream(12, 16, channels[0], node.input),),
                               Stream(rows, columns, channels[1], node.output))  # fmt: skip


def options_of(engine: Engine, one: ConvolutionLowering) -> Options[Any]:
    one.engine = engine
    return one.options(board.load("pynq_z2"), [(1, 2)], (1, 2))


def is_winograd(options: Options[Any]) -> list[bool]:
    return [isinstance(config, WinogradConvolutionConfig) for config in options.configs]


def test_engines() -> None:
    assert not any(is_winograd(options_of("direct", lowering_of())))
    assert all(is_winograd(options_of("winograd", lowering_of())))
    assert set(is_winograd(options_of("best", lowering_of()))) == {True, False}
    # Where there are none, the direct form stands in.
    assert not any(is_winograd(options_of("winograd", lowering_of(kernel=1))))


@pytest.mark.parametrize(("kernel", "stride", "products"), [(5, 1, 7), (5, 2, 7), (3, 1, 4), (3, 2, 5)])
def test_macs_per_cycle_and_dsp(kernel: int, stride: int, products: int) -> None:
    """Two weights to a DSP, and `products` where both pixels' taps are twice the kernel's width."""
    one = lowering_of(kernel, stride)
    options = options_of("winograd", one)
    macs = one.node.macs((12, 16, 4))
    taken = zip(options.cycles.tolist(), options.amounts[:, 0].tolist(), strict=True)
    assert max(Fraction(macs, cycles * dsp) for cycles, dsp in taken) == Fraction(2 * 2 * kernel, products)


@pytest.mark.parametrize("other", [
    lowering_of(kernel=1), lowering_of(kernel=2, stride=2), lowering_of(kernel=3, dilation=2),
    lowering_of(channels=(4, 4), groups=2), lowering_of(channels=(4, 1)),
])  # fmt: skip
def test_layers_without(other: ConvolutionLowering) -> None:
    """Their direct forms stand in."""
    assert not has_winograd(other)
    options = options_of("winograd", other)
    assert options.configs
    assert not any(is_winograd(options))


def test_where_no_folding_has_winograd_the_direct_ones_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwgen.lower.convolution_options.winograd_foldings", lambda *_: iter(()))
    options = options_of("winograd", lowering_of())
    assert options.configs
    assert not any(is_winograd(options))


@pytest.mark.parametrize(("width", "extra", "columns", "wanted"), [
    (5, 0, 7, True), (5, 1, 8, True), (4, 0, 5, False), (4, 1, 6, True),
])  # fmt: skip
def test_columns_of_a_transposed_convolution(width: int, extra: int, columns: int, wanted: bool) -> None:
    """At a stride of 2 an output row needs as many pairs of either kind; where it has them, the engine takes them."""
    builder = Builder(np.random.default_rng(1), "tx", 2, (4, width))
    builder.conv("pixels", 4, ConvTranspose2d, kernel_size=(5, 5), stride=2, padding=3, output_padding=extra,
                 type=IntType(8, True), activation="none", weight_bits=8)  # fmt: skip
    node = builder.nodes[-1]
    assert isinstance(node, ConvTranspose2d)
    node = replace(node, weight=node.weight // 8)
    output = Stream(*node.output_shape((4, width, 2))[:2], 4, node.output)
    assert output.columns == columns
    one = ConvolutionLowering(node, (Stream(4, width, 2, node.input),), output)
    assert has_winograd(one) == wanted
    assert set(is_winograd(options_of("winograd", one))) == {wanted}


def is_2d(options: Options[Any]) -> set[bool]:
    return {isinstance(config, Winograd2dConvolutionConfig) for config in options.configs}


def test_engines_2d() -> None:
    assert is_2d(options_of("winograd2d", lowering_of())) == {True}
    assert is_2d(options_of("best", lowering_of())) == {True, False}
    assert is_2d(options_of("winograd", lowering_of())) == {False}
    # Where there are none, the direct form stands in.
    assert not any(is_winograd(options_of("winograd2d", lowering_of(kernel=1))))


@pytest.mark.parametrize(("kernel", "stride", "products", "ahead"), [
    (5, 1, 49, 0), (5, 2, 49, 1), (3, 1, 16, 1), (3, 2, 25, 0),
])  # fmt: skip
def test_macs_per_cycle_and_dsp_2d(kernel: int, stride: int, products: int, ahead: int) -> None:
    """Two weights to a DSP, and `products` where the pixels' taps are four times the kernel's; of a block of twelve
    words for each product one is read ahead, or none."""
    one = lowering_of(kernel, stride)
    options = options_of("winograd2d", one)
    macs = one.node.macs((12, 16, 4))
    taken = zip(options.cycles.tolist(), options.amounts[:, 0].tolist(), strict=True)
    best = Fraction(2 * 4 * kernel * kernel * 12, products * 12 + ahead)
    assert max(Fraction(macs, cycles * dsp) for cycles, dsp in taken) == best


@pytest.mark.parametrize(("size", "extra", "rows", "wanted"), [
    ((5, 5), 0, 7, True), ((5, 4), 1, 6, True), ((5, 4), 0, 5, False), ((5, 6), 0, 9, False),
])  # fmt: skip
def test_rows_of_a_transposed_convolution(size: tuple[int, int], extra: int, rows: int, wanted: bool) -> None:
    """At a stride of 2 a frame needs as many pairs of rows of either kind; where it lacks them, pairs of columns stand
    in."""
    width, height = size
    builder = Builder(np.random.default_rng(1), "tx", 2, (height, width))
    builder.conv("pixels", 4, ConvTranspose2d, kernel_size=(5, 5), stride=2, padding=3, output_padding=extra,
                 type=IntType(8, True), activation="none", weight_bits=8)  # fmt: skip
    node = builder.nodes[-1]
    assert isinstance(node, ConvTranspose2d)
    node = replace(node, weight=node.weight // 8)
    output = Stream(*node.output_shape((height, width, 2))[:2], 4, node.output)
    assert output.rows == rows
    one = ConvolutionLowering(node, (Stream(height, width, 2, node.input),), output)
    assert has_winograd2d(one) == wanted
    options = options_of("winograd2d", one)
    assert is_2d(options) == {wanted}
    assert set(is_winograd(options)) == {True}


def test_one_row_of_outputs_takes_pairs_of_columns() -> None:
    builder = Builder(np.random.default_rng(1), "tx", 2, (1, 8))
    builder.conv("pixels", 4, kernel_size=(3, 3), stride=1, type=IntType(8, True), activation="none", weight_bits=8)
    node = builder.nodes[-1]
    assert isinstance(node, Conv2d)
    one = ConvolutionLowering(node, (Stream(1, 8, 2, node.input),), Stream(1, 8, 4, node.output))
    assert not has_winograd2d(one)
    assert is_2d(options_of("winograd2d", one)) == {False}
