"""The curve of a phase: the lines that it prints and writes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from support.train_samples import specification

from hwgen.linear_code import Components, linear_code, measure
from hwgen.train.curve import Curve, snrs_within
from hwgen.train.evaluate import evaluate
from hwgen.train.network import dense


def images() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    walks = random.normal(size=(3, 32, 32, 3)).cumsum(1).cumsum(2)
    return list(np.clip(128 + 3 * walks, 0, 255).astype(np.uint8))


def test_snrs() -> None:
    assert snrs_within(0, 20) == (1, 4, 7, 10, 13, 19)
    assert snrs_within(7, 10) == (7, 10)
    assert snrs_within(14, 16) == (15,)


def test_rows(tmp_path: Path) -> None:
    network = dense(specification(tmp_path))
    path = tmp_path / "state/float.csv"
    curve = Curve(path, images(), 4, (4.0, 10.0))
    text = curve.report(network, 0, transmit=False)
    found = evaluate(network, images(), 4, (4.0, 10.0), with_ssim=False)
    four, ten = (found[snr].psnr for snr in (4.0, 10.0))
    assert text == f"PSNR {four:.2f} dB at 4 dB, {ten:.2f} dB at 10 dB on 3 validation images"
    network.train()
    curve.report(network, 7, transmit=False)
    later = Curve(path, images(), 4, (4.0, 10.0))
    later.report(network, 9, transmit=False)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "7", "9"]
    assert [row["psnr_10_db"] for row in rows] == [f"{ten:.3f}"] * 3
    assert [row["power"] for row in rows] == ["1.000"] * 3


def test_seconds_go_on(tmp_path: Path) -> None:
    path = tmp_path / "float.csv"
    path.write_text("step,seconds,psnr_10_db,power\n5,1234,9.000,1.000\n")
    assert Curve(path, images(), 4, (10.0,)).seconds == 1234.0


def test_the_linear_code_beside_it(tmp_path: Path) -> None:
    network = dense(specification(tmp_path))
    curve = Curve(tmp_path / "float.csv", images(), 4, (10.0,))
    components = Components.of(images(), 8)
    curve.compare(components, 24, 1.0)
    code = linear_code(components, 24, 10.0, 1.0, "optimal")
    wanted = measure(code, images(), 10.0).psnr_db
    assert f"at 10 dB (linear code {wanted:.2f}) on 3" in curve.report(network, 0, transmit=True)
    assert (tmp_path / "float.csv").read_text().startswith("step,seconds,psnr_10_db,linear_10_db,power\n0,")
