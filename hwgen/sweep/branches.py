"""Random models whose layers branch: residual blocks, U-shapes, concatenations, pooling, blocks of pixels as channels,
depthwise, grouped, dilated and oblong convolutions, codebooks, activations that are clipped or tables."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hwgen.sweep.case import COLOURS, SIDES, Case, Entry, Layer

FRAMES = ((36, 20), (20, 36), (64, 32), (24, 16), (48, 12))
"""Divisible by 4: no branch is smaller than a quarter of its frame, either way."""
RECEIVED = (Layer(3, 2, 8, "relu"), Layer(3, 1, 6, "none"))
"""An encoder for those that receive."""
CHANNELS = (4, 6, 8, 9, 12)
WAYS = ("stride", "patches", "max_pool", "average_pool", "overlapping max_pool", "overlapping average_pool",
        "space_to_depth")  # fmt: skip
"""Kinds of layers that halve the size."""


class Body:
    """Layers one after the other and beside each other, each named; `name` and `channels` are the last one's."""

    def __init__(self, rng: random.Random, name: str, channels: int) -> None:
        self.rng, self.name, self.channels = rng, name, channels
        self.entries: list[Entry] = []

    def add(
        self, channels: int, source: str | tuple[str, ...] | None = None, stride: int = 1, /, **keys: Any
    ) -> str:
        """A layer behind `source`, by default the last one; its name."""
        sources = (self.name,) if source is None else source if isinstance(source, tuple) else (source,)
        name = f"layer{len(self.entries)}"
        self.entries.append(Entry.of(channels, stride, name=name, inputs=sources, **keys))
        self.name, self.channels = name, channels
        return name

    def convolve(self, channels: int, activation: str, source: str | None = None, **keys: Any) -> str:
        """A convolution that keeps the size, of 8-bit activations unless `keys` say otherwise."""
        rng = self.rng
        shape: dict[str, Any] = {"kernel": rng.choice([1, 3, 3, 5]), "weight_bits": rng.choice([4, 6, 8, 8])}
        return self.add(channels, source, **(shape | {"channels": channels, "activation": activation} | keys))

    def residual(self) -> None:
        """Two convolutions, and what went into them beside their output."""
        before, channels = self.name, self.channels
        self.convolve(self.rng.choice(CHANNELS), "relu")
        inner = self.convolve(channels, "none", activation_bits=self.rng.choice([6, 8]))
        self.add(channels, (before, inner), kind="add", activation=self.rng.choice(["none", "relu"]))

    def beside(self) -> None:
        """Two or three convolutions of one source, concatenated."""
        before, bits = self.name, self.rng.choice([6, 8])
        counts = [self.rng.choice(CHANNELS) for _ in range(self.rng.randint(2, 3))]
        names = tuple(self.convolve(count, "relu", before, activation_bits=bits) for count in counts)
        self.add(sum(counts), names, kind="concat")

    def u_shape(self) -> None:
        """Down by pooling, up by channels that become pixels, and the way around concatenated."""
        around = self.convolve(4, "relu")
        self.add(4, kind="max_pool", kernel=2)
        self.convolve(4 * 3, "relu")
        up = self.add(3, kind="depth_to_space", factor=2)
        self.add(7, (around, up), kind="concat")

    def depthwise(self) -> None:
        """One or two outputs of each channel, of any kernel."""
        rng, inputs = self.rng, self.channels
        kernel, outputs = rng.choice([3, 5, 9, (3, 5), (7, 1)]), inputs * rng.choice([1, 1, 2])
        self.convolve(outputs, rng.choice(["relu6", "prelu"]), kind="conv", kernel=kernel, groups=inputs)

    def grouped(self) -> None:
        """Two or three groups of several channels, perhaps dilated or with weights of a codebook."""
        rng = self.rng
        groups = rng.choice([2, 3])
        self.convolve(groups * rng.choice([2, 5]), "prelu")
        more: dict[str, Any] = rng.choice(
            [{}, {"dilation": 2, "kernel": 3}, {"weights": Codebook(8), "weight_bits": 8}]
        )
        self.convolve(groups * rng.choice([1, 3, 7]), "relu", kind="conv", groups=groups, **more)

    def dilated(self) -> None:
        self.convolve(self.rng.choice(CHANNELS), "relu6", kind="conv", kernel=3, dilation=2)

    def oblong(self) -> None:
        kernel = self.rng.choice([(1, 5), (3, 1), (5, 3)])
        self.convolve(self.rng.choice(CHANNELS), "leaky_relu", kind="conv", kernel=kernel)

    def coded(self) -> None:
        self.convolve(self.rng.choice(CHANNELS), "relu", weight_bits=8, weights=Codebook(self.rng.choice([4, 8, 16])))

    def table(self) -> None:
        self.convolve(self.rng.choice(CHANNELS), self.rng.choice(["tanh", "silu", "sigmoid"]))

    def halve(self, way: str | None = None) -> None:
        """To half the size, in one of the ways."""
        match way or self.rng.choice(WAYS):
            case "stride":
                self.add(8, None, 2, kernel=3, stride=2, channels=8, activation="prelu")
            case "patches":
                self.add(8, None, 2, kernel=2, stride=2, channels=8, activation="relu")
            case "space_to_depth":
                self.add(4 * self.channels, None, 2, kind="space_to_depth", factor=2)
            case "overlapping max_pool" | "overlapping average_pool" as pool:
                self.add(self.channels, None, 2, kind=pool.split()[1], kernel=3, stride=2, padding=1)
            case pool:
                self.add(self.channels, None, 2, kind=pool, kernel=2)

    def block(self) -> None:
        """One of the blocks that keep the size."""
        self.rng.choice([self.residual, self.residual, self.beside, self.depthwise, self.grouped, self.dilated,
                         self.oblong, self.coded, self.table, self.u_shape, self.u_shape])()  # fmt: skip


@dataclass(frozen=True)
class Codebook:
    """A layer's weight format, as the specification writes it."""

    entries: int

    def __str__(self) -> str:
        return f"{{codebook: {self.entries}}}"


def draw(seed: int) -> Case:
    """A random case; the same for the same seed."""
    rng = random.Random(seed)
    frame, side = rng.choice(FRAMES), SIDES[seed % 2]
    fps = rng.choice([None, None, 50.0, 500.0])
    gain = rng.choice(["static", "per_image"])
    if side == "tx":
        return Case(seed, side, frame, encoder(rng), (), "kind: awgn", gain, "pynq_z2", fps)
    channel = rng.choice(["kind: awgn", "kind: rayleigh"])
    return Case(seed, side, frame, RECEIVED, decoder(rng), channel, gain, "pynq_z2", fps)


def chosen(seed: int, way: str, *blocks: Callable[[Body], object]) -> Case:
    """A transmitter of these blocks; kernels, bits and channels are the seed's."""
    body = Body(random.Random(seed), "pixels", COLOURS)
    body.convolve(8, "relu", kernel=3)
    body.halve(way)
    for block in blocks:
        block(body)
    body.convolve(4, "none", kernel=1)
    return Case(seed, "tx", (24, 16), tuple(body.entries), (), "kind: awgn", "static", "pynq_z2", None)


def encoder(rng: random.Random) -> tuple[Entry, ...]:
    """Blocks around one halving."""
    body = Body(rng, "pixels", COLOURS)
    body.convolve(rng.choice(CHANNELS), "relu")
    for _ in range(rng.randint(0, 1)):
        body.block()
    body.halve()
    for _ in range(rng.randint(1, 2)):
        body.block()
    body.convolve(rng.choice([4, 6]), "none")
    return tuple(body.entries)


def decoder(rng: random.Random) -> tuple[Entry, ...]:
    """Blocks around the doubling of the size."""
    body = Body(rng, "symbols", RECEIVED[-1].channels)
    body.convolve(8, "prelu")
    for _ in range(rng.randint(1, 2)):
        body.block()
    if rng.random() < 0.5:
        body.add(8, None, 2, kernel=rng.choice([3, 4, 5]), stride=2, channels=8, activation="relu")
    else:
        body.convolve(16, "relu")
        body.add(4, None, 2, kind="depth_to_space", factor=2)
    body.convolve(COLOURS, rng.choice(["clamp", "sigmoid"]))
    return tuple(body.entries)


DIRECTED = (
    chosen(11, "stride", Body.residual, Body.residual),
    chosen(12, "patches", Body.u_shape),
    chosen(13, "max_pool", Body.depthwise, Body.grouped),
    chosen(14, "average_pool", Body.beside, Body.dilated),
    chosen(15, "space_to_depth", Body.coded, Body.oblong, Body.table),
    chosen(16, "overlapping max_pool", Body.residual),
    chosen(17, "overlapping average_pool"),
)
"""Every block and every way of halving the size, once."""
