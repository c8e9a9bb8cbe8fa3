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
from hwgen.verify.bounds import Bounds, bounds_of
from hwgen.verify.coverage import (
    MET,
    NOT_MET,
    UNREACHABLE,
    LayerCoverage,
    as_record,
    merged,
    summary,
    total,
    unreachable,
    with_bounds,
    with_streams,
)
from hwgen.verify.meter import Meter

RNG = np.random.default_rng(4)
SIGNED, UNSIGNED = IntType(6, True), IntType(6, False)


def by_hand(exact: np.ndarray, low: int, high: int) -> Met:
    """Counts over exact quotients, one by one; half to even is what Python's round does."""
    counts = dict.fromkeys(("low", "high", "down", "up", "beyond"), 0)
    for value in exact.reshape(-1):
        rounded = round(value)
        if rounded < low:
            counts["low"] += 1
        elif rounded > high:
            counts["high"] += 1
            counts["beyond"] += value < high + 1
        elif value.denominator == 2 and low < value < high:  # both neighbours are values of the output
            counts["down" if rounded < value else "up"] += 1
    return Met(counts["low"], counts["high"], counts["down"], counts["up"], counts["beyond"])


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


def two_constants() -> tuple[Conv2d, Gain]:
    """Both weights of the convolution are 0, the second channel's bias is half of the output's unit."""
    node = Conv2d(**(conv_values(RNG, "conv0", (3, 2), 1, 1, "none", shifts=(8, 8)) | {"weight": np.zeros((2, 3, 1, 1))
                     .astype(int), "bias": np.array([0, 128])}))  # fmt: skip
    return node, Gain("gain", 2, 1, 1, 0, node.output)


def test_frames_add_up_and_gaps_are_named() -> None:
    node, gain = two_constants()
    graph = Graph("sample", (4, 4), (node, gain))
    meter = Meter()
    for _ in range(3):
        run(graph, np.zeros((4, 4, 3), np.uint8), meter.answer)
    found = meter.coverage()
    assert found["conv0"] == LayerCoverage(
        3 * 32, 2, 2, 0, 0, ties_down=3 * 16, ties_up=0, rounded_beyond=0, weights=0, idle_weights=0
    )
    assert summary({"conv0": found["conv0"]}) == (
        "conv0 never saturated low, conv0 never saturated high, conv0 no tie rounded up, conv0 nothing rounded beyond "
        "the largest value, and 2 more (--json has all)"
    )
    assert summary(found).endswith("and 8 more (--json has all)")
    assert merged([found, found])["conv0"].ties_down == 6 * 16
    assert merged([found, found])["conv0"].channels == 2


def test_what_is_proven_is_no_gap() -> None:
    node, gain = two_constants()
    graph = Graph("sample", (4, 4), (node, gain))
    meter = Meter()
    run(graph, np.zeros((4, 4, 3), np.uint8), meter.answer)
    found = with_bounds(meter.coverage(), bounds_of(graph, 4, 4))
    assert found["conv0"].states() == {
        "saturated_low": UNREACHABLE, "saturated_high": UNREACHABLE, "ties_down": MET, "ties_up": UNREACHABLE,
        "rounded_beyond": UNREACHABLE, "channels": UNREACHABLE, "weights": UNREACHABLE,
    }  # fmt: skip
    cases = as_record(found)["conv0"]["cases"]
    assert cases["ties_down"] == {"state": "met"}
    assert cases["weights"] == {"state": "unreachable", "reason": "all weights are 0"}
    assert cases["saturated_high"]["reason"] == "the largest rounded sum is 0 (channel 0), the limit 127"
    assert total(found).record() == {"met": 1, "unreachable": 12, "not_met": 0, "percent": 100.0}
    assert summary(found) == ""
    assert unreachable(found).startswith(
        "conv0 saturated low, conv0 saturated high, conv0 ties up, conv0 rounded beyond, "
    )


def test_a_case_met_although_it_is_proven_unreachable_is_an_error() -> None:
    layer = LayerCoverage(8, 2, 0, saturated_low=1, bounds=Bounds({"saturated_low": "never"}))
    with pytest.raises(AssertionError, match="saturated_low"):
        layer.states()


def test_a_percentage_of_100_is_all_of_them() -> None:
    layers = {str(index): LayerCoverage(8, 2, int(index == 0)) for index in range(30_000)}
    assert total(layers).record() == {"met": 29_999, "unreachable": 0, "not_met": 1, "percent": 99.99}


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
    assert summary(found) == "", "without stalls no stream need wait"


def test_every_stream_is_full_and_empty_in_runs_with_stalls() -> None:
    stream = SimpleNamespace(name="conv0", cycles=np.array([3, 4, 5]), stalled=0)
    recording = SimpleNamespace(streams=[stream])
    found = with_streams({"conv0": LayerCoverage(8, 2, 0)}, recording, stalled=True)  # type: ignore[arg-type]
    assert found["conv0"].states() == {"channels": MET, "full": NOT_MET, "empty": NOT_MET}
    assert summary(found) == "conv0 its stream never full, conv0 its stream never empty"


def test_idle_weights_of_two_runs() -> None:
    """A channel that is zero in one run and not in the other has been multiplied; one that is zero in both has not."""
    node = Conv2d(**(conv_values(RNG, "conv0", (3, 2), 3, 1, "none") | {"weight": np.ones((2, 3, 3, 3), int)}))
    found = []
    for channel in (0, 1):
        x = np.zeros((4, 4, 3), np.int64)
        x[..., channel] = 1
        meter = Meter()
        meter.answer(node, x)
        found.append(meter.coverage())
    assert [run["conv0"].idle_weights for run in found] == [36, 36]
    both = merged(found)["conv0"]
    assert (both.weights, both.idle_weights) == (54, 18)
    assert both.states()["weights"] == NOT_MET
    assert "18 of 54 weights multiplied by zeros alone" in both.gaps()
