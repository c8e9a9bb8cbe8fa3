"""Channels that go together: by hand for every kind of layer, and the error of counts that they cannot have."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from hwgen.errors import HwgenError
from hwgen.spec.channel_groups import Group, by_ratio, channel_groups, surviving
from hwgen.spec.model import ModelSpec, load
from hwgen.spec.network import Network

HEAD = "format_version: 1\ndescription: d\nframe: {width: 16, height: 16}\nencoder:\n"
END = "  - {kernel: 3, channels: 4, activation: none, name: latent}\n"


def loaded(folder: Path, encoder: str, pruning: str = "") -> ModelSpec:
    path = folder / "spec.yaml"
    path.write_text(HEAD + encoder + END + (f"pruning: {pruning}\n" if pruning else ""))
    return load(path)


def network(folder: Path, encoder: str) -> Network:
    return loaded(folder, encoder).parent("encoder")


def free(one: Network) -> list[tuple[int, dict[str, int]]]:
    """Number of units and channels of each that are not fixed."""
    return [(len(group.units), dict(group.channels)) for group in channel_groups(one).groups if not group.fixed]


RESIDUAL = (
    "  - {name: stem, kernel: 3, channels: 6}\n"
    "  - {name: inner, kernel: 3, channels: 5}\n"
    "  - {name: outer, kernel: 3, channels: 6}\n"
    "  - {kind: add, inputs: [stem, outer]}\n"
)
CONCATENATED = (
    "  - {name: left, kernel: 3, channels: 4}\n"
    "  - {name: right, kernel: 3, channels: 2, inputs: [pixels]}\n"
    "  - {kind: concat, inputs: [left, right], name: both}\n"
    "  - {name: wide, kernel: 3, channels: 6}\n"
    "  - {kind: add, inputs: [both, wide]}\n"
)


def test_a_row_has_no_ties(tmp_path: Path) -> None:
    one = network(tmp_path, "  - {kernel: 3, channels: 5, name: a}\n  - {kernel: 3, channels: 6, name: b}\n")
    assert free(one) == [(5, {"a": 1}), (6, {"b": 1})]
    groups = channel_groups(one)
    assert groups.groups[-1] == Group(tuple(range(14, 18)), {"latent": 1}, True)
    assert groups.streams["a"] == tuple(range(3, 8)), "0 to 2 are the pixels"


def test_a_sum_ties_its_inputs(tmp_path: Path) -> None:
    assert free(network(tmp_path, RESIDUAL)) == [(6, {"stem": 1, "outer": 1}), (5, {"inner": 1})]


def test_a_concatenation_ties_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    one = network(tmp_path, CONCATENATED)
    assert free(one) == [(4, {"left": 1, "wide": 1}), (2, {"right": 1, "wide": 1})]
    streams = channel_groups(one).streams
    assert streams["wide"] == streams["left"] + streams["right"]


def test_groups(tmp_path: Path) -> None:
    depthwise = "  - {kernel: 3, channels: 6, name: a}\n  - {kernel: 3, channels: 6, groups: 6, name: b}\n"
    assert free(network(tmp_path, depthwise)) == [(6, {"a": 1, "b": 1})]
    sharing = "  - {kernel: 3, channels: 6, name: a}\n  - {kernel: 3, channels: 3, groups: 3, name: b}\n"
    assert free(network(tmp_path, sharing)) == [(3, {"a": 2, "b": 1})], "an output sees two inputs"
    grouped = "  - {kernel: 3, channels: 6, name: a}\n  - {kernel: 3, channels: 4, groups: 2, name: b}\n"
    one = network(tmp_path, grouped)
    assert free(one) == [(3, {"a": 2}), (2, {"b": 2})]
    a = channel_groups(one).streams["a"]
    assert a[:3] == a[3:] and len(set(a)) == 3, "the same position in both groups"


def test_blocks(tmp_path: Path) -> None:
    deep = "  - {kernel: 3, channels: 8, name: a}\n  - {kind: depth_to_space, factor: 2, name: up}\n"
    one = network(tmp_path, deep)
    assert free(one) == [(2, {"a": 4})]
    streams = channel_groups(one).streams
    assert streams["a"] == (streams["up"][0],) * 4 + (streams["up"][1],) * 4
    wide = "  - {kernel: 3, channels: 3, name: a}\n  - {kind: space_to_depth, factor: 2, name: down}\n"
    one = network(tmp_path, wide)
    assert free(one) == [(3, {"a": 1})]
    streams = channel_groups(one).streams
    assert streams["down"] == tuple(unit for unit in streams["a"] for _ in range(4))


def test_pooling_ties_nothing(tmp_path: Path) -> None:
    one = network(tmp_path, "  - {kernel: 3, channels: 3, name: a}\n  - {kind: max_pool, kernel: 2, name: b}\n")
    assert free(one) == [(3, {"a": 1})]
    assert channel_groups(one).streams["a"] == channel_groups(one).streams["b"]


def test_complex_channels_are_pairs(tmp_path: Path) -> None:
    text = "  - {kernel: 3, channels: 6, name: a}\n  - {kernel: 3, channels: 5, complex: true, name: b}\n"
    assert free(network(tmp_path, text)) == [(3, {"a": 2}), (5, {"b": 2})]


def test_what_meets_the_port_or_the_output_is_fixed(tmp_path: Path) -> None:
    text = (
        "  - {kernel: 3, channels: 3, name: a, activation: none}\n  - {kind: add, inputs: [a, pixels]}\n"
        "  - {kernel: 3, channels: 4, name: b}\n  - {kernel: 3, channels: 4, name: c}\n"
    )
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD + text + END + "  - {kind: add, inputs: [b, latent]}\n")
    one = load(path).parent("encoder")
    assert free(one) == [(4, {"c": 1})]
    assert [dict(group.channels) for group in channel_groups(one).groups if group.fixed] == [
        {"a": 1}, {"b": 1, "latent": 1}
    ]  # fmt: skip


def test_a_ratio_leaves_whole_units(tmp_path: Path) -> None:
    assert by_ratio(network(tmp_path, RESIDUAL), Fraction(1, 2)) == (3, 2, 3, 4)
    assert by_ratio(network(tmp_path, CONCATENATED), Fraction(1, 2)) == (2, 1, 3, 4)
    deep = "  - {kernel: 3, channels: 20}\n  - {kind: depth_to_space, factor: 2}\n"
    assert by_ratio(network(tmp_path, deep), Fraction(2, 5)) == (12, 4)
    assert by_ratio(network(tmp_path, deep), Fraction(99, 100)) == (4, 4), "one unit stays"
    pairs = "  - {kernel: 3, channels: 10}\n  - {kernel: 3, channels: 5, complex: true}\n"
    assert by_ratio(network(tmp_path, pairs), Fraction(1, 2)) == (4, 2, 4)
    assert loaded(tmp_path, RESIDUAL, "{ratio: 0.5}").encoder_channels == (3, 2, 3, 4)


GOOD = [
    (RESIDUAL, "[4, 1, 4, 4]"),
    (CONCATENATED, "[3, 1, 4, 4]"),
    ("  - {kernel: 3, channels: 8}\n  - {kind: depth_to_space, factor: 2}\n", "[4, 4]"),
]


@pytest.mark.parametrize(("encoder", "counts"), GOOD)
def test_counts_that_units_can_have(tmp_path: Path, encoder: str, counts: str) -> None:
    spec = loaded(tmp_path, encoder, f"{{channels: {{encoder: {counts}}}}}")
    assert spec.encoder_channels == tuple(int(text) for text in counts.strip("[]").split(","))


BAD = {
    "a sum": (RESIDUAL, "[4, 5, 3, 4]", "[2]: wanted 4: channels of outer meet those of stem, got 3"),
    "two": (CONCATENATED, "[3, 1, 5, 4]", "[2]: wanted 4: channels of wide meet those of left and right, got 5"),
    "a block": ("  - {name: a, kernel: 3, channels: 8}\n  - {kind: depth_to_space, factor: 2}\n", "[6, 4]",
                "[0]: wanted channels of a in whole units of 4, got 6"),
    "the port": ("  - {name: a, kernel: 3, channels: 3}\n  - {kind: add, inputs: [a, pixels]}\n", "[2, 4]",
                 "[0]: wanted 3: channels of a meet those of the port, got 2"),
    "pairs": ("  - {name: a, kernel: 3, channels: 6}\n  - {kernel: 3, channels: 5, complex: true}\n", "[3, 5, 4]",
              "[0]: wanted channels of a in whole units of 2, got 3"),
    "part of the port": (
        "  - {name: a, kernel: 3, channels: 5}\n"
        "  - {name: b, kernel: 3, channels: 2, inputs: [pixels], activation: relu}\n"
        "  - {kind: concat, inputs: [pixels, b], name: c}\n  - {kind: add, inputs: [a, c]}\n", "[2, 1, 4]",
        "[0]: wanted 3 to 5 channels of a, got 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_counts_that_units_cannot_have(tmp_path: Path, case: str) -> None:
    encoder, counts, message = BAD[case]
    with pytest.raises(HwgenError) as caught:
        loaded(tmp_path, encoder, f"{{channels: {{encoder: {counts}}}}}")
    assert str(caught.value).split("pruning.channels.encoder")[1] == message


def test_counts_that_leave_it_open(tmp_path: Path) -> None:
    """No layers are known that meet so; if there are, no order of channels is invented for them."""
    one = network(tmp_path, "".join(f"  - {{kernel: 3, channels: 2, name: {name}}}\n" for name in "abc"))
    groups = [Group((1,), {"a": 1, "b": 1}, False), Group((2,), {"b": 1, "c": 1}, False),
              Group((3,), {"a": 1, "c": 1}, False), Group((4,), {"latent": 1}, False)]  # fmt: skip
    with pytest.raises(PydanticCustomError) as caught:
        surviving(groups, one, (1, 1, 1, 1))
    assert caught.value.context is not None
    assert caught.value.context["wanted"] == "channels that meet those of other layers in fewer ways"
    assert caught.value.context["key"] == ("pruning", "channels", "encoder", 0)
