"""Mutants of a netlist: which there are, whose they are, how they are drawn."""

from __future__ import annotations

from hwgen.mutants.netlist import Mutation, draw, mutations
from hwgen.mutants.origin import Origins

ORIGINS = Origins([(), ("x/rtl/mac.py:7",), ("site/amaranth/lib/memory.py:9",), ("x/rtl/adders.py:3",), ()])


def cell(kind: str, line: int, **ports: list[int | str]) -> dict[str, object]:
    return {"type": kind, "attributes": {"src": f"design.v:{line}.1-{line}.9"}, "connections": ports}


NETLIST = {
    "modules": {
        "top": {"cells": {
            "inner": {"type": "top.mac", "attributes": {}, "connections": {"clk": [2]}},
            "start": cell("$meminit_v2", 1, DATA=["1"]),
        }},
        "top.mac": {"cells": {
            "register": cell("$dff", 1, CLK=[2], D=[3, "0", "x"], Q=[4]),
            "\\$1": cell("$add", 3, A=[3, 3], Y=[5]),
        }},
        "top.mac.weights": {"cells": {"$read": cell("$memrd", 2, CLK=["x"], DATA=[6])}},
    }
}  # fmt: skip


def found() -> dict[str, list[list[Mutation]]]:
    return mutations(NETLIST, ORIGINS)


def test_every_bit_that_means_something() -> None:
    """No clock, no instance, no first contents; of a constant the other value alone, of an x nothing."""
    ((register,), (added,)) = (found()["mac"][:1], found()["adders"])
    faults = [(one.port, one.bit, one.mode, one.other) for one in register]
    assert faults == [
        ("D", 0, "inv", None), ("D", 0, "const0", None), ("D", 0, "const1", None), ("D", 1, "inv", None),
        ("Q", 0, "inv", None), ("Q", 0, "const0", None), ("Q", 0, "const1", None),
    ]  # fmt: skip
    assert {one.mode for one in added} == {"inv", "const0", "const1"}  # both bits are the same signal


def test_another_bit_of_the_port_decides() -> None:
    netlist = {"modules": {"top": {"cells": {"sum": cell("$add", 1, A=[3, "1", 4])}}}}
    ((one,),) = mutations(netlist, ORIGINS).values()
    assert {(m.bit, m.other) for m in one if m.mode.startswith("cnot")} == {(0, 2), (2, 0)}


def test_a_cell_belongs_to_the_file_that_wrote_it_or_to_its_modules() -> None:
    cells = {one.cell: component for component, of in found().items() for several in of for one in several[:1]}
    assert cells == {"register": "mac", "\\$1": "adders", "$read": "mac"}
    assert {several[0].where for several in found()["mac"]} == {"line 1, mac.py:7", "line 2"}


def test_a_shift_belongs_to_the_signal_that_it_drives() -> None:
    shift = {"type": "$shr", "attributes": {}, "connections": {"A": ["1", "0"], "B": [3], "Y": [7]}}
    nets = {
        "$98": {"hide_name": 1, "bits": [7], "attributes": {"src": "design.v:2.1-2.9"}},
        "weight": {"hide_name": 0, "bits": [6, 7], "attributes": {"src": "design.v:3.1-3.9"}},
    }
    ((several,),) = mutations({"modules": {"top.mac": {"cells": {"$1": shift}, "netnames": nets}}}, ORIGINS).values()
    assert {(one.component, one.where) for one in several} == {("adders", "line 3, adders.py:3")}


def test_the_line_of_a_script() -> None:
    register, added = found()["mac"][0], found()["adders"][0]
    assert register[0].command() == "mutate -mode inv -module \\top.mac -cell \\register -port \\D -portbit 0"
    assert added[1].command("-ctrl pick 4 3 ") == (
        "mutate -ctrl pick 4 3 -mode const0 -module \\top.mac -cell \\$1 -port \\A -portbit 0"
    )
    decided = Mutation("mac", "m", "$1", "$add", "A", 1, "cnot1", 0, "line 3")
    assert decided.command() == "mutate -mode cnot1 -module \\m -cell $1 -port \\A -portbit 1 -ctrlbit 0"
    assert str(decided) == "m, line 3: $add A[1] cnot1 by bit 0"


def test_a_draw_is_fair_and_repeats() -> None:
    wide = [Mutation("c", "m", "wide", "$add", "A", bit, "inv", None, "") for bit in range(100)]
    small = [[Mutation("c", "m", f"small{index}", "$not", "A", 0, "inv", None, "")] for index in range(9)]
    drawn = draw([wide, *small], 10, "1 c")
    assert sorted(one.cell for one in drawn) == ["small0", *(f"small{index}" for index in range(1, 9)), "wide"]
    assert drawn == draw([wide, *small], 10, "1 c") != draw([wide, *small], 10, "2 c")
    assert len(set(draw([wide, *small], 50, 1))) == 50
    assert len(draw([wide, *small], 1000, 1)) == 109
