"""The phases of a model's training and the files each leaves.

    float      the dense parent                               -> float.safetensors
    finetune   channels pruned from it, trained on            -> finetune.safetensors
    qat        the quantised network, from finetune           -> checkpoint.safetensors
    control    the pruned shape trained from scratch for as many samples as float and finetune
               together: what pruning is worth               -> control.safetensors
    card       measures all of them                           -> CARD.md
    all        float, finetune, qat, control, card

With a file to start from (``--start``), there is no float phase and no control: finetune starts from that file's
layers, as far as their shapes agree, and the rest of the network is fresh. The phase qat alone goes on with a quantised
checkpoint, its scales as they are.

With a quantised checkpoint to keep (``--keep``), its transmitter stays as it is, bit for bit: finetune and qat train
a receiver for it, from that checkpoint's channels as far as the specification has them.

An interrupted phase goes on from ``OUT/state/PHASE.safetensors`` when the same command is given again.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hwgen.errors import HwgenError
from hwgen.ir.serialize import GRAPH_FILE
from hwgen.limits import shown
from hwgen.linear_code import Components
from hwgen.outputs import check_file
from hwgen.raster import Picture
from hwgen.spec.model import ModelSpec, load
from hwgen.train import data as image_data, linear_start, scale_penalty, scores
from hwgen.train.batch_norm import fold_batch_norm
from hwgen.train.checkpoint import read, sha256, terms, write
from hwgen.train.curve import Curve, snrs_within
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.evaluate import batches, check_measurable
from hwgen.train.loop import Schedule, fit, pick_device
from hwgen.train.network import averages, dense, pruned
from hwgen.train.pruning_schedule import After, Train, parts, start_of_finetuning, untrained
from hwgen.train.start import warm_start
from hwgen.train.trained import FILES, PHASES, trained

if TYPE_CHECKING:
    from hwgen.train.quantised_network import QuantDeepJSCC

CALIBRATION_CROPS = 32


def train(
    model: str | Path,
    data: str | Path | None = None,
    device: str = "auto",
    out: str | Path | None = None,
    phase: str = "all",
    steps: int | None = None,
    start: str | Path | None = None,
    keep: str | Path | None = None,
    snr_db: tuple[float, float] | None = None,
    rescale: bool = False,
) -> None:
    """Run one phase of a model's training, or all of them.

    Parameters
    ----------
    model : a name under models/ or a path to a specification
    data : images (see `hwgen.train.data.load`), or "skimage" for scikit-image's own photographs
    device : auto, cpu or cuda
    out : where checkpoints go; default the model's own folder
    phase : float, finetune, qat, control, card or all
    steps : instead of the specification's number of steps, for each phase that is run
    start : another float network (float.safetensors or finetune.safetensors), from whose layers float or finetune
        starts; with phase qat a quantised one (checkpoint.safetensors) of this specification
    keep : a quantised checkpoint (checkpoint.safetensors) whose transmitter is kept: only the receiver is trained
    snr_db : lowest and highest SNR, instead of the specification's range
    rescale : of the quantised network to start from, the parameters alone: scales are chosen anew, for this
        specification's bits

    Raises
    ------
    HwgenError
        no such model, phase or data; nothing that can be trained; a checkpoint that is missing or of another shape.
    """
    spec = load(model)
    if phase not in (*PHASES, "card", "all"):
        raise HwgenError("--phase", "float, finetune, qat, control, card or all", repr(phase))
    if steps is not None and steps < 1:
        raise HwgenError("--steps", "at least 1", str(steps))
    if start is not None and phase not in ("float", "finetune", "qat", "all"):
        raise HwgenError("--start", "phase float, finetune, qat or all", phase)
    if keep is not None and (start is not None or phase not in ("finetune", "qat", "all")):
        raise HwgenError("--keep", "phase finetune, qat or all, and no --start", phase if start is None else "--start")
    if rescale and (start is None or phase != "qat"):
        raise HwgenError("--rescale", "phase qat and --start", phase if start is not None else "no --start")
    training = spec.check_trainable()
    if training.profiles and (keep is not None or spec.channel.kind != "awgn" or spec.pruning.criterion != "none"):
        got = f"channel {spec.channel.kind}, criterion {spec.pruning.criterion}{', --keep' if keep is not None else ''}"
        wanted = "this key with channel awgn and pruning's criterion none only, without --keep"
        raise HwgenError(spec.where("training", "profiles"), wanted, got)
    scores.check(spec)
    scale_penalty.check(spec)
    if begins_linear(spec):
        linear_start.check(spec)
    if snr_db is not None:
        if snr_db[0] > snr_db[1]:
            raise HwgenError("--snr", "the lower end first", f"{snr_db[0]:g} {snr_db[1]:g}")
        spec = spec.model_copy(update={"channel": spec.channel.model_copy(update={"snr_db": snr_db})})
    assert spec.data is not None, "checked"
    if data is None:
        raise HwgenError(
            "--data", f"a folder or zip of images (the shipped weights saw: {spec.data.source})", "none"
        )
    folder = Path(out) if out is not None else spec.folder
    every = PHASES if start is None and keep is None else ("finetune", "qat")
    phases = [name for name in (every if phase == "all" else (phase,)) if name != "card"]
    carded = ["CARD.md"] if phase in ("card", "all") else []
    states = [f"state/{name}.safetensors" for name in phases]
    for file in (*states, *(FILES[name] for name in phases), *carded):  # before the work
        check_file("--out", folder / file)
    where = pick_device(device)
    train_images = image_data.load(data, "train")
    val_images = image_data.load(data, "val")
    check_measurable(val_images, spec.downscale)
    for name in phases:
        first = start if name == phases[0] else None
        run_phase(spec, name, train_images, val_images, where, folder, steps, str(data), first, keep, rescale)
    if "qat" in phases and (folder / GRAPH_FILE).is_file():
        print(f"note: {shown(folder / GRAPH_FILE)} is an earlier checkpoint's: run `hwgen export`", file=sys.stderr)
    if carded:
        from hwgen.train.card import write_card  # imports every network; only needed here

        write_card(spec, train_images, val_images, folder)


def schedule(spec: ModelSpec, phase: str, steps: int | None = None) -> Schedule:
    """A phase's schedule from the specification, or with another number of steps."""
    training = spec.training
    assert training is not None, "train() checks it"
    if phase == "control":
        count, lr = training.float.steps + training.finetune.steps, training.float.lr
    else:
        settings = getattr(training, phase)
        count, lr = settings.steps, settings.lr
    low, high = spec.channel.snr_db
    # the quantised network trains in float32: fake quantisation in bfloat16 would round twice
    return Schedule(
        phase,
        steps or count,
        lr,
        training.batch,
        training.crop,
        training.seed + PHASES.index(phase),
        (low, high),
        bfloat16=phase != "qat",
        linear_lr=(training.float if phase == "control" else getattr(training, phase)).linear_lr,
        smoothing=training.smoothing,
        profiles=training.profiles,
        shares=training.shares,
        slimming=training.slimming if phase == "float" else 0.0,
        polarisation=training.polarisation if phase == "float" else 0.0,
        augment=training.augment,
    )


def run_phase(
    spec: ModelSpec,
    phase: str,
    train_images: Sequence[Picture],
    val_images: Sequence[Picture],
    device: torch.device,
    folder: Path,
    steps: int | None = None,
    where: str = "data",
    start: str | Path | None = None,
    keep: str | Path | None = None,
    rescale: bool = False,
) -> None:
    """Train one phase and write its file into ``folder``."""
    plan = schedule(spec, phase, steps)
    torch.manual_seed(plan.seed)
    last = plan  # what is trained when the network has its channels
    begun: dict[str, Any] = {}
    sources: dict[str, str] = {}
    crops = Crops(train_images, plan.crop, where)  # what scales and criteria see is not changed
    changed = Crops(train_images, plan.crop, where, plan.augment)
    network: nn.Module
    components = linear_start.components(spec, train_images, where) if begins_linear(spec) else None
    if phase == "finetune" and keep is not None:
        network = pruned(spec, folded=True)
        begun = {"start": warm_start(network, Path(keep), spec, partly=True), "kept": "encoder"}
        sources = {"keep": begun["start"]["sha256"]}
        network.encoder.requires_grad_(False)
    elif phase in ("float", "finetune") and start is not None:
        network = fresh(spec, phase, components)
        begun = {"start": warm_start(network, Path(start), spec)}
        sources = {"start": begun["start"]["sha256"]}
    elif phase == "qat" and start is not None:
        network, begun = quantised_start(spec, Path(start), rescale)
        sources = {"start --rescale" if rescale else "start": begun["start"]["sha256"]}
    else:
        def train_part(network: DeepJSCC, name: str, steps: int, after: After) -> None:
            own = replace(plan, phase=name, steps=steps)
            linear = linear_start.parameters(spec, network) if components is not None else ()
            begins = {"float": sha256(folder / FILES["float"]), "pruning": pruning_digest(spec)}
            state = folder / "state" / f"{name}.safetensors"
            fit(network, changed, own, state, device, after=after, sources=begins, linear=linear)

        network = starting_network(spec, phase, folder, components, crops, plan.steps, train_part)
        if phase == "finetune":
            last = replace(plan, steps=parts(spec, plan.steps)[-1])
    if phase == "qat" and keep is not None:
        sources = {"keep": sha256(Path(keep))}
        begun = {"kept": "encoder", "kept_sha256": sources["keep"]}
        tensors, header = read(Path(keep))
        terms(Path(keep), header, spec)
        quantised(network).keep_transmitter(tensors, str(keep))
    state = folder / "state" / f"{phase}.safetensors"
    if phase == "qat" and (start is None or rescale) and not state.exists():
        quantised(network).calibrate([crops.batch(CALIBRATION_CROPS, torch.Generator().manual_seed(plan.seed))])
    if not state.exists():
        state.with_suffix(".csv").unlink(missing_ok=True)
    some = val_images[:: max(1, len(val_images) // 11)]
    curve = Curve(state.with_suffix(".csv"), some, spec.downscale, snrs_within(*plan.snr_db))
    if components is not None and spec.channel.kind == "awgn":
        curve.compare(components, spec.latent_channels, spec.channel.power)

    def report(step: int) -> str:
        """Of a step of the last part, counted from the first one's."""
        step += plan.steps - last.steps
        return curve.report(network.cpu(), step, transmit=averages(spec))  # type: ignore[arg-type]  # a codec

    began = time.monotonic()
    linear = linear_start.parameters(spec, network) if components is not None else ()
    if components is not None and not state.exists():
        print(f"{phase}: {report(0)}, before training")
    fit(network, changed, last, state, device, report=report, sources=sources, linear=linear)
    if phase == "qat":
        quantised(network).calibrate_gain(batches(train_images, spec.downscale))
    print(f"{phase}: {report(last.steps)}, {time.monotonic() - began:.0f} s")
    write(
        folder / FILES[phase],
        network.state_dict(),
        {
            "model": spec.name,
            "phase": phase,
            "schedule": asdict(plan),
            "terms": spec.data.model_dump() if spec.data else {},
            **begun,
        },
    )


def pruning_digest(spec: ModelSpec) -> str:
    """SHA-256 of what a specification says of pruning, and so of how a network came to its channels."""
    return hashlib.sha256(spec.pruning.model_dump_json().encode()).hexdigest()


def quantised(network: nn.Module) -> QuantDeepJSCC:
    """The same network, known to be the quantised one."""
    from hwgen.train.quantised_network import QuantDeepJSCC  # needs Brevitas; the other phases do not

    assert isinstance(network, QuantDeepJSCC)
    return network


def quantised_start(spec: ModelSpec, path: Path, rescale: bool = False) -> tuple[nn.Module, dict[str, Any]]:
    """The quantised network of a checkpoint to go on with, and what the next checkpoint's header says about it.

    `steps`: those of quantised training that it has had. `rescale`: its parameters alone are taken, for other bits.

    Raises
    ------
    HwgenError
        The file is missing or damaged, of another network or not calibrated, or its data has other terms.
    """
    from hwgen.train.quantised import from_checkpoint, rescaled

    header = read(path)[1]
    terms(path, header, spec)
    steps = header.get("schedule", {}).get("steps", 0) + header.get("start", {}).get("steps", 0)
    told = {"model": header.get("model"), "phase": header.get("phase"), "sha256": sha256(path), "steps": steps}
    if rescale:
        return rescaled(spec, path), {"start": told | {"rescaled": True}}
    return from_checkpoint(spec, path), {"start": told}


def begins_linear(spec: ModelSpec) -> bool:
    """Whether a specification's float network starts as the linear code."""
    return spec.training is not None and spec.training.start == "linear_code"


def fresh(spec: ModelSpec, phase: str, components: Components | None) -> DeepJSCC:
    """A float network with random weights, or the linear code of the components for the middle of the SNRs."""
    network = dense(spec) if phase == "float" else pruned(spec)
    if components is not None:
        linear_start.start(network, components, sum(spec.channel.snr_db) / 2)
    return network


def starting_network(
    spec: ModelSpec,
    phase: str,
    folder: Path,
    components: Components | None = None,
    crops: Crops | None = None,
    steps: int = 0,
    train: Train = untrained,
) -> nn.Module:
    """The network a phase starts from: fresh or made from the phase before, by what `crops` show where they count.

    Parameters
    ----------
    steps, train
        Of fine-tuning, parts of which come before the last channels go (`hwgen.train.pruning_schedule`).
    """
    if phase in ("float", "control"):
        return fresh(spec, phase, components)
    if phase == "finetune":
        return start_of_finetuning(trained(spec, "float", folder), spec, crops, steps, train)
    from hwgen.train.quantised import build

    return build(spec, fold_batch_norm(trained(spec, "finetune", folder).state_dict(), spec))
