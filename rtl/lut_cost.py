"""The cost of the multipliers' LUT form after open synthesis, register by register."""

from __future__ import annotations

from hwgen.rtl.adders import tree_levels
from hwgen.rtl.primitives import Cost, adder_lut


def lut_sums_cost(pe: int, simd: int, weight_bits: int, activation_bits: int) -> Cost:
    """The cost of `hwgen.rtl.lut_mac.lut_sums`: memories and accumulators not included."""
    if weight_bits == 2:
        return Cost(0, simd // 2 * activation_bits) + _network(simd, activation_bits) * pe
    whole = simd // 2
    both = activation_bits + 1
    cost = Cost(whole * both, simd * activation_bits + whole * both)
    late = whole // 2
    cost += Cost(0, late * (2 * activation_bits + both))
    if simd % 4 == 3:
        cost += Cost(0, activation_bits)  # a single lane that is late
    plane, width = _plane(simd, activation_bits)
    cost += plane * (weight_bits * pe)
    if weight_bits == 1:
        tree, total = _tree([both] * whole + [activation_bits] * (simd % 2))
        return cost + tree + Cost(0, total) + Cost(max(width, total), width + 2) * pe
    return cost + _combination(weight_bits, width) * pe


def _plane(simd: int, activation_bits: int) -> tuple[Cost, int]:
    """One plane of one PE, and the width of its sum."""
    both = activation_bits + 1
    widths, cost = [], Cost()
    for first in range(0, simd, 4):
        lanes = min(simd - first, 4)
        width = both if lanes > 1 else activation_bits
        # A lane alone is cleared by its bit's inverse.
        cost += Cost(width if lanes > 1 else 1, width + min(lanes, 2))
        if lanes > 2:
            # The bits of the later pair are delayed twice.
            cost += Cost(width + 1, width + 1 + 2 * (lanes - 2))
            width += 1
        elif first:
            cost += Cost(0, width)
        widths.append(width)
    tree, width = _tree(widths)
    return cost + tree, width


def _combination(planes: int, width: int) -> Cost:
    """The planes' sums to one: the low bits need no adder."""
    cost, widths, distance = Cost(), [width] * planes, 1
    while len(widths) > 1:
        sums = []
        for low, high in zip(widths[::2], widths[1::2], strict=False):
            upper = max(max(low, distance + 1) - distance, high)
            cost += Cost(adder_lut(upper), distance + upper + 1)
            sums.append(distance + upper + 1)
        if len(widths) % 2:
            cost += Cost(0, widths[-1])
            sums.append(widths[-1])
        widths = sums
        distance *= 2
    return cost


def _tree(widths: list[int]) -> tuple[Cost, int]:
    """An adder tree with a register per level, and the width of its sum."""
    cost = Cost()
    while len(widths) > 1:
        sums = [max(pair) + 1 for pair in zip(widths[::2], widths[1::2], strict=False)]
        cost += Cost(sum(adder_lut(width - 1) for width in sums), sum(sums))
        if len(widths) % 2:
            cost += Cost(0, widths[-1])
            sums.append(widths[-1])
        widths = sums
    return cost, widths[0]


def _network(simd: int, activation_bits: int) -> Cost:
    """The adders and subtractors of one PE, for weights of 2 bits."""
    early, late = -(-simd // 2), simd // 2
    # Lane 0 is inverted by LUTs; the others' clear inputs are inverted weight bits.
    cost = Cost(activation_bits + early - 1, early * (activation_bits + 1) + late * 2 + 1)
    widths = [activation_bits] * early
    for level in range(tree_levels(simd)):
        adders = (simd - (1 << level) + (2 << level) - 1) // (2 << level)
        # Where an operand turns: two registers at the first level, a shift register above.
        cost += Cost(0, 2 * adders) if level == 0 else Cost(adders)
        if level == 0:
            sums = [width + (2 * place + 1 < simd) for place, width in enumerate(widths)]
        else:
            sums = [max(pair) + 1 for pair in zip(widths[::2], widths[1::2], strict=False)]
            sums += widths[-1:] * (len(widths) % 2)
        cost += Cost(sum(sums[:adders]), sum(sums))
        widths = sums
    return cost
