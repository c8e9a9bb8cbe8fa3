"""The curve of a phase, beside the linear code: a line of text and a row of a CSV file for each report."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwgen.linear_code import Components, linear_code, measure
from hwgen.raster import Picture
from hwgen.train.evaluate import SNRS_DB, Codec, evaluate, largest_power


def snrs_within(low: float, high: float) -> tuple[float, ...]:
    """Those of `SNRS_DB` within a range; where there is none, its middle."""
    return tuple(snr for snr in SNRS_DB if low <= snr <= high) or ((low + high) / 2,)


@dataclass
class Curve:
    """Measures a network in training on some images.

    Attributes
    ----------
    path : CSV file; rows are added to one that is there
    images : uint8 (H, W, 3), few
    multiple : what divides an image's sides
    snrs_db : where it is measured
    linear_db : PSNR of the linear code on these images, by SNR; empty where it is no yardstick
    seconds : that earlier runs of the phase took
    """

    path: Path
    images: Sequence[Picture]
    multiple: int
    snrs_db: tuple[float, ...]
    linear_db: dict[float, float] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        if self.path.is_file():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.seconds = max((float(row["seconds"]) for row in csv.DictReader(file)), default=0.0)

    def compare(self, components: Components, channels: int, power: float) -> None:
        """Set the linear code of these components and so many real symbols a block beside every SNR.

        Its gain gives these images the power on average, its shares are those of the least error.
        """
        for snr_db in self.snrs_db:
            code = linear_code(components, channels, snr_db, power, "optimal")
            self.linear_db[snr_db] = measure(code, self.images, snr_db, power).psnr_db

    def report(self, network: Codec, step: int, transmit: bool) -> str:
        """Measure, add a row, and put it in words.

        Parameters
        ----------
        network : on the CPU
        transmit : whether its own `transmit` makes the symbols; else the latent is normalised image by image
        """
        send = getattr(network, "transmit") if transmit else None  # noqa: B009  not every codec has one
        found = evaluate(network, self.images, self.multiple, self.snrs_db, transmit=send, with_ssim=False)
        power = network.power
        if send is not None:
            power = largest_power(network, send, self.images, self.multiple, self.snrs_db)
        row: dict[str, str] = {"step": str(step), "seconds": f"{self.seconds + time.monotonic() - self._began:.0f}"}
        words = []
        for snr_db, quality in found.items():
            row[f"psnr_{snr_db:g}_db"] = f"{quality.psnr:.3f}"
            beside = self.linear_db.get(snr_db)
            if beside is not None:
                row[f"linear_{snr_db:g}_db"] = f"{beside:.3f}"
            words.append(f"{quality.psnr:.2f} dB at {snr_db:g} dB"
                         + (f" (linear code {beside:.2f})" if beside is not None else ""))  # fmt: skip
        row["power"] = f"{power:.3f}"
        self._add(row)
        return f"PSNR {', '.join(words)} on {len(self.images)} validation images"

    def _add(self, row: dict[str, str]) -> None:
        new = not self.path.is_file()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
