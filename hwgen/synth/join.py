"""The netlists of a design's components as one, so that paths are seen that lead from one into the next."""

from __future__ import annotations

from collections.abc import Sequence

from hwgen.synth.components import Component
from hwgen.synth.netlist import Bit, Cell, Netlist

Node = tuple[int, int] | tuple[str, int]
"""A net of the component at that place in the design, or a bit of a wire of the top module."""


class _Nets:
    """Which nodes are one net; each net's number."""

    def __init__(self) -> None:
        self.same: dict[Node, Node] = {}
        self.numbers: dict[Node, int] = {}

    def root(self, node: Node) -> Node:
        while (above := self.same.get(node)) is not None:
            node = above
        return node

    def connect(self, one: Node, other: Node) -> None:
        one, other = self.root(one), self.root(other)
        if one != other:
            self.same[one] = other

    def number(self, node: Node) -> int:
        return self.numbers.setdefault(self.root(node), len(self.numbers))


def joined(top: str, parts: Sequence[tuple[Component, Netlist]]) -> Netlist:
    """One netlist of all components, connected as the module `top` connects them.

    Ports that one wire of `top` reaches are one net. A wire that only inputs or only outputs of components reach is a
    port of the design, under the component's name for it. Names of cells and nets get their component's in front.
    """
    nets = _Nets()
    read: dict[Node, str] = {}
    driven: dict[Node, str] = {}
    for place, (component, netlist) in enumerate(parts):
        for ports, found in ((netlist.inputs, read), (netlist.outputs, driven)):
            for net, port in ports.items():
                name, _, bit = port.rstrip("]").partition("[")
                wire = (component.wires[name], int(bit or 0))
                nets.connect((place, net), wire)
                found[wire] = port

    cells: list[Cell] = []
    names: dict[int, str] = {}
    for place, (component, netlist) in enumerate(parts):

        def moved(bits: tuple[Bit, ...], place: int = place) -> tuple[Bit, ...]:
            return tuple(nets.number((place, bit)) if isinstance(bit, int) else bit for bit in bits)

        for cell in netlist.cells:
            pins = {pin: moved(bits) for pin, bits in cell.pins.items()}
            cells.append(Cell(f"{component.name}.{cell.name}", cell.type, cell.parameters, pins))
        for net, name in netlist.names.items():
            if net in netlist.inputs:  # its driver's name comes from the component that drives it
                names.setdefault(nets.number((place, net)), f"{component.name}.{name}")
            else:
                names[nets.number((place, net))] = f"{component.name}.{name}"
    return Netlist(
        top,
        tuple(cells),
        {nets.number(wire): port for wire, port in read.items() if wire not in driven},
        {nets.number(wire): port for wire, port in driven.items() if wire not in read},
        names,
    )
