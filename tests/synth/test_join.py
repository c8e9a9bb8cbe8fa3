"""Components' netlists as one: what the top module connects is one net, and paths lead through."""

from __future__ import annotations

import pytest

from hwgen.synth.components import Component
from hwgen.synth.join import joined
from hwgen.synth.netlist import Cell, Netlist
from hwgen.synth.paths import deepest


def source() -> tuple[Component, Netlist]:
    """A register whose value leaves through a LUT, enabled by what comes back."""
    cells = (Cell("lut", "LUT1", {}, {"I0": (4,), "O": (5,)}),
             Cell("f", "FDRE", {}, {"C": (1,), "D": ("1",), "CE": (3,), "Q": (4,)}))
    return (Component("a", "top.a", "", {"clk": "aclk", "o": "link", "ready": r"\back$1"}),
            Netlist("top.a", cells, {1: "clk", 3: "ready"}, {5: "o"}, {1: "clk", 3: "ready", 4: "level", 5: "o"}))


def sink() -> tuple[Component, Netlist]:
    """A register behind a LUT; its value goes out twice, and what comes in at the far end passes through."""
    cells = (Cell("lut", "LUT1", {}, {"I0": (2,), "O": (3,)}),
             Cell("f", "FDRE", {}, {"C": (1,), "D": (3,), "Q": (6,)}))
    return (Component("b", "top.b", "", {"clk": "aclk", "i": "link", "y": "m_axis", "end": "m_ready",
                                         "ready": r"\back$1"}),
            Netlist("top.b", cells, {1: "clk", 2: "i", 8: "end"}, {6: "y[1]", 7: "y[0]", 8: "ready"},
                    {1: "clk", 2: "fifo.i", 6: "value[0]", 8: "fifo.ready"}))


def test_paths_lead_from_one_into_the_next() -> None:
    whole = joined("top", [source(), sink()])
    assert [cell.name for cell in whole.cells] == ["a.lut", "a.f", "b.lut", "b.f"]
    assert sorted(whole.inputs.values()) == ["clk", "end"]
    assert sorted(whole.outputs.values()) == ["y[0]", "y[1]"]
    paths = {(path.start, path.end): path for path in deepest(whole, 9)}
    through = paths["a.level", "b.value[0]"]
    assert through.luts == 2
    assert through.median_ns == pytest.approx(0.456 + 0.85 + 0.124 + 0.85 + 0.124)
    assert ("port end", "a.level") in paths  # `ready` of b is its input `end`, which passes through


def test_the_order_of_the_components_does_not_matter() -> None:
    forwards, backwards = (joined("top", parts) for parts in ([source(), sink()], [sink(), source()]))
    found = [[(path.start, path.end, path.median_ns) for path in deepest(whole, 9)] for whole in (forwards, backwards)]
    assert found[0] == found[1]


def test_a_net_has_its_drivers_name() -> None:
    for parts in ([source(), sink()], [sink(), source()]):
        names = set(joined("top", parts).names.values())
        assert "a.o" in names
        assert "b.fifo.i" not in names
