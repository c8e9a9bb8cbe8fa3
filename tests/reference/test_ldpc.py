"""LDPC blocks, where what simulates them is installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from hwgen.radio.ldpc import SCHEMES, Scheme
from hwgen.reference.ldpc import Blocks

MISSING = importlib.util.find_spec("sionna") is None or importlib.util.find_spec("ldpc") is None
needs_group = pytest.mark.skipif(MISSING, reason="pip install --no-deps --group yardstick: no Sionna or no ldpc")


@needs_group
def test_the_table_is_sionna_s() -> None:
    from sionna.phy.nr.utils import decode_mcs_index

    for scheme in SCHEMES:
        bits, rate = decode_mcs_index(scheme.index, 2, False)
        assert (int(bits), round(2048 * float(rate))) == (scheme.bits, scheme.rate)


@needs_group
@pytest.mark.parametrize(("scheme", "snr_db"), [(SCHEMES[1], 1.0), (SCHEMES[18], 19.0)], ids=str)
def test_the_decoder_agrees_with_sionna_s(scheme: Scheme, snr_db: float) -> None:
    import torch
    from sionna.phy.fec.ldpc import LDPC5GDecoder

    made, rng = Blocks(scheme), np.random.default_rng(1)
    bits = rng.integers(0, 2, (2, scheme.information_bits), np.uint8)
    for snr, right in ((snr_db, True), (snr_db - 4, False)):
        ratios = made.ratios(bits, snr, rng)
        theirs = LDPC5GDecoder(made.encoder)(torch.from_numpy(ratios)).numpy()
        for found in (made.decode(ratios), theirs):
            assert ((found == bits).all(1) == right).all()


@needs_group
def test_ratios_are_those_of_the_whole_constellation() -> None:
    import torch
    from sionna.phy.mapping import Demapper

    made, rng = Blocks(SCHEMES[18]), np.random.default_rng(2)
    bits = rng.integers(0, 2, (1, made.scheme.information_bits), np.uint8)
    state = rng.bit_generator.state
    found = made.ratios(bits, 15.0, rng)
    rng.bit_generator.state = state
    variance = 10**-1.5
    sent = made.mapper(made.encoder(torch.from_numpy(bits.astype(np.float32))))
    noise = rng.normal(size=(*sent.shape, 2)) * np.sqrt(variance / 2)
    seen = sent + torch.from_numpy((noise[..., 0] + 1j * noise[..., 1]).astype(np.complex64))
    assert np.allclose(found, Demapper("app", "qam", 8)(seen, variance).numpy(), atol=1e-3)
