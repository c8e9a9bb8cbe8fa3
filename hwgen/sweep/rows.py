"""Random models whose layers stand in a row.

Channel counts of no pattern, kernels 1 to 7 (transposed ones even, too), strides 1 and 2, weights of 2, 4, 6 and 8
bits, activations of 4 to 8 bits, any activation function, complex layers with 8/6 and other bits, either gain, any
channel with its precoder or equaliser.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from hwgen.sweep.case import COLOURS, SIDES, Case, Layer

FRAMES = ((36, 20), (68, 44), (20, 36), (64, 32), (12, 8), (100, 12))
IMAG_BITS = ((8, 6), (8, 6), (8, 8), (6, 4), (8, 4), (4, 3))
"""Bits of a complex layer's weights and activations alike: of the real parts, of the imaginary ones."""


def draw(seed: int) -> Case:
    """A random case; the same for the same seed."""
    rng = random.Random(seed)
    frame = rng.choice(FRAMES)  # all of them divisible by 4
    side = SIDES[seed % 2]
    encoder = _encoder(rng, rng.randint(1, 6), 0.4) if side == "tx" else _encoder(rng, rng.randint(1, 2), 0.8)
    decoder = _decoder(rng, encoder) if side == "rx" else ()
    values = frame[0] * frame[1] * encoder[-1].stream_channels
    for layer in encoder:
        values //= layer.stride**2
    channel = _channel(rng, (values + 1) // 2)
    gain = rng.choice(["static", "static", "per_image"])
    return Case(
        seed, side, frame, encoder, decoder, channel, gain, "pynq_z2", rng.choice([None, None, 50.0, 1000.0])
    )


def _layer(rng: random.Random, before: int, kernels: Sequence[int], stride: int, activations: Sequence[str]) -> Layer:
    """A layer behind `before` channels, complex in one of three cases where that is possible."""
    kernel, channels = rng.choice(kernels), rng.randint(1, 33)
    if before % 2 == 0 and rng.random() < 1 / 3:
        real, imag = rng.choice(IMAG_BITS)
        activation = rng.choice([name for name in activations if name != "relu"])
        return Layer(kernel, stride, -(-channels // 2), activation, real, real, (imag, imag))
    return Layer(
        kernel, stride, channels, rng.choice(activations), rng.choice([2, 4, 6, 8]), rng.choice([4, 6, 7, 8, 8, 8])
    )


def _encoder(rng: random.Random, count: int, halving: float) -> tuple[Layer, ...]:
    """halving : probability of stride 2, which two layers have at most."""
    layers: list[Layer] = []
    strides_left, before = 2, COLOURS
    for index in range(count):
        stride = 2 if strides_left and rng.random() < halving else 1
        strides_left -= stride - 1
        activations = ["none"] if index == count - 1 else ["none", "relu", "prelu", "prelu"]
        layers.append(_layer(rng, before, [1, 3, 3, 5, 7], stride, activations))
        before = layers[-1].stream_channels
    return tuple(layers)


def _decoder(rng: random.Random, encoder: Sequence[Layer]) -> tuple[Layer, ...]:
    """Transposed layers whose strides undo the encoder's, in any place."""
    strides = [2] * sum(layer.stride == 2 for layer in encoder) + [1] * rng.randint(0, 3)
    strides = strides or [1]
    rng.shuffle(strides)
    layers: list[Layer] = []
    before = encoder[-1].stream_channels
    for stride in strides[:-1]:
        kernels = [1, 3, 3, 5, 7] if stride == 1 else range(1, 8)
        layer = _layer(rng, before, kernels, stride, ["none", "relu", "prelu", "prelu"])
        if stride == 2 and layer.imag is not None:  # complex layers of a decoder keep the size
            layer = Layer(layer.kernel, 2, layer.channels, layer.activation, layer.weight_bits, layer.activation_bits)
        layers.append(layer)
        before = layer.stream_channels
    kernels = [1, 3, 3, 5, 7] if strides[-1] == 1 else range(1, 8)
    last = Layer(
        rng.choice(kernels), strides[-1], COLOURS, rng.choice(["clamp", "sigmoid"]), rng.choice([2, 4, 6, 8]), 8
    )
    return (*layers, last)


def _channel(rng: random.Random, symbols: int) -> str:
    """A channel that can carry so many symbols a frame."""
    found = ["kind: awgn", "kind: rayleigh", "kind: rayleigh, equaliser: zf"]
    if symbols % 2 == 0:
        found += ["kind: mimo2x2", "kind: mimo2x2, scheme: alamouti", "kind: mimo2x2, equaliser: zf"]
    blocks = [count for count in (2, 4, 8, 16, 32, 64) if symbols % count == 0]
    if blocks:
        count = rng.choice(blocks)
        found.append(f"kind: ofdm, taps: {rng.randint(1, min(6, count))}, subcarriers: {count}")
    return rng.choice(found)
