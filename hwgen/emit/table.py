"""The table that emit prints: the layers, the totals, the terms of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen.console import console
from hwgen.device import shown


def layer_table(manifest: dict[str, Any]) -> Table:
    """One row per component: shape, bits, folding, cycles, multipliers, where its memories are, resources."""
    table = Table(title=f"{manifest['model']} {manifest['side']} on {manifest['board']}")
    table.add_column("layer")
    work = ("output", "bits w/a", "PE x SIMD", "cycles", "form", "busy", "multipliers", "weights", "lines")
    resources = shown(manifest["predicted"])
    for column in (*work, *resources.values()):
        table.add_column(column, justify="right")
    layers = {layer["name"]: layer for layer in manifest["predicted"]["layers"]}
    for name, cost in manifest["predicted"]["components"].items():
        table.add_row(name, *_work(layers.get(name), manifest), *(f"{cost[key]:,g}" for key in resources))
    return table


def _work(layer: dict[str, Any] | None, manifest: dict[str, Any]) -> list[str]:
    """A component's cells between its name and its resources; what is no layer has none.

    Busy are its multipliers with products that the form needs, in a frame's interval.
    """
    if layer is None:
        return [""] * 9
    shape = layer["output"]
    size = f"{shape['width']}x{shape['height']}x{shape['channels']}"
    if "pe" not in layer:
        return [size, f"-/{layer['output_bits']}", "", f"{layer['cycles']:,}", *[""] * 5]
    busy = layer["products"] / layer["multipliers"] / manifest["predicted"]["frame_interval_cycles"]
    packing = layer["packing"]
    form = f"{packing['lanes']}/DSP" if packing["form"] == "dsp" else "LUT"
    return [
        size,
        f"{layer['weight_bits']}/{layer['output_bits']}",
        f"{layer['pe']} x {layer['simd'] * layer['taps']}",
        f"{layer['cycles']:,}",
        layer["form"],
        f"{100 * busy:.1f} %",
        f"{layer['multipliers']} {form}",
        layer["weights_in"] + (", indices" if layer["weights_stored_as"] == "indices" else ""),
        layer["line_buffer_in"],
    ]


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
        f" predicted {', '.join(f'{predicted[key]:,g} {name}' for key, name in shown(predicted).items())}",
        soft_wrap=True,
    )
    for key, value in manifest["terms"].items():
        output.print(f"weights, {key}: {value}", soft_wrap=True, markup=False)
    output.print(f"written to {folder}", soft_wrap=True, markup=False)


def print_pair(manifest: dict[str, Any], sides: dict[str, dict[str, Any]], folder: Path) -> None:
    """The layer tables of both sides, what they take together, the weights' terms, the folder."""
    output = console()
    for one in sides.values():
        output.print(layer_table(one))
    predicted, frame, usable = manifest["predicted"], manifest["frame"], manifest["usable"]
    output.print(
        f"both sides, {frame['width']}x{frame['height']} frames: {predicted['frame_interval_cycles']:,} cycles,"
        f" {predicted['fps']:.2f} fps at {manifest['clock_mhz']:g} MHz; predicted together"
        f" {', '.join(f'{predicted[key]:,g} of {usable[key]:,} {name}' for key, name in shown(predicted).items())}",
        soft_wrap=True,
    )
    for key, value in manifest["terms"].items():
        output.print(f"weights, {key}: {value}", soft_wrap=True, markup=False)
    output.print(f"written to {folder}", soft_wrap=True, markup=False)
