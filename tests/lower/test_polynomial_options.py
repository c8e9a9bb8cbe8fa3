"""Options of a convolution by products of polynomials: where there are some, and what they reach."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.graphs import Builder

from hwgen import board
from hwgen.ir.nodes import Conv2d
from hwgen.ir.types import IntType
from hwgen.lower.base import Options, Stream
from hwgen.lower.convolution import ConvolutionLowering
from hwgen.lower.polynomial_options import has_polynomials
from hwgen.option_values import Engine
from hwgen.rtl.polynomial_convolution import PolynomialConvolutionConfig
from hwgen.rtl.winograd_convolution import WinogradConvolutionConfig

FRAME = (12, 16)


def lowering_of(
    kernel: int = 4, stride: int = 2, bits: tuple[int, int] = (4, 8), channels: tuple[int, int] = (4, 6), **more: Any
) -> ConvolutionLowering:
    """The hardware side of a layer in frames of 16x12; bits of a weight and of an activation."""
    random = np.random.default_rng(1)
    builder = Builder(random, "tx", channels[0], FRAME)
    padding = 0 if kernel == stride else (kernel - 1) // 2 * more.get("dilation", 1)
    builder.conv("pixels", channels[1], kernel_size=(kernel, kernel), stride=stride, type=IntType(bits[1], True),
                 activation="none", weight_bits=8, padding_height=padding, padding_width=padding, **more)  # fmt: skip
    node = builder.nodes[-1]
    assert isinstance(node, Conv2d)
    largest = (1 << (bits[0] - 1)) - 1
    weight = random.integers(-largest, largest + 1, node.weight.shape)
    node = replace(node, weight=weight, weight_bits=bits[0], input=IntType(bits[1], False), accumulator_bits=24)
    rows, columns, _ = node.output_shape((*FRAME, channels[0]))
    return ConvolutionLowering(node, (Stream(*FRAME, channels[0], node.input),),
                               Stream(rows, columns, channels[1], node.output))  # fmt: skip


def options_of(engine: Engine, one: ConvolutionLowering, name: str = "pynq_z2") -> Options[Any]:
    one.engine = engine
    return one.options(board.load(name), [(1, 2)], (1, 2))


def kinds(options: Options[Any]) -> set[type]:
    return {type(config) for config in options.configs}


def test_engines() -> None:
    assert PolynomialConvolutionConfig not in kinds(options_of("direct", lowering_of()))
    assert kinds(options_of("polynomial", lowering_of())) == {PolynomialConvolutionConfig}
    assert PolynomialConvolutionConfig in kinds(options_of("best", lowering_of()))
    # Where there are none, the direct form stands in; of Winograd's products nothing is known here.
    assert PolynomialConvolutionConfig not in kinds(options_of("polynomial", lowering_of(bits=(8, 8))))
    assert WinogradConvolutionConfig not in kinds(options_of("polynomial", lowering_of(bits=(8, 8), stride=1)))


@pytest.mark.parametrize(("kernel", "stride", "bits", "products", "together"), [
    (4, 2, (4, 8), 2, 2), (3, 1, (4, 8), 2, 2), (5, 2, (4, 8), 3, 2), (3, 1, (4, 4), 1, 3), (5, 2, (4, 4), 2, 3),
])  # fmt: skip
def test_macs_per_cycle_and_dsp(
    kernel: int, stride: int, bits: tuple[int, int], products: int, together: int
) -> None:
    """Two outputs of all taps of a row in so many products; a row of outputs takes a block more than it has pairs."""
    one = lowering_of(kernel, stride, bits)
    options = options_of("polynomial", one)
    macs = one.node.macs((*FRAME, 4))
    taken = zip(options.cycles.tolist(), options.amounts[:, 0].tolist(), options.configs, strict=True)
    pairs = one.output.columns // 2
    rates = [(Fraction(macs, cycles * dsp), config.window.together) for cycles, dsp, config in taken]
    assert max(rates) == (Fraction(2 * kernel, products) * Fraction(pairs, pairs + 1), together)


@pytest.mark.parametrize("other", [
    lowering_of(kernel=1, stride=1), lowering_of(kernel=2, stride=2), lowering_of(kernel=3, stride=1, dilation=2),
    lowering_of(channels=(4, 4), groups=2), lowering_of(bits=(8, 8)), lowering_of(kernel=4, stride=4),
])  # fmt: skip
def test_layers_without(other: ConvolutionLowering) -> None:
    """Their direct forms stand in."""
    assert not has_polynomials(other, "xc7")
    options = options_of("polynomial", other)
    assert options.configs
    assert PolynomialConvolutionConfig not in kinds(options)


def test_foldings_of_a_single_word_are_left_out() -> None:
    """A row of two taps over two channels at once is a word."""
    one = lowering_of(kernel=2, stride=1, channels=(2, 2))
    for config in options_of("polynomial", one).configs:
        assert config.window.least_words >= 2


def test_chains_are_what_the_weights_prove() -> None:
    one = lowering_of(channels=(16, 6))
    found = options_of("polynomial", one).configs
    assert max(config.packing.chain for config in found) >= 4
    for config in found:
        assert config.packing.chain <= config.proven_chain(one.node.weight, config.packing)


def test_the_manifest_says_so() -> None:
    one = lowering_of()
    found = one.manifest(options_of("polynomial", one).configs[0])
    assert (found["columns_at_once"], found["taps_together"]) == (2, 2)
