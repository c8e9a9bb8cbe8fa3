"""PE x SIMD multipliers, two to a DSP, and accumulators: the part that does the work.

Each cycle one word of SIMD activations meets PE x SIMD weights; every PE adds its SIMD products to the sum of one
output channel. A layer with O output channels takes ceil(O / PE) folds per pixel: any count of channels will do, and
what the last fold lacks costs idle lanes, never a smaller PE.

Two PEs share a DSP: their weights u and l meet the same activation a, so one product

    ((u << 17) + l) * a = (u * a << 17) + l * a

holds both, the lower one in a signed field of 17 bits. Sums of such products over a chain of DSPs hold both sums,
as long as the lower one stays inside its field: `chain_limit` proves how many products that are. The upper sum is
then what stands above the field, plus 1 where the field is negative, for it borrowed from above.

(u << 17) + l needs no adder: it is the concatenation of u - (l < 0) and l extended by its sign, and with weights of
narrow range u - (l < 0) still fits the weight's width. The weight memory holds that.

A product goes through a register behind the multiplier and one behind the adder; the next DSP of the chain works one
cycle later, so its activation is delayed and its weights are read one cycle later. Synthesis finds the DSP's own
registers and its cascade in this form, with no vendor primitive named.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.memory import rom_attributes
from hwgen.rtl.stream import wrap_increment

FIELD_BITS = 17
"""The lower field: a DSP48E1 multiplies 25 bits, and 8 of them are the upper weight's."""
LONGEST_CHAIN = 4
"""DSPs in a cascade; longer ones save few adders and delay more activations."""


def chain_limit(weight_bits: int, activation_bits: int) -> int:
    """How many products the lower field can sum, whatever the weights and activations.

    Narrow weights are at most 2**(w - 1) - 1 in magnitude, activations (made signed) at most 2**(a - 1); the sum of n
    products must stay within -2**16 .. 2**16 - 1.
    """
    largest = ((1 << (weight_bits - 1)) - 1) << (activation_bits - 1)
    return ((1 << (FIELD_BITS - 1)) - 1) // largest


def chain_lengths(simd: int) -> list[int]:
    """SIMD lanes in as few chains as can be, as even as can be, the longest first."""
    chains = -(-simd // LONGEST_CHAIN)
    return [simd // chains + (place < simd % chains) for place in range(chains)]


def pack_weights(weight: np.ndarray, pe: int, simd: int, bits: int) -> list[list[int]]:
    """The rows of the weight memories, one memory for each place in the chains.

    Parameters: weight int (O, I, K, K) of `bits`, narrow range. A row of (fold, tap row, tap column, group) holds,
    from bit 0 up, for each pair of PEs and each chain that has such a place, the lower PE's weight l and
    u - (l < 0), u the upper PE's weight; without an upper PE l alone. Channels beyond O or I are zero.

    Raises
    ------
    ValueError : a weight outside the narrow range
    """
    limit = (1 << (bits - 1)) - 1
    if np.abs(weight).max() > limit:
        worst = weight.flat[np.abs(weight).argmax()]
        raise ValueError(f"weight: wanted narrow range, -{limit} .. {limit}, got {worst}")
    outputs, inputs, kernel, _ = weight.shape
    folds, groups = -(-outputs // pe), -(-inputs // simd)
    padded = np.zeros((folds * pe, groups * simd, kernel, kernel), dtype=np.int64)
    padded[:outputs, :inputs] = weight
    rows = padded.reshape(folds, pe, groups, simd, kernel, kernel).transpose(0, 4, 5, 2, 1, 3).reshape(-1, pe, simd)
    rows = rows.copy()
    rows[:, 1::2] -= rows[:, : pe - pe % 2 : 2] < 0

    mask = (1 << bits) - 1
    memories = []
    for lanes in lanes_by_place(simd):
        memory = []
        for row in rows:
            values = [row[p, lane] for p0 in range(0, pe, 2) for lane in lanes for p in range(p0, min(p0 + 2, pe))]
            memory.append(sum((int(value) & mask) << (place * bits) for place, value in enumerate(values)))
        memories.append(memory)
    return memories


def lanes_by_place(simd: int) -> list[list[int]]:
    """For each place in the chains, the SIMD lanes that stand there, chain by chain.

    All chains end together: a shorter one starts at a later place.
    """
    lengths = chain_lengths(simd)
    longest = lengths[0]
    places: list[list[int]] = [[] for _ in range(longest)]
    for start, length in _runs(lengths):
        for lane in range(length):
            places[longest - length + lane].append(start + lane)
    return places


class MacArray(Component):
    """PE x SIMD multiply-accumulate over a sequence of words; weights in memories of its own.

    `word` arrives 2 cycles after `issue`, when the weight memories' registered outputs are there too. Latency: from
    the `issue` of a fold's last word to `done` is `latency` cycles; interval: one word per cycle, folds back to back.

    An unsigned activation a enters as a - 2**(bits - 1), its top bit inverted: the sum then lacks
    2**(bits - 1) * (sum of the weights), the constant `offset` times that sum, for the caller to add to the bias. The
    padding's zeros are shifted alike, so the constant is the same everywhere.

    Parameters
    ----------
    pe, simd : int, lanes
    activation : Shape of one activation
    weights : rows of the weight memories (`pack_weights`)
    weight_bits : int
    accumulator_bits : int, signed width proven to hold the final sum; what overflows on the way comes back

    Members
    -------
    issue, first, last : In(1), from the window
    word : In(simd activations)
    done : Out(1), `accumulators` holds the sums of a fold
    accumulators : Out(pe sums), valid with `done` only

    Raises
    ------
    ValueError : a parameter below 1, memories that do not match simd, products too large for the field
    """

    def __init__(
        self,
        *,
        pe: int,
        simd: int,
        activation: Shape,
        weights: Sequence[Sequence[int]],
        weight_bits: int,
        accumulator_bits: int,
    ) -> None:
        for key, value in (("pe", pe), ("simd", simd), ("accumulator_bits", accumulator_bits)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        if weight_bits < 2:
            raise ValueError(f"weight_bits: wanted at least 2, got {weight_bits}")
        places = chain_lengths(simd)[0]
        if len(weights) != places or not weights[0] or len({len(rows) for rows in weights}) != 1:
            raise ValueError(
                f"weights: wanted {places} memories of equal depth for simd {simd}, got depths {[*map(len, weights)]}"
            )
        if pe > 1 and chain_limit(weight_bits, activation.width) < places:
            raise ValueError(
                f"weight_bits, activation: wanted products of which {places} fit {FIELD_BITS} bits,"
                f" got {weight_bits} and {activation.width} bits"
            )
        self.pe, self.simd = pe, simd
        self.activation = activation
        self.weights = weights
        self.weight_bits = weight_bits
        self.accumulator_bits = accumulator_bits
        super().__init__(
            {
                "issue": In(1),
                "first": In(1),
                "last": In(1),
                "word": In(unsigned(simd * activation.width)),
                "done": Out(1),
                "accumulators": Out(unsigned(pe * accumulator_bits)),
            }
        )

    @staticmethod
    def latency_of(simd: int) -> int:
        """Word 2, product 1, one per DSP of the longest chain, one per level of the adder tree, accumulator 1."""
        lengths = chain_lengths(simd)
        return 2 + 1 + lengths[0] + ceil_log2(len(lengths)) + 1

    @property
    def latency(self) -> int:
        return self.latency_of(self.simd)

    @staticmethod
    def dsp_of(pe: int, simd: int) -> int:
        """DSPs: one for each lane of a pair of PEs."""
        return -(-pe // 2) * simd

    @staticmethod
    def offset_of(activation: Shape) -> int:
        """What is subtracted from every activation."""
        return 0 if activation.signed else 1 << (activation.width - 1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The flags walk beside the data: they arrive with the sum that is to be accumulated.
        flags = (self.issue, self.issue & self.first, self.issue & self.last)
        valid, first, last = (_delay(m, flag, self.latency - 1, name) for flag, name in zip(flags, "vfl", strict=True))

        weights = self._read_weights(m)
        activations = self._delayed_activations(m)
        depth = ceil_log2(len(chain_lengths(self.simd)))
        for p in range(0, self.pe, 2):
            chains = [
                self._chain(m, p, [(activations[lane], weights[p, lane]) for lane in range(start, start + length)])
                for start, length in _runs(chain_lengths(self.simd))
            ]
            for q in range(p, min(p + 2, self.pe)):
                if q == p:
                    sums = [chain[:FIELD_BITS].as_signed() if self.pe > p + 1 else chain for chain in chains]
                else:
                    sums = [chain[FIELD_BITS:].as_signed() + chain[FIELD_BITS - 1] for chain in chains]
                total = _adder_tree(m, sums, depth, f"sum{q}")
                accumulator = Signal(signed(self.accumulator_bits), name=f"accumulator{q}")
                with m.If(valid):
                    m.d.sync += accumulator.eq(Mux(first, 0, accumulator) + total)
                m.d.comb += self.accumulators.word_select(q, self.accumulator_bits).eq(accumulator)
        m.d.sync += self.done.eq(last)
        return m

    def _read_weights(self, m: Module) -> dict[tuple[int, int], Value]:
        """(even PE, lane) -> the signed operand that holds the weights of PE and PE + 1, when the lane's turn is."""
        depth, bits = len(self.weights[0]), self.weight_bits
        address: Value = Signal(range(depth), name="address")
        with m.If(self.issue):
            m.d.sync += address.eq(wrap_increment(address, depth))
        operands: dict[tuple[int, int], Value] = {}
        for place, lanes in enumerate(lanes_by_place(self.simd)):
            if place:
                delayed = Signal(range(depth), name=f"address{place}")
                m.d.sync += delayed.eq(address)
                address = delayed
            width = len(lanes) * self.pe * bits
            memory = Memory(
                shape=unsigned(width), depth=depth, init=self.weights[place], attrs=rom_attributes(depth)
            )
            m.submodules[f"weights{place}"] = memory
            port = memory.read_port()
            m.d.comb += [port.addr.eq(address), port.en.eq(1)]
            row = Signal(width, name=f"row{place}")
            m.d.sync += row.eq(port.data)
            field = 0
            for p in range(0, self.pe, 2):
                for lane in lanes:
                    lower = row[field : field + bits].as_signed()
                    field += bits
                    if p + 1 < self.pe:
                        extended = Signal(signed(FIELD_BITS), name=f"lower{p}_{lane}")
                        m.d.comb += extended.eq(lower)
                        operands[p, lane] = Cat(extended, row[field : field + bits]).as_signed()
                        field += bits
                    else:
                        operands[p, lane] = lower
        return operands

    def _delayed_activations(self, m: Module) -> list[Value]:
        """The word's lanes, signed, each delayed until its DSP's turn."""
        width = self.activation.width
        places = {lane: place for place, lanes in enumerate(lanes_by_place(self.simd)) for lane in lanes}
        activations = []
        for lane in range(self.simd):
            value = self.word.word_select(lane, width)
            if not self.activation.signed:
                value = Cat(value[:-1], ~value[-1])
            activations.append(_delay(m, value, places[lane], f"activation{lane}_").as_signed())
        return activations

    def _chain(self, m: Module, p: int, lanes: list[tuple[Value, Value]]) -> Signal:
        """The sum of activation x operand over the lanes, one DSP each."""
        total: Signal | None = None
        bits = self.activation.width + self.weight_bits + (FIELD_BITS if self.pe > p + 1 else 0)
        for activation, operand in lanes:
            product = Signal(signed(bits), name=f"product{p}")
            m.d.sync += product.eq(operand * activation)
            chained = Signal(signed(bits + ceil_log2(LONGEST_CHAIN)), name=f"chain{p}")
            m.d.sync += chained.eq(product if total is None else product + total)
            total = chained
        assert total is not None
        return total


def _runs(lengths: list[int]) -> list[tuple[int, int]]:
    """(start, length) of runs that follow one another."""
    return [(sum(lengths[:place]), length) for place, length in enumerate(lengths)]


def _delay(m: Module, value: Value, cycles: int, name: str) -> Value:
    for stage in range(cycles):
        register = Signal(len(value), name=f"{name}{stage}")
        m.d.sync += register.eq(value)
        value = register
    return value


def _adder_tree(m: Module, terms: list[Value], levels: int, name: str) -> Value:
    """The sum of the terms, one register per level; odd terms wait."""
    for level in range(levels):
        sums: list[Value] = []
        for j in range(0, len(terms), 2):
            expression = terms[j] + terms[j + 1] if j + 1 < len(terms) else terms[j]
            register = Signal(Value.cast(expression).shape(), name=f"{name}_{level}_{j // 2}")
            m.d.sync += register.eq(expression)
            sums.append(register)
        terms = sums
    (total,) = terms
    return total
