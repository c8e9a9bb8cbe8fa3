"""Coverage of a layer by frames, against fractions in plain Python, value by value."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from support.ir_samples import conv_values

from hwgen.ir.execute import run
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Add, AveragePool, Conv2d, Gain, Receive
from hwgen.ir.rounding import Met, rounding
from hwgen.ir.types import IntType
from hwgen.verify.coverage import LayerCoverage, Meter, as_record, merged, summary, with_streams

RNG = np.random.default_rng(4)
SIGNED, UNSIGNED = IntType(6, True), IntType(6, False)


def by_hand(exact: np.ndarray, low: int, high: int) -> Met:
    """Counts over exact quotients, one by one; half to even is what Python's round does."""
    counts = dict.fromkeys(("low", "high", "down", "up"), 0)
    for value in exact.reshape(-1):
        rounded = round(value)
        if rounded < low:
            counts["low"] += 1
        elif rounded > high:
            counts["high"] += 1
        elif value.denominator == 2:
            counts["down" if rounded < value else "up"] += 1
    return Met(counts["low"], counts["high"], counts["down"], counts["up"])


def quotients(values: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    divide = np.vectorize(lambda value, by: Fraction(int(value)) / Fraction(2) ** int(by), otypes=[object])
    return divide(values, np.broadcast_to(shift, values.shape))


@pytest.mark.parametrize("activation", ["none", "relu", "prelu"])
def test_a_convolution(activation: str) -> None:
    node = Conv2d(**conv_values(RNG, activation=activation, bits=6, shifts=(-1, 10)))
    x = RNG.integers(0, 256, (9, 7, 3))
    acc = node.accumulate(x)
    exact = quotients(acc, node.shift)
    if node.slope is not None:
        exact = np.where(acc < 0, exact * quotients(node.slope, node.slope_fraction), exact)
    found = rounding(node, x)
    assert found is not None
    assert found.met() == by_hand(exact, *node.output.bounds)
    meter = Meter()
    np.testing.assert_array_equal(meter.answer(node, x), node.execute(x))
    layer = meter.coverage()["conv0"]
    assert (layer.values, layer.channels) == (9 * 7 * 4, 4)
    counts = (int((acc >= 0).sum()), int((acc < 0).sum())) if activation == "prelu" else (None, None)
    assert (layer.positive, layer.negative) == counts


@pytest.mark.parametrize(
    ("node", "inputs", "wide"),
    [
        (Gain("n", 2, 21840, 16, 6, SIGNED), [RNG.integers(-32, 32, (5, 6, 2))], lambda x: x * 21840),
        (Add("n", 2, SIGNED, SIGNED, -4, 1, "none", SIGNED, -3), list(RNG.integers(-32, 32, (2, 5, 6, 2))),
         lambda a, b: a + b),
        (AveragePool("n", 2, 2, UNSIGNED, -4, 3, UNSIGNED, -3), [RNG.integers(0, 64, (6, 4, 2))],
         lambda x: x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]),
        (Receive("n", 2, 9, SIGNED, -3), [RNG.integers(-32768, 32768, (9, 9, 2)) // 64 * 64], lambda x: x),
    ],
    ids=["gain", "add", "average_pool", "receive"],
)  # fmt: skip
def test_other_kinds_that_round(node: object, inputs: list[np.ndarray], wide: object) -> None:
    found = rounding(node, *inputs)  # type: ignore[arg-type]
    exact = quotients(wide(*inputs), node.shift)  # type: ignore[operator, attr-defined]
    met = by_hand(exact, *node.output.bounds)  # type: ignore[attr-defined]
    assert found is not None and found.met() == met
    assert met.ties_down + met.ties_up > 0, "the case is about something"


def test_imaginary_parts_have_their_own_ends() -> None:
    node = Receive("n", 2, 6, IntType(8, True), -6, imag_bits=4, imag_left=3)
    x = RNG.integers(-32768, 32768, (9, 9, 2))
    exact = quotients(x, np.array([6, 9]))
    found = rounding(node, x)
    assert found is not None
    assert found.met() == by_hand(exact[..., 0], -128, 127) + by_hand(exact[..., 1], -8, 7)


def test_frames_add_up_and_gaps_are_named() -> None:
    node = Conv2d(**(conv_values(RNG, "conv0", (3, 2), 1, 1, "none", shifts=(8, 8)) | {"weight": np.zeros((2, 3, 1, 1))
                     .astype(int), "bias": np.array([0, 128])}))  # fmt: skip
    graph = Graph("sample", (4, 4), (node, Gain("gain", 2, 1, 1, 0, node.output)))
    meter = Meter()
    for _ in range(3):
        run(graph, np.zeros((4, 4, 3), np.uint8), meter.answer)
    found = meter.coverage()
    assert found["conv0"] == LayerCoverage(3 * 32, 2, 2, 0, 0, ties_down=3 * 16, ties_up=0)
    assert summary({"conv0": found["conv0"]}) == (
        "conv0 never saturated low, conv0 never saturated high, conv0 no tie rounded up, conv0 2 of 2 channels constant"
    )
    assert summary(found).endswith("and 5 more (--json has all)")
    assert merged([found, found])["conv0"].ties_down == 6 * 16
    assert merged([found, found])["conv0"].channels == 2


def test_a_channel_that_changes_between_runs_is_not_constant() -> None:
    """Of three channels the first is 5 in both runs, the second 1 and 2, the third constant in the first run alone."""
    node = Gain("gain", 3, 1, 1, 0, SIGNED)
    found = []
    for values in ([[5, 1, 7], [5, 1, 7]], [[5, 2, 7], [5, 2, 8]]):
        meter = Meter()
        meter.answer(node, np.array([values]))
        found.append(meter.coverage())
    assert [run["gain"].constant_channels for run in found] == [3, 2]
    assert merged(found)["gain"].constant_channels == 1
    assert as_record(merged(found))["gain"]["constant_channels"] == 1
    assert "ends" not in as_record(merged(found))["gain"]


def test_streams_that_waited() -> None:
    stream = SimpleNamespace(name="conv0", cycles=np.array([3, 4, 9]), stalled=2)
    layer = LayerCoverage(8, 2, 0)
    recording = SimpleNamespace(streams=[stream])
    found = with_streams({"conv0": layer, "other": layer}, recording)  # type: ignore[arg-type]
    assert (found["conv0"].full_cycles, found["conv0"].empty_cycles) == (2, 2)
    assert found["other"].full_cycles is None
    assert summary(found) == ""
