"""Costs of small pieces of logic after open synthesis (synth_xilinx): the vocabulary of the components' costs.

A cost is what a netlist is counted to have: LUTs of any size, shift registers (one LUT each) and LUT RAM by the LUTs it
takes; flip-flops; DSP slices; block RAM in 36 Kbit blocks; UltraRAM. `family` is "xc7" or "xcup".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amaranth.utils import ceil_log2

from hwgen.rtl.packing import DSP_WIDE


@dataclass(frozen=True)
class Cost:
    """Resources: LUTs, flip-flops, DSP slices, 36 Kbit block RAMs (in halves), UltraRAMs."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram36: float = 0.0
    uram: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram36 + other.bram36,
            self.uram + other.uram,
        )

    def __mul__(self, times: int) -> Cost:
        return Cost(self.lut * times, self.ff * times, self.dsp * times, self.bram36 * times, self.uram * times)


def bits_of(count: int) -> int:
    """Width of a counter that holds 0 .. count - 1."""
    return ceil_log2(count)


def signed_bits(values: Iterable[int]) -> int:
    """The signed width that holds all of them."""
    return max((value if value >= 0 else ~value).bit_length() for value in values) + 1


def adder_lut(bits: int) -> int:
    """A sum or difference of two numbers: a LUT per bit of the carry chain. Gating one operand comes free."""
    return bits


def equal_lut(bits: int) -> int:
    """A comparison with a constant, or any one function of so many bits: a tree of LUT6."""
    return -(-max(bits - 1, 0) // 5)


def counter_lut(length: int) -> int:
    """A counter modulo `length`: an inverter for its lowest bit; unless it wraps by itself, the wrap as well."""
    bits = bits_of(length)
    if bits == 0:
        return 0
    return 1 if length == 1 << bits else bits


def counter(length: int) -> Cost:
    """As `counter_lut`, with its register."""
    return Cost(counter_lut(length), bits_of(length))


def select_lut(choices: int) -> int:
    """One bit out of `choices`, their number in binary: a LUT6 takes four; from five on LUT6 and wide multiplexers."""
    return 0 if choices == 1 else 1 if choices <= 4 else -(-choices // 4) + (choices % 4 == 1)


def multiplier_dsp(bits: int, family: str) -> int:
    """DSP slices of a product of `bits` (signed) and at most 18 bits; each slice but the first takes one bit less."""
    wide = DSP_WIDE[family]
    return 1 if bits <= wide else 1 + -(-(bits - wide) // (wide - 1))


def counter_ff(length: int) -> int:
    """The registers of a counter, and whether it stands at its last place."""
    return bits_of(length) + 1 if length > 1 else 0


def wrapping_ff(length: int) -> int:
    """The registers of a counter whose last place nobody asks for: of lengths that are no power of two `counter_ff`."""
    return counter_ff(length) if length & (length - 1) else bits_of(length)
