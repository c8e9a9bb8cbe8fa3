"""Bounds of nodes against all inputs there are: what some input does must be among what is called reachable."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from support.graphs import random_dag
from support.ir_samples import conv_values

from hwgen.ir.execute import run
from hwgen.ir.node import Node
from hwgen.ir.nodes import (
    Add,
    Alamouti,
    AveragePool,
    Conv2d,
    ConvTranspose2d,
    DepthToSpace,
    Gain,
    MatrixProduct,
    MaxPool,
    Power,
    Receive,
    Table,
)
from hwgen.ir.reach import Reach, reach
from hwgen.ir.spans import Spans
from hwgen.ir.types import IntType
from hwgen.numerics.integer import round_shift
from hwgen.verify.bounds import bounds_of, layer_bounds
from hwgen.verify.coverage import CASES, MET, UNREACHABLE, with_bounds
from hwgen.verify.meter import Meter

ROUNDING = ("saturated_low", "saturated_high", "ties_down", "ties_up", "rounded_beyond")


def every(type: IntType, *shape: int) -> Sequence[np.ndarray]:
    """All frames of a shape."""
    low, high = type.bounds
    count = int(np.prod(shape))
    return [np.array(values).reshape(shape) for values in itertools.product(range(low, high + 1), repeat=count)]


def met_by(chain: Sequence[Node], frames: Sequence[np.ndarray]) -> dict[str, dict[str, bool]]:
    """Which cases some frame meets, of every node of a chain."""
    meter = Meter()
    for frame in frames:
        for node in chain:
            frame = meter.answer(node, frame)
    return {
        name: {key: state == MET for key, state in layer.states().items()} for name, layer in meter.coverage().items()
    }


def reached(chain: Sequence[Node], first: Spans, values: int) -> dict[str, Reach]:
    found = {}
    for node in chain:
        found[node.name] = reach(node, first, values=values)
        first = found[node.name].out
    return found


def check_sound(chain: Sequence[Node], frames: Sequence[np.ndarray], type: IntType) -> dict[str, tuple[set, set]]:
    """Nothing that a frame does is called unreachable. Gives what is called so, and what no frame does, by node."""
    height, width, channels = frames[0].shape
    found = reached(chain, Spans.of(type, channels), frames[0].size)
    met, both = met_by(chain, frames), {}
    sizes = {}
    outs: dict[str, list[np.ndarray]] = {}
    for frame in frames:
        for node in chain:
            sizes[node.name] = frame.shape[:2]
            frame = node.execute(frame)
            outs.setdefault(node.name, []).append(frame.reshape(-1, frame.shape[-1]))
    for node in chain:
        called = set(layer_bounds(node, found[node.name], sizes[node.name]).unreachable)
        wrong = [key for key in called if met[node.name].get(key)]
        assert not wrong, (node, wrong)
        both[node.name] = called, {key for key, is_met in met[node.name].items() if not is_met}
        spans, values = found[node.name].out, np.concatenate(outs[node.name])
        assert ((values >= spans.low) & (values <= spans.high)).all()
        assert ((values - spans.low) % np.maximum(spans.step, 1) == 0).all()
    return both


def above_zero(type: IntType) -> Conv2d:
    """A layer whose values are all above 0: what it gives and the zeros outside of a frame are apart."""
    values = conv_values(np.random.default_rng(1), "above", (1, 1), 1, 1, "relu", type, -2, 3, 4, (-1, -1))
    one = np.ones(1, dtype=np.int64)
    return Conv2d(**values | {"weight": one.reshape(1, 1, 1, 1), "bias": (1 - type.bounds[0]) * one})


def convolution(
    rng: np.random.Generator, name: str, channels: tuple[int, int], input: IntType, **window: int
) -> Conv2d:
    """Of any activation, with shifts that let some of its cases be reached and others not."""
    activation = str(rng.choice(["none", "relu", "prelu", "clip"]))
    bits = int(rng.integers(3, 6))
    plain = "relu" if activation == "clip" else activation
    values = conv_values(rng, name, channels, 1, 1, plain, input, -2, 3, bits, (-1, 4))
    values["bias"] = rng.integers(-12, 13, channels[1])
    values |= {"activation": activation, "ceiling": int(rng.integers(1, 2**bits)) if activation == "clip" else 0}
    shape = channels[1], channels[0], window.get("kernel", 1), window.get("kernel", 1)
    scale = int(rng.choice([1, 2]))  # even weights alone leave out every second sum
    weight = rng.integers(-1, 2, shape) * scale
    return Conv2d(**values | window | {"weight": weight, "accumulator_bits": 20, "padding": window.get("padding", 0)})


@pytest.mark.parametrize("seed", range(30))
def test_two_layers_of_all_values(seed: int) -> None:
    """Patches of 2x2 values of 2 bits, or 3 channels of 2 or 3 bits, and a layer of 1x1 behind them."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        type = IntType(2, bool(rng.integers(2)))
        first = convolution(rng, "first", (1, 3), type, kernel=2, stride=2)
        frames = every(type, 2, 2, 1)
    else:
        type = IntType(int(rng.integers(2, 4)), bool(rng.integers(2)))
        first = convolution(rng, "first", (3, 3), type)
        frames = [np.concatenate(every(type, 1, 1, 3), axis=0)]
    second = convolution(rng, "second", (3, 2), first.output)
    called, missed = check_sound([first, second], frames, type)["first"]
    ends = {"saturated_low", "saturated_high", "positive", "negative"}
    assert called & ends == missed & ends, "where inputs are free, the ends are exact"


@pytest.mark.parametrize("seed", range(8))
def test_borders(seed: int) -> None:
    """Kernels of 3x3 over frames of 2x2: every window has values from outside."""
    rng = np.random.default_rng(seed)
    type = IntType(2, bool(rng.integers(2)))
    above = above_zero(type)
    first = convolution(rng, "first", (1, 2), above.output, kernel=3, padding=1, stride=int(rng.integers(1, 3)))
    check_sound([above, first], every(type, 2, 2, 1), type)


@pytest.mark.parametrize(("kernel", "padding", "extra"), [(3, 1, 1), (2, 0, 0), (1, 0, 1), (4, 1, 0)])
def test_phases(kernel: int, padding: int, extra: int) -> None:
    for seed in range(3):
        rng = np.random.default_rng([kernel, seed])
        type = IntType(2, bool(rng.integers(2)))
        above = above_zero(type)
        values = vars(convolution(rng, "up", (1, 2), above.output, kernel=kernel))
        window = {"stride": 2, "padding": padding, "output_padding": extra}
        window |= {"padding_height": padding, "padding_width": padding}
        check_sound([above, ConvTranspose2d(**values | window)], every(type, 2, 2, 1), type)


@pytest.mark.parametrize("shift", [-1, 0, 1, 3, 8])
def test_gain_and_quantiser(shift: int) -> None:
    type = IntType(4, True)
    for factor in (1, 6, 4001, 30_000):
        node = Gain("gain", 1, factor, 16, shift, type)
        called, missed = check_sound([node], [np.arange(-8, 8).reshape(4, 4, 1)], type)["gain"]
        assert called == missed, "one value at a time: exact"
    every_part = np.arange(-32768, 32768).reshape(256, 128, 2)
    node = Receive("received", 2, 6, IntType(6, True), -6, imag_bits=3, imag_left=2)
    called, missed = check_sound([node], [every_part], IntType(16, True))["received"]
    assert called == missed == set()


@pytest.mark.parametrize("kernel", [2, 3])
def test_pooling(kernel: int) -> None:
    type = IntType(2, False)
    if kernel == 2:
        check_sound([AveragePool("p", 1, 2, type, 0, 3, type, 1)], every(type, 2, 2, 1), type)
        check_sound([MaxPool("p", 1, type, 0, 2)], every(type, 2, 2, 1), type)
    else:
        node = AveragePool("p", 1, 3, type, 0, 12, type, 0, stride=1, padding=1, multiplier=455)
        check_sound([node], every(type, 2, 2, 1), type)


def test_sums_and_tables_and_blocks() -> None:
    type = IntType(3, True)
    node = Add("sum", 1, type, type, 0, 1, "relu", IntType(2, False), 1)
    first, second = (array.reshape(8, 8, 1) for array in np.meshgrid(np.arange(-4, 4), np.arange(-4, 4)))
    meter = Meter()
    meter.answer(node, first, second)
    spans = Spans.of(type, 1)
    called = layer_bounds(node, reach(node, spans, spans, values=1), (1, 1)).unreachable
    states = meter.coverage()["sum"].states()
    assert {key for key in ROUNDING if states[key] != MET} == set(called) & set(ROUNDING)
    values = np.random.default_rng(3).integers(0, 8, 8) * 4
    table = Table("table", 1, values, type, 0, IntType(6, False), 0)
    check_sound([table], [np.arange(-4, 4).reshape(2, 4, 1)], type)
    shuffle = DepthToSpace("s", 4, type, 0, 2)
    apart = Spans(np.array([0, 2, 1, 5]), np.array([0, 4, 1, 5]), np.array([0, 2, 0, 0]))
    out = reach(shuffle, apart, values=4).out
    assert (out.low.tolist(), out.high.tolist(), out.step.tolist()) == ([0], [5], [1])


@pytest.mark.parametrize("shape", [(1, 2, 1), (1, 1, 3)])
def test_power(shape: tuple[int, int, int]) -> None:
    """The largest value is that of a frame with one value alone: its bound is met within rounding."""
    type = IntType(3, True)
    for power in (1 << 16, 1 << 20):
        node = Power("power", shape[2], power, type)
        check_sound([node], every(type, *shape), type)
        values = np.prod(shape)
        wide = reach(node, Spans.of(type, shape[2]), values=values).wide[0]
        largest = max(int(node.execute(frame).max()) for frame in every(type, *shape))
        bound = int(round_shift(wide.high, 1).max())
        assert largest == 32767 or largest <= bound <= largest * (1 + 2**-12) + 2


def test_symbols() -> None:
    spans = Spans(np.array([-32768, -5]), np.array([7, 9]), np.array([1, 1]))
    coded = reach(Alamouti("a"), spans, values=4)
    assert coded.out.low.tolist() == [-32768, -9] and coded.out.high.tolist() == [32767, 9]
    called = layer_bounds(Alamouti("a"), coded, (1, 1)).unreachable
    assert set(called) == {"saturated_low", "ties_down", "ties_up", "rounded_beyond"}
    assert called["ties_up"] == "nothing is shifted to the right, so nothing is rounded"
    product = reach(MatrixProduct("m", 2, 2, (False, False)), spans, values=4)
    assert layer_bounds(MatrixProduct("m", 2, 2, (False, False)), product, (1, 1)).unreachable == {}
    zero = Spans(*(np.zeros(2, dtype=np.int64) for _ in range(3)))
    nothing = reach(MatrixProduct("m", 2, 2, (False, False)), zero, values=4)
    assert set(layer_bounds(MatrixProduct("m", 2, 2, (False, False)), nothing, (1, 1)).unreachable) == {
        *ROUNDING, "channels"
    }  # fmt: skip


def test_reasons() -> None:
    values = conv_values(np.random.default_rng(5), "c", (1, 2), 1, 1, "prelu", IntType(2, False), -8, 3, 8, (2, 2))
    values |= {"weight": np.array([2, 3]).reshape(2, 1, 1, 1), "bias": np.array([1, 4]), "slope": np.array([64, 64])}
    node = Conv2d(**values)
    found = layer_bounds(node, reach(node, Spans.of(IntType(2, False), 1), values=1), (1, 1))
    assert found.unreachable == {
        "saturated_low": "the smallest rounded sum is 0 (channel 0), the limit -128",
        "saturated_high": "the largest rounded sum is 3 (channel 1), the limit 127",
        "ties_up": "no sum that occurs lies half-way above an odd integer of the output",
        "rounded_beyond": "no sum that occurs is rounded from below the integer above the largest one",
        "negative": "the smallest accumulator is 1, not below 0",
    }


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_graphs_with_branches(side: str) -> None:
    """Every kind of node has bounds, and whatever frames meet in whole graphs lies within."""
    claims = 0
    for seed in range(8):
        graph = random_dag(np.random.default_rng(seed), side)
        width, height = graph.frame
        bounds = bounds_of(graph, width, height)
        meter, rng = Meter(), np.random.default_rng(seed)
        for _ in range(4):
            if side == "tx":
                frame = rng.integers(0, 256, (height, width, graph.input_channels)).astype(np.uint8)
            else:
                frame = rng.integers(0, 1 << 32, graph.symbols(width, height)).astype(np.uint32)
            run(graph, frame, meter.answer)
        for layer in with_bounds(meter.coverage(), bounds).values():
            claims += sum(state == UNREACHABLE for state in layer.states().values())
    assert claims > 8, "some cases of these graphs are proven unreachable"
    assert set(CASES) > set(ROUNDING)
