"""Metrics of the link, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwgen.metrics.symbols import SymbolError, mean
from hwgen.radio.channel import draw, quantise
from hwgen.spec.model import Channel


def test_nmse_and_evm() -> None:
    sent = quantise(np.array([1 + 1j, -1 + 0j, 2j]))
    received = quantise(np.array([1.5 + 1j, -1 + 0j, 2j - 0.5]))
    found = SymbolError.of(sent, received)
    assert (found.sent, found.error) == (7.0, 0.5)
    assert found.nmse_db == pytest.approx(10 * math.log10(0.5 / 7))
    assert found.evm_percent == pytest.approx(100 * math.sqrt(0.5 / 7))
    both = found + SymbolError(1.0, 0.5, 1)
    assert (both.sent, both.error, both.symbols) == (8.0, 1.0, 4)
    assert both.power == 2.0


def test_corners_of_nmse_and_evm() -> None:
    assert SymbolError(1.0, 0.0).nmse_db == -math.inf and SymbolError(1.0, 0.0).evm_percent == 0
    assert SymbolError(0.0, 1.0).nmse_db == math.inf and SymbolError(0.0, 1.0).evm_percent == math.inf


def test_nmse_of_awgn_is_the_snr() -> None:
    rng = np.random.default_rng(1)
    sent = quantise((rng.normal(size=1 << 15) + 1j * rng.normal(size=1 << 15)) * math.sqrt(0.5))
    found = SymbolError.of(sent, draw(Channel(), 10.0, len(sent), 2).apply(sent))
    assert found.nmse_db == pytest.approx(-10.0, abs=0.1)
    assert found.evm_percent == pytest.approx(100 * 10**-0.5, abs=0.5)


def test_mean() -> None:
    assert mean([1.0, 2.0]) == 1.5
    assert mean([]) is None and mean([1.0, None]) is None
