"""The longest way from one register to the next, before anything is placed: a static timing estimate.

A netlist is a graph of nets. A register's output is there a clock-to-output time after the edge; a cell's output
follows its inputs after the delay of the arc between them, and each net adds the delay of a wire, unless the hardware
has a dedicated one. The longest way to a register's input, setup time included, is what the clock period must allow.
Ports count as registers: what lies behind them belongs to the next component. Clock and reset start no path.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from hwgen.synth.delays import CLOCK_TO_Q, arcs, captures, dedicated, dsp_through, launches, nets, wire
from hwgen.synth.netlist import Cell, Netlist
from hwgen.synth.statistics import CARRIES, DSPS, LUTS

NO_DATA = {"clk", "rst"}
"""Ports that change before or outside of what a design does."""


@dataclass(frozen=True)
class Step:
    """One cell on a path: its type, the delay of the wire to it and its own, in ns, and the net that it drives."""

    cell: str
    wire_ns: float
    cell_ns: float
    net: str


@dataclass(frozen=True)
class Path:
    """A register-to-register path.

    start, end : the registers; ns : estimate, from clock edge to clock edge; luts, carries : LUTs and carry cells on
    the way; steps : of every cell, the registers' included
    """

    start: str
    end: str
    ns: float
    luts: int
    carries: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Edge:
    """The way into a node: from another one or, where `source` is None, from a clock edge."""

    source: int | None
    cell: Cell | None
    wire_ns: float
    cell_ns: float


class _Graph:
    """Nets, and one node more (a negative number) for each DSP without a register behind its adder."""

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.into: dict[int, list[_Edge]] = {
            net: [_Edge(None, None, 0.0, CLOCK_TO_Q)] for net, port in netlist.inputs.items() if port not in NO_DATA
        }
        self.driver: dict[int, tuple[str, str]] = {}
        self.fan_out: Counter[int] = Counter(netlist.outputs.keys())
        self.data_sinks: Counter[int] = Counter()
        for cell in netlist.cells:
            for pin in _outputs(cell):
                for net in nets(cell.pins[pin]):
                    self.driver[net] = (cell.type, pin)
        for cell in netlist.cells:
            for pin in cell.pins.keys() - _outputs(cell):
                self.fan_out.update(nets(cell.pins[pin]))
                if pin == "D":
                    self.data_sinks.update(nets(cell.pins[pin]))
        for place, cell in enumerate(netlist.cells):
            self._add(cell, -1 - place)
        self.best: dict[int, tuple[float, _Edge | None]] = {}

    def _add(self, cell: Cell, node: int) -> None:
        for pin, time in launches(cell):
            for net in nets(cell.pins.get(pin, ())):
                self.into.setdefault(net, []).append(_Edge(None, cell, 0.0, time))
        for (pin, place), (output, to), time in arcs(cell):
            source, target = _bit(cell, pin, place), _bit(cell, output, to)
            if source is not None and target is not None:
                self.into.setdefault(target, []).append(self.edge(source, cell, pin, time))
        for pin, time in dsp_through(cell).items():
            for source in set(nets(cell.pins.get(pin, ()))):
                self.into.setdefault(node, []).append(self.edge(source, cell, pin, time))
            for output in ("P", "PCOUT"):
                for net in nets(cell.pins.get(output, ())):
                    self.into.setdefault(net, []).append(_Edge(node, None, 0.0, 0.0))

    def edge(self, source: int, cell: Cell, pin: str, time: float) -> _Edge:
        return _Edge(source, cell, self.wire(source, cell.type, pin), time)

    def wire(self, net: int, sink: str, pin: str) -> float:
        """A wire's delay from the cell that drives the net. Only one of several flip-flops can be in its slice."""
        driver, output = self.driver.get(net, ("", ""))
        if dedicated(driver, output, sink, pin) and (pin != "D" or self.data_sinks[net] == 1):
            return 0.0
        through = 0.124 if sink in CARRIES and pin == "S" else 0.0  # an S input is reached through a LUT only
        return wire(self.fan_out[net]) + through

    def arrive(self, node: int) -> float | None:
        """The latest time at which a node changes after a clock edge; None where it never does.

        Raises ValueError for a loop without a register.
        """
        stack, open_nodes = [node], set()
        while stack:
            current = stack[-1]
            if current in self.best:
                stack.pop()
                continue
            edges = self.into.get(current, [])
            missing = [edge.source for edge in edges if edge.source is not None and edge.source not in self.best]
            if missing:
                if current in open_nodes:
                    name = self.netlist.names.get(current, f"net {current}")
                    raise ValueError(f"{self.netlist.top}: wanted a register in every loop, got none behind {name}")
                open_nodes.add(current)
                stack.extend(missing)
                continue
            latest: tuple[float, _Edge | None] = (float("-inf"), None)
            for edge in edges:
                before = 0.0 if edge.source is None else self.best[edge.source][0]
                latest = max(latest, (before + edge.wire_ns + edge.cell_ns, edge), key=lambda item: item[0])
            self.best[current] = latest
            stack.pop()
        time = self.best[node][0]
        return None if time == float("-inf") else time

    def trace(self, edge: _Edge) -> list[_Edge]:
        """The edges that lead to this one, from a clock edge on."""
        way = [edge]
        while way[-1].source is not None:
            before = self.best[way[-1].source][1]
            assert before is not None
            way.append(before)
        return way[::-1]


def deepest(netlist: Netlist, number: int = 1) -> list[Path]:
    """The longest path into each register, for the `number` registers whose paths are the longest; longest first.

    A register of many bits counts once, and so does a memory.

    Raises
    ------
    ValueError : a loop without a register
    """
    graph = _Graph(netlist)
    worst: dict[str, tuple[float, _Edge, str]] = {}

    def end(register: str, net: int, edge: _Edge) -> None:
        time = graph.arrive(net)
        if time is not None:
            total = time + edge.wire_ns + edge.cell_ns
            group = _without_bit(register)
            if group not in worst or total > worst[group][0]:
                worst[group] = (total, edge, register)

    for cell in netlist.cells:
        for pin, setup in captures(cell):
            for net in set(nets(cell.pins[pin])):
                end(_register(netlist, cell), net, graph.edge(net, cell, pin, setup))
    for net, port in netlist.outputs.items():
        end(f"port {port}", net, _Edge(net, None, graph.wire(net, "", ""), 0.0))
    chosen = sorted(worst.values(), key=lambda item: (-item[0], item[2]))[:number]
    return [_path(graph, total, edge, register) for total, edge, register in chosen]


def _path(graph: _Graph, total: float, last: _Edge, register: str) -> Path:
    netlist = graph.netlist
    way = graph.trace(last)
    reached = [edge.source for edge in way[1:]]  # the node that each edge but the last leads to
    first = way[0].cell
    origin = reached[0]  # a path has a first and a last edge at least
    assert origin is not None
    start = f"port {netlist.inputs[origin]}" if first is None else _register(netlist, first, origin)
    steps = tuple(
        Step(
            "port" if edge.cell is None else edge.cell.type,
            round(edge.wire_ns, 3),
            round(edge.cell_ns, 3),
            register if node is None else netlist.names.get(node, ""),
        )
        for edge, node in zip(way, [*reached, None], strict=True)
        if edge.cell is not None or edge is way[0] or edge is way[-1]
    )
    kinds = [step.cell for step in steps[1:-1]]
    luts = sum(kind in LUTS for kind in kinds)
    return Path(start, register, round(total, 3), luts, sum(kind in CARRIES for kind in kinds), steps)


def _register(netlist: Netlist, cell: Cell, net: int | None = None) -> str:
    """A readable name of a cell that a clock drives: of the net that it drives, or of the memory that it is part of."""
    if net in netlist.names:
        return netlist.names[net]
    for pin in ("Q", "Q31", "P", "PCOUT"):
        named = [netlist.names[bit] for bit in nets(cell.pins.get(pin, ())) if bit in netlist.names]
        if named:
            return named[0]
    name = re.sub(r"^\$flatten\\|\$.*$", "", cell.name).rstrip(".")
    return f"{name} ({cell.type})".strip()


def _without_bit(name: str) -> str:
    return re.sub(r"\[\d+\]$", "", name)


def _bit(cell: Cell, pin: str, place: int) -> int | None:
    bits = cell.pins.get(pin, ())
    return bits[place] if place < len(bits) and isinstance(bits[place], int) else None  # type: ignore[return-value]


def _outputs(cell: Cell) -> set[str]:
    """The pins of a cell that drive nets."""
    if cell.type in DSPS:
        return {pin for pin in cell.pins if pin.endswith("OUT") or pin in ("P", "OVERFLOW", "UNDERFLOW")}
    return {pin for pin in cell.pins if pin in ("O", "Q", "Q31", "CO", "SPO", "DPO") or re.match(r"DO", pin)}
