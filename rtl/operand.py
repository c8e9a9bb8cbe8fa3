"""The wide operand of a DSP: the weights that share it."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed

from hwgen.rtl.adders import delay


def packed_operand(m: Module, fields: list[Value], field_bits: int, weight_bits: int, name: str) -> Value:
    """The weights that share a DSP, each but the uppermost extended to its field, in a register.

    The register holds the whole operand, repeated sign bits and all: so it is the DSP's own.
    """
    if isinstance(fields[0], Const):
        mask = (1 << field_bits) - 1
        *below, top = (Const(value.value, signed(weight_bits)).value for value in fields if isinstance(value, Const))
        whole = sum((value & mask) << place * field_bits for place, value in enumerate(below))
        # The uppermost has the rest of the operand: alone in a DSP it has no field.
        whole += top << len(below) * field_bits
        return Const(whole, signed((len(fields) - 1) * field_bits + weight_bits))
    parts = []
    for place, value in enumerate(fields[:-1]):
        extended = Signal(signed(field_bits), name=f"field{name}_{place}")
        m.d.comb += extended.eq(value.as_signed())
        parts.append(extended)
    return delay(m, Cat(*parts, fields[-1]), 1, f"operand{name}").as_signed()
