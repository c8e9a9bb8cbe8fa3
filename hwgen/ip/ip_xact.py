"""component.xml: the IP for Vivado's catalogue, IP-XACT of IEEE 1685-2009, which Vivado reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from hwgen import __version__
from hwgen.board import Board
from hwgen.device import FAMILIES
from hwgen.ip.design import ADDRESS_BITS, IpDesign
from hwgen.ip.registers import MEMORIES, REGISTERS

SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
XILINX = "http://www.xilinx.com"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
VENDOR, LIBRARY = "hwgen", "ip"
VERSION = ".".join(__version__.split(".")[:2])
"""Vivado takes two numbers."""
MEMORY_MAP, ADDRESS_BLOCK = "s_axi", "registers"
SYNTHESIS, SIMULATION = "xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"
ACCESS = {"r": "read-only", "rw": "read-write", "w1c": "read-write", "pulse": "write-only"}

Element = ElementTree.Element


def component(design: IpDesign, board: Board, files: Sequence[tuple[str, str]]) -> str:
    """The text of component.xml.

    Parameters
    ----------
    files : name, below component.xml, and type of every file of the IP: "verilogSource" or "xdc"
    """
    for prefix, address in (("spirit", SPIRIT), ("xilinx", XILINX), ("xsi", INSTANCE)):
        ElementTree.register_namespace(prefix, address)
    root = Element(_name("component"))
    _texts(root, vendor=VENDOR, library=LIBRARY, name=design.top, version=VERSION)
    interfaces = _add(root, "busInterfaces")
    for name, master in (("s_axis", False), ("m_axis", True)):
        signals = {f"t{part}".upper(): f"{name}_t{part}" for part in ("data", "keep", "last", "valid", "ready")}
        _interface(interfaces, name, ("interface", "axis"), master, signals, ())
    lite = {
        port.name.removeprefix("s_axi_").upper(): port.name
        for port in design.ports
        if port.name.startswith("s_axi_") and port.name not in ("s_axi_aclk", "s_axi_aresetn")
    }
    _interface(interfaces, "s_axi", ("interface", "aximm"), False, lite, ())
    for clock, reset, busses in _clocks(design):
        associated = (("ASSOCIATED_BUSIF", ":".join(busses)), ("ASSOCIATED_RESET", reset))
        _interface(interfaces, clock, ("signal", "clock"), False, {"CLK": clock}, associated)
        _interface(interfaces, reset, ("signal", "reset"), False, {"RST": reset}, (("POLARITY", "ACTIVE_LOW"),))
    _interface(interfaces, "irq", ("signal", "interrupt"), True, {"INTERRUPT": "irq"}, (("SENSITIVITY", "LEVEL_HIGH"),))
    _memory_map(_add(root, "memoryMaps"), design)
    _model(_add(root, "model"), design)
    _file_sets(_add(root, "fileSets"), files)
    manifest = design.manifest
    frame = f"{manifest['frame']['width']}x{manifest['frame']['height']}"
    _texts(root, description=f"{manifest['model']}, {manifest['side']}, {frame} frames, by hwgen")
    _parameters(root, (("Component_Name", f"{design.top}_v{VERSION.replace('.', '_')}"),))
    _extensions(_add(root, "vendorExtensions"), design, board)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _extensions(parent: Element, design: IpDesign, board: Board) -> None:
    """Vivado's extensions of the standard: families, place in the catalogue, displayed name."""

    def add(above: Element, tag: str, text: str | None = None) -> Element:
        element = ElementTree.SubElement(above, f"{{{XILINX}}}{tag}")
        element.text = text
        return element

    core = add(parent, "coreExtensions")
    families = add(core, "supportedFamilies")
    for family in FAMILIES[board.family].vivado:
        add(families, "family", family).set(f"{{{XILINX}}}lifeCycle", "Beta")
    add(add(core, "taxonomies"), "taxonomy", "/UserIP")
    add(core, "displayName", design.top)
    add(core, "coreRevision", "1")


def _clocks(design: IpDesign) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Clock, reset and the interfaces that go with them."""
    streams = ("s_axis", "m_axis")
    if design.options.clocks == 1:
        return (("aclk", "aresetn", (*streams, "s_axi")),)
    return (("aclk", "aresetn", streams), ("s_axi_aclk", "s_axi_aresetn", ("s_axi",)))


def _name(tag: str) -> str:
    return f"{{{SPIRIT}}}{tag}"


def _add(parent: Element, tag: str, text: object = None, **attributes: str) -> Element:
    """A further element, with attributes of its namespace."""
    element = ElementTree.SubElement(parent, _name(tag), {_name(key): value for key, value in attributes.items()})
    if text is not None:
        element.text = str(text)
    return element


def _texts(parent: Element, **texts: object) -> None:
    for tag, text in texts.items():
        _add(parent, tag, text)


def _interface(
    parent: Element, name: str, kind: tuple[str, str], master: bool, ports: dict[str, str],
    parameters: Iterable[tuple[str, str]],
) -> None:
    """A bus interface of Xilinx's: its kind is (library, name), `ports` are its logical and the IP's names."""
    library, bus = kind
    interface = _add(parent, "busInterface")
    _texts(interface, name=name)
    for tag, suffix in (("busType", ""), ("abstractionType", "_rtl")):
        _add(interface, tag, vendor="xilinx.com", library=library, name=f"{bus}{suffix}", version="1.0")
    mode = _add(interface, "master" if master else "slave")
    if bus == "aximm":
        _add(mode, "memoryMapRef", memoryMapRef=MEMORY_MAP)
    maps = _add(interface, "portMaps")
    for logical, physical in ports.items():
        found = _add(maps, "portMap")
        _texts(_add(found, "logicalPort"), name=logical)
        _texts(_add(found, "physicalPort"), name=physical)
    _parameters(interface, parameters, f"BUSIFPARAM_VALUE.{name.upper()}.")


def _parameters(parent: Element, values: Iterable[tuple[str, str]], prefix: str = "PARAM_VALUE.") -> None:
    if not (pairs := tuple(values)):
        return
    parameters = _add(parent, "parameters")
    for name, value in pairs:
        parameter = _add(parameters, "parameter")
        _texts(parameter, name=name)
        _add(parameter, "value", value, id=f"{prefix}{name}", resolve="immediate")


def _memory_map(parent: Element, design: IpDesign) -> None:
    """The registers, for address editor, .hwh and software."""
    memory_map = _add(parent, "memoryMap")
    _texts(memory_map, name=MEMORY_MAP)
    block = _add(memory_map, "addressBlock")
    _texts(block, name=ADDRESS_BLOCK, baseAddress="0", range=1 << ADDRESS_BITS, width=32, usage="register")
    for register in REGISTERS:
        found = _add(block, "register")
        _texts(found, name=register.name, addressOffset=f"0x{register.address:X}", size=32)
        accesses = {ACCESS[field.access] for field in register.fields}
        _texts(found, access=accesses.pop() if len(accesses) == 1 else "read-write")
        for field in register.fields:
            entry = _add(found, "field")
            _texts(entry, name=field.name, bitOffset=field.low, bitWidth=field.width, access=ACCESS[field.access])
            if field.access == "w1c":
                _texts(entry, modifiedWriteValue="oneToClear")
    for memory in MEMORIES if design.coefficient_words else ():
        found = _add(block, "register")
        _texts(found, name=memory.name, dim=memory.words, addressOffset=f"0x{memory.address:X}", size=32,
               access="write-only")  # fmt: skip


def _model(parent: Element, design: IpDesign) -> None:
    """Views and ports."""
    views = _add(parent, "views")
    for name, environment in ((SYNTHESIS, "synthesis"), (SIMULATION, "simulation")):
        view = _add(views, "view")
        _texts(view, name=name, envIdentifier=f":vivado.xilinx.com:{environment}", language="Verilog",
               modelName=design.top)  # fmt: skip
        _texts(_add(view, "fileSetRef"), localName=f"{name}_view_fileset")
    ports = _add(parent, "ports")
    for port in design.ports:
        found = _add(ports, "port")
        _texts(found, name=port.name)
        wire = _add(found, "wire")
        _texts(wire, direction={"input": "in", "output": "out"}[port.direction])
        if port.width > 1:
            _texts(_add(wire, "vector"), left=port.width - 1, right=0)


def _file_sets(parent: Element, files: Sequence[tuple[str, str]]) -> None:
    """The files of either view: constraints belong to synthesis alone."""
    for name in (SYNTHESIS, SIMULATION):
        found = _add(parent, "fileSet")
        _texts(found, name=f"{name}_view_fileset")
        for file, kind in files:
            if kind == "xdc" and name != SYNTHESIS:
                continue
            entry = _add(found, "file")
            _texts(entry, name=file)
            if kind == "xdc":
                _texts(entry, userFileType="xdc")
            else:
                _texts(entry, fileType=kind)
