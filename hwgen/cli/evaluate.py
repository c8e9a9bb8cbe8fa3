"""`hwgen evaluate`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from hwgen.design_options import add_options as add_design_options
from hwgen.limits import MOST_FRAMES, SNRS_DB
from hwgen.option_values import ENGINE, Number, path

TEXT = "measure a model's float, pruned and quantised networks over its channel, and size their circuit"
COLUMNS = ("side", "MACs", "of dense", "parameters", "weight bits", "cycles", "fps")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_design_options(parser, "model", "board", "frame", "engine",
                       model={"help": "a name, a folder or a specification's path"})  # fmt: skip
    parser.add_argument("--data", required=True, metavar="DIR",
                        help="images as for train, of which the validation split is measured at its native size")
    parser.add_argument("--snr", nargs="+", type=Number("--snr", float, *SNRS_DB), metavar="DB",
                        help="SNRs of the channel in dB (default: 1 4 7 10 13 19)")
    parser.add_argument("--every", type=Number("--every", int, 1, MOST_FRAMES), default=1, metavar="N",
                        help="measure only every N-th image (default: 1, all of them)")
    parser.add_argument("--weights", type=path("--weights"), metavar="DIR",
                        help="folder of the checkpoints (default: the model's)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0."""
    from hwgen.console import print_json
    from hwgen.evaluate import evaluate
    from hwgen.train.evaluate import SNRS_DB as CARD_SNRS_DB

    record = evaluate(arguments.model, arguments.data, arguments.weights, arguments.snr or CARD_SNRS_DB,
                      arguments.every, arguments.board, arguments.frame, arguments.engine or ENGINE)  # fmt: skip
    if arguments.json:
        print_json(record)
    else:
        _print(record, str(arguments.board))
    return 0


def _print(record: dict[str, Any], board: str) -> None:
    from rich.table import Table

    from hwgen.console import console

    output = console()
    measures: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
        ("PSNR dB", lambda one: f"{one['psnr']:.2f}"),
        ("SSIM", lambda one: f"{one['ssim']:.4f}"),
    )
    snrs = [one["snr_db"] for one in next(iter(next(iter(record["networks"].values()))["power"].values()))]
    table = Table(title=f"{record['model']}: mean over {record['images']} validation images, by SNR")
    for column in ("measure", "network", "power"):
        table.add_column(column)
    for snr_db in snrs:
        table.add_column(f"{snr_db:g} dB", justify="right")
    for title, show in measures:
        for name, network in record["networks"].items():
            for power, points in network["power"].items():
                table.add_row(title, name, power, *(show(one) for one in points))
    output.print(table)
    output.print(_sizing(record, board))
    for side, found in (record["circuit"] or {}).items():
        if side != "link_fps" and not found["fits"]:
            output.print(f"{side}: {found['short']}", soft_wrap=True)


def _sizing(record: dict[str, Any], board: str) -> Any:
    """A row for each side."""
    from rich.table import Table

    from hwgen.device import RESOURCES, shown

    circuit, width, height = record["circuit"], record["frame"]["width"], record["frame"]["height"]
    sides = {side: None if circuit is None else circuit[side] for side in record["counts"]}
    used = [found["used"] for found in sides.values() if found is not None]
    columns = shown({key: max((one.get(key, 0) for one in used), default=0) for key in RESOURCES})
    rate = "" if circuit is None or circuit["link_fps"] is None else f", {circuit['link_fps']:,.2f} fps as a link"
    table = Table(title=f"frames of {width}x{height}, each side on its own {board}{rate}")
    for column in (*COLUMNS, *columns.values()):
        table.add_column(column, justify="left" if column == "side" else "right")
    for side, found in sides.items():
        count = record["counts"][side]
        if not count["macs"]:
            continue
        row = [side, f"{count['macs']:,}", f"{100 * count['macs'] / count['dense_macs']:.1f} %",
               f"{count['parameters']:,}", f"{count['weight_bits']:,}"]  # fmt: skip
        if found is not None and found["fits"]:
            row += [f"{found['interval_cycles']:,}", f"{found['fps']:,.2f}"]
            row += [f"{found['used'][key]:,g}" for key in columns]
        table.add_row(*row)
    return table
