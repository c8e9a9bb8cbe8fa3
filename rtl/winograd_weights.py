"""The weights of Winograd's products in DSPs: pairs that fit, and words again for those that do not.

Two weights lie in the wide operand as in `hwgen.rtl.packing`, f bits apart, and P = S_0 + S_1 * 2**f is what a chain
sums up. Here the lower sum may leave its field by one bit, |S_0| < 2**f: it borrows from above what S_0 < 0 says, so

    P[f:] = S_1 - [S_0 < 0],  and the parity of S_1 = P[f] + [S_0 < 0]  (mod 2)

That parity is known from the products' lowest bits, an AND for each. So [S_0 < 0] = P[f] ^ parity, which is the sign
of S_0 above its f bits, and what S_1 lacks. (FINN's mvu has the idea, with two bits of the upper product.)

Transformed weights are sums of taps, so a few are too large nevertheless. Then the word comes again, with the same
activations and the rest of the weights: w = w' + w'', each part small enough. How often a word comes follows from the
actual weights, and is part of the program that the window's reader follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from hwgen.rtl.packing import Packing, chain_runs, lanes_by_place, largest_sum, pe_groups
from hwgen.rtl.winograd import Step


@dataclass(frozen=True, eq=False)
class WinogradKernel:
    """A kernel's transformed weights.

    Parameters
    ----------
    products
        int (O, I, rows, steps): see `hwgen.rtl.winograd.transformed`.
    steps
        Their products.
    """

    products: NDArray[np.int64]
    steps: tuple[Step, ...]

    @cached_property
    def known(self) -> dict[object, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Memory of `FoldedWeights`: counts that do not depend on the number of PEs; sizing asks for many numbers."""
        return {}

    @cache  # noqa: B019 - sizing asks for the same words with many numbers of PEs
    def magnitudes(self, simd: int, chain: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The largest weight of each word, by row, group, step, and the largest sum of those in a chain; both
        (outputs, words)."""
        outputs, inputs, rows, count = self.products.shape
        groups = -(-inputs // simd)
        padded = np.zeros((outputs, groups * simd, rows, count), dtype=np.int64)
        padded[:, :inputs] = np.abs(self.products)
        words = padded.reshape(outputs, groups, simd, rows, count).transpose(2, 0, 3, 1, 4)
        sums = np.add.reduceat(words, [run.start for run in chain_runs(simd, chain)], axis=0).max(axis=0)
        return words.max(axis=0).reshape(outputs, -1), sums.reshape(outputs, -1)


@dataclass(frozen=True, eq=False)
class FoldedWeights:
    """A kernel's transformed weights, folded: what each output of a fold needs, whichever PE computes it.

    Parameters
    ----------
    kernel
        The weights.
    pe, simd
        Outputs at a time, and channels of a word.
    bits
        Of a signed activation.
    packing
        Two weights to a DSP, `field_bits` apart, in chains of at most `chain`.
    high_bits
        Signed width of the upper weight.
    """

    kernel: WinogradKernel
    pe: int
    simd: int
    bits: int
    packing: Packing
    high_bits: int

    @property
    def products(self) -> NDArray[np.int64]:
        """The kernel's."""
        return self.kernel.products

    @property
    def steps(self) -> tuple[Step, ...]:
        """The kernel's."""
        return self.kernel.steps

    @property
    def groups(self) -> int:
        """Words of a pixel."""
        return -(-self.products.shape[1] // self.simd)

    @property
    def folds(self) -> int:
        """Folds of a pair."""
        return -(-self.products.shape[0] // self.pe)

    @cached_property
    def words(self) -> NDArray[np.int64]:
        """The weights of every word once: (folds, words of a fold, output, lane); words by row, group, step."""
        outputs, inputs, rows, count = self.products.shape
        folds, groups = self.folds, self.groups
        padded = np.zeros((folds * self.pe, groups * self.simd, rows, count), dtype=self.products.dtype)
        padded[:outputs, :inputs] = self.products
        split = padded.reshape(folds, self.pe, groups, self.simd, rows, count)
        return split.transpose(0, 4, 2, 5, 1, 3).reshape(folds, rows * groups * count, self.pe, self.simd)

    @cached_property
    def low(self) -> NDArray[np.int64]:
        """The largest sum of a chain's lower weights in each word of a fold."""
        own = [largest_sum(self.packing.field_bits + 1, step.largest(self.bits)) for step in self.steps]
        return np.tile(np.array(own, dtype=np.int64), self.products.shape[2] * self.groups)

    @property
    def high(self) -> int:
        """The largest upper weight."""
        return (1 << (self.high_bits - 1)) - 1

    @cached_property
    def largest(self) -> NDArray[np.int64]:
        """The largest magnitude of each output's weights in each word: (folds, words of a fold, output)."""
        return self._folded(self.kernel.magnitudes(self.simd, self.packing.chain)[0])

    @cached_property
    def below(self) -> NDArray[np.int64]:
        """Number of times that each word comes for each output as the lower one of a DSP: (folds, words of a fold,
        output)."""
        return self._folded(self._times[0], lacking=1)

    @cached_property
    def above(self) -> NDArray[np.int64]:
        """As `below`, as the upper one."""
        return self._folded(self._times[1], lacking=1)

    @property
    def _times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`below` and `above` of all outputs: (outputs, words)."""
        key = self.simd, self.bits, self.packing, self.high_bits
        if key not in self.kernel.known:
            largest, sums = self.kernel.magnitudes(self.simd, self.packing.chain)
            self.kernel.known[key] = (np.maximum(1, -(-sums // self.low)), np.maximum(1, -(-largest // self.high)))
        return self.kernel.known[key]

    def _folded(self, of_outputs: NDArray[np.int64], lacking: int = 0) -> NDArray[np.int64]:
        """(outputs, words) -> (folds, words of a fold, output), with `lacking` for outputs that a last fold lacks."""
        outputs, words = of_outputs.shape
        padded = np.full((self.folds * self.pe, words), lacking, dtype=np.int64)
        padded[:outputs] = of_outputs
        return padded.reshape(self.folds, self.pe, words).transpose(0, 2, 1)

    @property
    def preference(self) -> NDArray[np.int64]:
        """Of each output of a fold: by how many words more it costs as an upper one than as a lower one."""
        return (self.above - self.below).sum(axis=(0, 1))


@dataclass(frozen=True, eq=False)
class WinogradWeights:
    """A kernel's transformed weights in DSPs.

    Parameters
    ----------
    folded
        The weights.
    order
        The output of a fold that each PE computes.
    """

    folded: FoldedWeights
    order: tuple[int, ...]

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """The PEs that share a DSP, the lower one first."""
        groups = pe_groups(self.folded.pe, self.folded.packing)
        return [(group[0], group[1]) for group in groups if len(group) > 1]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each word comes: int64 (folds, words of a fold), at least once."""
        folded = self.folded
        if not self.pairs:
            return np.ones(folded.largest.shape[:2], dtype=np.int64)
        lower, upper = ([self.order[p] for p in place] for place in zip(*self.pairs, strict=True))
        return np.maximum(folded.below[..., lower].max(axis=2), folded.above[..., upper].max(axis=2))

    @property
    def fold_words(self) -> tuple[int, ...]:
        """Words of each fold."""
        return tuple(self.counts.sum(axis=1).tolist())

    @property
    def lower_bits(self) -> int:
        """Signed width of a lower weight."""
        if not self.pairs:
            return 2
        lower = [self.order[p] for p, _ in self.pairs]
        largest = int(np.minimum(self.folded.largest[..., lower], self.folded.low[:, None]).max())
        return max(largest.bit_length() + 1, 2)

    @property
    def alone_bits(self) -> int:
        """Signed width of a weight that has a DSP for itself; 0 where there is none."""
        if self.folded.pe % 2 == 0:
            return 0
        return max(int(self.folded.largest[..., self.order[-1]].max()).bit_length() + 1, 2)

    def parts(self) -> NDArray[np.int64]:
        """The weights of every word as often as it comes: int64 (words of a pair, PE, lane)."""
        folded, found = self.folded, []
        runs = [slice(run.start, run.stop) for run in chain_runs(folded.simd, folded.packing.chain)]
        words = folded.words[:, :, list(self.order)]
        for own, counts in zip(words, self.counts.tolist(), strict=True):
            for weights, times, low in zip(own, counts, folded.low.tolist(), strict=True):
                if times == 1:
                    found.append(weights)
                    continue
                signs, magnitudes = np.sign(weights), np.abs(weights)
                for time in range(times):
                    part = weights.copy() if time == 0 else np.zeros_like(weights)
                    for below, above in self.pairs:
                        for run in runs:
                            ends = np.cumsum(magnitudes[below, run])
                            cuts = np.stack([ends - magnitudes[below, run], ends])
                            cuts = np.clip(cuts, time * low, (time + 1) * low)
                            part[below, run] = signs[below, run] * (cuts[1] - cuts[0])
                        first, last = time * folded.high, (time + 1) * folded.high
                        part[above] = signs[above] * (np.clip(magnitudes[above], first, last) - first)
                    found.append(part)
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Word:
    """A word of a pair of outputs.

    Parameters
    ----------
    row
        Tap row.
    group
        Words of a pixel before it.
    step
        Number of the product, over all kinds of pairs (`hwgen.rtl.winograd_window.WinogradWindowConfig.steps`).
    end_fold, end_pair, end_program
        Whether it is the last of its fold, of its pair, of a row phase's program.
    """

    row: int
    group: int
    step: int
    end_fold: bool
    end_pair: bool
    end_program: bool

    @property
    def values(self) -> tuple[int, ...]:
        """The fields of the program."""
        return (self.end_fold, self.end_pair, self.end_program, self.row, self.group, self.step)


class WinogradProgram:
    """The words of a layer in order, and its weight memories.

    Parameters
    ----------
    phases
        For each row phase, and in it for each kind of pair, the weights.
    """

    def __init__(self, phases: Sequence[Sequence[WinogradWeights]]) -> None:
        self.phases = phases
        self.all = [weights for own in phases for weights in own]
        self.lower_bits = max(weights.lower_bits for weights in self.all)
        self.alone_bits = max(weights.alone_bits for weights in self.all)

    @property
    def fold_words(self) -> tuple[tuple[int, ...], ...]:
        """Words of each fold, phase by phase and kind by kind."""
        return tuple(weights.fold_words for weights in self.all)

    def words(self) -> list[Word]:
        """The words of all phases, one after the other."""
        found: list[Word] = []
        for kinds in self.phases:
            before = 0
            for kind, weights in enumerate(kinds):
                last_kind = kind == len(kinds) - 1
                count, groups = len(weights.folded.steps), weights.folded.groups
                for fold, own in enumerate(weights.counts.tolist()):
                    order = [word for word, times in enumerate(own) for _ in range(times)]
                    last_fold = fold == len(weights.counts) - 1
                    for place, word in enumerate(order):
                        rest, step = divmod(word, count)
                        row, group = divmod(rest, groups)
                        end = place == len(order) - 1
                        found.append(Word(row, group, before + step, end, end and last_fold,
                                          end and last_fold and last_kind))  # fmt: skip
                before += count
        return found

    def layout(self, lower_bits: int, alone_bits: int) -> list[list[tuple[int, int, int]]]:
        """(PE, lane, bits) of the fields of each weight memory's rows, from bit 0 up; one memory for each place in the
        chains.

        lower_bits, alone_bits : widths in the memories, at least the program's own
        """
        first = self.all[0].folded
        found = []
        for places in lanes_by_place(first.simd, first.packing.chain):
            memory = []
            for group in pe_groups(first.pe, first.packing):
                for lane in places:
                    if len(group) == 1:
                        memory.append((group[0], lane, alone_bits))
                    else:
                        memory += [(group[0], lane, lower_bits), (group[1], lane, first.high_bits)]
            found.append(memory)
        return found

    def memories(self, lower_bits: int, alone_bits: int) -> list[list[int]]:
        """The rows of the weight memories, as `layout` has them; an upper weight is 1 less above a negative one."""
        parts = np.concatenate([weights.parts() for weights in self.all])
        stored = parts.copy()
        for below, above in self.all[0].pairs:
            stored[:, above] -= parts[:, below] < 0
        rows = []
        for memory in self.layout(lower_bits, alone_bits):
            shift, own = 0, np.zeros(len(stored), dtype=object)
            for p, lane, bits in memory:
                own += (stored[:, p, lane] & ((1 << bits) - 1)).astype(object) << shift
                shift += bits
            rows.append(own.tolist())
        return rows


def best_order(kernels: Sequence[FoldedWeights]) -> tuple[int, ...]:
    """The outputs of a fold in an order of PEs with which few words come twice.

    Which outputs share a DSP does not matter, only which lie above: those with the fewest large weights.
    """
    pe = kernels[0].pe
    ranked = np.argsort(np.sum([own.preference for own in kernels], axis=0), kind="stable").tolist()
    above, below, rest = ranked[: pe // 2], ranked[pe // 2 : pe // 2 * 2], ranked[pe // 2 * 2 :]
    return tuple(output for pair in zip(sorted(below), sorted(above), strict=True) for output in pair) + tuple(rest)
