"""Emitted Verilog split into components, each complete."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwgen import board as boards
from hwgen.emit.verilog import verilog
from hwgen.model import load_graph
from hwgen.plan.size import size
from hwgen.spec import model as specs
from hwgen.synth.components import components

TEXT = r"""/* Generated */
module top(clk);
  input clk;
  \top.a  a (
    .clk(clk),
    .\o$1 (\link$2 [7:0])
  );
  \top.a$2  b (
    .clk(clk)
  );
  shared \c$1  (
    .clk(clk)
  );
endmodule

module \top.a (clk);
  input clk;
  shared inner (
    .clk(clk)
  );
  \top.a.deep  deep (
    .clk(clk)
  );
endmodule

module \top.a$2 (clk);
  input clk;
endmodule

module \top.a.deep (clk);
  input clk;
  shared inner (
    .clk(clk)
  );
endmodule

module shared(clk);
  input clk;
endmodule
"""


def test_each_component_has_what_it_instantiates() -> None:
    found = components(TEXT, "top")
    assert [(component.name, component.module) for component in found] == [("a", "top.a"), ("b", "top.a$2"),
                                                                           ("c$1", "shared")]
    assert [component.wires for component in found] == [{"clk": "clk", "o$1": "\\link$2 [7:0]"}, {"clk": "clk"},
                                                        {"clk": "clk"}]
    modules = [re.findall(r"^module (\S+?) ?\(", component.verilog, re.MULTILINE) for component in found]
    assert modules == [["\\top.a", "\\top.a.deep", "shared"], ["\\top.a$2"], ["shared"]]
    assert all(component.verilog.count("endmodule") == len(names)
               for component, names in zip(found, modules, strict=True))


def test_wrong_top() -> None:
    with pytest.raises(ValueError, match=r"^verilog: wanted a module nix, got shared$"):
        components("module shared(clk);\nendmodule\n", "nix")
    with pytest.raises(ValueError, match=r"^verilog: wanted a module nix, got none$"):
        components("", "nix")


def test_components_of_an_emitted_design() -> None:
    graph = load_graph(specs.load("tiny"), 1)
    text = verilog(size(graph, boards.load("pynq_z2"), 16, 8), "hwgen_tx")
    found = components(text, "hwgen_tx")
    names = [component.name for component in found]
    nodes = [node.name for node in graph.nodes]
    assert [name for name in names if name not in ("framer", "pixels")] == [*nodes, "symbols"]
    # Every module of the text but the top belongs to exactly one of them.
    parts = [re.findall(r"^module (\S+?) ?\(", component.verilog, re.MULTILINE) for component in found]
    everything = re.findall(r"^module (\S+?) ?\(", text, re.MULTILINE)
    assert sorted(np.concatenate([*parts, ["hwgen_tx"]])) == sorted(everything)
