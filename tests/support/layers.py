"""Convolutions to be tested, their integers drawn from a seed, and what they give by the definition."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from amaranth.hdl import Shape

from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.packing import W8A8, Packing
from hwgen.rtl.pair_convolution import PairConvolution, in_pairs
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.weights import widest_biases
from hwgen.rtl.window_config import WindowConfig
from support.codebooks import nearest
from support.streaming import pack_beats


@dataclass(frozen=True)
class Layer:
    """A layer to be tested; its integers are drawn from `seed`."""

    channels: tuple[int, int] = (3, 5)
    frame: tuple[int, int] = (4, 4)
    kernel: int = 3
    stride: int = 1
    pe: int = 2
    simd: int = 2
    bits: tuple[int, int, int] = (8, 8, 8)  # input, weight, output
    signs: tuple[bool, bool] = (True, True)  # input, output
    prelu: bool = False
    shift: int | None = None  # None: one that fits the sums, different from channel to channel
    lanes: tuple[int, int] = (1, 1)  # values per beat: input, output
    taps: int = 1
    packing: Packing = W8A8
    weights_in: Literal["block", "logic"] = "block"
    seed: int = 0
    extreme: bool = False  # every weight and every input at an end of its range
    line_buffer_in: Literal["block", "distributed"] = "block"
    kernel_width: int | None = None  # None: as `kernel`, the rows
    padding: tuple[int, int] | None = None  # of rows, columns; None: half the kernel
    dilation: int = 1
    ceiling: int | None = None
    groups: int = 1
    codebook: Codebook | None = None  # of which the memories hold indices
    pairs: bool = False  # of output columns at a time
    numbers: dict[str, Any] = field(init=False, compare=False, repr=False)
    accumulator_bits: int = field(init=False, compare=False, repr=False)

    def __str__(self) -> str:
        """Differences from the plain layer, as the name of a test."""
        plain = (entry for entry in fields(self) if entry.init)
        return ",".join(f"{entry.name}={getattr(self, entry.name)}" for entry in plain
                        if getattr(self, entry.name) != entry.default).replace(" ", "") or "plain"  # fmt: skip

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        inputs, outputs = self.channels
        largest = 2 ** (self.bits[1] - 1) - 1
        low, high = fixedpoint.bounds(self.bits[0], self.signs[0])
        inputs //= self.groups
        weight = random.integers(-largest, largest + 1, (outputs, inputs, *self.kernels))
        if self.extreme:
            weight = np.where(np.arange(outputs)[:, None, None, None] % 2, largest, -largest) + 0 * weight
        if self.codebook is not None:
            weight = nearest(weight, self.codebook)
        bias = random.integers(-300, 301, outputs)
        bound = max(-low, high) * np.abs(weight).reshape(outputs, -1).sum(axis=1) + np.abs(bias)
        typical = int(np.log2(max(1.0, np.sqrt(inputs) * self.kernel * largest * high / 2 ** self.bits[2]))) - 1
        shift = typical + random.integers(-1, 3, outputs) if self.shift is None else np.full(outputs, self.shift)
        object.__setattr__(self, "numbers", dict(
            weight=weight, bias=bias.tolist(), shift=shift.tolist(),
            slope=random.integers(-128, 128, outputs).tolist() if self.prelu else None,
        ))  # fmt: skip
        object.__setattr__(self, "accumulator_bits", int(bound.max()).bit_length() + 1)

    @property
    def kernels(self) -> tuple[int, int]:
        """Rows and columns of the kernel."""
        return self.kernel, self.kernel_width or self.kernel

    @property
    def paddings(self) -> tuple[int, int]:
        """Padding of rows and of columns."""
        rows, columns = self.kernels
        return self.padding or (self.dilation * (rows // 2), self.dilation * (columns // 2))

    @property
    def output(self) -> Shape:
        return Shape(self.bits[2], self.signs[1])

    @property
    def window(self) -> WindowConfig:
        (inputs, outputs), (width, height), groups = self.channels, self.frame, self.groups
        # A word of several whole groups has all their outputs in a fold, any other one some of a single group's.
        several = self.simd * groups > inputs
        folds = -(-outputs // self.pe) if several else groups * -(-outputs // groups // self.pe)
        return WindowConfig(
            inputs, width, height, self.kernels, self.stride, self.paddings, self.simd, folds, self.bits[0],
            self.signs[0], taps=self.taps, dilation=self.dilation, lanes=self.lanes[0], form=self.line_buffer_in,
            groups=groups,
        )  # fmt: skip

    @property
    def requantiser(self) -> RequantiserConfig:
        own = {key: value for key, value in self.numbers.items() if key != "weight"}
        activation = Shape(self.bits[0], self.signs[0])
        (bias,) = widest_biases(own.pop("bias"), [self.numbers["weight"]], self.bits[1], activation)
        return RequantiserConfig.from_integers(
            bias=bias, accumulator_bits=self.accumulator_bits, output=self.output, fraction=6 if self.prelu else 0,
            ceiling=self.ceiling, **own,
        )  # fmt: skip

    @property
    def config(self) -> ConvolutionConfig:
        folding = ConvolutionConfig(self.window, self.requantiser, self.pe, self.bits[1], self.lanes[1], self.packing,
                                    self.weights_in, codebook=self.codebook)  # fmt: skip
        if not self.pairs:
            return folding
        pairs = in_pairs(folding, "xc7")
        assert pairs is not None
        chain = pairs.proven_chain(self.numbers["weight"], pairs.packing)
        return replace(pairs, packing=replace(pairs.packing, chain=chain))

    @property
    def dut(self) -> Convolution:
        return (PairConvolution if self.pairs else Convolution)(self.config, **self.numbers)

    def pixels(self, frames: int) -> np.ndarray:
        """(frames, height, width, channels)."""
        low, high = fixedpoint.bounds(self.bits[0], self.signs[0])
        shape = (frames, self.frame[1], self.frame[0], self.channels[0])
        random = np.random.default_rng(self.seed + 1)
        pixels = random.integers(low, high + 1, shape)
        return np.where(pixels % 2, low, high) if self.extreme else pixels

    def beats(self, pixels: np.ndarray) -> list[int]:
        return pack_beats(pixels, self.lanes[0], self.bits[0])

    def accumulators(self, frame: np.ndarray) -> np.ndarray:
        """Sums of products and bias, one matrix product per tap, in exact int64."""
        (rows, columns), (p, q), d, s = self.kernels, self.paddings, self.dilation, self.stride
        padded = np.pad(frame, ((p, p), (q, q), (0, 0)))
        height, width = (
            (size - d * (kernel - 1) - 1) // s + 1 for size, kernel in zip(padded.shape, (rows, columns), strict=False)
        )
        total = np.zeros((height, width, self.channels[1]), dtype=np.int64) + self.numbers["bias"]
        inputs, outputs = (count // self.groups for count in self.channels)
        for i in range(rows):
            for j in range(columns):
                taken = padded[d * i : d * i + s * height : s, d * j : d * j + s * width : s][:height, :width]
                for group in range(self.groups):
                    own, given = (slice(group * count, (group + 1) * count) for count in (inputs, outputs))
                    total[..., given] += taken[..., own] @ self.numbers["weight"][given, :, i, j].T
        return total

    def expected(self, frames: np.ndarray) -> list[int]:
        values, shift = np.stack([self.accumulators(frame) for frame in frames]), np.array(self.numbers["shift"])
        if self.prelu:
            values, shift = fixedpoint.prelu(values, np.array(self.numbers["slope"]), 6), shift + 6
        found = fixedpoint.requantise(values, shift, self.bits[2], self.signs[1])
        return np.minimum(found, found.max() if self.ceiling is None else self.ceiling).reshape(-1).tolist()
