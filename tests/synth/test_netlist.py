"""Netlists: what is kept of Yosys' JSON, and which of a net's names is its name."""

from __future__ import annotations

import json

import pytest

from hwgen.synth.netlist import parse, pruned

MODULE = {
    "attributes": {"top": "1"},
    "ports": {"clk": {"direction": "input", "bits": [2]}, "i": {"direction": "input", "bits": [3, "0"]},
              "o": {"direction": "output", "bits": [4, 5]}},
    "cells": {
        "mac": {"hide_name": 0, "type": "$scopeinfo", "parameters": {"TYPE": "module"}, "attributes": {},
                "connections": {}},
        "lut": {"hide_name": 1, "type": "LUT2", "parameters": {"INIT": "0110"}, "attributes": {"src": "x.v:1"},
                "connections": {"I0": [3], "I1": ["1"], "O": [4]}},
    },
    "netnames": {
        "$abc$1": {"hide_name": 1, "bits": [4], "attributes": {}},
        "o": {"hide_name": 0, "bits": [4, 5], "attributes": {}},
        "mac.sum": {"hide_name": 0, "bits": [6, 4], "attributes": {}},
        "mac.$3": {"hide_name": 0, "bits": [5], "attributes": {}},
        "mac._0_": {"hide_name": 0, "bits": [6], "attributes": {}},
    },
}  # fmt: skip


def netlist_text(module: object = MODULE) -> str:
    return json.dumps({"creator": "Yosys", "modules": {"top": module}})


def test_pruned_keeps_what_is_read() -> None:
    text = pruned(netlist_text(), "top")
    kept = json.loads(text)["modules"]["top"]
    assert kept["cells"] == {"lut": {"type": "LUT2", "parameters": {"INIT": "0110"},
                                     "connections": {"I0": [3], "I1": ["1"], "O": [4]}}}
    assert set(kept["netnames"]) == {"o", "mac.sum", "mac.$3", "mac._0_"}
    netlist = parse(text)
    assert netlist.top == "top"
    (lut,) = netlist.cells
    assert (lut.name, lut.type, lut.pins) == ("lut", "LUT2", {"I0": (3,), "I1": ("1",), "O": (4,)})
    assert (lut.number("INIT"), lut.number("MREG"), lut.number("MREG", 1)) == (6, 0, 1)
    assert netlist.inputs == {2: "clk", 3: "i[0]"}
    assert netlist.outputs == {4: "o[0]", 5: "o[1]"}


def test_names_prefer_the_source_and_the_innermost_module() -> None:
    # A name of a tool's own making stands back even where it is deeper; a name without bits has no index.
    assert parse(pruned(netlist_text(), "top")).names == {4: "mac.sum[1]", 5: "o[1]", 6: "mac.sum[0]"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"modules": {}}', '{"modules": {"top": {}}}',
                                  '{"modules": {"top": {"ports": {}, "cells": {"a": 1}, "netnames": {}}}}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="top|Expecting"):
        pruned(text, "top")
    with pytest.raises(ValueError, match="netlist|Expecting|unpack"):
        parse(text)
