"""Cases of a study, a job: prune, fine-tune, quantise in all widths, measure, size, emit.

A row's folder is a model (spec.yaml, checkpoint.safetensors, graph.json, weights.npz), so `hwgen verify --model` takes
it; `row.json` says what was measured, and is written last. What is there already is not done again, and a phase that
was interrupted goes on.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwgen.console import print_json
from hwgen.design_options import DesignOptions
from hwgen.emit.both import emit_both
from hwgen.errors import HwgenError
from hwgen.evaluate import counts
from hwgen.export import export_model
from hwgen.ir.graph import SIDES
from hwgen.option_values import evenly
from hwgen.outputs import replaced_file
from hwgen.program import run_program
from hwgen.raster import Picture
from hwgen.spec.model import ModelSpec, load
from hwgen.study.grid import Case, Grid, Width, folders, specification
from hwgen.train import data as image_data
from hwgen.train.evaluate import evaluate
from hwgen.train.loop import pick_device
from hwgen.train.phases import run_phase
from hwgen.train.quantised import from_checkpoint
from hwgen.train.trained import FILES, trained
from hwgen.verdict import PROVEN, STATUS

ROW_FILE = "row.json"
SNRS_DB = (1.0, 10.0, 19.0)
"""Where images are measured; the middle one is the table's."""
RESOURCES = ("dsp", "lut", "bram36")


@dataclass(frozen=True)
class Settings:
    """What a job needs beside its case.

    Parameters
    ----------
    parent : a specification's folder or path
    weights : the parent's float network
    data : images, as of `hwgen.train.data.load`
    images : validation images that are measured, evenly spread
    board, fps : what is sized for; fps None takes the best rate that the board has
    inputs : everything else that fixes the rows: digests of the parent's weights and of the images, how many images are
        measured, board and rate
    base : the study's folder
    built : seed of the cases whose designs are sized and emitted; those of the other seeds have their shapes. None: no
        design is
    """

    parent: str
    weights: str
    data: str
    images: int
    board: str
    fps: float | None
    inputs: tuple[str, ...]
    base: str
    built: int | None


def run_case(
    case: Case, grid: Grid, settings: Settings, train_images: Sequence[Picture], val_images: Sequence[Picture]
) -> list[dict[str, Any]]:
    """Train, measure and emit what is missing; the rows' records, in the order of the grid's widths.

    val_images : those that are measured
    """
    parent, base = load(settings.parent), Path(settings.base)
    tuned, rows = folders(base, parent, case, grid, settings.inputs)
    emitted = case.seed == settings.built
    missing = [one for one in zip(grid.widths, rows, strict=True) if not _complete(one[1] / ROW_FILE, emitted)]
    if missing:
        spec = _prepared(tuned, specification(parent, case, grid))
        _linked(tuned / FILES["float"], Path(settings.weights))
        if not (tuned / FILES["finetune"]).is_file():
            run_phase(spec, "finetune", train_images, val_images, pick_device("cpu"), tuned, where=settings.data)
        network = trained(spec, "finetune", tuned)
        found = evaluate(network, val_images, spec.downscale, SNRS_DB)
        of_float = {f"float_psnr_{snr:g}_db": quality.psnr for snr, quality in found.items()}
        for width, folder in missing:
            own = _prepared(folder, specification(parent, case, grid, width))
            _linked(folder / FILES["finetune"], tuned / FILES["finetune"])
            if not (folder / FILES["qat"]).is_file():
                run_phase(own, "qat", train_images, val_images, pick_device("cpu"), folder, where=settings.data)
            record = {"criterion": case.criterion, "schedule": case.schedule, "ratio": case.ratio, "seed": case.seed,
                      "bits": width.name, "calibration": width.calibration, **of_float, **_measured(own, val_images),
                      **_built(own, settings, emitted), "folder": folder.name}  # fmt: skip
            with replaced_file(folder / ROW_FILE) as part:
                part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return [json.loads((folder / ROW_FILE).read_text(encoding="utf-8")) for folder in rows]


def _complete(path: Path, emitted: bool) -> bool:
    """Whether a row is there, with its design where that is wanted: another study may have emitted another seed's."""
    if not path.is_file():
        return False
    row = json.loads(path.read_text(encoding="utf-8"))
    return not emitted or row["cycles"] is not None or row["short"] is not None


def _prepared(folder: Path, text: str) -> ModelSpec:
    """A folder with this specification."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "spec.yaml").is_file():
        with replaced_file(folder / "spec.yaml") as part:
            part.write_text(text, encoding="utf-8")
    return load(folder)


def _linked(path: Path, target: Path) -> None:
    if not path.is_symlink():
        path.symlink_to(target.resolve())


def _measured(spec: ModelSpec, images: Sequence[Picture]) -> dict[str, Any]:
    """Quality of the quantised network as it is emitted, and the sizes that its specification has."""
    network = from_checkpoint(spec, spec.checkpoint_path)
    found = evaluate(network, images, spec.downscale, SNRS_DB, transmit=network.transmit)
    sides = [counts(spec, side, spec.frame.width, spec.frame.height) for side in SIDES]
    return {
        **{f"psnr_{snr:g}_db": quality.psnr for snr, quality in found.items()},
        **{f"ssim_{snr:g}_db": quality.ssim for snr, quality in found.items()},
        **{name: sum(side[name] for side in sides) for name in ("parameters", "macs", "weight_bits")},
    }


def _built(spec: ModelSpec, settings: Settings, emitted: bool) -> dict[str, Any]:
    """The design of both sides on the board: emitted, with what its manifest predicts; or why it does not fit."""
    export_model(spec)
    if not emitted:
        return {"cycles": None, **dict.fromkeys(RESOURCES), "short": None}
    options = DesignOptions(spec.folder, board=settings.board, fps=settings.fps)
    try:
        predicted = emit_both(options, spec.folder / "design", quiet=True).manifest["predicted"]
    except HwgenError as error:
        return {"cycles": None, **dict.fromkeys(RESOURCES), "short": f"{error.where}: got {error.got}"}
    return {"cycles": predicted["frame_interval_cycles"], **{key: predicted[key] for key in RESOURCES}, "short": None}


def words(cases: Sequence[Case], grid: Grid, settings: Settings) -> tuple[str, ...]:
    """The job's arguments."""
    return (json.dumps([[asdict(case) for case in cases], asdict(grid), asdict(settings)]),)


def main() -> int:
    """A job: the rows of some cases, as JSON, by the cases' names."""
    parser = ArgumentParser(prog="python -m hwgen.study.case")
    parser.add_argument("settings", help="cases, grid and settings as JSON, as `hwgen study` gives them")
    cases, of_grid, of_settings = json.loads(parser.parse_args().settings)
    axes = of_grid | {name: tuple(of_grid[name]) for name in ("criteria", "ratios", "seeds", "schedules")}
    grid = Grid(**axes | {"widths": tuple(Width(**one) for one in of_grid["widths"])})
    settings = Settings(**of_settings | {"inputs": tuple(of_settings["inputs"])})
    found = {}
    with redirect_stdout(sys.stderr):  # phases say how far they are
        train_images = image_data.load(settings.data, "train")
        val_images = evenly(image_data.load(settings.data, "val"), settings.images)
        for case in (Case(**one) for one in cases):
            found[case.name] = run_case(case, grid, settings, train_images, val_images)
    print_json({"verdict": PROVEN, "error": None, "rows": found})
    return STATUS[PROVEN]


if __name__ == "__main__":
    sys.exit(run_program(main))
