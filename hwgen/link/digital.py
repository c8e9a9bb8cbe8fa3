"""A real digital chain over the same symbols: the best file of an image, an LDPC code of 5G NR, QPSK to 256-QAM, AWGN.

A chain is made for one SNR: of the modulations and code rates it takes the one that carries most among those that lose
at most `LOST` of the frames at that SNR. Its payload is the size of every image's file (`hwgen.link.source_code`); the
frame's symbols that fill no block carry nothing. Where one of a frame's blocks is wrong, which its CRC tells, no file
arrives, and the receiver shows the image's mean colour. What is measured is the expectation over such losses, with the
block error rates that were simulated (`hwgen.radio.ldpc`); the chain's own SNR and the real one need not be equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hwgen.link.source_code import Picture
from hwgen.metrics.quality import Quality, mean_quality
from hwgen.radio.ldpc import SCHEMES, BlockErrors, Scheme, load

LOST = 0.01
"""Share of the frames that a chain may lose at the SNR that it is made for."""


@dataclass(frozen=True)
class Design:
    """A chain made for `made_for_db`, for frames of so many symbols."""

    made_for_db: float
    scheme: Scheme
    symbols: int

    @property
    def payload_bits(self) -> int:
        """Size of an image's file, at most."""
        return self.scheme.payload_bits(self.symbols)


def design(snr_db: float, symbols: int, errors: BlockErrors) -> Design | None:
    """The chain for an SNR; None where no scheme that was simulated carries anything there."""
    usable = [scheme for scheme in SCHEMES
              if scheme.blocks(symbols) and errors.lost(scheme, snr_db, symbols) <= LOST]  # fmt: skip
    best = max(usable, key=lambda scheme: scheme.payload_bits(symbols), default=None)
    return None if best is None else Design(snr_db, best, symbols)


@dataclass(frozen=True)
class DigitalPoint:
    """A chain at a real SNR: share of the frames that it loses, and the mean over images of what is expected."""

    design: Design
    snr_db: float
    lost: float
    quality: Quality


@dataclass
class DigitalChain:
    """All chains of a measurement, on its images.

    Attributes
    ----------
    errors : block error rates
    matched : SNR -> chain made for it
    fixed : chains made for one SNR each, whatever the real one is
    """

    symbols: int
    errors: BlockErrors = field(default_factory=load)
    matched: dict[float, Design] = field(default_factory=dict)
    fixed: tuple[Design, ...] = ()
    _coded: dict[Scheme, list[Quality]] = field(default_factory=dict)
    _flat: list[Quality] = field(default_factory=list)

    def make(self, snrs_db: Iterable[float], fixed_db: Iterable[float]) -> None:
        """Design the chains, before any image: one for each SNR that frames are sent at, and the fixed ones."""
        found = {snr_db: design(snr_db, self.symbols, self.errors) for snr_db in snrs_db}
        self.matched = {snr_db: chain for snr_db, chain in found.items() if chain is not None}
        chains = [design(snr_db, self.symbols, self.errors) for snr_db in fixed_db]
        self.fixed = tuple(chain for chain in chains if chain is not None)
        self._coded = {chain.scheme: [] for chain in (*self.matched.values(), *self.fixed)}

    def add(self, image: npt.NDArray[np.uint8]) -> None:
        """Code another (H, W, 3) image for all chains."""
        if not self._coded:
            return
        picture = Picture(image)
        flat = Quality.of(image, picture.mean_colour())
        self._flat.append(flat)
        for scheme, qualities in self._coded.items():
            best = picture.best(scheme.payload_bits(self.symbols))
            qualities.append(flat if best is None else Quality.of(image, best.image))

    def at(self, chain: Design, snr_db: float) -> DigitalPoint:
        """A chain at a real SNR, over the images so far."""
        lost = self.errors.lost(chain.scheme, snr_db, self.symbols)
        coded = self._coded[chain.scheme]
        seen = [arrived.mixed(flat, lost) for arrived, flat in zip(coded, self._flat, strict=True)]
        return DigitalPoint(chain, snr_db, lost, mean_quality(seen))

    def curve(self, chain: Design, snrs_db: Iterable[float]) -> list[DigitalPoint]:
        """A chain at these SNRs and, between them, at those where its blocks were simulated: the cliff."""
        wanted = set(snrs_db)
        between = {snr for snr in self.errors.snrs_db(chain.scheme) if min(wanted) <= snr <= max(wanted)}
        return [self.at(chain, snr_db) for snr_db in sorted(wanted | between)]
