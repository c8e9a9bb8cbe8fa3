"""Sums of products from look-up tables and carry chains, without a multiplier.

Weights of 3 bits and more (and of 1 bit) go by bit planes: the sum over the lanes of those activations whose weight has
bit i set, times 2**i, summed over i; the sign's plane counts negative. A plane takes its lanes in pairs. Of a pair
(x, y) it needs 0, x, y or x + y; the sum x + y is formed once for all planes and PEs, and two weight bits choose: one
LUT per bit. The next pair's choice is made in the very LUTs that add it to the first one's: six inputs each.

Weights of 2 bits are -1, 0 or 1: one network of adders and subtractors adds them up. A lane that is 0 clears its
register, and the signs go into the adders: an adder adds or subtracts its right operand by `turn`, the sign of the
right operand's first lane against that of the left one's; so every lane's sign is applied once, where the lane comes
first in a right operand. On the way from lane 0 operands count with their true sign, lane 0 itself is inverted.

Synthesis fits an adder and a function of its operand into one LUT per bit only if the other operand comes straight from
a register and stands first. A subtraction's operands have an order, so a + b is written a - ~b, one too much; likewise
a - b or a + b + 1 is written a - (b ^ ~turn). Nothing repairs that on the spot: all weights are constants, so the whole
surplus of a fold is a constant of each channel, and goes where the bias goes (`hwgen.rtl.weights.bias_correction`).
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Value

from hwgen.rtl.adders import Term, adder_tree, delay, tree_levels


def lut_latency(simd: int, weight_bits: int) -> int:
    """Cycles from the activations to `lut_sums`."""
    if weight_bits == 2:
        return 1 + tree_levels(simd)
    return 2 + tree_levels(-(-simd // 2)) + max(tree_levels(weight_bits), 1)


def weights_lead(weight_bits: int) -> int:
    """Cycles by which the weights come before the activations: 0 or 1."""
    return 1 if weight_bits == 2 else 0


def lut_sums(
    m: Module, lanes: list[Value], weights: dict[tuple[int, int], Value], pe: int, weight_bits: int
) -> list[Term]:
    """Each PE's sum of products, but for a constant, `lut_latency` cycles after the lanes.

    Parameters
    ----------
    lanes : activations of the word, signed or unsigned; signed where weight_bits is 2
    weights : (PE, lane) -> what the memories hold for it (`pack_weights`), `weights_lead` cycles before the lanes
    """
    if weight_bits == 2:
        inputs = [delay(m, value, lane % 2, f"lane{lane}") for lane, value in enumerate(lanes)]
        return [_signed_sum(m, inputs, [weights[p, lane] for lane in range(len(lanes))], f"pe{p}") for p in range(pe)]
    pairs = [_Pair(m, lanes[first : first + 2], first, late=first % 4 > 0) for first in range(0, len(lanes), 2)]
    total = None
    if weight_bits == 1:
        # Weights -1 and 1 are 2 * bit - 1.
        total = delay(m, adder_tree(m, [Term(pair.sum) for pair in pairs], "total").value, 1, "total")
    return [
        _planes_sum(m, pairs, [weights[p, lane] for lane in range(len(lanes))], weight_bits, total, f"pe{p}")
        for p in range(pe)
    ]


class _Pair:
    """Two lanes (or a last one alone) and their sum, of which weight bits choose; `late` ones a cycle later."""

    def __init__(self, m: Module, lanes: list[Value], first: int, late: bool) -> None:
        self.lanes = [delay(m, value, 1, f"lane{first + place}") for place, value in enumerate(lanes)]
        self.choices = self.lanes
        if len(lanes) == 2:
            self.choices = [*self.lanes, delay(m, lanes[0] + lanes[1], 1, f"both{first}")]
        self.sum = self.choices[-1]
        self.late = late
        if late:
            self.choices = [delay(m, value, 1, f"late{first}_{place}") for place, value in enumerate(self.choices)]

    def chosen(self, bits: list[Value]) -> Value:
        """The sum of the lanes whose bit is set."""
        if len(bits) == 1:
            return _gated(bits[0], self.choices[0])
        one, other, both = self.choices
        return Mux(bits[1], Mux(bits[0], both, other), _gated(bits[0], one))


def _planes_sum(
    m: Module, pairs: list[_Pair], weights: list[Value], weight_bits: int, total: Value | None, name: str
) -> Term:
    """Bit plane by bit plane; `total` is the sum of all lanes, for weights of 1 bit."""
    planes = [_plane_sum(m, pairs, [_bit(w, i) for w in weights], f"{name}_{i}") for i in range(weight_bits)]
    if total is not None:
        return Term(delay(m, (planes[0] << 1) - total, 1, f"{name}_sum"))
    distance, sign = 1, True  # the last one is the sign's plane as long as it was in no sum
    while len(planes) > 1:
        sums = []
        for j in range(0, len(planes), 2):
            result = planes[j]
            if j + 1 < len(planes):
                negative = sign and j + 2 == len(planes)
                result = _shifted_sum(result, planes[j + 1], distance, negative)
                sign = sign and not negative
            sums.append(delay(m, result, 1, f"{name}_by{distance}_{j}"))
        planes = sums
        distance *= 2
    return Term(planes[0])


def _plane_sum(m: Module, pairs: list[_Pair], bits: list[Value], name: str) -> Value:
    """The sum of the lanes whose bit is set, and 1 for each two pairs."""

    def choice(index: int) -> Value:
        pair, first = pairs[index], 2 * index
        own = [
            delay(m, bit, 1 + pair.late, f"{name}_bit{lane}") for lane, bit in enumerate(bits[first : first + 2], first)
        ]
        return pair.chosen(own)

    terms = []
    for j in range(0, len(pairs), 2):
        term = delay(m, choice(j), 1, f"{name}_pair{j}")
        if j + 1 < len(pairs):
            term = delay(m, _sum_and_one(term, choice(j + 1)), 1, f"{name}_quad{j}")
        elif j:
            term = delay(m, term, 1, f"{name}_quad{j}")
        terms.append(Term(term))
    return adder_tree(m, terms, name).value


def _sum_and_one(first: Value, second: Value) -> Value:
    """first + second + 1; the first from a register, the second any function."""
    bits = max(len(first), len(second)) + 1
    inverted = ~(second if second.shape().signed else Cat(second, Const(0, 1)).as_signed())
    return _like(first, (first - inverted)[:bits])


def _shifted_sum(low: Value, high: Value, distance: int, negative: bool) -> Value:
    """low + high * 2**distance, or the difference; the low bits need no adder."""
    if len(low) <= distance:
        fill = low[-1].replicate(distance + 1 - len(low)) if low.shape().signed else Const(0, distance + 1 - len(low))
        low = _like(low, Cat(low, fill))
    upper = _like(low, low[distance:])
    upper = upper - high if negative else upper + high
    return _like(upper, Cat(low[:distance], upper))


def _signed_sum(m: Module, inputs: list[Value], weights: list[Value], name: str) -> Term:
    """The network of adders and subtractors; odd lanes' inputs come one cycle later."""
    nonzero, turn = [_bit(w, 0) for w in weights], [_bit(w, 1) for w in weights]
    blocks = []
    for lane in range(0, len(inputs), 2):
        value = inputs[lane]
        if lane == 0:
            value = _inverted_if(delay(m, turn[0], 1, f"{name}_turn0"), value)
        gate = delay(m, nonzero[lane], 1, f"{name}_nonzero{lane}")
        blocks.append(delay(m, _gated(gate, value), 1, f"{name}_lane{lane}"))
    for level in range(tree_levels(len(inputs))):
        sums = []
        for j, left in enumerate(blocks if level == 0 else blocks[::2]):
            lane = (2 * j + 1) << level
            result = left
            if lane < len(inputs):
                if level == 0:
                    gate = delay(m, nonzero[lane], 2, f"{name}_nonzero{lane}")
                    right = _gated(gate, inputs[lane])
                else:
                    right = blocks[2 * j + 1]
                result = left - _inverted_if(~delay(m, turn[lane], 2 + level, f"{name}_turn{lane}"), right)
            sums.append(delay(m, result, 1, f"{name}_sum{level}_{j}"))
        blocks = sums
    return Term(blocks[0])


def _gated(condition: Value, value: Value) -> Value:
    """The value, or 0."""
    return Mux(condition, value, Const(0, value.shape()))


def _inverted_if(condition: Value, value: Value) -> Value:
    """A signed value, each bit inverted where the condition holds."""
    return value ^ condition.replicate(len(value)).as_signed()


def _bit(weight: Value, index: int) -> Value:
    return Const(weight.value >> index & 1, 1) if isinstance(weight, Const) else weight[index]


def _like(value: Value, bits: Value) -> Value:
    """The bits as a number, signed if `value` is."""
    return bits.as_signed() if value.shape().signed else bits
