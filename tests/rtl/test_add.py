# amaranth: UnusedElaboratable=no
"""Add against hwgen.numerics.integer.requantise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import PortsRun, pack_beats, run_ports, unpack_beats

from hwgen.numerics.integer import bounds, requantise
from hwgen.rtl.add import Add, AddConfig

NARROW = [signed(1), unsigned(1), signed(4), unsigned(4)]


def check(config: AddConfig, a: np.ndarray, b: np.ndarray, **run: float) -> PortsRun:
    """a, b : (pixels, channels)."""
    beats = [pack_beats(x, config.lanes, shape.width) for x, shape in zip((a, b), config.inputs, strict=True)]
    done = run_ports(Add(config), beats, [len(beats[0])], **run)
    output = config.output
    found = unpack_beats(done.outputs[0], a.shape[1], config.lanes, output.width, output.signed)
    assert found == requantise(a + b, config.shift, output.width, output.signed).reshape(-1).tolist()
    return done


def draw(random: np.random.Generator, shape: Shape, size: tuple[int, int]) -> np.ndarray:
    low, high = bounds(shape.width, shape.signed)
    return random.integers(low, high + 1, size)


@pytest.mark.parametrize(("a", "b", "shift", "output", "result"), [
    (5, -3, 0, signed(8), 2),
    (100, 100, 0, signed(8), 127),
    (-100, -100, 0, signed(8), -128),
    (1, 0, 1, signed(8), 0),  # 0.5: tie to even
    (2, 1, 1, signed(8), 2),  # 1.5
    (4, 1, 1, signed(8), 2),  # 2.5: half up would say 3
    (-2, -1, 1, signed(8), -2),
    (-100, 20, 0, unsigned(8), 0),  # ReLU
    (127, 127, 0, unsigned(7), 127),
    (127, 127, 9, signed(8), 0),
])  # fmt: skip
def test_table(a: int, b: int, shift: int, output: Shape, result: int) -> None:
    config = AddConfig((signed(8), signed(8)), shift, output)
    run = run_ports(Add(config), [[a & 255], [b & 255]], [1])
    assert unpack_beats(run.outputs[0], 1, 1, output.width, output.signed) == [result]


@pytest.mark.parametrize("a", NARROW)
@pytest.mark.parametrize("b", NARROW)
@pytest.mark.parametrize(("shift", "output"), [(0, signed(1)), (1, unsigned(3)), (2, signed(8)), (0, unsigned(8))])
def test_every_pair(a: Shape, b: Shape, shift: int, output: Shape) -> None:
    pairs = itertools.product(*(range(low, high + 1) for low, high in (bounds(x.width, x.signed) for x in (a, b))))
    x, y = np.array(list(pairs)).T
    check(AddConfig((a, b), shift, output), x[:, None], y[:, None])


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_random(lanes: int) -> None:
    random = np.random.default_rng(lanes)
    for seed in range(8):
        a, b, output = (Shape(int(random.integers(2, 9)), bool(random.integers(0, 2))) for _ in range(3))
        size = 12, int(random.integers(1, 9))
        config = AddConfig((a, b), int(random.integers(0, 6)), output, lanes)
        check(config, draw(random, a, size), draw(random, b, size), seed=seed, idle=0.2, stall=0.2)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("depth", [1, 6])
def test_idle_and_stall(depth: int, idle: float, stall: float) -> None:
    config = AddConfig((signed(8), unsigned(8)), 1, signed(8), 2, depth)
    a, b = (draw(np.random.default_rng(5), shape, (20, 3)) for shape in config.inputs)
    check(config, a, b, idle=idle, stall=stall, seed=8, probe=True)


def test_latency_and_interval() -> None:
    config = AddConfig((signed(8), signed(8)), 1, signed(8))
    assert config.latency == 5 and config.depth == config.default_depth
    run = check(config, *np.random.default_rng(2).integers(-128, 128, (2, 60, 1)))
    assert run.input_cycles == [list(range(60))] * 2
    assert run.output_cycles == [[cycle + 5 for cycle in range(60)]]


@pytest.mark.parametrize("depth", range(1, 8))
def test_depth(depth: int) -> None:
    """taken(k) = max(taken(k - 1), left(k - depth)) + 1."""
    config = AddConfig((signed(8), signed(8)), 1, signed(8), depth=depth)
    run = check(config, *np.random.default_rng(2).integers(-128, 128, (2, 40, 1)))
    lag = max(depth, config.default_depth)
    assert run.input_cycles == [[lag * (n // depth) + n % depth if depth < 6 else n for n in range(40)]] * 2


@pytest.mark.parametrize(("given", "message"), [
    ({"inputs": (signed(8),)}, "inputs: wanted 2, got 1"),
    ({"shift": -1}, "shift: wanted at least 0, got -1"),
    ({"lanes": 0}, "lanes: wanted at least 1, got 0"),
    ({"depth": 0}, "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        AddConfig(**{"inputs": (signed(8), signed(8)), "shift": 0, "output": signed(8)} | given)
