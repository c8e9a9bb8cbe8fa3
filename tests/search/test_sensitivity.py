"""Sensitivity: what is probed, kept and made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from support.train_samples import specification

from hwgen.search.rebase import plain
from hwgen.search.sensitivity import beginnings, least, narrowed, probes, sensitivity
from hwgen.search.space import Space, space


def bits_alone(folder: Path) -> Space:
    spec = specification(folder, "ratio: 0")
    return space(spec, plain(spec), least_channels=0.5)


def test_each_is_probed_alone_and_once(tmp_path: Path) -> None:
    some = bits_alone(tmp_path)
    asked: list[Mapping[str, int]] = []

    def psnr(choice: Mapping[str, int]) -> float:
        asked.append(choice)
        return 30.0 - sum(8 - bits for name, bits in choice.items() if name.endswith("bits")) ** 2

    file = tmp_path / "sensitivity.json"
    whole, losses = sensitivity(some, psnr, file)
    assert whole == 30.0 and losses["encoder.0.weight_bits"] == {6: 4.0, 4: 16.0, 3: 25.0, 2: 36.0}
    assert losses["encoder.0.channels"] == {5: 0.0}
    assert all(sum(a != b for a, b in zip(one.values(), some.whole.values(), strict=True)) <= 1 for one in asked)
    assert len(asked) == 1 + len(list(probes(some)))
    assert sensitivity(some, psnr, file) == (whole, losses) and len(asked) == 1 + len(list(probes(some)))


def test_bits_that_lose_too_much_are_left_out(tmp_path: Path) -> None:
    some = bits_alone(tmp_path)
    losses = {"encoder.0.weight_bits": {6: 0.0, 4: 0.2, 3: 9.0, 2: 0.1}, "decoder.0.weight_bits": {6: 8.0}}
    assert least(some, losses, 0.1)["encoder.0.weight_bits"] == 6
    assert least(some, losses, 0.3)["encoder.0.weight_bits"] == 4, "behind one that loses too much nothing counts"
    found = {one.name: one.low for one in narrowed(some, losses).parameters}
    assert (found["encoder.0.weight_bits"], found["decoder.0.weight_bits"]) == (4, 8)
    assert found["encoder.0.channels"] == 5


def test_beginnings_are_within_the_space_and_differ(tmp_path: Path) -> None:
    some = bits_alone(tmp_path)
    losses = {one.name: {6: 0.05, 4: 0.2, 3: 2.0} for one in some.of_kind("weight_bits")}
    points = list(beginnings(some, losses))
    assert points[0] == some.whole and len({tuple(point.items()) for point in points}) == len(points) == 6
    for point in points:
        assert all(one.low <= point[one.name] <= one.high for one in some.parameters)
    assert {points[1]["encoder.0.weight_bits"], points[2]["encoder.0.weight_bits"]} == {6, 4}
