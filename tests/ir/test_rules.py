"""Which node may stand where: every line of the table, and every refusal."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from support.ir_samples import conv_values, sample_graph

from hwgen.errors import HwgenError
from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, SYMBOL, SYMBOL_EXPONENT
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import Alamouti, Conv2d, Gain, MatrixProduct, Power, Receive, Table
from hwgen.ir.rules import OUTPUT, RULES
from hwgen.ir.types import IntType

TX = sample_graph()
RECEIVED = IntType(8, True)
RNG = np.random.default_rng(0)
LAST = Conv2d(**conv_values(RNG, "deconv", (4, 3), 3, 1, "relu", RECEIVED, -6, shifts=(4, 4)) | {
    "output_exponent": PIXEL_EXPONENT, "weight_exponent": np.full(3, PIXEL_EXPONENT + 6 - 4)
})  # fmt: skip
RECEIVE = Receive("received", 4, 6, RECEIVED, -6)
EQUALISER = MatrixProduct("equaliser", 1, 1, (False,))


def rx(*nodes: Node, **changes: Any) -> Graph:
    return Graph("r", (8, 8), nodes, "rx", 4, SYMBOL, SYMBOL_EXPONENT, **changes)


def tx(*nodes: Node, **changes: Any) -> Graph:
    return Graph("t", (8, 8), nodes, **changes)


def test_what_is_legal() -> None:
    power = Power("power", 3, 1 << 16, TX.nodes[2].output)
    for end in (TX.nodes[3], power):
        assert tx(*TX.nodes[:3], end).sink == end.name
        for code in (Alamouti("code"), MatrixProduct("code", 2, 2, (False, True))):
            assert tx(*TX.nodes[:3], end, code).symbol_node is code
    assert rx(RECEIVE, LAST).symbol_node is None
    assert rx(EQUALISER, RECEIVE, LAST).symbol_node is EQUALISER
    table = Table("tanh", 3, np.arange(256), PIXEL, PIXEL_EXPONENT)
    assert rx(RECEIVE, LAST, table).sink == "tanh"


ILLEGAL: dict[str, tuple[Any, tuple[Node, ...], dict[str, Any], str]] = {
    "nothing": (tx, (), {}, "output: wanted a gain or power, then at most one precoder, got the input port"),
    "no layer": (tx, (Gain("g", 3, 9, 16, 3, PIXEL),), {}, "g.inputs: wanted a layer, got the input port"),
    "no gain": (tx, TX.nodes[:3], {}, "output: wanted a gain or power, then at most one precoder, got Conv2d"),
    "two gains": (tx, (*TX.nodes, Gain("g", 3, 9, 16, 3, RECEIVED)), {}, "g.inputs: wanted a layer, got Gain"),
    "a layer behind the gain": (tx, (*TX.nodes, LAST), {}, "deconv.inputs: wanted the pixels or a layer, got Gain"),
    "two precoders": (tx, (*TX.nodes, Alamouti("a"), Alamouti("b")), {},
                      "b.inputs: wanted a gain or power, got Alamouti"),
    "a precoder of a layer": (tx, (*TX.nodes[:3], Alamouti("a")), {}, "a.inputs: wanted a gain or power, got Conv2d"),
    "a receiver's node": (tx, (RECEIVE, *TX.nodes), {}, "received: wanted a node of a tx: Add, Alamouti, "),
    "a transmitter's node": (rx, (RECEIVE, LAST, Alamouti("a")), {}, "a: wanted a node of a rx: Add, AveragePool, "),
    "received twice": (rx, (RECEIVE, dataclasses.replace(RECEIVE, name="again"), LAST), {},
                       "again.inputs: wanted the received symbols or an equaliser, got Receive"),
    "nothing received": (rx, (LAST,), {}, "deconv.inputs: wanted what receives, or a layer, got the input port"),
    "two equalisers": (rx, (EQUALISER, dataclasses.replace(EQUALISER, name="b"), RECEIVE, LAST), {},
                       "b.inputs: wanted the received symbols, got MatrixProduct"),
    "only received": (rx, (RECEIVE,), {}, "output: wanted a layer, got Receive"),
    "an output that nothing takes": (rx, (EQUALISER, RECEIVE, LAST), {"inputs": {"received": ("symbols",)}},
                                     "equaliser: wanted a node that takes its output, got none"),
}  # fmt: skip


@pytest.mark.parametrize("case", ILLEGAL)
def test_what_is_not(case: str) -> None:
    make, nodes, changes, message = ILLEGAL[case]
    with pytest.raises(HwgenError) as error:
        make(*nodes, **changes)
    assert message in str(error.value)


def test_every_kind_has_one_rule_a_side() -> None:
    for table in RULES.values():
        kinds = [kind for rule in table for kind in rule.kinds]
        assert len(kinds) == len(set(kinds))
        assert OUTPUT in kinds
