"""`hwgen models`."""

from __future__ import annotations

import argparse

TEXT = "list the models that come with hwgen"


def add_options(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_: argparse.Namespace) -> int:
    """Print a table."""
    from rich.table import Table

    from hwgen.console import console
    from hwgen.spec import model as spec

    table = Table(title="models")
    for column in ("name", "description", "frame", "encoder channels", "k/n", "trained"):
        table.add_column(column)
    for name in spec.available():
        model = spec.load(name)
        table.add_row(name, model.description, f"{model.frame.width}x{model.frame.height}",
                      "-".join(map(str, model.encoder_channels)), model.bandwidth_ratio or "",
                      "yes" if model.graph_path.exists() else "no")
    console().print(table)
    return 0
