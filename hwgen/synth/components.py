"""The components of an emitted design, each with the Verilog of all it is made of: what is synthesised is what was
emitted, with the widths and constants that the component has in that design."""

from __future__ import annotations

import re
from dataclasses import dataclass

MODULE = re.compile(r"^module (\S+) ?\(.*?^endmodule\n", re.MULTILINE | re.DOTALL)
INSTANCE = re.compile(r"^  (\S+)\s+(\S+)\s+\(\n(.*?)^  \);$", re.MULTILINE | re.DOTALL)
PIN = re.compile(r"^    \.(\S+?) ?\((.*?)\),?$", re.MULTILINE)


@dataclass(frozen=True)
class Component:
    """An instance in a design: its name there, its module's name without a backslash, the Verilog of that module and
    of all that it instantiates; wires: by port, what the design connects to it."""

    name: str
    module: str
    verilog: str
    wires: dict[str, str]


def components(verilog: str, top: str) -> list[Component]:
    """The instances in the module `top` of emitted Verilog, in the order of the text.

    Raises
    ------
    ValueError : no such module
    """
    texts = {match[1]: match[0] for match in MODULE.finditer(verilog)}
    inside = {
        module: [(kind, name, pins) for kind, name, pins in INSTANCE.findall(text) if kind in texts]
        for module, text in texts.items()
    }
    if top not in texts:
        raise ValueError(f"verilog: wanted a module {top}, got {', '.join(texts) or 'none'}")
    found = []
    for kind, name, pins in inside[top]:
        needed = [kind]
        for module in needed:  # grows on the way
            needed += [other for other, _, _ in inside[module] if other not in needed]
        text = "".join(text for module, text in texts.items() if module in needed)
        wires = {port.lstrip("\\"): wire.strip() for port, wire in PIN.findall(pins)}
        found.append(Component(name.lstrip("\\"), kind.lstrip("\\"), text, wires))
    return found
