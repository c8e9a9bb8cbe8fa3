"""`bench linear_code`: what the linear code reaches on anybody's images, the yardstick for a trained model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction

from rich.table import Table

from hwgen.console import console, print_json
from hwgen.errors import HwgenError
from hwgen.limits import shown
from hwgen.linear_code import Allocation, Components, channels_of, linear_code, measure

SNRS_DB = (1.0, 4.0, 7.0, 10.0, 13.0, 19.0)


def ratio(text: str) -> Fraction:
    """``1/6`` -> 1/6: complex symbols per source sample."""
    if not re.fullmatch(r"[0-9]{1,9}/[1-9][0-9]{0,8}", text):
        raise HwgenError("--ratio", "k/n, such as 1/6", repr(text))
    return Fraction(text)


def bench(
    data: str,
    size: int = 16,
    share: Fraction = Fraction(1, 6),
    snrs_db: Sequence[float] = SNRS_DB,
    allocation: Allocation = "quarter",
    seed: int = 0,
    as_json: bool = False,
) -> int:
    """Fit the components on the training images, measure on the validation images, print.

    Parameters
    ----------
    data : as for `hwgen train --data`
    size : width and height of a block in pixels
    share : k/n

    Returns
    -------
    int : 0

    Raises
    ------
    HwgenError
        No such images, images smaller than a block, or blocks without so many symbols.
    """
    from hwgen.train import data as image_data  # needs torch
    from hwgen.train.imageset import check_sizes

    train, val = (image_data.load(data, split) for split in ("train", "val"))
    for images in (train, val):
        check_sizes(images, size, "the linear code's block")
    components = Components.of(train, size, f"--data {shown(data)}")
    channels = channels_of(share, len(components.mean), "--ratio")
    found = [
        measure(linear_code(components, channels, snr_db, allocation=allocation), val, snr_db, seed=seed)
        for snr_db in snrs_db
    ]
    if as_json:
        about = {"data": data, "block": size, "ratio": str(share), "allocation": allocation, "seed": seed,
                 "channels": channels}  # fmt: skip
        print_json(about | {"images": len(val), "points": [asdict(point) for point in found]})
        return 0
    table = Table(title=f"linear code of {size}x{size} blocks, k/n = {share}, {len(val)} images")
    for column in ("SNR dB", "components", "PSNR", "static gain: PSNR", "power"):
        table.add_column(column, justify="right")
    for point in found:
        table.add_row(f"{point.snr_db:g}", f"{point.sent} of {channels}", f"{point.psnr_db:.2f}",
                      f"{point.static_psnr_db:.2f}", f"{point.power:.3f}")
    console().print(table)
    return 0
