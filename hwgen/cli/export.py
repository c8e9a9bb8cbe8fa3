"""`hwgen export`."""

from __future__ import annotations

import argparse
import sys

from hwgen.option_values import path

TEXT = "write a trained model's integer graph: graph.json and weights.npz"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--model", required=True, metavar="M", help="a name, a folder or a specification's path")
    parser.add_argument("--checkpoint", type=path("--checkpoint"), metavar="FILE",
                        help="the quantised network (default: the model's checkpoint.safetensors)")
    parser.add_argument("--out", type=path("--out"), metavar="DIR", help="where they go (default: the model's folder)")


def run(arguments: argparse.Namespace) -> int:
    """Export both sides; 0."""
    from hwgen.spec import model as spec
    from hwgen.yamlmarks import show_path

    model = spec.load(arguments.model)
    from hwgen.export import clipped_values, export_model

    export_model(model, arguments.checkpoint, arguments.out)
    for line in clipped_values(model, arguments.checkpoint):
        print(f"note: {line}", file=sys.stderr)
    print(f"graph.json and weights.npz written to {show_path(arguments.out or model.folder)}")
    return 0
