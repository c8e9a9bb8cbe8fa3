"""Receivers: Brevitas = interpreter, exactly, at every layer; what is no convolution against plain Python integers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.naive import naive_requantise
from support.quantised_samples import sample_checkpoint, sample_images, sample_spec

from hwgen.errors import HwgenError
from hwgen.export import export
from hwgen.ir import serialize
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import ComplexConv2d, ConvTranspose2d, Receive, Table
from hwgen.ir.nodes.table import sigmoid_values
from hwgen.ir.types import IntType
from hwgen.model import channel_of, graph_folder, load_graph
from hwgen.radio.channel import draw
from hwgen.random_init import random_graph
from hwgen.reference.golden import golden
from hwgen.spec.model import DecoderLayer, ModelSpec, Pruning, available, load as load_spec

TRAINED = [name for name in available() if (graph_folder(load_spec(name), "rx") / "graph.json").is_file()]


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        assert np.array_equal(found[name], array), name


def noise(graph: Graph, size: tuple[int, int], seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 2**32, graph.symbols(*size), dtype=np.uint32)


@pytest.mark.parametrize("name", TRAINED)
def test_shipped_receiver_is_the_export_of_its_checkpoint(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    graph = export(spec, spec.checkpoint_path, "rx")
    serialize.save(graph, tmp_path)
    for file in ("graph.json", "weights.npz"):
        assert (tmp_path / file).read_bytes() == (graph_folder(spec, "rx") / file).read_bytes()


@pytest.mark.parametrize("name", TRAINED)
def test_trained_network_behind_its_own_channel(name: str) -> None:
    """The checkpoint in Brevitas against the shipped graph in NumPy, on what a real transmitter sent."""
    spec, size = load_spec(name), (128, 64)
    ends = load_graph(spec), load_graph(spec, side="rx")
    ramp = np.add.outer(np.arange(64), np.arange(128))[..., None] * np.array([1, 2, 3])
    channel = draw(channel_of(spec), 10.0, ends[0].symbols(*size), 3)
    for profile in range(ends[0].profiles):
        tx, rx = (end.at_profile(profile) for end in ends)
        sent = golden(spec, tx, ramp.astype(np.uint8), spec.checkpoint_path, channel.tx_coefficients)["symbols"]
        words = channel.apply(sent.astype(np.uint32))
        wanted = execute(rx, words, channel.rx_coefficients, size)
        same(golden(spec, rx, words, spec.checkpoint_path, channel.rx_coefficients, size), wanted)
        same(golden(spec, rx, words, None, channel.rx_coefficients, size), wanted)
        assert wanted["pixels"].std() > 10


def test_a_network_of_every_kind_of_layer(tmp_path: Path) -> None:
    spec, size = sample_spec(tmp_path), (64, 48)
    sample_checkpoint(spec, spec.checkpoint_path)
    graph = export(spec, spec.checkpoint_path, "rx")
    words = noise(graph, size, 1)
    same(golden(spec, graph, words, spec.checkpoint_path, None, size), execute(graph, words, size=size))


COMPLEX = {
    "encoder": [
        {"kernel": 5, "stride": 2, "channels": 6, "activation": "prelu"},
        {"kernel": 3, "channels": 4, "complex": True, "imag_weight_bits": 6, "imag_activation_bits": 6},
        {"kernel": 1, "channels": 3, "complex": True, "activation": "none", "weight_bits": 7, "imag_weight_bits": 5,
         "activation_bits": 8, "imag_activation_bits": 6},
    ],
    "decoder": [
        {"kernel": 3, "channels": 5, "complex": True, "imag_weight_bits": 6, "imag_activation_bits": 5},
        {"kernel": 4, "stride": 2, "channels": 4, "activation": "prelu"},
        {"kernel": 3, "channels": 3, "activation": "sigmoid"},
    ],
    "gain": {"mode": "per_image"},
}  # fmt: skip
"""Complex layers whose parts have bits of their own, an even kernel, a sigmoid, power per image."""


def test_a_complex_network(tmp_path: Path) -> None:
    spec, size = sample_spec(tmp_path, **COMPLEX), (32, 24)
    network = sample_checkpoint(spec, spec.checkpoint_path)
    tx, rx = (export(spec, spec.checkpoint_path, side) for side in ("tx", "rx"))
    assert [node.coarse is not None for node in tx.convolutions] == [False, True, True]
    assert rx.convolutions[0].coarse is not None and rx.convolutions[1].coarse is None
    pixels = (sample_images(1, seed=3)[0] * 256).byte().permute(1, 2, 0).numpy()
    sent = execute(tx, pixels)
    same(golden(spec, tx, pixels, spec.checkpoint_path), sent)
    same(golden(spec, tx, pixels), sent)
    words = sent["symbols"].astype(np.uint32)
    found = execute(rx, words, size=size)
    same(golden(spec, rx, words, spec.checkpoint_path, None, size), found)
    same(golden(spec, rx, words, size=size), found)
    assert found["pixels"].std() > 3
    with torch.no_grad():  # what training evaluates
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 256
        evaluated = network.double().decode(network.transmit(image))[0].permute(1, 2, 0) * 256
    assert np.array_equal(evaluated.numpy(), found["pixels"])
    for graph in (tx, rx):
        serialize.save(graph, tmp_path)
        again = serialize.load(tmp_path)
        assert [type(node) for node in again.nodes] == [type(node) for node in graph.nodes]


def drawn_spec(folder: Path, seed: int) -> ModelSpec:
    """An encoder that halves the size `strides` times, a decoder that doubles it as often; complex layers anywhere."""
    rng = random.Random(seed)
    strides, end = rng.randint(0, 2), rng.choice(["clamp", "sigmoid"])
    first_complex, latent = rng.random() < 0.5, 2 * rng.randint(1, 4)
    lines = [f"  - {{kernel: 3, stride: {2 if i < strides else 1}, channels: 4}}" for i in range(3)]
    lines += [f"  - {{kernel: 1, channels: {latent}, activation: none}}"]
    decoder = []
    if first_complex:
        bits = rng.choice([(8, 6), (8, 4), (6, 6), (5, 2)])
        decoder += [
            f"  - {{complex: true, kernel: {rng.choice([1, 3])}, channels: {rng.randint(1, 4)}, activation: prelu,"
            f" weight_bits: {bits[0]}, imag_weight_bits: {bits[1]}, activation_bits: {bits[0]},"
            f" imag_activation_bits: {bits[1]}}}"
        ]
    for _ in range(strides):
        decoder += [
            f"  - {{kernel: {rng.randint(1, 7)}, stride: 2, channels: {rng.randint(1, 9)},"
            f" activation: {rng.choice(['none', 'relu', 'prelu'])}, weight_bits: {rng.choice([2, 4, 8])}}}"
        ]
    decoder += [f"  - {{kernel: {rng.choice([1, 3, 5])}, channels: 3, activation: {end}}}"]
    text = (
        'format_version: 1\ndescription: "drawn"\nframe: {width: 32, height: 16}\nencoder:\n'
        + "\n".join(lines)
        + "\ndecoder:\n"
        + "\n".join(decoder)
        + "\nchannel: {kind: awgn, snr_db: [0, 20], power: 1.0}\ndata: {license: none, source: random}\n"
    )
    (folder / "spec.yaml").write_text(text)
    return load_spec(folder)


@pytest.mark.parametrize("seed", range(24))
def test_random_receivers(tmp_path: Path, seed: int) -> None:
    spec = drawn_spec(tmp_path, seed)
    graph = random_graph(spec, seed, "rx")
    words = noise(graph, (32, 16), seed)
    same(golden(spec, graph, words), execute(graph, words))
    serialize.save(graph, tmp_path)
    again = serialize.load(tmp_path)
    assert serialize.weights_bytes(again) == serialize.weights_bytes(graph)
    same(execute(again, words), execute(graph, words))


@pytest.mark.parametrize("kind", ["rayleigh", "mimo2x2", "ofdm"])
@pytest.mark.parametrize("side", ["tx", "rx"])
def test_channel_nodes(kind: str, side: str) -> None:
    spec, size = load_spec("tiny"), (64, 32)
    graph = load_graph(spec, 3, side, kind)
    rng, node = np.random.default_rng(4), graph.symbol_node
    coefficients = None
    if graph.coefficient_words:
        coefficients = rng.integers(-32768, 32768, (node.tables, node.rows, node.columns, 2))  # type: ignore[union-attr]
    if side == "tx":
        pixels = rng.integers(0, 256, (32, 64, 3), dtype=np.uint8)
        same(golden(spec, graph, pixels, None, coefficients), execute(graph, pixels, coefficients))
    else:
        words = noise(graph, size, 5)
        same(golden(spec, graph, words, None, coefficients, size), execute(graph, words, coefficients, size))


@pytest.mark.parametrize(("kernel", "stride"), [(k, s) for k in range(1, 8) for s in (1, 2)])
def test_transposed_equals_naive_loops(kernel: int, stride: int) -> None:
    """Every product of an input and a tap goes to one output: the definition turned round."""
    rng = np.random.default_rng([kernel, stride])
    for padding in range(kernel):
        output_padding = int(rng.integers(0, stride))
        rows, columns = 7, 8
        weight, bias = rng.integers(-7, 8, (2, 3, kernel, kernel)), rng.integers(-9, 10, 2)
        node = ConvTranspose2d(
            "d", 3, 2, kernel, stride, padding, weight, 4, bias, "none", None, 0, 0, np.zeros(2, int), IntType(8, True),
            IntType(8, True), 0, np.zeros(2, int), 0, 30, output_padding=output_padding,
        )  # fmt: skip
        x = rng.integers(-128, 128, (rows, columns, 3))
        height, width = node.output_size(rows, columns)
        wanted = [[bias.tolist() for _ in range(width)] for _ in range(height)]
        products = 0
        for y in range(rows):
            for x0 in range(columns):
                for i in range(kernel):
                    for j in range(kernel):
                        to = y * stride - padding + i, x0 * stride - padding + j
                        if 0 <= to[0] < height and 0 <= to[1] < width:
                            products += 6
                            for o in range(2):
                                total = sum(int(weight[o, c, i, j]) * int(x[y, x0, c]) for c in range(3))
                                wanted[to[0]][to[1]][o] += total
        assert node.accumulate(x).tolist() == wanted
        assert node.macs((rows, columns, node.in_channels)) >= products, "those on the padding are counted too"
        taps = [(y + padding) // stride for y in range(height)]
        assert max(taps) < rows + kernel


def test_complex_convolution_equals_complex_numbers() -> None:
    layer = DecoderLayer(
        kernel=3, channels=2, complex=True, activation="none", imag_weight_bits=6, imag_activation_bits=6
    )
    last = DecoderLayer(kernel=1, channels=3, activation="clamp")
    changes = {"decoder": (layer, *_doubling(), last), "pruning": Pruning(criterion="none")}
    spec = load_spec("tiny").model_copy(update=changes)
    node = random_graph(spec, 1, "rx").convolutions[0]
    assert isinstance(node, ComplexConv2d)
    rng = np.random.default_rng(0)
    x = rng.integers(-100, 100, (5, 6, node.in_channels))
    z = x[..., 0::2] + 1j * x[..., 1::2]
    w = node.weight_real + 1j * node.weight_imag
    padded = np.pad(z, ((1, 1), (1, 1), (0, 0)))
    found = node.accumulate(x) - node.bias
    for row in range(5):
        for column in range(6):
            window = padded[row : row + 3, column : column + 3].transpose(2, 0, 1)
            sums = (w * window).sum(axis=(1, 2, 3))
            assert found[row, column].tolist() == [int(part) for s in sums for part in (s.real, s.imag)]


def _doubling() -> list[DecoderLayer]:
    """Back to the image's size."""
    return [DecoderLayer(kernel=2, stride=2, channels=2) for _ in range(2)]


def test_receive_equals_plain_integers() -> None:
    node = Receive("r", 2, 6, IntType(8, True), -6, imag_bits=6, imag_left=1)
    x = np.stack([np.arange(-32768, 32768, 3)] * 2, axis=-1).reshape(1, -1, 2)
    found = node.execute(x)[0].tolist()
    for (real, imag), (i, q) in zip(found, x[0].tolist(), strict=True):
        assert real == naive_requantise(i, 6, -128, 127)
        assert imag == 2 * naive_requantise(q, 7, -32, 31)


def test_sigmoid_table() -> None:
    from fractions import Fraction
    from math import exp

    values = sigmoid_values(11, -7)
    node = Table("t", 1, values, IntType(11, True), -7)
    codes = np.arange(-1024, 1024)
    found = node.execute(codes.reshape(1, -1, 1)).reshape(-1).tolist()
    assert found == [min(round(Fraction(256.0 / (1.0 + exp(-c / 128)))), 255) for c in codes.tolist()]
    assert (found[0], found[1024], found[-1]) == (0, 128, 255)


def test_wrong_words_and_coefficients_are_refused() -> None:
    spec = load_spec("tiny")
    graph = load_graph(spec, 1, "rx", "mimo2x2")
    words = noise(graph, graph.frame, 1)
    with pytest.raises(HwgenError, match="symbols: wanted uint32"):
        golden(spec, graph, words[:-1])
    with pytest.raises(HwgenError, match="equaliser: coefficients: wanted integers of shape .*, got None"):
        golden(spec, graph, words)
