"""Words of products of polynomials out of a line buffer: two columns of a row, side by side.

The reader is that of `hwgen.rtl.winograd_window`, whose program here has every word of a block once. So is the latency:
where that one adds its columns, these go through a register more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.adders import delay
from hwgen.rtl.polynomial import Product, products
from hwgen.rtl.primitives import Cost
from hwgen.rtl.program_sequencer import ProgramSequencer
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd_weights import Word
from hwgen.rtl.winograd_window import WinogradWindow
from hwgen.rtl.winograd_window_config import WinogradWindowConfig, winograd_reader_cost


@dataclass(frozen=True)
class PolynomialWindowConfig(WinogradWindowConfig):
    """As WinogradWindowConfig, of the blocks of products of polynomials: in a row one of each kind more than pairs.

    `out_width` counts blocks. Block P of a kind completes its pair P - 1; the first one has none.

    Parameters
    ----------
    together
        Taps in a product.

    Raises
    ------
    ValueError
        As WinogradWindowConfig.
    """

    together: int = 2

    @property
    def row_pairs(self) -> int:
        return super().out_width

    @property
    def row_blocks(self) -> int:
        """Blocks of each kind in a row."""
        return self.row_pairs // self.kinds + 1

    @property
    def out_width(self) -> int:
        """Blocks in a row."""
        return self.row_pairs + self.kinds

    def pair(self, place: int) -> tuple[int, int]:
        """The output columns that a row's block completes; those of the first blocks are below zero."""
        return super().pair(place - self.kinds)

    def kind_products(self, kind: int) -> tuple[Product, ...]:
        """The products of a tap row of a kind."""
        return products(self.kind_columns(kind), self.tap_stride, self.together)

    @property
    def products(self) -> tuple[Product, ...]:
        """The products of a tap row, kind by kind; columns count from `block_begin`."""
        found: list[Product] = []
        for kind in range(self.kinds):
            shift = self._first_of(kind) - self.block_begin
            found += [replace(own, first=own.first + shift, second=own.second + shift)
                      for own in self.kind_products(kind)]  # fmt: skip
        return tuple(found)

    @property
    def step_count(self) -> int:
        return len(self.products)

    @cached_property
    def _ends(self) -> tuple[tuple[int, int], ...]:
        """The first and the last input column of every block of a row: the first no further than behind the frame, the
        last not before it, for a block of padding alone waits for a pixel as others do."""
        found = []
        for place in range(self.out_width):
            block, kind = divmod(place, self.kinds)
            begin = self._first_of(kind) + self.block_step * block
            last = max(own.second for own in self.kind_products(kind))
            found.append((min(begin, self.width), max(begin + last, 0)))
        return tuple(found)

    @property
    def least_words(self) -> int:
        columns = min(len(self.kind_products(kind)) for kind in range(self.kinds))
        return min(self.row_kernels) * self.tap_words * columns

    @property
    def word_values(self) -> int:
        return 2 * super().word_values

    @property
    def depth(self) -> int:
        return super().depth + (0 if self.pixels is not None else 2 * self.stride)

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        memories = self.memory.cost(family) * 2 + self.program.cost(family)
        # Two columns where that one has their sums; registers that are cleared mask what lies outside. What else there
        # is, and is not, was fitted to measurements as that one's.
        width, sums = self.simd * self.bits, self.simd * (self.bits + 1)
        return memories + winograd_reader_cost(self) + Cost(60 - 2 * width - sums, 2 * width - sums - 75)

    def program_words(self) -> list[Word]:
        """The words of all phases, one after the other."""
        found: list[Word] = []
        for rows in self.row_kernels:
            before = 0
            for kind in range(self.kinds):
                count = len(self.kind_products(kind))
                for fold in range(self.folds):
                    order = [(row, group, product) for row in range(rows) for group in range(self.tap_words)
                             for product in range(count)]  # fmt: skip
                    for place, (row, group, product) in enumerate(order):
                        end_fold = place == len(order) - 1
                        end_pair = end_fold and fold == self.folds - 1
                        end_program = end_pair and kind == self.kinds - 1
                        found.append(Word(row, group, before + product, end_fold, end_pair, end_program))
                before += count
        return found


def block_words(window: WindowConfig, together: int) -> tuple[tuple[int, ...], ...]:
    """Words of each fold by products of so many taps, row phase by row phase, and in it kind of block by kind."""
    columns = window.phase_taps if window.transposed else (window.kernel_width,)
    rows = window.phase_taps if window.transposed else (window.kernel_height,)
    kinds = len(columns)
    stride = 1 if window.transposed else window.stride
    counts = [len(products(columns[(window.padding_width + kind) % kinds], stride, together)) for kind in range(kinds)]
    return tuple((row * window.tap_words * count,) * window.folds for row in rows for count in counts)


def in_polynomial_blocks(window: WindowConfig, together: int) -> PolynomialWindowConfig:
    """The same window for products of polynomials."""
    own = {field.name: getattr(window, field.name) for field in fields(WindowConfig)}
    return PolynomialWindowConfig(**own, fold_words=block_words(window, together), together=together)


class PolynomialWindow(WinogradWindow):
    """Line buffer that turns a stream of values into the words of each block.

    Latency and interval: as WinogradWindow.

    Parameters
    ----------
    config : PolynomialWindowConfig

    Members
    -------
    As WinogradWindow but `control`; word : Out(2 x simd values), the first column's, then the second's; zero where a
    column lies in the padding
    """

    config: PolynomialWindowConfig

    def __init__(self, config: PolynomialWindowConfig) -> None:
        self.config, self.words = config, config.program_words()
        phases = {"end_pixel": Out(1), "phase": Out(2), "next_phase": Out(2)} if config.transposed else {}
        Component.__init__(
            self,
            {
                "i": In(stream.Signature(unsigned(config.lanes * config.bits))),
                "room": In(1),
                "issue": Out(1),
                "first": Out(1),
                "last": Out(1),
                "end_fold": Out(1),
                "word": Out(unsigned(config.word_values * config.bits)),
                **phases,
            },
        )

    def _steer(self, m: Module, walk: ProgramSequencer, lead: int) -> None:
        """Nothing else."""

    def _columns(self) -> tuple[list[int], list[int]]:
        own = self.config.products
        return [product.first for product in own], [product.second for product in own]

    def _combine(self, m: Module, step: Value, words: Sequence[Signal], inside: Sequence[Value]) -> Value:
        masked = [Mux(own, word, 0) for word, own in zip(words, inside, strict=True)]
        return delay(m, Cat(masked), 2, "columns")
