"""The cost of a multiplier lane in every form: `python -m hwgen.synth.forms`.

Arrays of 16 lanes for each of a few PEs, weights in block RAM, synthesised for 7 series: DSPs as predicted, LUTs and
flip-flops per lane, predictions in brackets. An array is all between words and sums: weight memories, delays,
multipliers, adders, accumulators, control.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from amaranth.back import verilog
from amaranth.hdl import Shape
from rich.table import Table

from hwgen.console import console
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.packing import LUT, Packing, packings
from hwgen.rtl.weights import pack_weights, weight_limit
from hwgen.synth import synthesise

FAMILY = "xc7"
SIMD = 16
ROWS = 128
"""Words that each weight memory holds: block RAM."""
WIDTHS = ((8, 8), (6, 6), (5, 5), (4, 8), (4, 4), (3, 8), (2, 8), (2, 4), (1, 8))
"""Bits of weights and (unsigned) activations."""


def main() -> None:
    """Print the table."""
    table = Table(title=f"{FAMILY}, per lane of a PE x {SIMD} array: synthesised (predicted)")
    for column in ("form", "w x a", "PE", "DSP", "LUT/lane", "FF/lane", "latency"):
        table.add_column(column, justify="left" if column == "form" else "right")
    for weight_bits, activation_bits in WIDTHS:
        for packing in packings(weight_bits, Shape(activation_bits), FAMILY):
            table.add_row(*row(weight_bits, activation_bits, packing))
    console().print(table)


def row(weight_bits: int, activation_bits: int, packing: Packing) -> list[str]:
    """One form's line."""
    pe, activation = max(4, packing.lanes), Shape(activation_bits)
    if packing != LUT:
        pe = 2 * packing.lanes
        packing = replace(packing, chain=min(packing.chain, SIMD))
    limit = weight_limit(weight_bits)
    random = np.random.default_rng(1)
    # One fold of ROWS taps a channel group: K does not matter here, the count of rows does.
    weight = random.integers(-limit, limit + 1, (pe, SIMD * ROWS, 1, 1))
    accumulator_bits = weight_bits + activation_bits + (SIMD * ROWS).bit_length()
    if weight_bits == 1:
        weight = np.where(weight > 0, 1, -1)
    rows = pack_weights(weight, pe=pe, simd=SIMD, bits=weight_bits, packing=packing, activation=activation)
    config = MacConfig(pe, SIMD, activation, weight_bits, accumulator_bits, ROWS, packing)
    array = config.build(rows)
    found = synthesise(verilog.convert(array, name="array", emit_src=False), "array", FAMILY)
    wanted = config.cost(FAMILY)
    lanes = pe * SIMD
    form = f"{packing.lanes} a DSP, chains of {packing.chain}" if packing.form == "dsp" else "LUTs"
    return [
        form,
        f"{weight_bits} x {activation_bits}",
        str(pe),
        f"{found.dsp} ({wanted.dsp})",
        f"{found.lut / lanes:.1f} ({wanted.lut / lanes:.1f})",
        f"{found.ff / lanes:.1f} ({wanted.ff / lanes:.1f})",
        str(config.latency),
    ]


if __name__ == "__main__":
    main()
