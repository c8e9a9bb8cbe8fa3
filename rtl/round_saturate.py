"""The end of every requantisation: a constant right shift, rounded half to even, then saturated."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed

from hwgen.rtl.adders import delay
from hwgen.rtl.primitives import Cost, equal_lut


@dataclass(frozen=True)
class Coarse:
    """A grid for some of the values: saturated to `bits`, then shifted left by `left`."""

    bits: int
    left: int


def add_round_saturate(
    m: Module,
    value: Signal,
    shift: int,
    output: Shape,
    name: str,
    coarse: Coarse | None = None,
    choice: Value | None = None,
    ceiling: int | None = None,
) -> Value:
    """Two registers: value / 2 ** shift rounded half to even, then saturated to `output`. `shift` is not negative.

    Where `choice` is set (with the value), it is saturated and shifted as `coarse` says instead. `ceiling` is the
    largest result, where that is less than the output's own.

    Only the bits of the output are rounded by an adder. What lies above them says whether the quotient is out of range;
    rounding cannot bring it back: the nearest it comes is the bound itself. Inside the range, rounding can carry the
    largest value beyond it, and no other.
    """
    if coarse is not None and choice is None:
        narrow = add_round_saturate(m, value, shift, Shape(coarse.bits, output.signed), name)
        return narrow << coarse.left
    width, is_signed = output.width, output.signed
    # A shift beyond the width leaves the sign: extend, so that every bit has a place.
    extended = Signal(signed(max(len(value), shift + width + 1)), name=f"{name}_extended")
    m.d.comb += extended.eq(value)
    quotient = extended[shift:]
    low, above = quotient[:width], quotient[width - is_signed :]
    beyond = above.any() & ~above.all() if is_signed else above.any()
    smallest: Value | int = -(1 << width - 1) if is_signed else 0
    top = (1 << width - is_signed) - 1 if ceiling is None else ceiling
    largest: Value | int = top
    at_top: Value = low == top
    if ceiling is not None:
        beyond |= low > ceiling if not is_signed else low.as_signed() > ceiling
    if coarse is not None:
        coarse_above = quotient[coarse.bits - is_signed :]
        coarse_beyond = coarse_above.any() & ~coarse_above.all() if is_signed else coarse_above.any()
        beyond = Mux(choice, coarse_beyond, beyond)
        coarse_top = (1 << coarse.bits - is_signed) - 1
        at_top = Mux(choice, low[: coarse.bits] == coarse_top, at_top)
    up: Value = Const(0, 1)
    if shift > 0:
        up = extended[shift - 1] & (extended[: shift - 1].any() | quotient[0])
    # Cycle 0: the quotient, whether it is rounded up, and what then becomes of it.
    kept = Signal(Shape(width, is_signed), name=f"{name}_quotient", reset_less=True)
    rounds, full, outside, negative = (
        Signal(name=f"{name}_{flag}", reset_less=True) for flag in ("up", "full", "outside", "negative")
    )
    m.d.sync += [kept.eq(low), rounds.eq(up), full.eq(at_top), outside.eq(beyond), negative.eq(extended[-1])]
    # Cycle 1: one is added. Of the largest value that makes the largest value.
    result: Value = kept + rounds
    if coarse is not None and choice is not None:
        chosen = delay(m, choice, 1, f"{name}_coarse")
        bits, left = coarse.bits, coarse.left
        smallest = Mux(chosen, Const(-(1 << bits - 1) << left if is_signed else 0, output), Const(smallest, output))
        largest = Mux(chosen, Const((1 << bits - is_signed) - 1 << left, output), Const(largest, output))
        result = Mux(chosen, result << left, result)
    saturated = Signal(output, name=f"{name}_saturated", reset_less=True)
    with m.If(outside):
        m.d.sync += saturated.eq(Mux(negative, smallest, largest))
    with m.Elif(full & rounds):
        m.d.sync += saturated.eq(largest)
    with m.Else():
        m.d.sync += saturated.eq(result)
    return saturated


def add_round_saturate_cost(bits: int, shift: int, output: Shape) -> Cost:
    """`add_round_saturate` of a value of so many bits: those below, those above, a choice for each of the output's."""
    quotient = max(bits - shift, 1)
    lut = equal_lut(shift + 1) + 1
    if quotient <= output.width:  # nothing to saturate
        return Cost(lut, 2 * quotient + 1)
    return Cost(lut + equal_lut(quotient - output.width + 1) + output.width, 2 * output.width + 4)


def check_coarse(coarse: tuple[int, int] | None, output: Shape) -> Coarse | None:
    """(bits, left) of a coarse grid that lies within the output."""
    if coarse is None:
        return None
    bits, left = coarse
    if bits < 1 or left < 0 or bits + left > output.width:
        raise ValueError(f"coarse: wanted at most the output's {output.width} bits, got {bits} shifted by {left}")
    return Coarse(bits, left)
