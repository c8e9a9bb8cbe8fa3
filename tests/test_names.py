"""Names that Verilog, the ports or the wires between layers have: refused in one line wherever they are read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.ir_samples import sample_graph

from hwgen import names, spec
from hwgen.errors import HwgenError
from hwgen.ir.serialize import load, save

SPEC = """format_version: 1
description: one layer
frame: {width: 8, height: 4}
encoder:
  - {name: %s, kernel: 1, channels: 2}
"""
WORD, PORT, WIRE = (
    "a name that is no word of SystemVerilog's", "a name that no port or clock of the design has",
    "a name without __, which wires between layers have",
)  # fmt: skip
REFUSED = {
    "module": WORD, "inside": WORD, "table": WORD, "reg": WORD, "logic": WORD, "clk": PORT, "rst": PORT, "aclk": PORT,
    "s_axis_tdata": PORT, "m_axis": PORT, "i__payload": WIRE,
}  # fmt: skip
ACCEPTED = ("conv0", "delete", "std", "top", "dut", "a_b", "clock", "s_axes", "x")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    wanted = REFUSED[name]
    (tmp_path / "spec.yaml").write_text(SPEC % name)
    with pytest.raises(HwgenError) as caught:
        spec.load(tmp_path)
    assert str(caught.value) == f"{tmp_path}/spec.yaml:5: encoder[0].name: wanted {wanted}, got '{name}'"
    graph = sample_graph()
    with pytest.raises(HwgenError) as caught:
        replace(graph, nodes=(replace(graph.nodes[0], name=name), *graph.nodes[1:]), inputs={})  # type: ignore[type-var]
    assert str(caught.value) == f"nodes: wanted {wanted}, got '{name}'"
    save(graph, tmp_path)
    content = json.loads((tmp_path / "graph.json").read_text())
    content["nodes"][0]["name"] = name
    (tmp_path / "graph.json").write_text(json.dumps(content))
    with pytest.raises(HwgenError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}/graph.json: nodes[0]: name: wanted {wanted}, got '{name}'"


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC % name)
    assert spec.load(tmp_path).encoder_network.layers[0].name == name


def test_what_no_name_is() -> None:
    assert names.layer_trouble("gr\u00f6\u00dfe") == "letters, digits and _"
    assert names.module_trouble("endmodule") == WORD
    assert names.module_trouble("stream_probe") == "a name that no module of the simulation has"
    assert names.module_trouble("1st") == names.module_trouble("a" * 64) == (
        "at most 63 letters, digits and _, a letter first"
    )
    assert names.module_trouble("my_encoder") is None


def test_all_words_of_the_standard() -> None:
    assert len(names.KEYWORDS) == 248
