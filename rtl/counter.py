"""Counters whose questions are answered a step ahead, so that the answer is a register and not a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed


@dataclass(frozen=True)
class Counter:
    """A counter: its place; whether that is the last one (a register); whether the next place is the last one."""

    place: Value
    last: Value
    next_last: Value


def count(m: Module, length: int, step: Value, name: str, start: int = 0) -> Counter:
    """A counter modulo `length` that moves with `step`, from `start` on."""
    if length == 1:
        return Counter(Const(0), Const(1), Const(1))
    place = Signal(range(length), init=start, name=name)
    last, next_last = Signal(init=start == length - 1, name=f"last_{name}"), place == length - 2
    with m.If(step):
        m.d.sync += [place.eq(Mux(last, 0, place + 1)), last.eq(next_last)]
    return Counter(place, last, next_last)


def wrapping(m: Module, length: int, step: Value, name: str, start: int = 0) -> Value:
    """The place of a counter modulo `length`; where that is a power of two it wraps by itself."""
    if length & (length - 1) or length == 1:
        return count(m, length, step, name, start).place
    place = Signal(range(length), init=start, name=name)
    with m.If(step):
        m.d.sync += place.eq(place + 1)
    return place


def add_carry(a: Value, b: Value, carry: Value) -> Value:
    """a + b + carry modulo 2 ** len(a), in one chain of carries; b is as wide as a, carry a single bit."""
    return (Cat(Const(1, 1), a) + Cat(carry, b))[1 : len(a) + 1]


def add_wrapped(place: Value, step: int, size: int) -> Value:
    """(place + step) modulo `size` for a place below `size`: two sums side by side, the sign of one chooses."""
    step %= size
    wrapped = (place + Const(step - size, signed(len(place) + 1)))[: len(place) + 1]
    return Mux(wrapped[-1], place + step, wrapped)[: len(place)]
