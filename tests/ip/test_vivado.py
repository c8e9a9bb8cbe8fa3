"""The scripts for Vivado in a Tcl interpreter whose Vivado commands are recorded: what they name exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support.ip import ip_design

from hwgen import board as boards
from hwgen.ip import constraints
from hwgen.ip.design import IpDesign
from hwgen.ip.ip_xact import SPIRIT, component
from hwgen.ip.vivado import PINS, block_design, out_of_context

tkinter = pytest.importorskip("tkinter")
STUBS = """
set calls {}
proc unknown {args} {
    lappend ::calls $args
    switch -glob $args {
        "get_property PROGRESS*" {return "100%"}
        "get_property STATS.WNS*" {return 0.125}
        "get_property -min PERIOD*" {return 6.667}
        "get_* *" {return [lrange $args 1 end]}
        default {return [lindex $args end]}
    }
}
rename file tcl_file
proc file {word args} {
    if {$word in {copy mkdir}} {lappend ::calls [list file $word {*}$args]; return}
    return [tcl_file $word {*}$args]
}
proc glob {args} {return [lindex $args end]}
proc puts {args} {lappend ::calls [list puts {*}$args]}
"""
"""Commands that Tcl does not have are Vivado's: they are recorded."""
S = {"s": SPIRIT}


def ran(text: str, folder: Path) -> list[list[str]]:
    """The Vivado commands of a script, each with its words."""
    script = folder / "ip" / "script.tcl"
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    tcl: Any = tkinter.Tcl()
    tcl.eval(STUBS)
    tcl.eval(f"source {{{script}}}")
    return [[str(word) for word in tcl.splitlist(call)] for call in tcl.splitlist(tcl.eval("set calls"))]


def cells_and_pins(calls: list[list[str]]) -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """Kinds of the cells by name, and what every connection joins."""
    cells = {call[-1]: call[call.index("-vlnv") + 1] for call in calls if call[0] == "create_bd_cell"}
    nets = [
        (call[0], [pin for word in call[1:] for pin in word.split()])
        for call in calls if call[0].startswith("connect_bd")
    ]  # fmt: skip
    return cells, nets


@pytest.mark.parametrize("board", ["pynq_z2", "zcu104"])
@pytest.mark.parametrize("design", [ip_design(), ip_design("rx", clocks=2, beat_bits=64)], ids=lambda one: one.top)
def test_the_block_design(design: IpDesign, board: str, tmp_path: Path) -> None:
    target = boards.load(board)
    text = block_design(design, target)
    assert text is not None
    calls = ran(text, tmp_path)
    cells, nets = cells_and_pins(calls)
    root = ElementTree.fromstring(component(design, target, []))
    vlnv = ":".join(root.findtext(f"s:{part}", "", S) for part in ("vendor", "library", "name", "version"))
    assert cells["hwgen"] == vlnv
    assert cells["ps"] == target.ps.cell  # type: ignore[union-attr]
    joined = {pin for _, pins in nets for pin in pins}
    assert {pin.partition("/")[0] for pin in joined} == set(cells)
    # The IP: every interface and every other port is connected, once, and nothing else is named.
    interfaces = {"s_axis", "m_axis", "s_axi"}
    single = {port.name for port in design.ports if not port.name.startswith(tuple(f"{name}_" for name in interfaces))}
    single |= {port.name for port in design.ports if port.name in ("s_axi_aclk", "s_axi_aresetn")}
    own = [pin.partition("/")[2] for _, pins in nets for pin in pins if pin.startswith("hwgen/")]
    assert sorted(own) == sorted(interfaces | single)
    for kind, pins in nets:
        assert all((pin.partition("/")[2] in interfaces) == (kind == "connect_bd_intf_net")
                   for pin in pins if pin.startswith("hwgen/"))  # fmt: skip
    # One clock for every clocked cell.
    (clocked,) = (pins for _, pins in nets if f"ps/{PINS[target.ps.kind].clock}" in pins)  # type: ignore[union-attr]
    assert {pin.partition("/")[0] for pin in clocked} == set(cells) - {"interrupts"}
    (files,) = {call[-1] for call in calls if call[:2] == ["file", "copy"] and call[-1].endswith(".hwh")}
    assert files == str(tmp_path / "build" / "vivado" / f"{design.top}.hwh")
    assert ["puts", "worst slack: 0.125 ns"] in calls


@pytest.mark.parametrize("board", ["pynq_z2", "zcu104"])
def test_out_of_context(board: str, tmp_path: Path) -> None:
    design, target = ip_design(), boards.load(board)
    calls = ran(out_of_context(design, target), tmp_path)
    assert [call[-1] for call in calls if call[0] == "read_verilog"] == [
        str(tmp_path / "hwgen_tx.v"), str(tmp_path / "hwgen_tx_ip.v")
    ]  # fmt: skip
    assert ["synth_design", "-top", design.top, "-part", target.part, "-mode", "out_of_context"] in calls


@pytest.mark.parametrize("clocks", [1, 2])
def test_constraints(clocks: int, tmp_path: Path) -> None:
    design, target = ip_design(clocks=clocks), boards.load("pynq_z2")
    calls = ran(constraints.out_of_context(design, target) + constraints.in_a_design(design), tmp_path)
    made = [call for call in calls if call[0] == "create_clock"]
    assert [call[2] for call in made] == ["aclk", "s_axi_aclk"][:clocks]
    ports = {port.name for port in design.ports}
    assert {call[1] for call in calls if call[0] == "get_ports"} <= ports
    assert sum(call[0] == "set_max_delay" for call in calls) == 2 * (clocks - 1)


def test_no_processing_system_no_block_design() -> None:
    board = boards.load("pynq_z2").model_copy(update={"ps": None})
    assert block_design(ip_design(), board) is None


def test_a_template_has_no_name_left() -> None:
    text = block_design(ip_design(), boards.load("kv260"))
    assert text is not None
    assert not re.search(r"\{\{\w+\}\}", text)
