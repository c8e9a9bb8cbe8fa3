"""Graphs with profiles: slices that are ordinary graphs, files of version 3, bounds over all profiles, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.ir_samples import sample_graph
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Convolution, Gain, Receive
from hwgen.ir.nodes.convolution import accumulator_bits
from hwgen.ir.serialize import format_version, load, save
from hwgen.ir.types import IntType

PROFILES, LIMITS = 3, (4.0, 12.5)


def profiled() -> Graph:
    """Biases and slopes of the first layer, biases of the second, factors of the gain."""
    random, graph = np.random.default_rng(5), sample_graph()
    first, second, third = graph.convolutions
    biases = random.integers(-3000, 3001, (PROFILES, first.out_channels))
    needed = max(accumulator_bits(first.weight, biases, first.input), first.accumulator_bits)
    first = replace(first, bias=biases, slope=random.integers(-128, 128, biases.shape), accumulator_bits=needed)
    biases = random.integers(-3000, 3001, (PROFILES, second.out_channels))
    needed = max(accumulator_bits(second.weight, biases, second.input), second.accumulator_bits)
    second = replace(second, bias=biases, accumulator_bits=needed)
    gain = Gain("gain", 3, random.integers(1, 1 << 16, (PROFILES, 3)), 16, 7, third.output)
    return replace(graph, nodes=(first, second, third, gain), profiles=PROFILES, profile_limits=LIMITS)


def test_a_slice_is_an_ordinary_graph() -> None:
    graph = profiled()
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    seen = []
    for profile in range(PROFILES):
        own = graph.at_profile(profile)
        assert (own.profiles, own.profile_limits, own.profile) == (1, (), profile)
        for whole, node in zip(graph.nodes, own.nodes, strict=True):
            assert node.profiles == 1 and node.name == whole.name and own.edges[node.name] == graph.edges[node.name]
            if isinstance(node, Convolution) and isinstance(whole, Convolution):
                assert np.array_equal(node.bias, whole.bias[profile] if whole.bias.ndim == 2 else whole.bias)
                assert node.weight is whole.weight or np.array_equal(node.weight, whole.weight)
        outputs = execute(own, pixels)
        factor = graph.nodes[-1].factor[profile]  # type: ignore[attr-defined]
        x = outputs["conv2"]
        wanted = [naive_requantise(int(v) * int(factor[n % 3]), 7, -32768, 32767) for n, v in enumerate(x.flat)]
        assert outputs["gain"].reshape(-1).tolist() == wanted
        seen.append(outputs["symbols"].tobytes())
    assert len(set(seen)) == PROFILES
    assert graph.at_profile(1).at_profile(0).profile == 1
    with pytest.raises(HwgenError, match=r"graph: wanted one profile \(Graph.at_profile\), got 3 profiles"):
        execute(graph, pixels)
    with pytest.raises(HwgenError, match=r"profile: wanted an integer 0..2, got 3"):
        graph.at_profile(3)


def test_snrs_choose() -> None:
    graph = profiled()
    assert [graph.profile_of(snr) for snr in (-20, 3.9, 4, 12.4, 12.5, 60)] == [0, 0, 1, 1, 2, 2]
    assert sample_graph().profile_of(7) == 0


def test_files_of_version_3(tmp_path: Path) -> None:
    graph = profiled()
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
    save(graph, tmp_path / "a")
    content = json.loads((tmp_path / "a" / "graph.json").read_text())
    assert (content["format_version"], content["profiles"], content["profile_limits"]) == (3, 3, [4.0, 12.5])
    assert "factor" not in content["nodes"][-1] and all("inputs" in node for node in content["nodes"])
    loaded = load(tmp_path / "a")
    save(loaded, tmp_path / "b")
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    for profile in range(PROFILES):
        wanted = execute(graph.at_profile(profile), pixels)["symbols"]
        assert np.array_equal(execute(loaded.at_profile(profile), pixels)["symbols"], wanted)
    own = graph.at_profile(1)  # its gain has a factor of every channel
    save(own, tmp_path / "b")
    assert np.array_equal(execute(load(tmp_path / "b"), pixels)["symbols"], execute(own, pixels)["symbols"])
    assert format_version(own) == 3 and format_version(sample_graph()) == 1


@pytest.mark.parametrize(("edit", "message"), [
    ({"profile_limits": [4.0]}, "profile_limits: wanted 2 SNRs, one fewer than profiles, got 1"),
    ({"profile_limits": [12.5, 4.0]}, r"profile_limits: wanted SNRs that ascend, got \[12.5, 4.0\]"),
    ({"profile_limits": "4"}, "profile_limits: wanted SNRs in dB, got '4'"),
    ({"profile_limits": [4, True]}, r"profile_limits: wanted SNRs in dB, got \[4, True\]"),
    ({"profiles": 9}, "profiles: wanted an integer 1..8, got 9"),
    ({"profiles": 2, "profile_limits": [4]}, "conv0: wanted numbers of 2 profiles, got 3"),
    ({"format_version": 2}, "profile_limits: wanted no such key, got it"),
])  # fmt: skip
def test_damaged_files(tmp_path: Path, edit: dict[str, Any], message: str) -> None:
    save(profiled(), tmp_path)
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    with pytest.raises(HwgenError, match=message):
        load(tmp_path)


def test_the_accumulator_holds_every_profile() -> None:
    first = sample_graph().convolutions[0]
    biases = np.array([first.bias, first.bias * 0 + (1 << 30)])
    with pytest.raises(HwgenError, match=r"conv0.accumulator_bits: wanted at least 32, got"):
        replace(first, bias=biases)
    assert replace(first, bias=biases, accumulator_bits=32).profiles == 2


def test_refuses() -> None:
    graph, first = profiled(), profiled().convolutions[0]
    with pytest.raises(HwgenError, match="conv0.slope: wanted 3 profiles, as biases, got 2"):
        replace(first, slope=first.slope[:2])  # type: ignore[index]
    with pytest.raises(HwgenError, match="conv0.bias: wanted at most 8 profiles, got 9"):
        replace(first, bias=np.zeros((9, first.out_channels), dtype=np.int64))
    with pytest.raises(HwgenError, match=r"conv0.bias: wanted shape \(2, 5\), got \(2, 4\)"):
        replace(first, bias=np.zeros((2, 4), dtype=np.int64))
    with pytest.raises(HwgenError, match="profiles: wanted nodes with numbers of every profile, got none"):
        replace(sample_graph(), profiles=2, profile_limits=(4,))
    with pytest.raises(HwgenError, match="conv0: wanted numbers of 1 profiles, got 3"):
        replace(graph, profiles=1, profile_limits=())


@pytest.mark.parametrize("given", [np.array([[3], [5]]), np.array([3, 5])])
def test_one_factor_of_a_profile(given: np.ndarray) -> None:
    gain = Gain("gain", 4, given, 16, 3, IntType(8, True))
    assert np.array_equal(np.asarray(gain.factor), [[3] * 4, [5] * 4]) and gain.profiles == 2
    with pytest.raises(HwgenError, match=r"gain.factor: wanted one profile \(at_profile\), got 2"):
        gain.execute(np.zeros((1, 1, 4), dtype=np.int64))


@pytest.mark.parametrize(("factor", "message"), [
    (np.array([[1, 2, 3]]), r"gain.factor: wanted shape \(profiles, 4\), \(profiles, 1\) or \(profiles,\), got \(1"),
    (np.zeros((2, 4), dtype=np.int64), "gain.factor: wanted values 1..65535, got 0..0"),
    (np.ones((9, 4), dtype=np.int64), "gain.factor: wanted 1 to 8 profiles, got 9"),
    (np.ones((2, 4)), "gain.factor: wanted integers, got float64"),
])  # fmt: skip
def test_gain_refuses(factor: np.ndarray, message: str) -> None:
    with pytest.raises(HwgenError, match=message):
        Gain("gain", 4, factor, 16, 3, IntType(8, True))


def test_received_values_have_factors() -> None:
    factor = np.array([[4096, 2048, 9000], [1, 65535, 5000]])
    node = Receive("r", 3, 5, IntType(8, True), -7, factor=factor, factor_fraction=12)
    x = np.random.default_rng(0).integers(-9000, 9000, (4, 5, 3))
    for profile in range(2):
        wanted = [naive_requantise(v * int(factor[profile, n % 3]), 17, -128, 127) for n, v in enumerate(x.flat)]
        assert node.at_profile(profile).execute(x).reshape(-1).tolist() == wanted
    for changes, message in (
        ({"factor_fraction": 17}, "r.factor_fraction: wanted an integer 0..16, got 17"),
        ({"factor": None}, "r.factor_fraction: wanted 0 without factors, got 12"),
        ({"imag_bits": 6, "imag_left": 2}, "r.factor: wanted none beside imaginary parts of fewer bits, got factors"),
    ):
        with pytest.raises(HwgenError, match=message):
            replace(node, **changes)
