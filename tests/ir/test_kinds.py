"""Every kind of node answers everything: a new one is in this test by being a subclass of `Node`."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from support.graphs import random_dag
from support.ir_samples import sample_graph

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, SYMBOLS, Edge, Shape
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import KINDS, Alamouti, MatrixProduct, Power
from hwgen.ir.rules import RULES
from hwgen.ir.serialize import format_version, load, save
from hwgen.numerics.integer import IntArray


def concrete_kinds() -> list[type[Node]]:
    """Subclasses of `Node`, at any depth, that nothing abstract is left in and that are no kinds' base."""
    found: list[type[Node]] = []
    pending: list[type[Node]] = [Node]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if not inspect.isabstract(kind) and kind.__module__.startswith("hwgen."):
            found.append(kind)
    return sorted(set(found), key=lambda kind: kind.__name__)


ALL = concrete_kinds()


def samples() -> dict[type[Node], tuple[Graph, Node]]:
    """A graph with a node of every kind in it, and that node."""
    graphs = [random_dag(np.random.default_rng(seed), side, 8) for seed in range(12) for side in ("tx", "rx")]
    chain = sample_graph()
    for symbols in (Alamouti("code"), MatrixProduct("precoder", 2, 1, (False,))):
        graphs.append(Graph("coded", (24, 16), (*chain.nodes, symbols)))
    power = Power("power", 3, 1 << 16, chain.nodes[2].output)
    graphs.append(Graph("power", (24, 16), (*chain.nodes[:-1], power)))
    return {type(node): (graph, node) for graph in graphs for node in graph.nodes}


SAMPLES = samples()


def taken(graph: Graph, node: Node) -> tuple[list[Edge], list[Shape]]:
    """The edges and shapes of the inputs that a node gets."""
    shapes = graph.shapes(*graph.frame)
    if node.takes_symbols:
        (source,) = graph.inputs[node.name]
        return [SYMBOLS], [(1, (int(np.prod(shapes[source])) + 1) // 2, 2)]
    edges = [graph.edges[source] for source in graph.inputs[node.name]]
    values = Edge(graph.input_channels, SYMBOL, SYMBOL_EXPONENT)
    return [values if edge.symbols else edge for edge in edges], list(graph.input_shapes(node.name, shapes))


def draw(rng: np.random.Generator, edges: list[Edge], shapes: list[Shape]) -> list[IntArray]:
    """Random integers of those types and shapes."""
    return [
        rng.integers(edge.type.bounds[0], edge.type.bounds[1] + 1, shape)
        for edge, shape in zip(edges, shapes, strict=True)
    ]


def test_there_is_a_sample_of_every_kind() -> None:
    assert {kind.__name__ for kind in ALL} == {kind.__name__ for kind in SAMPLES}


@pytest.mark.parametrize("kind", sorted(SAMPLES, key=lambda kind: kind.__name__))
def test_answers_agree(kind: type[Node]) -> None:
    graph, node = SAMPLES[kind]
    edges, shapes = taken(graph, node)
    edge = node.infer(*edges)
    assert edge == graph.edges[node.name]
    assert (edge.type, edge.exponent, len(edges)) == (node.output, node.output_exponent, node.arity)
    shape = node.output_shape(*shapes)
    assert shape[2] == edge.channels
    assert type(node.macs(*shapes)) is int
    rng = np.random.default_rng(1)
    coefficients = None
    if isinstance(node, MatrixProduct):
        coefficients = rng.integers(-2048, 2048, (node.tables, node.rows, node.columns, 2))
        assert node.coefficient_words == coefficients.size // 2
    inputs = draw(rng, edges, shapes)
    before = [x.copy() for x in inputs]
    found = node.execute(*inputs, coefficients=coefficients)
    assert (found.dtype, found.shape) == (np.int64, shape)
    assert all(np.array_equal(x, old) for x, old in zip(inputs, before, strict=True)), "inputs stay as they were"
    low, high = edge.type.bounds
    assert low <= found.min() < found.max() <= high
    # Rates: of frames that the kind divides, without what paddings add
    if not node.takes_symbols and kind.__name__ != "Conv2d":
        assert shape[0] * node.divides == shapes[0][0] * node.multiplies


@pytest.mark.parametrize("kind", sorted(SAMPLES, key=lambda kind: kind.__name__))
def test_survives_its_files(kind: type[Node], tmp_path: Path) -> None:
    graph, node = SAMPLES[kind]
    save(graph, tmp_path)
    again = load(tmp_path)
    assert (again.inputs, again.edges, again.frame) == (graph.inputs, graph.edges, graph.frame)
    position = graph.nodes.index(node)
    other = again.nodes[position]
    assert type(other) is kind
    for key in vars(node):
        one, two = getattr(node, key), getattr(other, key)
        assert np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two, key
    assert node.arrays().keys() == other.arrays().keys() <= set(kind.array_fields)
    for name in ("graph.json", "weights.npz"):
        first = (tmp_path / name).read_bytes()
        save(again, tmp_path)
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("kind", sorted(SAMPLES, key=lambda kind: kind.__name__))
def test_has_a_rule_and_a_name(kind: type[Node], tmp_path: Path) -> None:
    assert any(kind in rule.kinds for table in RULES.values() for rule in table)
    (name,) = (name for name, known in KINDS.items() if known is kind)
    graph, node = SAMPLES[kind]
    save(graph, tmp_path)
    content = json.loads((tmp_path / "graph.json").read_text())
    assert content["nodes"][graph.nodes.index(node)]["kind"] == name
    assert content["format_version"] == format_version(graph) >= node.least_version >= kind.format_version


def test_a_kind_that_forgets_an_answer_cannot_be_made() -> None:
    class Half(Node):
        def macs(self, *shapes: Shape) -> int:
            return 0

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]
    assert Node.__abstractmethods__ == {"_infer", "_output_shape", "execute", "macs", "arrays"}
