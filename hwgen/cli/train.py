"""`hwgen train`."""

from __future__ import annotations

import argparse

from hwgen.limits import MOST_STEPS, SNRS_DB
from hwgen.option_values import Number, path

TEXT = "train a model: float, then pruned and fine-tuned, then quantised"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--model", required=True, metavar="M", help="a name, a folder or a specification's path")
    parser.add_argument("--data", metavar="DIR",
                        help="Cityscapes' folder layout, CIFAR-10's binary batches, or a folder or zip of images; or "
                             "`skimage`: scikit-image's photos, where that is installed")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto",
                        help="auto (default): a GPU where there is one")
    parser.add_argument("--out", type=path("--out"), metavar="DIR",
                        help="where checkpoints go (default: the model's folder)")
    parser.add_argument("--phase", choices=("float", "finetune", "qat", "control", "card", "all"), default="all",
                        help="float: the dense parent; finetune: pruned; qat: quantised; control: the pruned shape "
                             "from scratch; card: measure them; all (default)")
    parser.add_argument("--steps", type=Number("--steps", int, 1, MOST_STEPS), metavar="N",
                        help="optimiser steps of every phase (default: the specification's)")
    parser.add_argument("--start", type=path("--start"), metavar="FILE",
                        help="another float.safetensors or finetune.safetensors, from whose layers float (with --phase "
                             "float) or finetune starts; with --phase qat a checkpoint.safetensors to go on with")
    parser.add_argument("--rescale", action="store_true",
                        help="with --phase qat and --start: of that checkpoint the weights alone, with scales chosen "
                             "anew; its specification may have had other bits")
    parser.add_argument("--keep", type=path("--keep"), metavar="FILE",
                        help="a checkpoint.safetensors whose transmitter is kept: only a receiver for it is trained")
    parser.add_argument("--snr", nargs=2, type=Number("--snr", float, *SNRS_DB), metavar=("LOW", "HIGH"),
                        help="range of SNRs in dB (default: the specification's)")


def run(arguments: argparse.Namespace) -> int:
    """Train; 0."""
    from hwgen.train.phases import train

    train(arguments.model, data=arguments.data, device=arguments.device, out=arguments.out,
          phase=arguments.phase, steps=arguments.steps, start=arguments.start, keep=arguments.keep,
          snr_db=None if arguments.snr is None else tuple(arguments.snr),
          rescale=arguments.rescale)
    return 0
