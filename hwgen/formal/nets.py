"""Terms about the nets of a relation: what proofs by induction have to know of a component's registers."""

from __future__ import annotations

import re

from hwgen.formal.netlist import TOP

BITS = 12
"""Width of every number below: more than any net of a small component needs."""


class Nets:
    """The named nets of a relation, as numbers of BITS bits; {s} stands for the state.

    Parameters
    ----------
    text : SMT-LIB, as `netlist.relation` writes it with `purge=False`
    """

    def __init__(self, text: str) -> None:
        pattern = rf"^\(define-fun \|{TOP}_n ([^|]+)\| \(\(state \|{TOP}_s\|\)\) (?:Bool|\(_ BitVec (\d+)\)) "
        self.widths = {name: int(width or 0) for name, width in re.findall(pattern, text, re.M)}

    def unsigned(self, name: str) -> str:
        """A net; zero where there is none, as of registers that hold nothing but zero."""
        return self._extended(name, "zero_extend")

    def signed(self, name: str) -> str:
        """A net in two's complement."""
        return self._extended(name, "sign_extend")

    def alike(self, first: str, second: str) -> str:
        """The claim that two nets are equal, of any width that both have."""
        if self.widths.get(first, -1) == self.widths.get(second, -2):
            return f"(= (|{TOP}_n {first}| {{s}}) (|{TOP}_n {second}| {{s}}))"
        return equal(self.unsigned(first), self.unsigned(second))

    def _extended(self, name: str, how: str) -> str:
        if name not in self.widths:
            return number(0)
        width = self.widths[name]
        net = f"(|{TOP}_n {name}| {{s}})"
        net = net if width else f"(ite {net} #b1 #b0)"
        return f"((_ {how} {BITS - max(width, 1)}) {net})"


def number(value: int) -> str:
    """An integer as a term of BITS bits, modulo 2^BITS."""
    return f"(_ bv{value % (1 << BITS)} {BITS})"


def total(*terms: str) -> str:
    """The sum of terms, modulo 2^BITS."""
    return f"(bvadd {' '.join(terms)} {number(0)})"


def equal(first: str, second: str) -> str:
    return f"(= {first} {second})"


def at_most(first: str, second: str) -> str:
    """The claim that the first number is no larger than the second, both without a sign."""
    return f"(bvule {first} {second})"


def modulo(term: str, length: int) -> str:
    return f"(bvurem {term} {number(length)})"


def implies(condition: str, claim: str) -> str:
    return f"(=> {condition} {claim})"


def skip_fifo(text: str, name: str, depth: int) -> tuple[str, ...]:
    """Claims about a SkipFifo's registers: each word counts once, and the one at the output holds the word that shows.

    name : of the component in the netlist
    """
    nets = Nets(text)
    level, read_at = nets.unsigned(f"{name}.level"), nets.unsigned(f"{name}.read_at")
    held = total(level, nets.unsigned(f"{name}.written"))
    words = [
        implies(
            f"(and (not {equal(level, number(0))}) {equal(read_at, number(word))})",
            nets.alike(f"{name}.memory.data", f"{name}.memory.memory0_0[{word}]"),
        )
        for word in range(depth)
    ]
    return (
        at_most(held, number(depth)),
        equal(total(nets.signed(f"{name}.spare"), held), number(depth - 1)),
        at_most(read_at, number(depth - 1)),
        equal(nets.unsigned(f"{name}.write_at"), modulo(total(read_at, held), depth)),
        *words,
    )


def fifos_in_turn(text: str, count: int) -> tuple[str, ...]:
    """Claims about a convolution whose results leave by so many CreditFifos in turn: its `valid`, a register, is that
    of the FIFO whose turn it is, and copies are equal."""
    nets = Nets(text)
    which, last = nets.unsigned("dut.which"), equal(nets.unsigned("dut.last_beat"), number(1))
    other = f"(not {nets.alike('dut.after', 'dut.which')})"
    moves = equal(nets.unsigned("dut.moves"), number(1))
    found = [nets.alike("dut.o__valid", "dut.valid_copy")]
    if "dut.last_beat" in nets.widths:  # of two beats
        found += [f"(= {moves} (and {last} {other}))", nets.alike("dut.last_beat", "dut.beat")]
    else:
        found.append(f"(= {moves} {other})")
    for place, prefix in enumerate(("", "second_", "third_", "fourth_")[:count]):
        turn = equal(which, number(place))
        both, valid = nets.unsigned(f"dut.{prefix}fifo.chosen"), f"dut.{prefix}fifo.o__valid"
        found += [
            f"(= {turn} {equal(both, number(3))})",
            f"(= (not {turn}) {equal(both, number(0))})",
            implies(turn, nets.alike("dut.o__valid", valid)),
            nets.alike(valid, f"dut.{prefix}fifo.shown"),
        ]
    return tuple(found)


def profile_queue(text: str, place: int, depth: int) -> tuple[str, ...]:
    """Claims about the registers of one of ProfileQueues' queues: its words are those from `read_at` on."""
    nets = Nets(text)
    level, read_at = nets.unsigned(f"dut.level{place}"), nets.unsigned(f"dut.read_at{place}")
    write_at = nets.unsigned(f"dut.write_at{place}")
    return (
        at_most(level, number(depth)),
        at_most(read_at, number(depth - 1)),
        equal(write_at, modulo(total(read_at, level), depth)),
    )
