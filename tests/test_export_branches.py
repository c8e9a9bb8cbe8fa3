"""Networks with branches: the trained network = the exported integer graph = the golden model, every value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.quantised_branches import HEIGHT, SPECS, WIDTH, blurred, trained_branches

from hwgen.assembly.layers import node_names
from hwgen.export import export, export_model
from hwgen.ir.execute import Outputs, execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Add, AveragePool, Table
from hwgen.model import load_graph
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_symbols
from hwgen.random_init import random_graph
from hwgen.reference.golden import golden
from hwgen.train.checkpoint import write
from hwgen.train.quantised import from_checkpoint
from hwgen.train.quantised_layers.make import makes_image
from hwgen.train.quantised_network import QuantDeepJSCC
from hwgen.train.quantised_side import QuantSide
from hwgen.train.quantisers import exponents, plain


def integers(x: torch.Tensor, exponent: int) -> IntArray:
    """(H, W, C) of the first frame (N, C, H, W); refuses what is no multiple of 2**exponent."""
    scaled = plain(x)[0].permute(1, 2, 0).double() * 2.0**-exponent
    assert torch.equal(scaled, scaled.round())
    return scaled.long().numpy()


def check_layers(side: QuantSide, x: torch.Tensor, found: Outputs) -> int:
    """Compare every layer's output; the number of layers."""
    outputs = side.outputs(x)
    for placed in side.network.layers:
        last = node_names(placed, makes_image(placed, side.network))[-1]
        assert np.array_equal(integers(outputs[placed.name], side.exponent(placed.name)), found[last]), placed.name
    return len(outputs) - 1


@pytest.mark.parametrize("name", SPECS)
def test_the_network_is_both_graphs_and_the_golden_model(tmp_path: Path, name: str) -> None:
    spec, network = trained_branches(tmp_path, name)
    export_model(spec)
    transmitter, receiver = load_graph(spec), load_graph(spec, side="rx")
    check_nodes(transmitter, random_graph(spec, 1))
    check_nodes(receiver, random_graph(spec, 1, "rx"))
    image = blurred(spec, count=1, seed=5).double()
    noise = 0.2 * torch.randn(network.encode(blurred(spec, 1)).shape, generator=torch.Generator().manual_seed(1))
    network = network.double()
    with torch.no_grad():
        sent = execute(transmitter, integers(image, -8).astype(np.uint8))
        assert check_layers(network.encoder, network.pixel_quantiser(image), sent) == len(spec.encoder)
        symbols = network.transmit(image)
        assert np.array_equal(integers(symbols, -12), sent["gain"])
        received = ((symbols + noise) * 4096).round().clamp(-32768, 32767) / 4096
        words = pack_symbols(integers(received, -12))
        seen = execute(receiver, words, size=(WIDTH, HEIGHT))
        assert check_layers(network.decoder, network.received_quantiser(received), seen) == len(spec.decoder)
        assert np.array_equal(integers(network.decode(symbols + noise), -8), seen["pixels"])
    for checkpoint in (None, spec.checkpoint_path):
        for graph, frame, plainly in ((transmitter, sent["pixels"].astype(np.uint8), sent), (receiver, words, seen)):
            wanted = golden(spec, graph, frame, checkpoint)
            assert wanted.keys() == plainly.keys()
            for layer, values in wanted.items():
                assert np.array_equal(values, plainly[layer]), layer


def check_nodes(trained: Graph, drawn: Graph) -> None:
    """Compare with a graph of random integers: names, kinds, edges, widths, all but integers and scales."""
    assert trained.inputs == drawn.inputs
    assert trained.shapes(WIDTH, HEIGHT) == drawn.shapes(WIDTH, HEIGHT)
    for one, other in zip(trained.nodes, drawn.nodes, strict=True):
        assert (type(one), one.name) == (type(other), other.name)
        assert trained.edges[one.name].type == drawn.edges[other.name].type
        fixed = ("activation", "groups", "dilation", "kernel", "stride", "padding", "kernel_height", "padding_width",
                 "weight_bits", "imag_bits")  # fmt: skip
        for key in fixed:
            assert getattr(one, key, None) == getattr(other, key, None), (one.name, key)


def test_scales_meet_what_the_nodes_ask_for(tmp_path: Path) -> None:
    """The pixels' scale for what is concatenated with them; one for all that is added; tables of their own range."""
    spec, network = trained_branches(tmp_path, "shared with the ports")
    graph = export(spec, spec.checkpoint_path)
    edges = graph.edges
    assert edges["squashed_sigmoid"].exponent == edges["both"].exponent == -8
    assert edges["up_tanh"].exponent == edges["straight"].exponent
    nodes = {node.name: node for node in graph.nodes}
    met, mean, table = nodes["met"], nodes["mean"], nodes["up_tanh"]
    assert isinstance(met, Add) and met.shift >= 0
    assert isinstance(mean, AveragePool) and mean.output.bits == 6 and mean.output_exponent > -8, "fewer bits"
    assert isinstance(table, Table) and len(np.unique(table.values)) > 16
    receiver = export(spec, spec.checkpoint_path, "rx")
    assert receiver.edges["received"].exponent == receiver.edges["more_silu"].exponent
    assert network.decoder.exponent("symbols") == network.decoder.exponent("more")


SCALE = "quantiser.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"


def scales(network: QuantDeepJSCC) -> set[str]:
    """Layers that have an output's scale in the state, by their names."""
    return {name.removesuffix(f".{SCALE}") for name in network.state_dict() if name.endswith(f".{SCALE}")}


def test_a_shared_scale_stands_in_the_state_once(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "residual", steps=1)
    assert scales(network) == {"encoder.0", "encoder.1", "encoder.3", "encoder.5", "encoder.6", "decoder.0"}
    tensors = network.state_dict()
    tensors[f"encoder.0.{SCALE}"] = tensors[f"encoder.0.{SCALE}"] - 1.0
    write(tmp_path / "other.safetensors", tensors, {})
    moved = from_checkpoint(spec, tmp_path / "other.safetensors")
    for name, less in (("stem", 1), ("branch", 1), ("sum", 0), ("again", 0)):
        assert moved.encoder.exponent(name) == network.encoder.exponent(name) - less
    stem, branch, again = (moved.encoder[index].get_submodule("quantiser") for index in (0, 2, 4))
    found = moved.encoder.exponent("stem")
    assert exponents(stem, 7).tolist() == exponents(branch, 7).tolist() == [found], "7 bits unsigned, 8 bits signed"
    assert exponents(again, 7).tolist() == [moved.encoder.exponent("sum")]
