"""Modulations and code rates of 5G NR, and how often their LDPC blocks are lost over AWGN, as simulated.

`Scheme` is a row of the table of modulations and code rates that ends with 256-QAM (3GPP TS 38.214, table 5.1.3.1-2);
its blocks are LDPC codewords of TS 38.212 with a CRC of 24 bits that tells the receiver which ones are wrong. Unlike in
NR the number of symbols of a block is a power of two that depends on the scheme alone, so that one simulation serves
frames of any size. `block_errors.csv` holds what `hwgen bench block_errors --record` found.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

from hwgen.errors import HwgenError

RECORD = Path(__file__).with_name("block_errors.csv")
CRC_BITS = 24
RATE_DENOMINATOR = 2048
"""Code rates are so many parts of it: the table's 1024ths, of which two are halves."""
_ROWS = (
    (2, 616), (2, 898), (2, 1204),
    (4, 756), (4, 868), (4, 980), (4, 1106), (4, 1232), (4, 1316),
    (6, 932), (6, 1034), (6, 1134), (6, 1232), (6, 1332), (6, 1438), (6, 1544), (6, 1644), (6, 1746),
    (8, 1365), (8, 1422), (8, 1508), (8, 1594), (8, 1682), (8, 1770), (8, 1833), (8, 1896),
)  # fmt: skip
FIRST_INDEX = 2
"""The table's first two rows have a rate below 1/5, which the codes alone do not reach (NR repeats bits)."""


@dataclass(frozen=True)
class Scheme:
    """A modulation and a code rate.

    Attributes
    ----------
    index : of the table's row
    bits : per symbol: 2 (QPSK), 4, 6 or 8 (256-QAM)
    rate : code rate in 2048ths
    """

    index: int
    bits: int
    rate: int

    @property
    def largest(self) -> int:
        """Information bits of a block, at most: those of NR's second base graph where the rate is below the first's."""
        return 3840 if 3 * self.rate < RATE_DENOMINATOR else 8448

    @cached_property
    def symbols(self) -> int:
        """Complex symbols of a block: the largest power of two whose information bits a code can have."""
        symbols = 1024
        while 2 * symbols * self.bits * self.rate <= self.largest * RATE_DENOMINATOR:
            symbols *= 2
        return symbols

    @property
    def coded_bits(self) -> int:
        """n of the code."""
        return self.symbols * self.bits

    @property
    def information_bits(self) -> int:
        """k of the code, CRC included."""
        return self.coded_bits * self.rate // RATE_DENOMINATOR

    def blocks(self, symbols: int) -> int:
        """Whole blocks in a frame of so many symbols; what is left over carries nothing."""
        return symbols // self.symbols

    def payload_bits(self, symbols: int) -> int:
        """Bits that such a frame carries, without the blocks' CRC."""
        return self.blocks(symbols) * (self.information_bits - CRC_BITS)

    def __str__(self) -> str:
        name = "QPSK" if self.bits == 2 else f"{2**self.bits}-QAM"
        return f"{name} {self.rate / RATE_DENOMINATOR:.3f}"


SCHEMES = tuple(Scheme(FIRST_INDEX + row, *values) for row, values in enumerate(_ROWS))


@dataclass(frozen=True, order=True)
class Count:
    """Blocks of a scheme simulated at an SNR, and how many of them were decoded wrongly."""

    index: int
    snr_db: float
    blocks: int
    errors: int

    @property
    def scheme(self) -> Scheme:
        """The scheme of the table's row."""
        return SCHEMES[self.index - FIRST_INDEX]

    @property
    def rate(self) -> float:
        """Block error rate."""
        return self.errors / self.blocks


COLUMNS = tuple(field.name for field in fields(Count))


class BlockErrors:
    """Counts of all schemes at the SNRs that were simulated."""

    def __init__(self, counts: Iterable[Count]) -> None:
        self.counts = tuple(sorted(counts))

    def at(self, scheme: Scheme, snr_db: float) -> float:
        """Block error rate at an SNR: that of the nearest simulated SNR that is no higher; 1 where there is none."""
        below = [count for count in self.counts if count.index == scheme.index and count.snr_db <= snr_db]
        return below[-1].rate if below else 1.0

    def lost(self, scheme: Scheme, snr_db: float, symbols: int) -> float:
        """Share of the frames of so many symbols in which at least one block is wrong."""
        return 1.0 - (1.0 - self.at(scheme, snr_db)) ** scheme.blocks(symbols)

    def snrs_db(self, scheme: Scheme) -> tuple[float, ...]:
        """SNRs at which a scheme was simulated, ascending."""
        return tuple(count.snr_db for count in self.counts if count.index == scheme.index)

    def write(self, path: Path) -> None:
        """A line per count below a line of names."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(count) for count in self.counts)


def load(path: Path = RECORD) -> BlockErrors:
    """The record.

    Raises
    ------
    HwgenError : it is damaged
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        numbers = [(row["index"], row["snr_db"], row["blocks"], row["errors"]) for row in rows]
        counts = [Count(int(index), float(snr), int(blocks), int(errors)) for index, snr, blocks, errors in numbers]
    except (KeyError, TypeError, ValueError):
        raise HwgenError(str(path), f"columns {', '.join(COLUMNS)} of numbers", "other lines") from None
    return BlockErrors(counts)
