"""`bench block_errors`: LDPC blocks of 5G NR simulated over AWGN, for the digital chain that a link is compared with.

Blocks themselves: `hwgen.reference.ldpc`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen.console import console, print_json
from hwgen.radio.ldpc import RATE_DENOMINATOR, RECORD, SCHEMES, BlockErrors, Count, Scheme, load
from hwgen.reference.ldpc import ITERATIONS, Blocks

SNRS_DB = (1.0, 4.0, 7.0, 10.0, 13.0, 19.0)
GOAL = 0.001
"""Block error rate that the best scheme of an SNR stays below."""


def capacity(snr_db: float) -> float:
    """Bits per complex symbol over AWGN, at most."""
    return math.log2(1.0 + 10.0 ** (snr_db / 10.0))


def search(snr_db: float, blocks: int) -> Iterator[Count]:
    """Counts of the schemes below capacity at an SNR, the fastest first, down to one that keeps the goal."""
    for scheme in sorted(SCHEMES, key=lambda one: -one.bits * one.rate):
        if scheme.payload_bits(scheme.symbols) / scheme.symbols >= capacity(snr_db):
            continue
        found = Blocks(scheme).count(snr_db, blocks)
        yield found
        if found.rate < GOAL:
            return


def cliff(scheme: Scheme, snr_db: float, step_db: float, blocks: int) -> Iterator[Count]:
    """Counts of one scheme from an SNR downwards, to the first at which every block is lost."""
    made = Blocks(scheme)
    while True:
        found = made.count(snr_db, blocks)
        yield found
        if found.errors == found.blocks:
            return
        snr_db -= step_db


def bench(
    snrs_db: Sequence[float] = SNRS_DB,
    blocks: int = 400,
    cliffs_db: Sequence[float] = (),
    step_db: float = 0.25,
    record: bool = False,
    as_json: bool = False,
    path: Path = RECORD,
) -> int:
    """Find the best scheme of every SNR, and the cliffs of those of `cliffs_db`; print.

    Parameters
    ----------
    blocks : of each scheme at each SNR, at most
    cliffs_db : SNRs whose best schemes are simulated below that SNR, too, in steps of `step_db`
    record : write the counts into `path`, in the place of those there of the same schemes and SNRs, each as soon as
        it is known

    Returns
    -------
    int : 0

    Raises
    ------
    HwgenError : the dependency group is not installed
    """
    found: list[Count] = []
    before = {(count.index, count.snr_db): count for count in (load(path).counts if path.exists() else ())}

    def keep(counts: Iterable[Count]) -> Count:
        last = None
        for last in counts:
            found.append(last)
            before[last.index, last.snr_db] = last
            if record:
                BlockErrors(before.values()).write(path)
        assert last is not None
        return last

    for snr_db in snrs_db:
        best = keep(search(snr_db, blocks))
        if snr_db in cliffs_db:
            keep(cliff(best.scheme, snr_db - step_db, step_db, blocks))
    if as_json:
        print_json({"iterations": ITERATIONS, "counts": [_record(count) for count in found]})
        return 0
    table = Table(title=f"LDPC blocks over AWGN, {ITERATIONS} iterations of sum-product")
    for column in ("SNR dB", "scheme", "information bits", "symbols", "blocks", "wrong"):
        table.add_column(column, justify="right")
    for count in found:
        known = _record(count)
        shown = (known[key] for key in ("scheme", "information_bits", "symbols", "blocks", "errors"))
        table.add_row(f"{count.snr_db:g}", *(str(value) for value in shown))
    console().print(table)
    return 0


def _record(count: Count) -> dict[str, Any]:
    scheme = count.scheme
    return {
        "snr_db": count.snr_db,
        "scheme": str(scheme),
        "bits_per_symbol": scheme.bits,
        "code_rate": scheme.rate / RATE_DENOMINATOR,
        "information_bits": scheme.information_bits,
        "symbols": scheme.symbols,
        "blocks": count.blocks,
        "errors": count.errors,
    }
