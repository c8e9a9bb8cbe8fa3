"""PE x SIMD multipliers, adder trees and accumulators: the part that does the work.

Each cycle one word of SIMD activations meets PE x SIMD weights; every PE adds its SIMD products to the sum of one
output channel. A layer with O output channels takes ceil(O / PE) folds per pixel: any count of channels will do, and
what the last fold lacks costs idle lanes, never a smaller PE.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.stream import wrap_increment


def pack_weights(weight: np.ndarray, pe: int, simd: int, bits: int) -> list[int]:
    """The rows of the weight memory, in the order in which the window's words come.

    Parameters: weight int (O, I, K, K); the row of (fold, tap row, tap column, group) holds, from bit 0 up, for each
    PE the SIMD weights of its channel, two's complement; channels beyond O or I are zero.
    """
    outputs, inputs, kernel, _ = weight.shape
    folds, groups = -(-outputs // pe), -(-inputs // simd)
    padded = np.zeros((folds * pe, groups * simd, kernel, kernel), dtype=np.int64)
    padded[:outputs, :inputs] = weight
    lanes = padded.reshape(folds, pe, groups, simd, kernel, kernel).transpose(0, 4, 5, 2, 1, 3)
    mask = (1 << bits) - 1
    rows = []
    for lane in lanes.reshape(-1, pe * simd):
        row = 0
        for place, value in enumerate(lane.tolist()):
            row |= (value & mask) << (place * bits)
        rows.append(row)
    return rows


class MacArray(Component):
    """PE x SIMD multiply-accumulate over a sequence of words; weights in a memory of its own.

    `word` arrives 2 cycles after `issue`, when the weight memory's registered output is there too. Latency: from the
    `issue` of a fold's last word to `done` is `latency` cycles; interval: one word per cycle, folds back to back.

    Parameters
    ----------
    pe, simd : int, lanes
    activation : Shape of one activation
    weights : rows of the weight memory (`pack_weights`)
    weight_bits : int
    accumulator_bits : int, signed width proven to hold every partial sum

    Members
    -------
    issue, first, last : In(1), from the window
    word : In(simd activations)
    done : Out(1), `accumulators` holds the sums of a fold
    accumulators : Out(pe sums), valid with `done` only
    """

    def __init__(
        self, *, pe: int, simd: int, activation: Shape, weights: Sequence[int], weight_bits: int, accumulator_bits: int
    ) -> None:
        for key, value in (("pe", pe), ("simd", simd), ("weight_bits", weight_bits), ("rows", len(weights))):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
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
        """Word 2, product 1, one register per level of the adder tree, accumulator 1."""
        return 2 + 1 + ceil_log2(simd) + 1

    @property
    def latency(self) -> int:
        return self.latency_of(self.simd)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row_bits = self.pe * self.simd * self.weight_bits
        m.submodules.weights = memory = Memory(shape=unsigned(row_bits), depth=len(self.weights), init=self.weights)
        port = memory.read_port()
        address = Signal(range(len(self.weights)))
        row = Signal(row_bits)
        with m.If(self.issue):
            m.d.sync += address.eq(wrap_increment(address, len(self.weights)))
        m.d.comb += [port.addr.eq(address), port.en.eq(1)]
        m.d.sync += row.eq(port.data)

        depth = ceil_log2(self.simd)
        # The flags walk beside the data: valid when the tree's sum is there.
        flags = Value.cast(self.issue), self.issue & self.first, self.issue & self.last
        valid, first, last = (_delay(m, flag, self.latency - 1, name) for flag, name in zip(flags, "vfl", strict=True))

        width = self.activation.width
        activations = [
            self.word.word_select(j, width).as_signed() if self.activation.signed else self.word.word_select(j, width)
            for j in range(self.simd)
        ]
        for p in range(self.pe):
            products: list[Value] = []
            for j, activation in enumerate(activations):
                weight = row.word_select(p * self.simd + j, self.weight_bits).as_signed()
                product_bits = width + self.weight_bits + (not self.activation.signed)
                product = Signal(signed(product_bits), name=f"product{p}_{j}")
                m.d.sync += product.eq(weight * activation)
                products.append(product)
            total = _adder_tree(m, products, depth, f"sum{p}")
            accumulator = Signal(signed(self.accumulator_bits), name=f"accumulator{p}")
            with m.If(valid):
                m.d.sync += accumulator.eq(Mux(first, 0, accumulator) + total)
            m.d.comb += self.accumulators.word_select(p, self.accumulator_bits).eq(accumulator)
        m.d.sync += self.done.eq(last)
        return m


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
