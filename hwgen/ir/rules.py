"""Rules of legal graphs: for every kind of node, what its inputs may come from, as a table.

    tx: pixels, a network, a `Gain` or a `Power`; their values pair up to symbols; then perhaps a `MatrixProduct` (a
        precoder) or an `Alamouti`.
    rx: symbols, perhaps a `MatrixProduct` (an equaliser or combiner); the symbols' parts become values; `Receive`,
        then a network that ends in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hwgen.errors import HwgenError
from hwgen.ir.node import Node
from hwgen.ir.nodes import NETWORK, Alamouti, Gain, MatrixProduct, Power, Receive

PORT = "the input port"
OUTPUT = "output"
"""Name in the table of the graph's end, whose source is the last node."""

Source = type[Node] | str


@dataclass(frozen=True)
class Rule:
    """Nodes of these kinds take their inputs from those.

    Parameters
    ----------
    kinds
        Of the node, or OUTPUT.
    sources
        Of what gives an input, or PORT.
    wanted
        The sources in words.
    """

    kinds: tuple[Source, ...]
    sources: tuple[Source, ...]
    wanted: str


TX = (
    Rule(NETWORK, (PORT, *NETWORK), "the pixels or a layer"),
    Rule((Gain, Power), NETWORK, "a layer"),
    Rule((MatrixProduct, Alamouti), (Gain, Power), "a gain or power"),
    Rule((OUTPUT,), (Gain, Power, MatrixProduct, Alamouti), "a gain or power, then at most one precoder"),
)
RX = (
    Rule((MatrixProduct,), (PORT,), "the received symbols"),
    Rule((Receive,), (PORT, MatrixProduct), "the received symbols or an equaliser"),
    Rule(NETWORK, (Receive, *NETWORK), "what receives, or a layer"),
    Rule((OUTPUT,), NETWORK, "a layer"),
)
RULES: Mapping[str, tuple[Rule, ...]] = {"tx": TX, "rx": RX}


def check_rules(table: Sequence[Rule], side: str, nodes: Sequence[Node], inputs: Mapping[str, Sequence[str]]) -> None:
    """Check every input of every node, and that every node's output goes somewhere.

    Parameters
    ----------
    nodes
        In topological order; the last one gives the output.
    inputs
        Names of every node's sources; a name that no node has is the port's.

    Raises
    ------
    HwgenError
        At NODE, a kind that does not belong on this side; at NODE.inputs or output, a source of another kind;
        at NODE, an output that nothing takes.
    """
    kinds: dict[str, type[Node]] = {node.name: type(node) for node in nodes}
    for node in nodes:
        rule = next((rule for rule in table if type(node) in rule.kinds), None)
        if rule is None:
            known = sorted(kind.__name__ for rule in table for kind in rule.kinds if isinstance(kind, type))
            raise HwgenError(node.name, f"a node of a {side}: {', '.join(known)}", type(node).__name__)
        for source in inputs[node.name]:
            _check_source(f"{node.name}.inputs", rule, kinds.get(source, PORT))
    end = next(rule for rule in table if OUTPUT in rule.kinds)
    _check_source(OUTPUT, end, type(nodes[-1]) if nodes else PORT)
    taken = {source for sources in inputs.values() for source in sources}
    for node in nodes[:-1]:
        if node.name not in taken:
            raise HwgenError(node.name, "a node that takes its output", "none")


def _check_source(where: str, rule: Rule, source: Source) -> None:
    if source not in rule.sources:
        raise HwgenError(where, rule.wanted, source if isinstance(source, str) else source.__name__)
