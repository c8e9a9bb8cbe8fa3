"""Proofs that a fault makes no difference, by what the state with it and the state without it have in common.

Two copies of a module begin in the same state and see the same inputs. The relation of their states that always holds
is looked for from above, bit by bit of all registers: at first every bit is the same in both. One that is not, in some
next state of two that are so related, is from then on the same only where a narrow register has a value with which that
was never seen ("where `valid` is 1"); and so on until nothing is lost any more. If nothing that goes out differed on
the way, nothing ever does. A payload goes out where its `valid` is 1, a word into a memory where it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import z3

from hwgen.mutants.reachable import UNKNOWN, Logic, Reachable, find

NARROW = 4
"""Bits of a register whose values are conditions."""
WIDE = 12
"""Bits of a wider register, each bit of which is one."""
PAIRS = 14
"""Registers of one bit, at most, that are conditions two by two as well."""
STEPS = 60
"""Times that a relation is weakened; what is not shown by then is not shown."""
Bit = tuple[str, int]
MEMORY = re.compile(r"(.*\.WR)_(ADDR|DATA)")


@dataclass(frozen=True)
class Condition:
    """Registers have some values: now, and in the next state."""

    now: Any
    next: Any


class Relation:
    """The relation between the states of both.

    Attributes
    ----------
    differing
        Bits that may differ, and the numbers of the conditions under which they do not; all others never do.
    """

    def __init__(self, of: Logic, bounds: Reachable) -> None:
        self.of, self.bounds = of, bounds
        self.names = of.registers()
        self.conditions = list(_conditions(of))
        self.differing: dict[Bit, set[int]] = {}
        comes_in = {name: port for name, port in of.ports.items() if name.startswith("in_")}
        self._leaves = {name: _leaves(port) for name, port in comes_in.items()}
        self._fresh: dict[int, tuple[Any, Any]] = {}

    def harmless(self) -> bool:
        """Whether nothing that goes out ever differs."""
        for _ in range(STEPS):
            free = self._free()
            gate = self._second(free)
            given = [*self.bounds.holds(self.of), *self._now(free, gate)]
            if find(z3.Or([*self._goes_out(gate)]), given) is not None:
                return False
            following = {name: (self.of.next([name]), gate(self.of.next([name], "gate"))) for name in self.names}
            model = find(z3.Or([*self._lost(following)]), given)
            if model is None:
                return True
            if model is UNKNOWN or not self._weaken(model, following):
                return False
        return False

    def _free(self) -> set[str]:
        """Registers with a bit that may differ."""
        return {name for name, _ in self.differing}

    def _second(self, free: set[str]) -> Callable[[Any], Any]:
        """An expression of the second copy's state: registers that may differ have values of their own there."""
        leaves = {number: leaf for name in free for number, leaf in self._leaves[f"in_{name}.Q"].items()}
        for number in leaves.keys() - self._fresh.keys():
            self._fresh[number] = leaves[number], z3.FreshConst(leaves[number].sort())
        pairs = [self._fresh[number] for number in leaves]
        return lambda expression: z3.substitute(expression, *pairs) if pairs else expression

    def _now(self, free: set[str], gate: Callable[[Any], Any]) -> Iterator[Any]:
        """The relation, as conditions on both states."""
        kinds: dict[tuple[str, frozenset[int] | None], list[int]] = {}
        moved = {number for name in free for number in self._leaves[f"in_{name}.Q"]}
        for port, leaves in self._leaves.items():  # one of Yosys' constants may be parts of several ports
            if moved.isdisjoint(leaves):
                continue
            name = port[3:-2]
            if name not in self.names or not port.endswith(".Q"):
                yield self.of.ports[port] == gate(self.of.ports[port])
                continue
            for bit in range(self.of.now([name]).size()):
                numbers = self.differing.get((name, bit))
                kinds.setdefault((name, None if numbers is None else frozenset(numbers)), []).append(bit)
        for (name, known), bits in kinds.items():
            ours = self.of.now([name])
            same = z3.And([_bit(ours, bit) == _bit(gate(ours), bit) for bit in bits])
            if known is None:
                yield same
            elif known:
                yield z3.Implies(z3.Or([self.conditions[number].now for number in known]), same)

    def _lost(self, following: dict[str, tuple[Any, Any]]) -> Iterator[Any]:
        """Violations of the relation in the next states: one must be impossible if it is to hold there too."""
        for name, (ours, theirs) in following.items():
            known = {bit: self.differing.get((name, bit)) for bit in range(ours.size())}
            if all(conditions is None for conditions in known.values()):
                if not ours.eq(theirs):
                    yield ours != theirs
                continue
            for bit, conditions in known.items():
                differs = _bit(ours, bit) != _bit(theirs, bit)
                if conditions is None:
                    yield differs
                elif conditions:
                    yield z3.And(differs, z3.Or([self.conditions[number].next for number in conditions]))

    def _weaken(self, model: Any, following: dict[str, tuple[Any, Any]]) -> bool:
        """Give up what does not hold in the next states of a model; whether that was anything."""
        true = {
            number for number, condition in enumerate(self.conditions)
            if z3.is_true(model.eval(condition.next, model_completion=True))
        }  # fmt: skip
        changed = False
        for name, (ours, theirs) in following.items():
            if ours.eq(theirs):
                continue
            values = (model.eval(value, model_completion=True).as_long() for value in (ours, theirs))
            other = next(values) ^ next(values)
            for bit in range(other.bit_length()):
                if other >> bit & 1:
                    before = self.differing.get((name, bit))
                    left = (set(range(len(self.conditions))) if before is None else before) - true
                    changed |= before != left
                    self.differing[name, bit] = left
        return changed

    def _goes_out(self, gate: Callable[[Any], Any]) -> Iterator[Any]:
        """Whether something that goes out differs."""
        ports = self.of.ports
        for name in self.of.outputs():
            ours, theirs = ports[f"gold_{name}"], gate(ports[f"gate_{name}"])
            if ours.eq(theirs):
                continue
            looked_at = _looked_at(self.of, name)
            yield ours != theirs if looked_at is None else z3.And(looked_at, ours != theirs)


def _looked_at(of: Logic, name: str) -> Any:
    """When somebody looks at what goes out there; None: always."""
    if name.endswith("__payload"):
        valid = of.ports.get(f"gold_{name.removesuffix('payload')}valid")
        return None if valid is None else valid == 1
    if found := MEMORY.fullmatch(name):
        enable, data = of.ports.get(f"gold_{found[1]}_EN"), of.ports.get(f"gold_{found[1]}_DATA")
        if enable is not None and data is not None and enable.size() == data.size():
            return enable != 0
    return None


def _conditions(of: Logic) -> Iterator[Condition]:
    names = of.registers()
    small = [name for name in names if of.now([name]).size() <= NARROW]
    for name in small:
        for value in range(1 << of.now([name]).size()):
            yield Condition(of.now([name]) == value, of.next([name]) == value)
    for name in names:
        size = of.now([name]).size()
        for bit in range(size if NARROW < size <= WIDE else 0):
            for value in range(2):
                yield Condition(_bit(of.now([name]), bit) == value, _bit(of.next([name]), bit) == value)
    single = [name for name in small if of.now([name]).size() == 1]
    if len(single) <= PAIRS:
        for place, one in enumerate(single):
            for other in single[:place]:
                for value in range(4):
                    yield Condition(of.now([one, other]) == value, of.next([one, other]) == value)


def _leaves(expression: Any) -> dict[int, Any]:
    """The free constants of an expression, by z3's numbers of them."""
    found: dict[int, Any] = {}
    pending, seen = [expression], set()
    while pending:
        one = pending.pop()
        if one.get_id() in seen:
            continue
        seen.add(one.get_id())
        if z3.is_const(one) and one.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[one.get_id()] = one
        pending += one.children()
    return found


def _bit(value: Any, place: int) -> Any:
    return z3.Extract(place, place, value)
