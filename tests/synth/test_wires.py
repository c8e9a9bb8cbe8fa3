"""Quantiles of wire delays by fan-out."""

from __future__ import annotations

import pytest

from hwgen.synth.wires import MEDIAN, SLOW, Wires


@pytest.mark.parametrize(("wires", "delays"), [
    (MEDIAN, [0.85, 1.4, 1.8, 3.7]), (SLOW, [1.8, 2.2, 2.6, 9.8]),
])
def test_what_was_measured(wires: Wires, delays: list[float]) -> None:
    assert [wires.delay(fan_out) for fan_out in (1, 16, 256, 1024)] == delays


def test_between_and_beyond_each_doubling_adds_alike() -> None:
    steps = Wires(((1, 1.0), (4, 2.0), (16, 5.0)), ram_to_dsp=9.0)
    assert [steps.delay(fan_out) for fan_out in (1, 2, 4, 8, 16, 32, 64)] == [1.0, 1.5, 2.0, 3.5, 5.0, 6.5, 8.0]


def test_a_block_ram_is_far_from_a_dsp() -> None:
    assert [MEDIAN.delay(1, ram_to_dsp=True), SLOW.delay(1, ram_to_dsp=True)] == [1.85, 3.2]
    assert SLOW.delay(1024, ram_to_dsp=True) == SLOW.delay(1024)


def test_slow_is_slower() -> None:
    assert all(SLOW.delay(fan_out) > MEDIAN.delay(fan_out) for fan_out in range(1, 5000))
