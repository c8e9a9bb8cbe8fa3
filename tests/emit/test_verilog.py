"""Names in designs of all kinds of nodes: the source's own, none that Amaranth makes up."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from amaranth.back import rtlil
from support.graphs import random_dag
from support.plans import random_graph, random_receiver

from hwgen import board
from hwgen.emit.datapath import Top
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Alamouti, MatrixProduct
from hwgen.lower import LOWERINGS, lowering
from hwgen.option_values import Engine
from hwgen.plan.plan import Plan
from hwgen.plan.size import size

MADE_UP = re.compile(r"\\\$(?:signal|signature|like|memory|port|pin)\b\S*")
"""Name that Amaranth gives an object where it finds no variable in the bytecode that the object is assigned to."""


def plans() -> Iterator[Plan]:
    """Of random graphs, those with most kinds; of the kinds at the ends of a link; of Winograd's products."""
    pynq = board.load("pynq_z2")

    def sized(graph: Graph, engine: Engine = "direct") -> Plan:
        return size(graph, pynq, *graph.frame, engine=engine)

    for side, seed in (("tx", 2), ("tx", 5), ("rx", 1)):
        yield sized(random_dag(np.random.default_rng(seed), side, 5, size=(8, 8) if side == "tx" else None))
    chain = random_graph(np.random.default_rng(1), 2)
    for coder in (Alamouti("code"), MatrixProduct("precoder", 2, 1, (False,))):
        yield sized(Graph("coded", chain.frame, (*chain.nodes, coder)))
    receiver = random_receiver(np.random.default_rng(2), [2, 1], table=True, coarse=True, equaliser="alamouti")
    yield sized(receiver)
    yield sized(chain, "winograd")
    yield sized(receiver, "winograd")


def test_no_name_is_made_up() -> None:
    kinds = set()
    for plan in plans():
        text = rtlil.convert(Top(plan), name="top", emit_src=False)
        assert MADE_UP.findall(text) == []
        kinds |= {lowering.dispatch(type(node)) for node in plan.design.hardware.nodes}
    assert kinds == set(LOWERINGS.values())
