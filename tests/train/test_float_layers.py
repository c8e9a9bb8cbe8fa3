"""The float modules of all kinds of layers compute what the integer graph does before it rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.spec_graphs import GRAPHS, graph_spec
from torch import Tensor, nn

from hwgen.ir.nodes import AveragePool, Convolution as Node
from hwgen.numerics.integer import IntArray
from hwgen.random_init import random_graph
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.train.complex_layers import ComplexConv2d, parts
from hwgen.train.float_layers import Convolution, LeakyClamp, activation, float_layer


def tensor(x: IntArray) -> Tensor:
    """(H, W, C) integers as (1, C, H, W) float64."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None].double()


def array(x: Tensor) -> IntArray:
    """The inverse; values must be integers."""
    assert torch.equal(x, x.round())
    return np.ascontiguousarray(x[0].permute(1, 2, 0).long().numpy())


def load_integers(module: Convolution, node: Node, layer: Layer) -> None:
    """A node's integers as the module's weights."""
    weight, conv = torch.from_numpy(node.weight.copy()).double(), module.conv
    if isinstance(conv, ComplexConv2d):
        for part, kernel in zip(parts(weight), conv.kernels, strict=True):
            kernel.copy_(kernel.new_tensor(part.numpy()))
    else:
        if isinstance(layer, DecoderLayer):
            weight = weight.transpose(0, 1)
            # of stride 1 the graph has a plain convolution, whose kernel is the other way round
            weight = weight.flip(2, 3) if layer.stride == 1 else weight
        assert conv.weight.shape == weight.shape
        conv.weight.copy_(weight)  # type: ignore[operator]
    conv.bias.copy_(torch.from_numpy(node.bias.copy()))  # type: ignore[operator]


COMPLEX = """\
encoder:
  - {kernel: 3, channels: 4}
  - {kernel: [3, 1], channels: 3, complex: true, padding: [2, 0], dilation: 2}
  - {kernel: 2, stride: 2, channels: 2, complex: true, activation: none}
decoder:
  - {kernel: 5, channels: 2, complex: true}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
"""


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize("name", [*GRAPHS, "complex"])
@torch.no_grad()
def test_equal_the_integer_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, side: str
) -> None:
    """With a node's integers as weights, in float64: accumulators, blocks, sums, maxima, averages."""
    monkeypatch.setitem(GRAPHS, "complex", COMPLEX)
    spec = graph_spec(tmp_path, name)
    graph = random_graph(spec, 3, side)
    network = spec.encoder_network if side == "tx" else spec.decoder_network
    nodes = {node.name: node for node in graph.nodes}
    random = np.random.default_rng(4)
    height, width = (16, 24) if side == "tx" else (8, 12)
    for placed in network.layers:
        rows, columns = (int(size * placed.taken[0].scale) for size in (height, width))
        node, module = nodes[placed.name], float_layer(placed).double().eval()
        inputs = [random.integers(-9, 10, (rows, columns, stream.channels)) for stream in placed.taken]
        tensors = [tensor(x) for x in inputs]
        if isinstance(node, Node):
            assert isinstance(module, Convolution) and isinstance(placed.layer, Layer)
            load_integers(module, node, placed.layer)
            assert np.array_equal(array(module.conv(*tensors)), node.accumulate(*inputs)), placed.name
        elif isinstance(node, AveragePool):
            sums = node.windows(inputs[0], 0).sum(axis=(3, 4))
            assert np.array_equal(array((module(*tensors) * node.kernel**2).round(decimals=9)), sums)
        elif type(module).__name__ == "Sum":
            assert np.array_equal(array(tensors[0] + tensors[1]), inputs[0] + inputs[1])
            wanted = module.activation(tensors[0] + tensors[1])
            assert torch.equal(module(*tensors), wanted)
        else:
            assert np.array_equal(array(module(*tensors)), node.execute(*inputs)), placed.name


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("none", [-2.0, -0.5, 0.0, 0.5, 8.0]),
        ("relu", [0.0, 0.0, 0.0, 0.5, 8.0]),
        ("prelu", [-0.5, -0.125, 0.0, 0.5, 8.0]),
        ("leaky_relu", [-0.25, -0.0625, 0.0, 0.5, 8.0]),
        ("relu6", [0.0, 0.0, 0.0, 0.5, 6.0]),
        ("clip", [0.0, 0.0, 0.0, 0.5, 6.0]),
        ("clamp", [0.0, 0.0, 0.0, 0.5, 1.0]),
    ],
)
def test_activations_by_hand(name: str, wanted: list[float]) -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 8.0]).view(1, 1, 1, 5)
    assert activation(name, 1, 0.125, 6.0).eval()(x).flatten().tolist() == wanted


@pytest.mark.parametrize(("name", "function"), [
    ("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("silu", lambda x: x * torch.sigmoid(x)),
])  # fmt: skip
def test_activations_that_become_tables(name: str, function: object) -> None:
    x = torch.linspace(-8, 8, 33, dtype=torch.float64)
    torch.testing.assert_close(activation(name, 1)(x), function(x), rtol=1e-14, atol=0)  # type: ignore[operator]


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="activation: wanted none, relu, prelu, .* or clamp, got 'gelu'"):
        activation("gelu", 1)


def test_the_clamp_leaks_only_while_training() -> None:
    clamp, x = LeakyClamp(), torch.tensor([-1.0, 0.25, 2.0])
    assert torch.allclose(clamp(x), torch.tensor([-0.01, 0.25, 1.01]))
    assert clamp.eval()(x).tolist() == [0.0, 0.25, 1.0]


def test_a_slope_is_one_that_hardware_has() -> None:
    slope = Layer(kernel=3, channels=4, activation="leaky_relu").leak
    assert slope == 1 / 64, "0.01, in steps of 2^-6"
    module = activation("leaky_relu", 4, slope)
    assert isinstance(module, nn.LeakyReLU) and module.negative_slope == 1 / 64


def test_a_kind_without_a_module_is_refused() -> None:
    placed = type("Placed", (), {"layer": 3})
    with pytest.raises(TypeError, match="layer: wanted a kind that has a module, got int"):
        float_layer(placed)  # type: ignore[arg-type]
