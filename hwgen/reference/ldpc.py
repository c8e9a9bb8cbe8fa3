"""LDPC blocks of 5G NR, encoded, sent over AWGN and decoded, by packages made for that.

Code, interleaver and modulation are Sionna's; the decoder is sum-product in the package `ldpc`, which stops at a valid
codeword and is several times faster on a processor than Sionna's own (a test compares the two). A block is in error
where any of its information bits is wrong: that its CRC does not see it has a chance of 2^-24, which is left out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hwgen.errors import HwgenError
from hwgen.radio.ldpc import Count, Scheme

ENOUGH_ERRORS = 20
"""Wrong blocks after which no more are simulated."""
BATCH = 10
ITERATIONS = 20
KNOWN_BIT = 40.0
"""Log-likelihood ratio of a filler bit, which the receiver knows to be 0."""
GROUP = "yardstick"


class Blocks:
    """Encoder, modulation and decoder of a scheme's blocks.

    Raises
    ------
    HwgenError : the dependency group `yardstick` is not installed
    """

    def __init__(self, scheme: Scheme) -> None:
        try:
            from ldpc import BpDecoder
            from sionna.phy.fec.ldpc import LDPC5GEncoder
            from sionna.phy.mapping import Demapper, Mapper
        except ImportError as missing:
            wanted = f"what `pip install --no-deps --group {GROUP}` installs, a dependency group of pyproject.toml"
            raise HwgenError("LDPC codes", wanted, str(missing)) from None
        torch.set_num_threads(1)
        self.scheme = scheme
        self.encoder = LDPC5GEncoder(scheme.information_bits, scheme.coded_bits, num_bits_per_symbol=scheme.bits)
        self.mapper = Mapper("qam", scheme.bits)
        self.demapper = Demapper("app", "pam", scheme.bits // 2)
        self.decoder = BpDecoder(
            self.checks(), error_rate=0.1, max_iter=ITERATIONS, bp_method="product_sum",
            input_vector_type="received_vector",
        )  # fmt: skip

    def checks(self) -> Any:
        """The parity-check matrix (SciPy, CSR) without the checks of bits that are not sent and that no other has."""
        encoder = self.encoder
        matrix = encoder.pcm.tocsc()
        sent = encoder.n_ldpc - self.untransmitted
        alone = encoder.n_ldpc
        while alone > sent and matrix.indptr[alone] - matrix.indptr[alone - 1] == 1:
            alone -= 1
        left_out = encoder.n_ldpc - alone
        return matrix[: matrix.shape[0] - left_out, :alone].tocsr().astype(np.uint8)

    @property
    def untransmitted(self) -> int:
        """Parity bits at the end of the mother code that are not sent."""
        encoder = self.encoder
        return int(encoder.n_ldpc - encoder.k_filler - encoder.n - 2 * encoder.z)

    def ratios(self, bits: npt.NDArray[np.uint8], snr_db: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Log-likelihood ratios, (blocks, coded bits), of information bits sent over AWGN; positive for a 1.

        A square constellation's parts are two amplitude modulations with half of the noise each.
        """
        variance = 10.0 ** (-snr_db / 10.0)
        sent = self.mapper(self.encoder(torch.from_numpy(bits.astype(np.float32)))).numpy()
        noise = rng.normal(size=(*sent.shape, 2)) * math.sqrt(variance / 2.0)
        parts = np.stack([sent.real + noise[..., 0], sent.imag + noise[..., 1]], -1) * math.sqrt(2.0)
        seen = torch.from_numpy(parts.astype(np.complex64))
        found = self.demapper(seen.reshape(len(bits), -1), 2.0 * variance).numpy()
        half = self.scheme.bits // 2  # I's bits and then Q's of every symbol -> taking turns, as the mapper has them
        turns = found.reshape(len(bits), -1, 2, half).swapaxes(-1, -2)
        return np.asarray(turns.reshape(len(bits), -1), np.float32)

    def decode(self, ratios: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Information bits, (blocks, information bits), of log-likelihood ratios."""
        encoder = self.encoder
        ordered = ratios[:, encoder.out_int_inv.numpy()]
        first = encoder.k - 2 * encoder.z  # information bits that are sent: the first 2 z are not
        found = []
        for block in ordered:
            full = np.zeros(self.decoder.bit_count)
            full[2 * encoder.z : encoder.k] = block[:first]
            full[encoder.k : encoder.k_ldpc] = -KNOWN_BIT
            full[encoder.k_ldpc : encoder.k_ldpc + encoder.n - first] = block[first:]
            self.decoder.update_channel_probs(1.0 / (1.0 + np.exp(np.abs(full))))
            found.append(self.decoder.decode((full > 0).astype(np.uint8))[: encoder.k])
        return np.asarray(found, np.uint8)

    def count(self, snr_db: float, blocks: int) -> Count:
        """Simulate blocks, in steps of 10, until there are so many or 20 of them were wrong; the seed is the scheme's
        and the SNR's own."""
        rng = np.random.default_rng([self.scheme.index, round(1000 * (snr_db + 100))])
        done = errors = 0
        while done < blocks and errors < ENOUGH_ERRORS:
            bits = rng.integers(0, 2, (min(BATCH, blocks - done), self.scheme.information_bits), np.uint8)
            wrong = (self.decode(self.ratios(bits, snr_db, rng)) != bits).any(1)
            done, errors = done + len(bits), errors + int(wrong.sum())
        return Count(self.scheme.index, snr_db, done, errors)
