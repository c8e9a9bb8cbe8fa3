"""Results of a link, for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.table import Table

from hwgen.console import console, print_json
from hwgen.link import sheet
from hwgen.link.digital import DigitalPoint
from hwgen.link.measure import Point, Result
from hwgen.metrics.quality import Quality
from hwgen.outputs import replaced_file
from hwgen.radio.ldpc import RATE_DENOMINATOR

PICTURES = 16
"""Frames whose images are written, at most."""
DIGITS = 4


def point_record(point: Point) -> dict[str, Any]:
    """A point's figures by their keys; what does not apply is None."""
    found: dict[str, Any] = {
        "snr_db": point.snr_db,
        "frames": point.frames,
        "pixels_compared": point.pixels_compared,
        "pixel_mismatches": point.pixel_mismatches,
        "psnr_rtl_db": point.psnr_rtl_db,
        "psnr_model_db": point.psnr_model_db,
        "ssim_rtl": point.ssim_rtl,
        "ssim_model": point.ssim_model,
        "nmse_db": point.nmse_db,
        "evm_percent": point.evm_percent,
        "symbol_power": point.symbol_power,
        "all_frames": point.all_frames,
    }
    compared = point.compared
    digital = compared.digital
    each: dict[str, Quality | None] = {
        "model": point.model,
        "float": compared.floating,
        "linear": compared.linear,
        "digital": None if digital is None else digital.quality,
    }
    for name, quality in each.items():
        found[f"all_psnr_{name}_db"] = None if quality is None else quality.psnr_db
        found[f"all_ssim_{name}"] = None if quality is None else quality.ssim
        found[f"all_ms_ssim_{name}"] = None if quality is None else quality.ms_ssim
    found |= {
        "digital_scheme": None if digital is None else str(digital.design.scheme),
        "digital_lost": None if digital is None else digital.lost,
        "all_psnr_bound_db": compared.bound_db,
        "uncoded": compared.uncoded,
    }
    if point.profile is not None:
        found |= {"profile": point.profile}
    return {key: _rounded(value) for key, value in found.items()}


def as_record(result: Result) -> dict[str, Any]:
    """The object that `link --json` prints: of one SNR its figures, of several a list of them as "points"."""
    link, request = result.link, result.request
    found: dict[str, Any] = {
        "verdict": result.verdict,
        "error": None,
        "model": link.spec.name,
        "channel": link.channel.kind,
        "seed": request.seed,
        "frame": f"{link.size[0]}x{link.size[1]}",
        "symbols_per_frame": link.latent_symbols,
        "stall": request.stall,
        "frames": len(request.simulated),
        "symbols_compared": result.symbols_compared,
        "symbol_mismatches": result.symbol_mismatches,
        "pixels_compared": result.pixels_compared,
        "pixel_mismatches": result.pixel_mismatches,
        "first_mismatch": result.first,
        "interval_cycles": {end.side: end.interval for end in result.ends},
        "seconds": round(result.seconds, 1),
    }
    if len(result.points) == 1:
        return found | point_record(result.points[0])
    curves = [curve_record(curve) for curve in result.fixed]
    return found | {"points": [point_record(point) for point in result.points], "digital_designs": curves}


def curve_record(curve: list[DigitalPoint]) -> dict[str, Any]:
    """A digital chain that is made for one SNR, at real ones."""
    made = curve[0].design
    return {
        "made_for_snr_db": made.made_for_db,
        "modulation_bits": made.scheme.bits,
        "code_rate": _rounded(made.scheme.rate / RATE_DENOMINATOR),
        "payload_bits": made.payload_bits,
        "points": [
            {
                "snr_db": point.snr_db,
                "lost": _rounded(point.lost),
                "psnr_db": _rounded(point.quality.psnr_db),
                "ssim": _rounded(point.quality.ssim),
                "ms_ssim": _rounded(point.quality.ms_ssim),
            }
            for point in curve
        ],
    }


def write(folder: Path, result: Result) -> None:
    """Images, one by one and as a sheet, results.json and results.csv of what has been measured so far."""
    write_pictures(folder, result)
    sheet.draw(folder / "sheet.png", result)
    (folder / "results.json").write_text(json.dumps(as_record(result), indent=1) + "\n", encoding="utf-8")
    write_csv(folder / "results.csv", result)


def write_csv(path: Path, result: Result) -> None:
    """A line per SNR below a line of keys."""
    about = {"model": result.link.spec.name, "channel": result.link.channel.kind, "seed": result.request.seed}
    rows = [about | point_record(point) for point in result.points]
    with replaced_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_pictures(folder: Path, result: Result) -> None:
    """frame_000.png, the original, and frame_000_10dB.png, as received: of the frames that were simulated, the first
    of them where they are many; where none was, of all."""
    for index in (result.request.simulated or range(len(result.images)))[:PICTURES]:
        Image.fromarray(result.images[index]).save(folder / f"frame_{index:03}.png")
        for snr_db, received in result.received.items():
            Image.fromarray(np.ascontiguousarray(received[index])).save(folder / f"frame_{index:03}_{snr_db:g}dB.png")


def print_report(result: Result, as_json: bool, folder: Path) -> None:
    """Print a result: JSON on stdout, or a table for people (a difference on stderr)."""
    if as_json:
        print_json(as_record(result))
    else:
        console().print(_table(result))
    if not result.equal:
        print(f"{result.link.spec.name}: differs. {result.first}", file=sys.stderr)
    elif not as_json:
        print(_summary(result))
    if not as_json:
        for file in result.waveforms:
            print(f"waveform: {folder / file.name}")
        print(f"images, designs, results.json and results.csv: {folder}")


def _summary(result: Result) -> str:
    if not result.ends:
        return f"{_frames(len(result.images))}, PyTorch alone: nothing was simulated"
    return (
        f"{_frames(len(result.request.simulated))} in Verilog: {result.pixels_compared:,} pixels and"
        f" {result.symbols_compared:,} symbols equal the PyTorch model's, {result.seconds:.0f} s"
        f" ({sum(end.seconds for end in result.ends):.0f} s of them simulation)"
    )


def _table(result: Result) -> Table:
    link = result.link
    made = Table(
        title=f"{link.spec.name} over {link.channel.kind}, {link.size[0]}x{link.size[1]}, "
              f"{link.latent_symbols:,} symbols per image"
    )  # fmt: skip
    columns: list[tuple[str, str, str]] = [
        ("SNR dB", "snr_db", "g"),
        *([("profile", "profile", "d")] if link.profiles > 1 else []),
        ("PSNR Verilog", "psnr_rtl_db", ".2f"),
        ("PyTorch", "psnr_model_db", ".2f"),
        ("pixels differ", "pixel_mismatches", ",d"),
        ("SSIM Verilog", "ssim_rtl", ".4f"),
        ("NMSE dB", "nmse_db", ".2f"),
        ("EVM %", "evm_percent", ".2f"),
    ]
    if result.request.compare or len(result.request.simulated) < len(result.images):
        columns.append((f"PSNR of all {len(result.images)}: integers", "all_psnr_model_db", ".2f"))
    if result.request.compare:
        columns.append(("float", "all_psnr_float_db", ".2f"))
        if result.request.linear_code is not None:
            columns.append(("linear code", "all_psnr_linear_db", ".2f"))
        columns += [("digital", "all_psnr_digital_db", ".2f"), ("", "digital_scheme", "s")]
        columns.append(("bound", "all_psnr_bound_db", ".2f"))
    for label, _, _ in columns:
        made.add_column(label, justify="right")
    for point in result.points:
        record = point_record(point)
        values = [record[key] for _, key, _ in columns]
        made.add_row(*("-" if v is None else format(v, form) for v, (_, _, form) in zip(values, columns, strict=True)))
    return made


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value
