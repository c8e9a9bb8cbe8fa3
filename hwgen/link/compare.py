"""Comparison of a link, on all its images, with the float network, the linear code, digital chains and the bound."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hwgen.link.digital import DigitalChain, DigitalPoint
from hwgen.link.progress import Progress
from hwgen.link.separation import Jpegs, capacity_bits
from hwgen.link.yardstick import Yardstick
from hwgen.metrics.quality import Quality, mean_quality
from hwgen.radio.channel import Realisation
from hwgen.reference.floating import FloatLink
from hwgen.reference.link import ReferenceLink

FIXED_DB = (7.0, 13.0)
"""SNRs for which fixed digital chains are made."""


@dataclass(frozen=True)
class Compared:
    """The others at one SNR, means over all images; None what there is not.

    Attributes
    ----------
    digital : the chain made for this SNR
    bound_db : PSNR in dB of JPEGs of the size that an ideal code carries
    uncoded : images that not even the smallest JPEG fits
    """

    floating: Quality | None = None
    linear: Quality | None = None
    digital: DigitalPoint | None = None
    bound_db: float | None = None
    uncoded: int | None = None


@dataclass
class Comparison:
    """The others of a link, made ready for its images.

    Attributes
    ----------
    linear : None without training images
    """

    link: ReferenceLink
    images: npt.NDArray[np.uint8]
    seed: int
    linear: Yardstick | None = None
    chain: DigitalChain | None = None
    _jpegs: list[Jpegs] = field(init=False, default_factory=list)

    def prepare(self, snrs_db: tuple[float, ...], bar: Progress) -> None:
        """Code the images."""
        link = self.link
        bar.stage("source codes")
        if link.channel.kind == "awgn":
            self.chain = DigitalChain(link.latent_symbols)
            self.chain.make(snrs_db, FIXED_DB)
        for image in self.images:
            self._jpegs.append(Jpegs.of(image))
            if self.chain is not None:
                self.chain.add(image)
            bar.add()

    def at(self, snr_db: float, drawn: list[Realisation], floating: FloatLink | None, bar: Progress) -> Compared:
        """All of them at one SNR, over the realisations of the images' channels.

        Parameters
        ----------
        floating : the float network, in the profile of that SNR
        """
        bar.stage(f"{snr_db:g} dB: float and yardsticks")
        floats = []
        for image, realisation in zip(self.images, drawn, strict=True):
            if floating is not None:
                floats.append(Quality.of(image, floating.image(image, realisation)))
            bar.add()
        budgets = [capacity_bits(realisation, self.link.latent_symbols) for realisation in drawn]
        pairs = list(zip(self._jpegs, budgets, strict=True))
        made = None if self.chain is None else self.chain.matched.get(snr_db)
        return Compared(
            floating=mean_quality(floats) if floats else None,
            linear=None if self.linear is None else self.linear.at(list(self.images), snr_db, self.seed),
            digital=None if self.chain is None or made is None else self.chain.at(made, snr_db),
            bound_db=sum(jpeg.at(bits) for jpeg, bits in pairs) / len(pairs),
            uncoded=sum(not jpeg.fits(bits) for jpeg, bits in pairs),
        )

    def fixed(self, snrs_db: tuple[float, ...]) -> list[list[DigitalPoint]]:
        """The curve of every chain that is made for one SNR."""
        chain = self.chain
        return [] if chain is None else [chain.curve(made, snrs_db) for made in chain.fixed]
