"""The longest ways from one register to the next, before anything is placed: a static timing estimate.

A netlist is a graph of nets. A register's output is there a clock-to-output time after the edge; a cell's output
follows its inputs after the delay of the arc between them, and each net adds the delay of a wire, unless the hardware
has a dedicated one. The longest way to a register's input, setup time included, is what the clock period must allow.
Ports count as registers: what lies behind them belongs to the next component. Clock and reset start no path.

What a wire takes is known as a distribution alone (`hwgen.synth.wires`), so there are two estimates of every path: all
wires at their median, and all at their 90 % point.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from hwgen.synth.delays import CLOCK_TO_Q, LUT, SETUP, arcs, captures, dedicated, dsp_through, launches, nets
from hwgen.synth.netlist import Cell, Netlist
from hwgen.synth.statistics import BLOCK_RAMS, CARRIES, DSPS, LUTS
from hwgen.synth.wires import MEDIAN, SLOW, Wires

RESET = "rst"
NO_DATA = {"clk", RESET}
"""Ports that change before or outside of what a design does."""
WORST = 10
"""Paths that are reported."""


@dataclass(frozen=True)
class Step:
    """One cell on a path.

    Parameters: cell, its type; fan_out, of the net that leads to it, 0 where none does; median_ns, slow_ns, delay of
    that net's wire, at the median and at the 90 % point; cell_ns, its own delay; net, the one that it drives
    """

    cell: str
    fan_out: int
    median_ns: float
    slow_ns: float
    cell_ns: float
    net: str


@dataclass(frozen=True)
class Path:
    """A register-to-register path.

    Parameters: start, end, the registers; median_ns, slow_ns, estimates from clock edge to clock edge, all wires at
    their median and all at their 90 % point; luts, carries, the LUTs and carry cells on the way; fan_out, the widest
    net's; steps, of every cell, the registers' included
    """

    start: str
    end: str
    median_ns: float
    slow_ns: float
    luts: int
    carries: int
    fan_out: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Timing:
    """The paths of a netlist.

    Parameters: median, the longest with all wires at their median, None where nothing leads from one register to
    another; worst, the longest with all wires at their 90 % point, one for each register; reset, the reset's fan-out
    """

    median: Path | None
    worst: tuple[Path, ...]
    reset: int


@dataclass(frozen=True)
class _Edge:
    """The way into a node: from another one or, where `source` is None, from a clock edge. A wire's delays by quantile:
    none where the hardware has a wire of its own."""

    source: int | None
    cell: Cell | None
    cell_ns: float
    fan_out: int = 0
    median_ns: float = 0.0
    slow_ns: float = 0.0

    def ns(self, wires: Wires) -> float:
        return self.cell_ns + (self.median_ns if wires is MEDIAN else self.slow_ns)


class _Graph:
    """Nets, and one node more (a negative number) for each DSP without a register behind its adder."""

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.into: dict[int, list[_Edge]] = {
            net: [_Edge(None, None, CLOCK_TO_Q)] for net, port in netlist.inputs.items() if port not in NO_DATA
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
        self.wires = MEDIAN

    def use(self, wires: Wires) -> None:
        """Take another quantile of the wires' delays from now on."""
        self.best, self.wires = {}, wires

    def _add(self, cell: Cell, node: int) -> None:
        for pin, time in launches(cell):
            for net in nets(cell.pins.get(pin, ())):
                self.into.setdefault(net, []).append(_Edge(None, cell, time))
        for (pin, place), (output, to), time in arcs(cell):
            source, target = _bit(cell, pin, place), _bit(cell, output, to)
            if source is not None and target is not None:
                self.into.setdefault(target, []).append(self.edge(source, cell, pin, time))
        for pin, time in dsp_through(cell).items():
            for source in set(nets(cell.pins.get(pin, ()))):
                self.into.setdefault(node, []).append(self.edge(source, cell, pin, time))
            for output in ("P", "PCOUT"):
                for net in nets(cell.pins.get(output, ())):
                    self.into.setdefault(net, []).append(_Edge(node, None, 0.0))

    def edge(self, source: int, cell: Cell | None, pin: str, time: float) -> _Edge:
        """The way from the cell that drives a net to a pin of another, and through that one, or to a port. Only one of
        several flip-flops can be in the driver's slice."""
        driver, output = self.driver.get(source, ("", ""))
        sink, fan_out = "" if cell is None else cell.type, self.fan_out[source]
        if dedicated(driver, output, sink, pin) and (pin != "D" or self.data_sinks[source] == 1):
            return _Edge(source, cell, time, fan_out)
        through = LUT if sink in CARRIES and pin == "S" else 0.0  # an S input is reached through a LUT only
        median, slow = (w.delay(fan_out, driver in BLOCK_RAMS and sink in DSPS) + through for w in (MEDIAN, SLOW))
        return _Edge(source, cell, time, fan_out, median, slow)

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
                latest = max(latest, (before + edge.ns(self.wires), edge), key=lambda item: item[0])
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


def timing(netlist: Netlist) -> Timing:
    """The paths of a netlist.

    Raises
    ------
    ValueError : a loop without a register
    """
    graph = _Graph(netlist)
    reset = sum(graph.fan_out[net] for net, port in netlist.inputs.items() if port == RESET)
    return Timing(next(iter(_deepest(graph, 1)), None), tuple(_deepest(graph, WORST, SLOW)), reset)


def reset_ns(fan_out: int, wires: Wires) -> float:
    """Delay from a register that holds the reset to so many reset pins. The design's own reset comes through a port;
    what drives it is another design's, and no path of this one."""
    return round(CLOCK_TO_Q + wires.delay(fan_out) + SETUP["FDRE", "R"], 3)


def deepest(netlist: Netlist, number: int = 1, wires: Wires = MEDIAN) -> list[Path]:
    """The longest path into each register, for the `number` registers whose paths are the longest; longest first.

    A register of many bits counts once, and so does a memory.

    Raises
    ------
    ValueError : a loop without a register
    """
    return _deepest(_Graph(netlist), number, wires)


def _deepest(graph: _Graph, number: int, wires: Wires = MEDIAN) -> list[Path]:
    netlist = graph.netlist
    graph.use(wires)
    worst: dict[str, tuple[float, _Edge, str]] = {}

    def end(register: str, net: int, edge: _Edge) -> None:
        time = graph.arrive(net)
        if time is not None:
            total = time + edge.ns(wires)
            group = _group(register)
            if group not in worst or total > worst[group][0]:
                worst[group] = (total, edge, register)

    for cell in netlist.cells:
        for pin, setup in captures(cell):
            for net in set(nets(cell.pins[pin])):
                end(_register(netlist, cell), net, graph.edge(net, cell, pin, setup))
    for net, port in netlist.outputs.items():
        end(f"port {port}", net, graph.edge(net, None, "", 0.0))
    chosen = sorted(worst.values(), key=lambda item: (-item[0], item[2]))[:number]
    return [_path(graph, edge, register) for _, edge, register in chosen]


def _path(graph: _Graph, last: _Edge, register: str) -> Path:
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
            edge.fan_out,
            round(edge.median_ns, 3),
            round(edge.slow_ns, 3),
            round(edge.cell_ns, 3),
            register if node is None else netlist.names.get(node, ""),
        )
        for edge, node in zip(way, [*reached, None], strict=True)
        if edge.cell is not None or edge is way[0] or edge is way[-1]
    )
    kinds = [step.cell for step in steps[1:-1]]
    return Path(
        start,
        register,
        round(sum(edge.ns(MEDIAN) for edge in way), 3),
        round(sum(edge.ns(SLOW) for edge in way), 3),
        sum(kind in LUTS for kind in kinds),
        sum(kind in CARRIES for kind in kinds),
        max(edge.fan_out for edge in way),
        steps,
    )


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


def _group(name: str) -> str:
    """The register or memory that a bit or a cell belongs to."""
    return re.sub(r"\[\d+\]$|(\.\d+)+ \(\w+\)$", "", name)


def _bit(cell: Cell, pin: str, place: int) -> int | None:
    bits = cell.pins.get(pin, ())
    return bits[place] if place < len(bits) and isinstance(bits[place], int) else None  # type: ignore[return-value]


def _outputs(cell: Cell) -> set[str]:
    """The pins of a cell that drive nets."""
    if cell.type in DSPS:
        return {pin for pin in cell.pins if pin.endswith("OUT") or pin in ("P", "OVERFLOW", "UNDERFLOW")}
    return {pin for pin in cell.pins if pin in ("O", "Q", "Q31", "CO", "SPO", "DPO") or re.match(r"DO", pin)}
