"""Weights from indices: the tables behind weight memories that hold indices into a codebook.

A DSP's fields hold w, or w - 1 where the stored field below is negative (`hwgen.rtl.packing`). Whether it is, the sign
bit of that field says, and it comes out of that field's table: so the table of a field above the lowest has one address
bit more and holds w and w - 1. No bit of memory and no comparison is spent on borrows.

    field 0:  w[index 0]
    field k:  w[index k] - sign of field k - 1

Each bit of a table is written as a constant shifted right by the index. Synthesis looks into such a shift only when it
makes LUTs, after DSPs have taken in their registers. Found earlier, a bit that is the same for all values would have
no register, and a DSP takes in an operand's registers all together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from amaranth.hdl import Cat, Const, Module, Signal, Value

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.primitives import Cost

LUT_INPUTS = 6


def decode_weights(
    m: Module,
    indices: dict[tuple[int, int], Value],
    codebook: Codebook,
    groups: Sequence[range],
    simd: int,
    network: bool,
) -> dict[tuple[int, int], Value]:
    """(PE, lane) -> its weight as a memory of weights would have it (`hwgen.rtl.weights.pack_weights`), same cycle.

    Parameters
    ----------
    indices
        (PE, lane) -> its index.
    groups
        The PEs that share DSPs, those of one each in the LUT form.
    simd
        Lanes of a PE.
    network
        Whether weights are for the LUT form's network of adders and subtractors.
    """
    found: dict[tuple[int, int], Value] = {}
    for group in groups:
        if network:
            keys = [(group[0], lane) for lane in range(simd)]
            fields = decode_signs(m, [indices[key] for key in keys], codebook, f"weight{group[0]}")
            found |= zip(keys, fields, strict=True)
            continue
        for lane in range(simd):
            keys = [(p, lane) for p in group]
            fields = decode_fields(m, [indices[key] for key in keys], codebook, f"weight{group[0]}_{lane}")
            found |= zip(keys, fields, strict=True)
    return found


def decode_cost(codebook: Codebook, groups: Sequence[range], simd: int, network: bool) -> Cost:
    """LUTs of `decode_weights`."""
    if network:
        return signs_cost(codebook, simd) * len(groups)
    return sum((fields_cost(codebook, len(group)) for group in groups), Cost()) * simd


def decode_fields(m: Module, indices: Sequence[Value], codebook: Codebook, name: str) -> list[Value]:
    """The fields of a DSP's operand, each of the codebook's weight_bits, in the same cycle.

    Parameters
    ----------
    indices
        Of the fields' weights, the lowest field first. A single one is the weight itself.
    """
    fields: list[Value] = []
    for place, index in enumerate(indices):
        inputs, truths = field_truths(codebook, place > 0)
        address = Cat(index, fields[-1][-1]) if inputs > len(index) else index
        field = Signal(codebook.weight_bits, name=f"{name}_{place}")
        m.d.comb += field.eq(_look_up(address, truths))
        fields.append(field)
    return fields


def decode_signs(m: Module, indices: Sequence[Value], codebook: Codebook, name: str) -> list[Value]:
    """The 2-bit weights of the LUT form, lane by lane: bit 0 not zero, bit 1 `hwgen.rtl.weights.turns`; same cycle."""
    nonzero, signs, against = sign_truths(codebook)
    found: list[Value] = []
    for lane, index in enumerate(indices):
        left = lane & lane - 1
        weight = Signal(2, name=f"{name}_{lane}")
        turn = _look_up(Cat(index, indices[left]), [against]) if left else _look_up(index, [signs])
        m.d.comb += weight.eq(Cat(_look_up(index, [nonzero]), turn))
        found.append(weight)
    return found


def _look_up(index: Value, truths: Sequence[int]) -> Value:
    """A bit for each truth table: bit `index` of it."""
    return Cat(Const(truth, 1 << len(index)).bit_select(index, 1) for truth in truths)


@cache
def field_truths(codebook: Codebook, above: bool) -> tuple[int, tuple[int, ...]]:
    """Inputs of a field's table, and for each bit of the field its truth table.

    Inputs are the index and, above the lowest field, the borrow, unless all values are of one sign: then none borrows,
    or all do.
    """
    values, lowered = codebook.values, tuple(value - 1 for value in codebook.values)
    if above and values[0] < 0:
        values = lowered if values[-1] < 0 else values + lowered
    inputs = (len(values) - 1).bit_length()
    return inputs, tuple(_truth([value >> bit & 1 for value in values]) for bit in range(codebook.weight_bits))


@cache
def sign_truths(codebook: Codebook) -> tuple[int, int, int]:
    """Truth tables of a weight of 2 bits: not zero; negative; its sign against another's, whose index lies above."""
    negative = [int(value < 0) for value in codebook.values]
    against = [own ^ other for other in negative for own in negative]
    return _truth([int(value != 0) for value in codebook.values]), _truth(negative), _truth(against)


def _truth(bits: Sequence[int]) -> int:
    return sum(bit << place for place, bit in enumerate(bits))


def fields_cost(codebook: Codebook, fields: int) -> Cost:
    """LUTs of `decode_fields` for so many fields."""
    found = [field_truths(codebook, place > 0) for place in range(fields)]
    return Cost(sum(_luts(truths, inputs) for inputs, truths in found))


def signs_cost(codebook: Codebook, lanes: int) -> Cost:
    """LUTs of `decode_signs` for so many lanes."""
    nonzero, signs, against = sign_truths(codebook)
    bits = codebook.index_bits
    alone = _luts((nonzero, signs), bits)
    paired = _luts((nonzero,), bits) + _luts((against,), 2 * bits)
    lone = sum(1 for lane in range(lanes) if not lane & lane - 1)
    return Cost(alone * lone + paired * (lanes - lone))


@cache
def _luts(truths: tuple[int, ...], inputs: int) -> int:
    """LUTs of functions of the same inputs: one for each that is neither a constant, an input, nor another's equal."""
    plain = {0, (1 << (1 << inputs)) - 1}
    plain |= {_truth([row >> place & 1 for row in range(1 << inputs)]) for place in range(inputs)}
    return sum(_function_luts(truth, inputs) for truth in set(truths) - plain)


def _function_luts(truth: int, inputs: int) -> int:
    """LUTs of one function: a LUT takes `LUT_INPUTS`, wide multiplexers join those of more."""
    needed = sum(_depends(truth, inputs, place) for place in range(inputs))
    return 1 << max(needed - LUT_INPUTS, 0)


def _depends(truth: int, inputs: int, place: int) -> bool:
    """Whether a function depends on one of its inputs."""
    rows = range(1 << inputs)
    return any((truth >> row ^ truth >> (row ^ 1 << place)) & 1 for row in rows)
