"""Registered adder trees whose carry inputs take the odd ones, and delays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.utils import ceil_log2

from hwgen.rtl.fanout import KEPT
from hwgen.rtl.primitives import Cost, adder_lut


@dataclass(frozen=True)
class Term:
    """A number to be summed: `value`, and 1 more where `carry` is set; signed where it has one."""

    value: Value
    carry: Value | None = None

    def plus(self, value: Value) -> Value:
        """The sum with `value`, the carry included: one adder, whose carry input takes it.

        The carry stands below both operands, and twice it carries into the sum: synthesis makes one chain of that also
        where the carry is the sign of another number, which it would add up on its own otherwise.
        """
        if self.carry is None:
            return self.value + value
        return (Cat(self.carry, self.value).as_signed() + Cat(self.carry, value).as_signed())[1:].as_signed()

    def carry_delayed(self, m: Module, name: str) -> Value | None:
        """The carry one cycle later."""
        return None if self.carry is None else delay(m, self.carry, 1, f"{name}_carry")


def delay(m: Module, value: Value, cycles: int, name: str, own_end: bool = False) -> Value:
    """`value` so many cycles later, through registers that no reset reaches: synthesis may make them shift registers.

    What they hold counts only once something was put in. A constant stays one. A shift register's output comes late:
    where logic follows, `own_end` keeps the last one a register.
    """
    if isinstance(value, Const):
        return value
    for stage in range(cycles):
        attributes = KEPT if own_end and stage == cycles - 1 else {}
        register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=True, attrs=attributes)
        m.d.sync += register.eq(value)
        value = register
    return value


def register_of(m: Module, value: Value, name: str) -> Signal:
    """The value a cycle later."""
    found = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += found.eq(value)
    return found


def delay_flag(m: Module, flag: Value, cycles: int, name: str) -> Value:
    """The flag so many cycles later; a reset clears it everywhere."""
    for stage in range(cycles):
        register = Signal(name=f"{name}{stage}")
        m.d.sync += register.eq(flag)
        flag = register
    return flag


def tree_levels(terms: int) -> int:
    """Latency of `adder_tree` in cycles: one per level."""
    return ceil_log2(terms)


def adder_tree(m: Module, terms: list[Term], name: str) -> Term:
    """The sum of the terms, `tree_levels` cycles later; one term per cycle and place.

    An adder has one carry input: it takes the carry of its first operand; that of the second goes on with the sum.
    n terms bring n carries, n - 1 adders take one each, so one is left for who adds the result to something.
    """
    for level in range(tree_levels(len(terms))):
        sums = []
        for j in range(0, len(terms), 2):
            stage = f"{name}_{level}_{j // 2}"
            if j + 1 == len(terms):
                sums.append(Term(delay(m, terms[j].value, 1, stage), terms[j].carry_delayed(m, stage)))
                continue
            first, second = terms[j], terms[j + 1]
            # With the carry the sum still fits one bit more than its wider operand.
            register = Signal((first.value + second.value).shape(), name=stage, reset_less=True)
            m.d.sync += register.eq(first.plus(second.value))
            sums.append(Term(register, second.carry_delayed(m, stage)))
        terms = sums
    (total,) = terms
    return total


@cache
def adder_tree_cost(terms: int, bits: int, carry: bool) -> Cost:
    """The cost of `adder_tree` of so many terms of `bits`: what waits for a partner is delayed, and so are carries."""
    lut = ff = 0
    widths = [bits] * terms
    raw = True
    while len(widths) > 1:
        pairs, rest = divmod(len(widths), 2)
        lut += sum(adder_lut(max(widths[2 * j], widths[2 * j + 1])) for j in range(pairs))
        sums = [max(widths[2 * j], widths[2 * j + 1]) + 1 for j in range(pairs)]
        odd = widths[-1:] if rest else []
        ff += sum(sums) + sum(odd)
        if carry:
            # A carry that waits beside its number is the sign of the field below, which waits as well.
            ff += pairs + (rest if not (rest and raw) else 0)
        raw = raw and bool(rest)
        widths = sums + odd
    return Cost(lut, ff)
