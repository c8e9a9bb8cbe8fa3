"""Taps that met an input, against loops over the definition of a convolution."""

from __future__ import annotations

import numpy as np
import pytest
from support.ir_samples import conv_values

from hwgen.ir.nodes import Conv2d, Convolution, ConvTranspose2d
from hwgen.ir.taps import touched, weights_per_tap


def by_loops(node: Convolution, nonzero: np.ndarray) -> np.ndarray:
    """A tap is touched where an input that is not 0, with a weight of 1 at that tap alone, changes any output."""
    found = np.zeros((node.in_channels, node.kernel_height, node.kernel_width), dtype=bool)
    for place in np.ndindex(found.shape):
        weight = np.zeros((1, *found.shape), dtype=np.int64)
        weight[(0, *place)] = 1
        alone = type(node)(**vars(node) | {"weight": weight, "groups": 1})
        found[place] = alone.accumulate(nonzero.astype(np.int64)).any()
    return found


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, (4, 3)), (5, 2, (2, 3)), (5, 1, (1, 1)), (2, 2, (3, 2))])
def test_touched(kind: type[Convolution], kernel: int, stride: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng([kernel, stride])
    values = conv_values(rng, channels=(2, 1), kernel=kernel, stride=stride, activation="none")
    values |= {"bias": np.zeros(1, np.int64)}
    if kind is Conv2d and kernel == 3:
        values |= {"dilation": 2, "padding": 2}
    node = kind(**values)
    missed = 0
    for _ in range(4):
        nonzero = rng.random((*size, 2)) < 0.3
        wanted = by_loops(node, nonzero)
        np.testing.assert_array_equal(touched(node, nonzero), wanted)
        missed += int((~wanted).sum())
    assert missed > 0, "the case is about something"


def test_weights_of_groups() -> None:
    values = conv_values(np.random.default_rng(1), channels=(4, 6), activation="none")
    weight = np.random.default_rng(2).integers(-1, 2, (6, 2, 3, 3))
    node = Conv2d(**values | {"weight": weight, "groups": 2})
    found = weights_per_tap(node)
    assert found.shape == (4, 3, 3)
    for channel in range(4):
        outputs = range(3) if channel < 2 else range(3, 6)
        for i, j in np.ndindex(3, 3):
            assert found[channel, i, j] == sum(weight[o, channel % 2, i, j] != 0 for o in outputs)
