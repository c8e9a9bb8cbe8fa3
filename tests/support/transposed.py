"""Transposed convolutions to be tested, their integers drawn from a seed, and what they give by the definition."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from amaranth.hdl import Shape

from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.packing import W8A8, Packing
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.weights import widest_biases
from hwgen.rtl.window_config import WindowConfig
from support.codebooks import nearest
from support.streaming import pack_beats


@dataclass(frozen=True)
class Transposed:
    """A layer to be tested; its integers are drawn from `seed`."""

    channels: tuple[int, int] = (3, 5)
    frame: tuple[int, int] = (3, 3)
    kernel: int = 3
    stride: int = 2
    padding: int = 1
    extra: int = 1  # output padding
    pe: int = 1
    simd: int = 2
    bits: tuple[int, int, int] = (8, 8, 8)  # input, weight, output
    signs: tuple[bool, bool] = (True, True)  # input, output
    prelu: bool = False
    lanes: tuple[int, int] = (1, 1)  # values per beat: input, output
    packing: Packing = W8A8
    weights_in: Literal["block", "logic"] = "block"
    line_buffer_in: Literal["block", "distributed"] = "block"
    pixels: int | None = None
    coarse: tuple[int, int] | None = None
    seed: int = 0
    codebook: Codebook | None = None  # of which the memories hold indices
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
        largest = max(2 ** (self.bits[1] - 1) - 1, 1)
        low, high = fixedpoint.bounds(self.bits[0], self.signs[0])
        weight = random.integers(-largest, largest + 1, (outputs, inputs, self.kernel, self.kernel))
        if self.bits[1] == 1:
            weight = np.where(weight > 0, 1, -1)
        if self.codebook is not None:
            weight = nearest(weight, self.codebook)
        bias = random.integers(-300, 301, outputs)
        bound = max(-low, high) * np.abs(weight).reshape(outputs, -1).sum(axis=1) + np.abs(bias)
        typical = int(np.log2(max(1.0, np.sqrt(inputs) * self.kernel / 2 * largest * high / 2 ** self.bits[2]))) - 1
        object.__setattr__(self, "numbers", dict(
            weight=weight, bias=bias.tolist(),
            shift=(typical + random.integers(-1, 3, outputs)).tolist(),
            slope=random.integers(-128, 128, outputs).tolist() if self.prelu else None,
        ))  # fmt: skip
        object.__setattr__(self, "accumulator_bits", int(bound.max()).bit_length() + 1)

    @property
    def window(self) -> WindowConfig:
        return WindowConfig(self.channels[0], *self.frame, self.kernel, self.stride, self.padding, self.simd,
                            -(-self.channels[1] // self.pe), self.bits[0], self.signs[0], pixels=self.pixels,
                            transposed=True, output_padding=self.extra, lanes=self.lanes[0],
                            form=self.line_buffer_in)  # fmt: skip

    @property
    def requantiser(self) -> RequantiserConfig:
        own = {key: value for key, value in self.numbers.items() if key != "weight"}
        kernels = self.window.kernels(self.numbers["weight"])
        biases = widest_biases(own.pop("bias"), kernels, self.bits[1], Shape(self.bits[0], self.signs[0]))
        return RequantiserConfig.from_integers(
            bias=sum(biases, []), phases=len(biases), accumulator_bits=self.accumulator_bits,
            output=Shape(self.bits[2], self.signs[1]), fraction=6 if self.prelu else 0, coarse=self.coarse, **own,
        )  # fmt: skip

    @property
    def config(self) -> ConvolutionConfig:
        return ConvolutionConfig(self.window, self.requantiser, self.pe, self.bits[1], self.lanes[1], self.packing,
                                 self.weights_in, codebook=self.codebook)  # fmt: skip

    @property
    def dut(self) -> Convolution:
        return Convolution(self.config, **self.numbers)

    def pixels_of(self, frames: int) -> np.ndarray:
        """(frames, height, width, channels)."""
        low, high = fixedpoint.bounds(self.bits[0], self.signs[0])
        shape = (frames, self.frame[1], self.frame[0], self.channels[0])
        return np.random.default_rng(self.seed + 1).integers(low, high + 1, shape)

    def beats(self, pixels: np.ndarray) -> list[int]:
        return pack_beats(pixels, self.lanes[0], self.bits[0])

    def accumulators(self, frame: np.ndarray) -> np.ndarray:
        """Sums of products and bias: every input pixel goes through every tap to its output, those outside dropped."""
        height, width, _ = frame.shape
        k, s, p = self.kernel, self.stride, self.padding
        rows, columns = ((n - 1) * s - 2 * p + k + self.extra for n in (height, width))
        scattered = np.zeros((rows + 2 * k + s, columns + 2 * k + s, self.channels[1]), dtype=np.int64)
        for y in range(height):
            for x in range(width):
                for i in range(k):
                    for j in range(k):
                        scattered[y * s + i, x * s + j] += self.numbers["weight"][:, :, i, j] @ frame[y, x]
        return scattered[p : p + rows, p : p + columns] + self.numbers["bias"]

    def expected(self, frames: np.ndarray) -> list[int]:
        """All values of all frames."""
        values, shift = np.stack([self.accumulators(frame) for frame in frames]), np.array(self.numbers["shift"])
        if self.prelu:
            values, shift = fixedpoint.prelu(values, np.array(self.numbers["slope"]), 6), shift + 6
        results = fixedpoint.requantise(values, shift, self.bits[2], self.signs[1])
        if self.coarse:
            odd = fixedpoint.requantise(values, shift, self.coarse[0], self.signs[1]) << self.coarse[1]
            results = np.where(np.arange(self.channels[1]) % 2, odd, results)
        return results.reshape(-1).tolist()
