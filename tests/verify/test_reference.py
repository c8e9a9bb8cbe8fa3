"""Stimuli and expectations of verify: golden model and integer graph agree on both sides of every channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwgen.images import load_images
from hwgen.numerics.words import pack_coefficients, pack_pixels, unpack_pixels, unpack_symbols
from hwgen.radio import channel as channels
from hwgen.spec import model as specs
from hwgen.verify import reference as verify_reference
from hwgen.verify.reference import Setting, received_psnr, reference

SPEC = """
format_version: 1
description: complex layers at both ends, and a transposed one
frame: {{width: 16, height: 8}}
encoder:
  - {{kernel: 3, stride: 2, channels: 6}}
  - {{kernel: 3, channels: 4, activation: none, complex: true, imag_weight_bits: 6, imag_activation_bits: 6}}
decoder:
  - {{kernel: 3, channels: 3, complex: true, imag_weight_bits: 6, imag_activation_bits: 6}}
  - {{kernel: 4, stride: 2, channels: 3, activation: {end}}}
channel: {{kind: {channel}, snr_db: [0, 20]}}
gain: {{mode: {gain}}}
"""
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 16, 3)).astype(np.uint8)


def setting(tmp_path: Path, side: str, channel: str, gain: str = "static", end: str = "clamp") -> Setting:
    (tmp_path / "spec.yaml").write_text(SPEC.format(channel=channel, gain=gain, end=end))
    return Setting(specs.load(tmp_path), side, 1, None, 10.0, 7)


@pytest.mark.parametrize(
    ("channel", "gain", "end", "words"),
    [
        ("awgn", "static", "clamp", (0, 0)),
        ("awgn", "per_image", "sigmoid", (0, 0)),
        ("rayleigh", "per_image", "clamp", (0, 1)),
        ("mimo2x2", "static", "clamp", (4, 4)),
        ("mimo2x2, scheme: alamouti", "static", "sigmoid", (0, 8)),
        ("ofdm, subcarriers: 32", "static", "clamp", (0, 32)),
    ],
)
def test_golden_and_integer_graph_agree(
    tmp_path: Path, channel: str, gain: str, end: str, words: tuple[int, int]
) -> None:
    for side, coefficients in zip(("tx", "rx"), words, strict=True):
        given = setting(tmp_path, side, channel, gain, end)
        graph = given.graph(side)
        found = reference(given, graph, IMAGES)
        assert found.findings == []
        assert (0 if found.coefficients is None else found.coefficients[0].size) == coefficients
        expected = found.expected()
        assert list(expected) == [node.name for node in graph.nodes] + ["output"]
        symbols = graph.symbols(16, 8)
        assert symbols == (256 if "alamouti" in channel else 128)
        if side == "tx":
            np.testing.assert_array_equal(np.stack(found.words), pack_pixels(IMAGES))
            assert expected["output"].shape == (2, symbols)
        else:
            assert found.words[0].shape == (symbols,)
            assert expected["output"].shape == (2, 128)
            pixels = unpack_pixels(expected["output"].astype(np.uint32), 8, 16)
            assert pixels[1].tolist() == found.outputs[1]["pixels"].tolist()
        for node in graph.nodes:
            rows, columns, count = graph.shapes(16, 8)[node.name]
            wanted = (2, columns) if node is graph.symbol_node else (2, rows, columns, count)
            assert expected[node.name].shape == wanted


def test_what_is_received_is_the_transmitters_through_the_channel(tmp_path: Path) -> None:
    """Every frame has a channel of its own, from the seed; the noise has the power that the SNR asks for."""
    given = setting(tmp_path, "rx", "rayleigh")
    graph = given.graph("rx")
    found = reference(given, graph, IMAGES)
    sent = reference(setting(tmp_path, "tx", "rayleigh", "per_image"), given.sender(), IMAGES)
    assert found.coefficients is not None
    for index in range(2):
        drawn = channels.draw(given.spec.channel, 10.0, 128, 7 + index)
        words = sent.outputs[index]["symbols"]
        np.testing.assert_array_equal(found.words[index], drawn.apply(words))
        assert drawn.rx_coefficients is not None
        np.testing.assert_array_equal(found.coefficients[index], pack_coefficients(drawn.rx_coefficients[None])[0])
        noise = channels.symbols(found.words[index]) - drawn.h * channels.symbols(words)
        assert np.mean(np.abs(noise) ** 2) == pytest.approx(0.1, rel=0.5)
        assert unpack_symbols(found.words[index]).shape == (128, 2)
    assert found.coefficients[0].tolist() != found.coefficients[1].tolist()


def test_a_differing_layer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = verify_reference.run

    def wrong(*arguments: object) -> dict[str, np.ndarray]:
        values = dict(true(*arguments))  # type: ignore[arg-type]
        values["equaliser"] = values["equaliser"] + np.array([0, 1])
        return values

    monkeypatch.setattr(verify_reference, "run", wrong)
    given = setting(tmp_path, "rx", "rayleigh")
    findings = reference(given, given.graph("rx"), IMAGES).findings
    assert [(finding.kind, finding.stream, finding.frame) for finding in findings] == [
        ("model", "equaliser", 0), ("model", "equaliser", 1)
    ]  # fmt: skip
    assert "frame 0, pixel (x 0, y 0), channel 1: expected" in findings[0].message


def test_the_received_images_quality_is_the_same_from_both_sides() -> None:
    spec = specs.load("tiny")
    images = load_images(None, 2, spec.frame.width, spec.frame.height)
    values = []
    for side in ("tx", "rx"):
        given = Setting(spec, side, None, None, 10.0, 1)
        values.append(received_psnr(given, reference(given, given.graph(side), images), images))
    assert values[0] is not None and values[0] > 15
    assert values[0] == values[1]
    random = Setting(spec, "rx", 1, None, 10.0, 1)
    assert received_psnr(random, reference(random, random.graph("rx"), images), images) is None
