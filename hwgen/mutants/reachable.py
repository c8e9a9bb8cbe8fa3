"""Logic between registers, for the SMT solver z3, and bounds of the states that a module can reach.

A narrow register's values are collected until no state made of such values, and no input, gives it another one; of a
wide one the least and the largest. What registers have to do with each other is lost, except for a counter and the flag
of its last value (`column` and `last_column`), for what is `left` and the flag that it runs (`waiting`), for flags, and
for what counts beats on their way to a FIFO: their values are collected together.

A design begins in its reset state: every register has its reset value, or zero where it has none, as a first content.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

NARROW = 7
"""Bits of a register, or of two together, whose values are collected."""
FLAGS = 12
"""Registers of one bit, at most, whose values are collected by pairs where they are too many for all together."""
BEATS = re.compile(r"(spare|lacking|level|some|written|valid\d*)$")
"""Names of registers that count a FIFO's beats, or say where one is on its way: together they are as many as were let
in."""
RUNS = {"left", "waiting"}
"""Names of a count of beats that still leave, and of the flag that there are some."""
TOGETHER = 16
"""Bits of all of them, whose values are collected together."""
MOST = 256
"""Values of one; with more, it may have any."""
WIDE = 32
"""Bits of a register whose least and largest value are looked for."""
ROUNDS = 8
"""Times that a wide register's bounds may grow, before it may have any value."""
EFFORT = 1_000_000
"""Effort of the solver for one question, in its own units, which are the same everywhere; without an answer, nothing
is known."""
QUESTIONS = 6000
"""For the bounds of a module; where they take more there are none."""
DECLARED = re.compile(r"\(\(state \|miter_s\|\)\)|\(\|miter_s\|\)")
USED = re.compile(r"\((\|miter(?:_n [^|]*|#\d+)\|) state\)")
LINE = re.compile(r"\(declare-fun \|miter#.*|\(define-fun \|miter(#|_n ).*")
PORT = re.compile(r"; yosys-smt2-(input|output) (\S+) (\d+)")
RESET = "in_rst"
CELL = re.compile(r"_\$\w*dff.*")
"""The end of a cell's name behind its register's."""


@dataclass(frozen=True)
class Logic:
    """ports : expressions by name: `in_x` of inputs, `gold_x` and `gate_x` of outputs, of the module without the fault
    and with it; `in_r.Q` of a register's value, `gold_r.D` and `gate_r.D` of its next one."""

    ports: dict[str, Any]

    def registers(self) -> list[str]:
        """Names of all of their cells."""
        return [name[3:-2] for name in self.ports if name.startswith("in_") and f"gold_{name[3:-2]}.D" in self.ports]

    def now(self, names: Sequence[str]) -> Any:
        """The value of a register, or of two."""
        return _joined([self.ports[f"in_{name}.Q"] for name in names])

    def next(self, names: Sequence[str], copy: str = "gold") -> Any:
        return _joined([self.ports[f"{copy}_{name}.D"] for name in names])

    def outputs(self) -> list[str]:
        """Names of what goes out, to other modules and to memories."""
        registers = {f"{name}.D" for name in self.registers()}
        return [name[5:] for name in self.ports if name.startswith("gold_") and name[5:] not in registers]


def logic(text: str) -> Logic:
    """Read what Yosys' `write_smt2` wrote of a module without registers; the one state becomes free constants."""
    lines, ports = [], []
    for line in text.splitlines():
        if found := PORT.match(line):
            if found[3] != "0" and not found[2].endswith("CLK"):
                ports.append((found[2], int(found[3])))
        elif LINE.match(line):
            lines.append(USED.sub(r"\1", DECLARED.sub("()", line.partition(" ; ")[0])))
    for name, bits in ports:
        # One bit is a truth value for Yosys.
        value = f"(ite |miter_n {name}| #b1 #b0)" if bits == 1 else f"|miter_n {name}|"
        lines += [f"(declare-const |@{name}| (_ BitVec {bits}))", f"(assert (= |@{name}| {value}))"]
    equations = z3.parse_smt2_string("\n".join(lines))
    return Logic({name: equation.arg(1) for (name, _), equation in zip(ports, equations, strict=True)})


@dataclass
class Reachable:
    """Values that registers, or pairs of them, can have; those not named can have any.

    values : collected ones. ranges : the least and the largest, of wide ones; as signed numbers where `signed` is True.
    """

    values: dict[tuple[str, ...], set[int]] = field(default_factory=dict)
    ranges: dict[tuple[str, bool], tuple[int, int]] = field(default_factory=dict)

    def holds(self, of: Logic) -> list[Any]:
        """The bounds, as conditions on a module's state."""
        return [
            *(_among(of.now(names), found) for names, found in self.values.items()),
            *(_within(of.now([name]), signed, *ends) for (name, signed), ends in self.ranges.items()),
        ]


def alone(of: Logic) -> Reachable:
    """Bounds of each group of narrow registers by itself, whatever all others are: of counters, for a few questions."""
    found = Reachable()
    firsts = _firsts(of)
    for names in _groups(of):
        if firsts.keys() >= set(names):
            own = Reachable({names: {_together(of, firsts, names)}})
            left, changed = QUESTIONS, True
            while own.values and changed and left > 0:
                changed, asked = _collect(of, own, left)
                left -= asked
            if not changed:
                found.values |= own.values
    return found


def reachable(of: Logic) -> Reachable:
    """Collect the values, beginning with those of the reset state."""
    firsts = _firsts(of)
    found = Reachable()
    for names in _groups(of):
        if firsts.keys() >= set(names):
            found.values[names] = {_together(of, firsts, names)}
    for name in firsts:
        if NARROW < (size := of.now([name]).size()) <= WIDE:
            for signed in (False, True):
                number = _number(firsts[name], size, signed)
                found.ranges[name, signed] = number, number
    if find(z3.BoolVal(True), found.holds(of)) is None:
        raise RuntimeError("bounds of a module: wanted at least its reset state, got no state, which proves anything")
    grown = dict.fromkeys(found.ranges, 0)
    left = QUESTIONS
    while left > 0:
        changed, asked = _collect(of, found, left)
        left -= asked
        for key in list(found.ranges):
            left -= 1
            if _widen(of, found, key, grown):
                left -= 2 * WIDE
                changed = True
        if not changed and left > 0:
            return found
    return Reachable()


def _firsts(of: Logic) -> dict[str, int]:
    """Registers' values in the reset state, by name; none of a module without a reset."""
    if RESET not in of.ports:
        return {}
    held = [of.ports[RESET] == 1]
    return {name: first for name in of.registers() if (first := _first(of, name, held)) is not None}


def _first(of: Logic, name: str, held: Sequence[Any]) -> int | None:
    """A register's value in the reset state: 0 where the reset gives it none; None without an answer."""
    value = of.next([name])
    model = find(z3.BoolVal(True), held)
    if model is None or model is UNKNOWN:
        return None
    first = _value(model, value)
    other = find(value != first, held)
    if other is UNKNOWN:
        return None
    return first if other is None else 0


def _together(of: Logic, firsts: Mapping[str, int], names: Sequence[str]) -> int:
    """Registers' values in the reset state, joined as `Logic.now` joins them."""
    value = 0
    for name in names:
        value = value << of.now([name]).size() | firsts[name]
    return value


def _collect(of: Logic, found: Reachable, most: int) -> tuple[bool, int]:
    """Add values until the solver finds no other; those of which there are too many, or no answer, are dropped.

    Returns
    -------
    bool : whether anything was dropped or added
    int : questions, at most `most`; what they leave open is not settled
    """
    changed, asked = False, 0
    for names in list(found.values):
        while names in found.values and asked < most:
            asked += 1
            known = found.values[names]
            model = find(z3.Not(_among(of.next(names), known)), found.holds(of))
            if model is None:
                break
            changed = True
            if model is UNKNOWN or len(known) >= MOST:
                del found.values[names]
            else:
                known.add(_value(model, of.next(names)))
    return changed, asked


def _widen(of: Logic, found: Reachable, key: tuple[str, bool], grown: dict[tuple[str, bool], int]) -> bool:
    """Widen a range to what one step can reach; one that goes on growing is dropped."""
    name, signed = key
    value, (low, high) = of.next([name]), found.ranges[key]
    if find(z3.Not(_within(value, signed, low, high)), found.holds(of)) is None:
        return False
    grown[key] += 1
    size = value.size()
    least, most = (-1 << size - 1, (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)
    state = found.holds(of)
    high = _furthest(lambda limit: _above(value, signed, limit), state, high, most)
    low = -_furthest(lambda limit: _below(value, signed, -limit), state, -low, -least)
    if grown[key] > ROUNDS or (low, high) == (least, most):
        del found.ranges[key]
    else:
        found.ranges[key] = (low, high)
    return True


def _furthest(beyond: Callable[[int], Any], state: list[Any], near: int, far: int) -> int:
    """The least number from `near` to `far` that nothing is beyond."""
    while near < far:
        middle = (near + far) // 2
        if find(beyond(middle), state) is None:
            far = middle
        else:
            near = middle + 1
    return far


UNKNOWN = object()


def find(question: Any, given: Sequence[Any]) -> Any:
    """A model in which all of it is true; None where there is none, UNKNOWN where there is no answer."""
    solver = z3.SolverFor("QF_BV")
    solver.set("rlimit", EFFORT)
    solver.add(question, *given)
    answer = solver.check()
    if answer == z3.unsat:
        return None
    return solver.model() if answer == z3.sat else UNKNOWN


def _groups(of: Logic) -> list[tuple[str, ...]]:
    """Narrow registers each by itself, and with the flag that tells its last value; flags all together, or by pairs."""
    narrow = [name for name in of.registers() if of.now([name]).size() <= NARROW and "[" not in name]
    plain = {CELL.sub("", name): name for name in narrow}
    pairs = [(one, plain[f"last_{name}"]) for name, one in plain.items() if f"last_{name}" in plain]
    found: list[tuple[str, ...]] = [(name,) for name in narrow]
    if plain.keys() >= RUNS:
        pairs.append((plain["left"], plain["waiting"]))
    found += [pair for pair in pairs if of.now(pair).size() <= NARROW]
    flags = [name for name in narrow if of.now([name]).size() == 1]
    if 1 < len(flags) <= NARROW:
        found.append(tuple(flags))
    elif len(flags) <= FLAGS:
        found += itertools.combinations(flags, 2)
    beats = tuple(name for name in narrow if BEATS.search(CELL.sub("", name)))
    if sum(of.now([name]).size() for name in beats) > TOGETHER:  # `some` follows from `level`, where there is one
        beats = tuple(name for name in beats if not CELL.sub("", name).endswith("some"))
    if len(beats) > 1 and of.now(beats).size() <= TOGETHER and beats not in found:
        found.append(beats)
    return found


def _value(model: Any, expression: Any) -> int:
    return int(model.eval(expression, model_completion=True).as_long())


def _number(value: int, size: int, signed: bool) -> int:
    return value - (1 << size) if signed and value >> size - 1 else value


def _joined(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def _among(value: Any, values: set[int]) -> Any:
    return z3.Or([value == one for one in sorted(values)])


def _above(value: Any, signed: bool, limit: int) -> Any:
    number = z3.BitVecVal(limit, value.size())
    return value > number if signed else z3.UGT(value, number)


def _below(value: Any, signed: bool, limit: int) -> Any:
    number = z3.BitVecVal(limit, value.size())
    return value < number if signed else z3.ULT(value, number)


def _within(value: Any, signed: bool, low: int, high: int) -> Any:
    return z3.And(z3.Not(_below(value, signed, low)), z3.Not(_above(value, signed, high)))
