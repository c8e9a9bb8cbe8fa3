"""A fork behind every stream that several nodes take."""

from __future__ import annotations

from dataclasses import replace

from hwgen.rewrite.hardware import INPUT, AnyNode, Fork, HardwareGraph

SUFFIX = "_fork"


def insert_forks(graph: HardwareGraph) -> HardwareGraph:
    """Every stream has one consumer afterwards, or is a fork's.

    The fork of node NAME is NAME_fork; a fork of the input port stands behind its converter.
    """
    nodes: list[AnyNode] = []
    inputs = {name: list(sources) for name, sources in graph.inputs.items()}

    def fork(name: str) -> None:
        taken = graph.consumers[name]
        if len(taken) < 2:
            return
        made = Fork(("input" if name == INPUT else name) + SUFFIX)
        nodes.append(made)
        inputs[made.name] = [name]
        for consumer, place in taken:
            inputs[consumer][place] = made.name

    fork(INPUT)
    for node in graph.nodes:
        nodes.append(node)
        fork(node.name)
    return replace(graph, nodes=tuple(nodes), inputs={name: tuple(sources) for name, sources in inputs.items()})
