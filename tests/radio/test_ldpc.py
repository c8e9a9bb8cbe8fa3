"""Schemes and the record of their block errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.bench.block_errors import GOAL, SNRS_DB, capacity
from hwgen.errors import HwgenError
from hwgen.radio.ldpc import COLUMNS, SCHEMES, BlockErrors, Count, Scheme, load
from hwgen.reference.ldpc import ENOUGH_ERRORS

QPSK = SCHEMES[0]


def test_the_table_of_256_qam() -> None:
    assert [scheme.index for scheme in SCHEMES] == list(range(2, 28))
    assert {scheme.bits for scheme in SCHEMES} == {2, 4, 6, 8}
    efficiency = [scheme.bits * scheme.rate / 2048 for scheme in SCHEMES]
    assert efficiency == sorted(efficiency)
    assert (efficiency[0], efficiency[-1]) == (2 * 308 / 1024, 8 * 948 / 1024)
    assert [str(scheme) for scheme in (SCHEMES[0], SCHEMES[3], SCHEMES[-1])] == [
        "QPSK 0.301", "16-QAM 0.369", "256-QAM 0.926",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_block_is_as_long_as_the_codes_allow(scheme: Scheme) -> None:
    exact = scheme.symbols * scheme.bits * scheme.rate / 2048
    assert scheme.information_bits == exact <= scheme.largest < 2 * exact
    assert scheme.coded_bits == scheme.symbols * scheme.bits
    assert (scheme.largest == 3840) == (scheme.rate / 2048 < 1 / 3)


def test_payload_of_a_frame() -> None:
    assert (QPSK.symbols, QPSK.information_bits) == (4096, 2464)
    assert QPSK.payload_bits(3 * 4096 + 4095) == 3 * (2464 - 24)
    assert QPSK.payload_bits(4095) == 0


def test_block_errors_between_simulated_snrs() -> None:
    found = BlockErrors([Count(2, 5.0, 100, 0), Count(2, 3.0, 100, 100), Count(2, 4.0, 100, 25), Count(3, 0.0, 9, 0)])
    rates = [found.at(QPSK, snr_db) for snr_db in (2.9, 3.0, 3.9, 4.0, 4.9, 5.0, 20.0)]
    assert rates == [1.0, 1.0, 1.0, 0.25, 0.25, 0.0, 0.0]
    assert found.snrs_db(QPSK) == (3.0, 4.0, 5.0)
    assert found.lost(QPSK, 4.0, 2 * 4096) == 1 - 0.75**2
    assert found.lost(QPSK, 5.0, 2 * 4096) == 0.0 and found.lost(QPSK, 2.0, 4096) == 1.0


def test_the_record_is_what_was_written(tmp_path: Path) -> None:
    counts = (Count(2, 3.0, 100, 100), Count(2, 4.25, 1000, 0))
    BlockErrors(reversed(counts)).write(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "index,snr_db,blocks,errors\n2,3.0,100,100\n2,4.25,1000,0\n"
    assert load(tmp_path / "a.csv").counts == counts
    (tmp_path / "a.csv").write_text("index,snr_db,blocks\n2,3.0,100\n")
    with pytest.raises(HwgenError, match=f"a.csv: wanted columns {', '.join(COLUMNS)} of numbers, got other lines"):
        load(tmp_path / "a.csv")


def test_the_shipped_record_agrees_with_itself() -> None:
    errors = load()
    assert len({(count.index, count.snr_db) for count in errors.counts}) == len(errors.counts)
    for count in errors.counts:
        assert 0 <= count.errors <= count.blocks and count.blocks >= ENOUGH_ERRORS
    for scheme in SCHEMES:  # more noise, no fewer errors: two counts of one rate may differ by chance
        rates = [errors.at(scheme, snr_db) for snr_db in errors.snrs_db(scheme)]
        assert all(after <= before + 0.25 for before, after in zip(rates, rates[1:], strict=False))
    for snr_db in SNRS_DB:
        good = [scheme for scheme in SCHEMES if snr_db in errors.snrs_db(scheme) and errors.at(scheme, snr_db) < GOAL]
        assert good, f"{snr_db:g} dB"
        for scheme in good:  # no code beats capacity; where the table has wide steps, it stays 3 dB below
            assert scheme.information_bits / scheme.symbols < capacity(snr_db)
        best = max(good, key=lambda scheme: scheme.index)
        assert best.information_bits / best.symbols > capacity(snr_db - 3.1)
