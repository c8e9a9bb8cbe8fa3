"""A short training of a specification whose parent is in memory: pruned, fine-tuned, quantised, trained on, in rungs.

The steps are those of `hwgen.train.phases`, phase by phase, with a stop in between where a network that promises
nothing can be left. Its files are the same, so that any other command takes them; an interrupted phase goes on from
its state.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from hwgen.raster import Picture
from hwgen.spec.model import ModelSpec
from hwgen.train.batch_norm import fold_batch_norm
from hwgen.train.checkpoint import write
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.evaluate import Codec, batches, evaluate
from hwgen.train.loop import fit
from hwgen.train.network import averages
from hwgen.train.phases import CALIBRATION_CROPS, schedule
from hwgen.train.prune import prune
from hwgen.train.quantised import build, from_checkpoint
from hwgen.train.quantised_network import QuantDeepJSCC
from hwgen.train.trained import FILES, trained

CPU = torch.device("cpu")
GAIN_IMAGES = 40
"""Training images on which a static gain is measured."""


@dataclass(frozen=True)
class Bench:
    """What all short trainings have in common.

    Parameters
    ----------
    crops : of the training images
    train_images, val_images : uint8 (H, W, 3); the latter are measured
    snr_db : of the channel where PSNR is measured
    """

    crops: Crops
    train_images: Sequence[Picture]
    val_images: Sequence[Picture]
    snr_db: float

    def measured(self, spec: ModelSpec, network: Codec, transmit: bool) -> float:
        """Mean PSNR in dB over the validation images.

        Parameters
        ----------
        transmit : the network's own `transmit` makes the symbols; else the latent is normalised image by image
        """
        send = getattr(network, "transmit") if transmit else None  # noqa: B009  not every codec has one
        found = evaluate(network, self.val_images, spec.downscale, (self.snr_db,), send, with_ssim=False)
        return found[self.snr_db].psnr

    def quantise(self, spec: ModelSpec, network: DeepJSCC) -> QuantDeepJSCC:
        """The quantised network of a pruned float one, calibrated, its static gain measured."""
        seed = schedule(spec, "qat").seed
        torch.manual_seed(seed)
        found = build(spec, fold_batch_norm(network.state_dict(), spec))
        found.calibrate([self.crops.batch(CALIBRATION_CROPS, torch.Generator().manual_seed(seed))])
        self.measure_gain(spec, found)
        return found.eval()

    def measure_gain(self, spec: ModelSpec, network: QuantDeepJSCC) -> None:
        """Calibrate the static gain on some of the training images."""
        some = self.train_images[:: max(1, len(self.train_images) // GAIN_IMAGES)]
        network.eval()
        network.calibrate_gain(batches(some, spec.downscale))


def untrained(spec: ModelSpec, parent: DeepJSCC, bench: Bench, folder: Path | None = None) -> tuple[float, Path | None]:
    """PSNR of the parent pruned and quantised without any training, and its checkpoint where a folder is given."""
    network = bench.quantise(spec, prune(parent, spec, bench.crops))
    path = None
    if folder is not None:
        path = folder / "untrained.safetensors"
        _write(path, spec, network, "qat", 0)
    return bench.measured(spec, network, transmit=True), path


def short_training(
    spec: ModelSpec,
    parent: DeepJSCC,
    bench: Bench,
    folder: Path,
    finetune_steps: int,
    qat_steps: int,
    stop: Callable[[int, float], bool],
) -> Iterator[tuple[int, float]]:
    """Train; yields (step, PSNR in dB) after fine-tuning, in the middle and at the end of quantised training.

    Parameters
    ----------
    folder
        Gets finetune.safetensors and checkpoint.safetensors; what is there is taken as done.
    stop
        Whether to end after a rung, given its step and PSNR; there is then no checkpoint.safetensors.

    Raises
    ------
    HwgenError
        Training diverged, or a file of the folder is damaged.
    Interrupted
        By a signal; the same call goes on.
    """
    state = folder / "state"
    network = _finetuned(spec, parent, bench, folder, finetune_steps)
    found = bench.measured(spec, network, transmit=averages(spec))
    yield finetune_steps, found
    if stop(finetune_steps, found):
        return
    if (folder / FILES["qat"]).is_file():
        yield finetune_steps + qat_steps, bench.measured(spec, from_checkpoint(spec, folder / FILES["qat"]), True)
        return
    quantised = bench.quantise(spec, network)
    plan = schedule(spec, "qat", qat_steps)
    for rung in sorted({max(1, qat_steps // 2), qat_steps}):
        fit(quantised, bench.crops, plan, state / "qat.safetensors", CPU, stop_after=rung)
        bench.measure_gain(spec, quantised)
        found = bench.measured(spec, quantised, transmit=True)
        if rung == qat_steps:
            _write(folder / FILES["qat"], spec, quantised, "qat", rung)
            shutil.rmtree(state, ignore_errors=True)
        yield finetune_steps + rung, found
        if rung < qat_steps and stop(finetune_steps + rung, found):
            return


def _finetuned(spec: ModelSpec, parent: DeepJSCC, bench: Bench, folder: Path, steps: int) -> DeepJSCC:
    """The pruned network, fine-tuned."""
    if (folder / FILES["finetune"]).is_file():
        return trained(spec, "finetune", folder)
    network = prune(parent, spec, bench.crops)
    if steps:
        plan = schedule(spec, "finetune", steps)
        fit(network, bench.crops, plan, folder / "state" / "finetune.safetensors", CPU)
    _write(folder / FILES["finetune"], spec, network, "finetune", steps)
    return network


def _write(path: Path, spec: ModelSpec, network: torch.nn.Module, phase: str, steps: int) -> None:
    """A phase's file, as `hwgen train` writes it."""
    header = {"model": spec.name, "phase": phase, "terms": spec.data.model_dump() if spec.data else {}}
    write(path, network.state_dict(), {**header, "schedule": asdict(schedule(spec, phase, steps)) | {"steps": steps}})

