"""Groups of streams with one exponent, and bounds between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.assembly.exponents import Bound, bounds, groups, settled
from hwgen.errors import HwgenError
from hwgen.spec.model import load

TEXT = """\
format_version: 1
description: d
frame: {width: 16, height: 16}
encoder:
  - {kernel: 3, channels: 4, activation: relu, name: a}
  - {kernel: 3, channels: 4, activation: relu, name: b}
  - {kind: max_pool, kernel: 2, name: pooled}
  - {kernel: 3, channels: 4, activation: relu, stride: 2, inputs: [a], name: c}
  - {kind: concat, inputs: [c, pooled], name: both}
  - {kind: add, inputs: [a, b], name: sum}
  - {kind: average_pool, kernel: 4, name: mean}
  - {kind: space_to_depth, factor: 2, inputs: [both], name: blocks}
  - {kernel: 1, channels: 8, activation: none, name: d}
  - {kernel: 1, channels: 8, activation: none, inputs: [mean], name: e}
  - {kind: add, inputs: [d, e], name: latent}
"""


def test_groups_and_bounds(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(TEXT)
    network = load(path).encoder_network
    assert groups(network) == {
        "pixels": "pixels", "a": "a", "b": "a", "pooled": "a", "c": "a", "both": "a", "sum": "sum", "mean": "mean",
        "blocks": "a", "d": "d", "e": "d", "latent": "latent",
    }  # fmt: skip
    assert bounds(network) == (
        Bound("sum", "sum", "a", 0), Bound("mean", "mean", "sum", 4), Bound("latent", "latent", "d", 0)
    )  # fmt: skip


def test_an_average_of_no_power_of_two_keeps_its_exponent(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    text = TEXT.replace("average_pool, kernel: 4,", "average_pool, kernel: 3, padding: 1, stride: 2,")
    path.write_text(text.replace("none, inputs: [mean],", "none, stride: 2, inputs: [mean],"))
    network = load(path).encoder_network
    assert groups(network)["mean"] == "sum"
    assert [bound.name for bound in bounds(network)] == ["sum", "latent"]


CHAIN = (Bound("s", "b", "a", 0), Bound("t", "c", "b", 0), Bound("m", "d", "c", 2))


@pytest.mark.parametrize(("wanted", "held", "found"), [
    ({"a": -5, "b": -6, "c": -7, "d": -9}, (), {"a": -5, "b": -5, "c": -5, "d": -7}),
    ({"a": -5, "b": -4, "c": -7, "d": -9}, ("c",), {"a": -7, "b": -7, "c": -7, "d": -9}),
    ({"a": -5, "b": -6, "c": -4, "d": -9}, ("d",), {"a": -7, "b": -7, "c": -7, "d": -9}),
    ({"a": -8, "b": -6, "c": -6}, ("a",), {"a": -8, "b": -6, "c": -6}),
])  # fmt: skip
def test_exponents_settle(wanted: dict[str, int], held: tuple[str, ...], found: dict[str, int]) -> None:
    assert settled(wanted, CHAIN, held, "here") == found


def test_exponents_that_cannot_settle_are_refused() -> None:
    with pytest.raises(HwgenError, match="here: wanted t on an exponent of at least its inputs', -5, got -7"):
        settled({"a": -5, "b": -6, "c": -7}, CHAIN, ("a", "c"), "here")
