"""Plain convolutions against naive loops over Python integers, and every refusal of what is not in test_graph.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.ir_samples import conv_values
from support.naive import naive_conv

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOLS, Edge
from hwgen.ir.nodes import Conv2d
from hwgen.ir.types import IntType

SIGNED = IntType(6, True)


def values(
    rng: np.random.Generator,
    sides: tuple[int, int],
    channels: tuple[int, int] = (4, 6),
    activation: str = "none",
    **changes: Any,
) -> dict[str, Any]:
    """Keyword arguments of a `Conv2d` with a kernel of (rows, columns)."""
    kernel = max(sides)
    v = conv_values(rng, "c", channels, kernel, 1, activation, SIGNED, -3, 5, 6, (2, 6))
    v |= {"kernel_height": sides[0], "kernel_width": sides[1]} | changes
    v["weight"] = v["weight"][:, : channels[0] // v.get("groups", 1), : sides[0], : sides[1]]
    v["padding"] = max(v.get("padding_height", v["padding"]), v.get("padding_width", v["padding"]))
    return v


CASES: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {
    "wide": ((1, 5), {"padding_height": 0, "padding_width": 2}),
    "high": ((9, 2), {"padding_height": 4, "padding_width": 1}),
    "even": ((4, 4), {"padding": 1}),
    "no padding": ((3, 3), {"padding": 0}),
    "full padding": ((3, 3), {"padding": 2, "stride": 2}),
    "9x9": ((9, 9), {"padding": 4}),
    "dilated": ((3, 3), {"dilation": 2, "padding": 2}),
    "far dilated": ((3, 1), {"dilation": 4, "padding_height": 4, "padding_width": 0, "stride": 2}),
    "two groups": ((3, 3), {"groups": 2}),
    "depthwise": ((3, 3), {"groups": 4, "channels": (4, 4)}),
    "depth multiplier": ((3, 5), {"groups": 3, "channels": (3, 6), "padding_height": 1, "padding_width": 2}),
    "patches of 2": ((2, 2), {"stride": 2, "padding": 0}),
    "patches of 4": ((4, 4), {"stride": 4, "padding": 0}),
    "grouped patches": ((4, 4), {"stride": 4, "padding": 0, "groups": 2}),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_naive_loops(case: str) -> None:
    sides, changes = CASES[case]
    rng = np.random.default_rng(sorted(CASES).index(case))
    v = values(rng, sides, **changes)
    node = Conv2d(**v)
    size = (8, 12) if node.patches else (9, 11)
    x = rng.integers(-32, 32, (*size, v["in_channels"]))
    wanted = naive_conv(v, x.tolist())
    assert node.execute(x).tolist() == wanted
    shape = node.output_shape((*size, v["in_channels"]))
    assert shape == (len(wanted), len(wanted[0]), len(wanted[0][0]))
    rows, columns, channels = shape
    assert node.macs((*size, v["in_channels"])) == rows * columns * channels * v["weight"][0].size


def test_the_largest_patches() -> None:
    rng = np.random.default_rng(1)
    v = values(rng, (16, 16), (1, 2), stride=16, padding=0)
    x = rng.integers(-32, 32, (16, 32, 1))
    assert Conv2d(**v).execute(x).tolist() == naive_conv(v, x.tolist())


@pytest.mark.parametrize("ceiling", [1, 20, 63])
def test_clip_saturates_at_its_ceiling(ceiling: int) -> None:
    rng = np.random.default_rng(ceiling)
    v = values(rng, (3, 3), activation="relu") | {"activation": "clip", "ceiling": ceiling}
    x = rng.integers(-32, 32, (9, 11, 4))
    found = Conv2d(**v).execute(x)
    assert found.tolist() == naive_conv(v, x.tolist())
    assert (found.min(), found.max()) == (0, ceiling)


def test_fields_that_stand_for_others_are_completed() -> None:
    rng = np.random.default_rng(2)
    node = Conv2d(**conv_values(rng, "c", (3, 4), 5))
    assert (node.kernel_height, node.kernel_width, node.padding_height, node.padding_width) == (5, 5, 2, 2)
    assert (node.patches, node.divides, node.multiplies, node.arity, node.coefficient_words) == (False, 1, 1, 1, 0)
    assert Conv2d(**conv_values(rng, "c", (3, 4), 5, 2)).divides == 2


@pytest.mark.parametrize(
    ("sides", "changes", "message"),
    [
        ((3, 3), {"kernel": 10, "kernel_height": 0, "kernel_width": 0}, "c.kernel: wanted an integer 1..9, got 10"),
        ((3, 5), {"kernel": 7}, "c.kernel: wanted the larger of kernel_height and kernel_width: 5, got 7"),
        ((3, 5), {"kernel_width": 6}, "c.kernel_width: wanted an integer 0..5, got 6"),
        ((3, 5), {"padding": 2, "padding_height": 3}, "c.padding_height: wanted an integer -1..2, got 3"),
        ((3, 5), {"padding": 2, "padding_height": 0, "padding_width": 1},
         "c.padding: wanted the larger of padding_height and padding_width: 1, got 2"),
        ((1, 5), {"padding": 1}, "c.padding: wanted an integer 0..0, got 1"),
        ((3, 3), {"padding": 5, "dilation": 2}, "c.padding: wanted an integer 0..4, got 5"),
        ((3, 3), {"dilation": 5}, "c.dilation: wanted an integer 1..4, got 5"),
        ((3, 3), {"stride": 17}, "c.stride: wanted an integer 1..16, got 17"),
        ((4, 4), {"stride": 4, "padding": 1}, "c.stride: wanted 1 or 2, or 2..16 as the kernel's sides"),
        ((4, 4), {"stride": 4, "padding": 0, "dilation": 2}, "c.stride: wanted 1 or 2, or 2..16 as the kernel's"),
        ((4, 2), {"stride": 4, "padding": 0}, "c.stride: wanted 1 or 2, or 2..16 as the kernel's sides"),
        ((3, 3), {"groups": 5}, "c.groups: wanted an integer 1..4, got 5"),
        ((3, 3), {"groups": 3}, "c.groups: wanted a divisor of in_channels 4, got 3"),
        ((3, 3), {"groups": 4}, "c.groups: wanted a divisor of out_channels 6, got 4"),
        ((3, 3), {"ceiling": 3}, "c.ceiling: wanted 0 for activation none, got 3"),
        ((3, 3), {"activation": "clip", "output": IntType(6, False)}, "c.ceiling: wanted an integer 1..63, got 0"),
        ((3, 3), {"activation": "clip", "ceiling": 9}, "c.output.signed: wanted False for clip, got True"),
    ],
)  # fmt: skip
def test_refuses(sides: tuple[int, int], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Conv2d(**values(np.random.default_rng(3), sides) | changes)
    assert message in str(error.value)


def test_infer() -> None:
    node = Conv2d(**values(np.random.default_rng(4), (3, 3)))
    assert node.infer(Edge(4, SIGNED, -3)) == node.infer(Edge(4, SIGNED, None)) == Edge(6, SIGNED, -4)
    cases: list[tuple[tuple[Edge, ...], str]] = [
        ((Edge(5, SIGNED, -3),), "c.in_channels: wanted 5, got 4"),
        ((Edge(4, IntType(6, False), -3),), "c.input: wanted 6 bits, unsigned, got 6 bits, signed"),
        ((Edge(4, SIGNED, -2),), "c.input_exponent: wanted -2, got -3"),
        ((SYMBOLS,), "c.inputs: wanted values, got symbols"),
        ((), "c.inputs: wanted 1, got 0"),
        ((Edge(4, SIGNED, -3),) * 2, "c.inputs: wanted 1, got 2"),
    ]
    for edges, message in cases:
        with pytest.raises(HwgenError) as error:
            node.infer(*edges)
        assert message in str(error.value)


def test_frames_that_do_not_fit() -> None:
    node = Conv2d(**values(np.random.default_rng(5), (4, 3), padding=0))
    assert node.output_shape((4, 3, 4)) == (1, 1, 6)
    with pytest.raises(HwgenError, match="c.kernel: wanted frames of at least its size, got 2x4"):
        node.output_shape((4, 2, 4))
    with pytest.raises(HwgenError, match="c.inputs: wanted 1, got 2"):
        node.output_shape((4, 3, 4), (4, 3, 4))
    patches = Conv2d(**values(np.random.default_rng(5), (4, 4), padding=0, stride=4))
    with pytest.raises(HwgenError, match="c.kernel: wanted sizes that are multiples of 4, got 10x8"):
        patches.output_shape((8, 10, 4))
