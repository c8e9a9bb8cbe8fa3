"""`hwgen evaluate`: what a model's checkpoints reach over its channel, and what their circuit takes.

Quality is measured as the model card has it (`hwgen.train.card`), on validation images at their native size, for every
network whose file is there: float, pruned, quantised, and the control. The circuit is sized from the quantised
checkpoint's integers, each side on a board of its own. The noise's seed is fixed and nothing depends on a clock: the
same files give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwgen import board as boards
from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.export import export
from hwgen.fit import Fit, of_graphs
from hwgen.ir.graph import SIDES, Graph
from hwgen.model import with_channel
from hwgen.option_values import ENGINE, Engine
from hwgen.spec.counts import macs, parameters, weight_bits
from hwgen.spec.model import ModelSpec, load
from hwgen.train import data as image_data
from hwgen.train.card import Measured, measure
from hwgen.train.checkpoint import sha256
from hwgen.train.evaluate import SNRS_DB, check_measurable
from hwgen.train.trained import FILES, PHASES

NAMES = {"float": "float", "finetune": "pruned", "qat": "quantised", "control": "control"}
"""What a phase's network is, in the table."""


def evaluate(
    model: str | Path,
    data: str | Path,
    weights: Path | None = None,
    snrs_db: Sequence[float] = SNRS_DB,
    every: int = 1,
    board: str | Path = "pynq_z2",
    frame: tuple[int, int] | None = None,
    engine: Engine = ENGINE,
) -> dict[str, Any]:
    """Measure and size a model.

    Parameters
    ----------
    model : a name under models/ or a path to a specification
    data : images as for `hwgen train`; those of the split "val" are measured
    weights : folder of the checkpoints; None takes the model's own
    snrs_db : SNRs of the channel in dB
    every : every so many-th image is measured, from the first
    frame : (width, height) that the circuit is sized for; None takes the specification's

    Returns
    -------
    dict : for JSON: `model`, `images`, `networks` (by name: the file's SHA-256 and quality per power and SNR), `counts`
        (per side) and `circuit` (per side; None without a quantised checkpoint)

    Raises
    ------
    HwgenError
        No such model, data, board or frame; no checkpoint at all, or one that is damaged or of another network.
    """
    spec, target = load(model), boards.load(board)
    width, height = frame or (spec.frame.width, spec.frame.height)
    spec.check_frame(width, height, "--frame")
    folder = weights or spec.folder
    phases = [phase for phase in PHASES if (folder / FILES[phase]).is_file()]
    if not phases:
        wanted = f"a checkpoint: {', '.join(FILES[phase] for phase in PHASES)} (train the model first)"
        raise HwgenError(str(folder), wanted, "none of them")
    spec.check_trainable()
    train_images, val_images = image_data.load(data, "train"), image_data.load(data, "val")
    some = val_images[::every]
    check_measurable(some, spec.downscale)
    networks = {}
    for phase in phases:
        found = measure(spec, phase, train_images, some, folder, tuple(dict.fromkeys(snrs_db)))
        networks[NAMES[phase]] = {"file": FILES[phase], "sha256": sha256(folder / FILES[phase])} | _qualities(found)
    return {
        "model": spec.name,
        "images": len(some),
        "frame": {"width": width, "height": height},
        "networks": networks,
        "counts": {side: counts(spec, side, width, height) for side in SIDES},
        "circuit": circuit(spec, folder / FILES["qat"], target, width, height, engine) if "qat" in phases else None,
    }


def _qualities(found: Measured) -> dict[str, Any]:
    """Quality per way of setting the power, and SNR."""
    powers = {power: [{"snr_db": snr_db} | asdict(quality) for snr_db, quality in each.items()]
              for power, each in found.qualities.items()}  # fmt: skip
    return {"power": powers, "static_power": found.static_power}


def counts(spec: ModelSpec, side: str, width: int, height: int) -> dict[str, int]:
    """MACs of a frame, parameters and weight bits of a side, and the first two of its dense parent."""
    if side == "rx":
        height, width = spec.encoder_network.output_size(height, width)
    network, parent = ((spec.encoder_network, spec.parent("encoder")) if side == "tx" else
                       (spec.decoder_network, spec.parent("decoder")))  # fmt: skip
    return {
        "macs": sum(macs(network, height, width).values()),
        "parameters": parameters(network),
        "weight_bits": weight_bits(network),
        "dense_macs": sum(macs(parent, height, width).values()),
        "dense_parameters": parameters(parent),
    }


def graphs_of(spec: ModelSpec, checkpoint: Path) -> dict[str, Graph]:
    """Both sides' integer graphs of a checkpoint, with the channel's nodes."""
    return {side: with_channel(export(spec, checkpoint, side), spec.channel) for side in SIDES}


def circuit(
    spec: ModelSpec, checkpoint: Path, target: Board, width: int, height: int, engine: Engine = ENGINE
) -> dict[str, Any]:
    """What each side of a checkpoint takes on a board of its own, and the rate of a link of both."""
    fits = {side: of_graphs([graph], target, width, height, engine=engine)
            for side, graph in graphs_of(spec, checkpoint).items()}  # fmt: skip
    return {side: found.record() for side, found in fits.items()} | {"link_fps": link_fps(list(fits.values()))}


def link_fps(fits: Sequence[Fit]) -> float | None:
    """The rate of the slowest; None where one does not fit."""
    rates = [found.fps for found in fits if found.fps is not None]
    return min(rates) if len(rates) == len(fits) else None
