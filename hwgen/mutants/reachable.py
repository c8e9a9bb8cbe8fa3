"""Logic between registers, for the SMT solver z3: may a fault make a difference, in the states that a module can reach?

Those states are bounded from above, register by register: a narrow register's values are collected until no state made
of such values, and no input, gives it another one. What registers have to do with each other is lost, except for a
counter and the flag of its last value (`column` and `last_column`): their pairs of values are collected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

WIDEST = 7
"""Bits of a register, or of two together, whose values are collected."""
MOST = 80
"""Values of one; with more, it may have any."""
MILLISECONDS = 5000
"""For one question to the solver; without an answer, nothing is known."""
DECLARED = re.compile(r"\(\(state \|miter_s\|\)\)|\(\|miter_s\|\)")
USED = re.compile(r"\((\|miter(?:_n [^|]*|#\d+)\|) state\)")
LINE = re.compile(r"\(declare-fun \|miter#.*|\(define-fun \|miter(#|_n ).*")
PORT = re.compile(r"; yosys-smt2-(input|output) (\S+) (\d+)")
RESET = "in_rst"


@dataclass(frozen=True)
class Logic:
    """ports : expressions by name: `in_x` of inputs, `in_x.i` of a register's value, `gold_x` of its next one, and
    `trigger`, which is 1 where outputs or next values differ with the fault from those without."""

    ports: dict[str, Any]

    def registers(self) -> list[str]:
        """Names of those narrow enough to be looked at."""
        return [
            name[3:-2]
            for name, port in self.ports.items()
            if name.endswith(".i") and port.size() <= WIDEST and f"gold_{name[3:-2]}" in self.ports and "[" not in name
        ]

    def now(self, names: Sequence[str]) -> Any:
        """The value of a register, or of two."""
        return _joined([self.ports[f"in_{name}.i"] for name in names])

    def next(self, names: Sequence[str]) -> Any:
        return _joined([self.ports[f"gold_{name}"] for name in names])


def logic(text: str) -> Logic:
    """Read what Yosys' `write_smt2` wrote of a module without registers; the one state becomes free constants."""
    lines, ports = [], []
    for line in text.splitlines():
        if found := PORT.match(line):
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
    """Values that registers, or pairs of them, can have from reset on; those not named can have any."""

    values: dict[tuple[str, ...], set[int]] = field(default_factory=dict)

    def holds(self, of: Logic) -> list[Any]:
        """The bounds, as conditions on a module's state."""
        return [_among(of.now(names), found) for names, found in self.values.items() if _known(of, names)]


def reachable(of: Logic) -> Reachable:
    """Collect the values, beginning with those behind a reset in any state."""
    found = Reachable({names: set() for names in _groups(of.registers())})
    if RESET not in of.ports:
        return Reachable()
    held = of.ports[RESET] == 1
    for names in list(found.values):
        _collect(of, found, [names], [held], bounded=False)
    while _collect(of, found, list(found.values), [], bounded=True):
        pass
    return found


def possible(of: Logic, bounds: Reachable) -> bool:
    """Whether the fault may make a difference: False proves that it makes none.

    Within the bounds nothing may differ. They hold from reset on, so a reset must lead from any state that both are in
    to one that is the same for both; what goes out before that means nothing.
    """
    differs = of.ports["trigger"] == 1
    if _model(differs, bounds.holds(of)) is not None:
        return True
    if not bounds.values or _model(differs, []) is None:
        return False
    states = [name[3:-2] for name in of.ports if name.endswith(".i")]
    next_ones = [of.ports[f"gold_{name}"] != of.ports[f"gate_{name}"] for name in states]
    return _model(z3.Or(next_ones), [of.ports[RESET] == 1]) is not None


def _collect(
    of: Logic, found: Reachable, groups: Iterable[tuple[str, ...]], given: list[Any], bounded: bool
) -> bool:
    """Add values until the solver finds no other; those of which there are too many, or no answer, are dropped.

    Returns
    -------
    bool : whether anything was dropped or added
    """
    changed = False
    for names in list(groups):
        while names in found.values:
            known = found.values[names]
            state = found.holds(of) if bounded else []
            model = _model(z3.Not(_among(of.next(names), known)), [*state, *given])
            if model is None:
                break
            changed = True
            if model is UNKNOWN or len(known) >= MOST:
                del found.values[names]
            else:
                known.add(model.eval(of.next(names), model_completion=True).as_long())
    return changed


UNKNOWN = object()


def _model(question: Any, given: list[Any]) -> Any:
    """A model in which all of it is true; None where there is none, UNKNOWN where there is no answer."""
    solver = z3.SolverFor("QF_BV")
    solver.set("timeout", MILLISECONDS)
    solver.add(question, *given)
    answer = solver.check()
    if answer == z3.unsat:
        return None
    return solver.model() if answer == z3.sat else UNKNOWN


def _groups(registers: Sequence[str]) -> list[tuple[str, ...]]:
    """Each by itself, and with the flag that tells its last value."""
    pairs = [(one, f"last_{one}") for one in registers if f"last_{one}" in registers]
    return [*((name,) for name in registers), *pairs]


def _known(of: Logic, names: Iterable[str]) -> bool:
    return all(f"in_{name}.i" in of.ports for name in names)


def _joined(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def _among(value: Any, values: Iterable[int]) -> Any:
    return z3.Or([value == one for one in sorted(values)])
