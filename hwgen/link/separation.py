"""The separation bound: JPEG at the size that an ideal code carries over the same symbols.

A bound, not a system: the code reaches the channel's capacity at this block length, and sends without error.

    bits = sum over the k symbols of log2(1 + g SNR)

g: the gain of the symbol's path, 1 for AWGN; with fading that of the frame's realisation, which the sender is taken to
know (rayleigh |h|^2; svd s_i^2 of each stream; alamouti |H|_F^2 / 2; ofdm |H_n|^2, the same power on each subcarrier).
The image is the best JPEG (by PSNR, over qualities 1 to 100, colours at full or at half resolution) whose entropy-coded
data fits the bits; headers and tables are free, as if the receiver knew them. Where not even the smallest fits, the
receiver sees the image's mean colour.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from hwgen.metrics.psnr import psnr
from hwgen.radio.channel import Realisation

QUALITIES = range(1, 101)
SUBSAMPLINGS = ("4:4:4", "4:2:0")
START_OF_SCAN = 0xDA
END_BYTES = 2
"""The end-of-image marker."""


def capacity_bits(realisation: Realisation, symbols: int) -> float:
    """Bits that `symbols` complex symbols of the latent can carry over a realisation of the channel."""
    snr = 10.0 ** (realisation.snr_db / 10)
    return symbols * float(np.mean(np.log2(1.0 + path_gains(realisation) * snr)))


def path_gains(realisation: Realisation) -> npt.NDArray[np.float64]:
    """Power gains of the paths that take turns in carrying the latent's symbols."""
    power = np.abs(np.atleast_1d(realisation.h)) ** 2
    if realisation.channel.kind != "mimo2x2":
        return np.asarray(power)
    if realisation.channel.scheme == "alamouti":
        return np.array([float(np.sum(power)) / 2])
    return np.asarray(np.linalg.svd(realisation.h, compute_uv=False) ** 2)


@dataclass(frozen=True, eq=False)
class Jpegs:
    """Sizes in bits of an image's JPEGs and the best PSNR in dB that so many bits reach; `mean_colour`: with none."""

    bits: npt.NDArray[np.int64]
    psnr: npt.NDArray[np.float64]
    mean_colour: float

    @classmethod
    def of(cls, image: npt.NDArray[np.uint8]) -> Jpegs:
        """The JPEGs of an (H, W, 3) uint8 image."""
        found = sorted(_coded(image, quality, colours) for quality in QUALITIES for colours in SUBSAMPLINGS)
        best = np.maximum.accumulate([quality for _, quality in found])
        flat = np.broadcast_to(np.rint(image.reshape(-1, 3).mean(0)).astype(np.uint8), image.shape)
        return cls(np.array([bits for bits, _ in found]), best, psnr(image, flat))

    def at(self, bits: float) -> float:
        """PSNR in dB of the best JPEG that fits, or of the mean colour."""
        index = int(np.searchsorted(self.bits, bits, side="right")) - 1
        return self.mean_colour if index < 0 else max(float(self.psnr[index]), self.mean_colour)

    def fits(self, bits: float) -> bool:
        """Whether any JPEG does."""
        return bool(self.bits[0] <= bits)


def scan_bits(file: bytes) -> int:
    """Bits of a baseline JPEG file's entropy-coded data."""
    at = 2  # segments follow the first marker: 0xff, a kind, their length
    while True:
        kind, length = file[at + 1], int.from_bytes(file[at + 2 : at + 4], "big")
        at += 2 + length
        if kind == START_OF_SCAN:
            return 8 * (len(file) - at - END_BYTES)


def _coded(image: npt.NDArray[np.uint8], quality: int, colours: str) -> tuple[int, float]:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=colours)
    with Image.open(buffer) as opened:
        seen = psnr(image, np.asarray(opened))
    return scan_bits(buffer.getvalue()), seen
