"""What emit prints: the layers, the totals, the terms of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen.console import console


def layer_table(manifest: dict[str, Any]) -> Table:
    """One row per layer: shape, bits, folding, cycles, multipliers, memory."""
    table = Table(title=f"{manifest['model']} {manifest['side']} on {manifest['board']}")
    table.add_column("layer")
    for column in ("output", "bits w/a", "PE", "SIMD", "cycles", "multipliers", "busy", "memory kbit", "DSP", "BRAM36"):
        table.add_column(column, justify="right")
    for layer in manifest["predicted"]["layers"]:
        shape = layer["output"]
        row = [layer["name"], f"{shape['width']}x{shape['height']}x{shape['channels']}"]
        if "pe" in layer:
            kbit = (layer["window_bits"] + layer["weight_bits_stored"]) / 1024
            busy = layer["macs"] / layer["multipliers"] / manifest["predicted"]["frame_interval_cycles"]
            row += [
                f"{layer['weight_bits']}/{layer['output_bits']}",
                str(layer["pe"]),
                str(layer["simd"]),
                f"{layer['cycles']:,}",
                str(layer["multipliers"]),
                f"{100 * busy:.1f} %",
                f"{kbit:,.1f}",
            ]
        else:
            row += [f"-/{layer['output_bits']}", "", "", f"{layer['cycles']:,}", "1", "", ""]
        table.add_row(*row, str(layer["dsp"]), f"{layer['bram36']:g}")
    return table


def print_summary(manifest: dict[str, Any], folder: Path) -> None:
    """The layer table, one paragraph of totals, the weights' terms, the folder."""
    output = console()
    output.print(layer_table(manifest))
    predicted = manifest["predicted"]
    frame = manifest["frame"]
    output.print(
        f"{predicted['macs_per_frame'] / 1e6:,.1f} MMAC per {frame['width']}x{frame['height']} frame,"
        f" {predicted['frame_interval_cycles']:,} cycles ({predicted['macs_per_cycle']:.1f} MAC/cycle,"
        f" {predicted['fps']:.2f} fps at {manifest['clock_mhz']:g} MHz),"
        f" latency {predicted['latency_cycles']:,} cycles;"
        f" predicted {predicted['dsp']} DSP, {predicted['bram36']:g} BRAM36",
        soft_wrap=True,
    )
    for key, value in manifest["terms"].items():
        output.print(f"weights, {key}: {value}", soft_wrap=True, markup=False)
    output.print(f"written to {folder}", soft_wrap=True, markup=False)
