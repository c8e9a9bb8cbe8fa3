"""One training phase: optimiser steps over random crops, interruptible and reproducible.

All randomness of a phase comes from one CPU generator, whose state is in the checkpoint, and the
learning rate is a function of the step alone: a phase that was interrupted and resumed ends with the
same bytes as one that was not (same machine class and thread count).
"""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from tqdm import tqdm

from hwgen import process
from hwgen.console import bar_stream
from hwgen.errors import HwgenError
from hwgen.train.channel import snr_of_ranges, uniform_snr
from hwgen.train.checkpoint import check_like, read, write
from hwgen.train.data import Crops
from hwgen.train.optimiser import Muon, groups
from hwgen.train.scale_penalty import penalty
from hwgen.train.smoothing import Smoothed

WARMUP_STEPS = 200
FINAL_LR = 0.01  # of the peak learning rate
GRADIENT_NORM = 1.0
CHECKPOINT_SECONDS = 240.0
RESTART = "delete the file to start again"
UNSAID = ("slimming", "polarisation", "augment")
"""Left out of a state where they are 0 or empty: states of older versions do not name them."""
MSE_FLOOR = 1e-5  # 50 dB: keeps flat crops from taking over the logarithm


@dataclass(frozen=True)
class Schedule:
    """The settings that fix a phase's result, together with its starting weights and data.

    linear_lr : peak learning rate of the layers that began as the linear code
    smoothing : decay of the running average of the weights that the phase leaves; 0 leaves the last ones
    slimming, polarisation : weights of the penalties of `hwgen.train.scale_penalty`
    profiles, shares : SNRs at which one profile ends, and how often each is drawn; () draws all SNRs alike
    augment : how crops are changed (`hwgen.train.augment`)
    """

    phase: str
    steps: int
    lr: float
    batch: int
    crop: int
    seed: int
    snr_db: tuple[float, float]
    bfloat16: bool = True
    linear_lr: float | None = None
    smoothing: float = 0.0
    profiles: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    slimming: float = 0.0
    polarisation: float = 0.0
    augment: tuple[str, ...] = ()


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a cosine from ``peak`` down to FINAL_LR of it."""
    warmup = min(WARMUP_STEPS, steps // 10)
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (FINAL_LR + (1.0 - FINAL_LR) * 0.5 * (1.0 + math.cos(math.pi * progress)))


def log_mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean over images of ln(MSE): minus the mean PSNR up to a factor.

    The plain MSE lets the images at the lowest SNRs decide; here a dB is worth the same at any SNR.
    """
    return torch.log((output - target).square().flatten(1).mean(1) + MSE_FLOOR).mean()


def pick_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one, else the CPU."""
    if name not in ("auto", "cpu", "cuda"):
        raise HwgenError("--device", "auto, cpu or cuda", repr(name))
    if name == "cuda" and not torch.cuda.is_available():
        raise HwgenError("--device", "a CUDA device", "none that torch can use")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def fit(
    network: nn.Module,
    crops: Crops,
    schedule: Schedule,
    state: Path,
    device: torch.device,
    stop_after: int | None = None,
    report: Callable[[int], str] | None = None,
    sources: Mapping[str, str] | None = None,
    linear: Collection[Tensor] = (),
    after: Callable[[int], None] | None = None,
) -> None:
    """Train ``network`` in place; leaves it on the CPU.

    Parameters
    ----------
    network : ``network(images, snr_db, generator) -> images``
    state : where the phase's checkpoint is written (at least every 10 minutes) and resumed from
    stop_after : stop (with a checkpoint) at this step, as an interrupt would; for tests
    report : called after a checkpoint with the step, its text is printed (a PSNR, say)
    sources : SHA-256 of each file that the starting weights were taken from, by what it was given as
    linear : parameters that learn at ``schedule.linear_lr``
    after : called after each optimiser step with its number from 1; it may change weights, by nothing but weights and
        the number

    Raises
    ------
    HwgenError
        ``state`` is damaged or belongs to another schedule, other data or other sources, or training diverged.
    Interrupted
        by SIGINT, SIGTERM or SIGHUP, after writing a checkpoint.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    share = 1.0 if schedule.linear_lr is None else schedule.linear_lr / schedule.lr
    optimiser = Muon(groups(network, linear, share))
    smoothed = Smoothed(network, schedule.smoothing) if schedule.smoothing else None
    generator = torch.Generator().manual_seed(schedule.seed)
    plan = {key: value for key, value in dataclasses.asdict(schedule).items() if value or key not in UNSAID}
    told = {"schedule": json.loads(json.dumps(plan)), "data": crops.origin, "sources": dict(sources or {})}
    step = _resume(network, optimiser, generator, smoothed, schedule, told, state) if state.exists() else 0
    end = schedule.steps if stop_after is None else min(stop_after, schedule.steps)
    saved = time.monotonic()
    smooth: float | None = None
    with Interrupts() as interrupts, _progress(schedule, step) as bar:
        while step < end and interrupts.arrived is None:
            loss = _step(network, optimiser, crops, schedule, generator, step, device)
            step += 1
            if after is not None:
                after(step)
            if smoothed is not None:
                smoothed.update(network, step)
            smooth = loss if smooth is None else 0.99 * smooth + 0.01 * loss
            bar.set_postfix_str(f"loss {smooth:.4f} PSNR {-10.0 * smooth / math.log(10.0):.2f} dB", refresh=False)
            bar.update()
            if not math.isfinite(loss):
                raise HwgenError(f"training, phase {schedule.phase}, step {step}", "a finite loss", str(loss))
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                _save(network, optimiser, generator, smoothed, told, step, state)
                saved = time.monotonic()
                if report is not None:
                    with smoothed.in_place(network) if smoothed is not None else nullcontext():
                        tqdm.write(f"step {step}: {report(step)}", file=bar_stream())
                    network.to(device).train()
        _save(network, optimiser, generator, smoothed, told, step, state)
        if interrupts.arrived is not None:
            raise process.Interrupted(interrupts.arrived)
    if smoothed is not None:
        smoothed.load(network)
    network.to("cpu")


class Interrupts:
    """Takes SIGINT, SIGTERM and SIGHUP for a while and only notes them: a step half done cannot be resumed.

    A second one interrupts at once, as it would without this. Outside the main thread nothing is taken, and nothing
    that is ignored (`nohup`).

    Attributes
    ----------
    arrived
        The first one's number.
    """

    def __init__(self) -> None:
        self.arrived: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in process.SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if self.arrived is None:
            self.arrived = number
        elif callable(before := self._before[number]):
            before(number, frame)
        else:
            raise process.Interrupted(number)


def _progress(schedule: Schedule, step: int) -> tqdm[NoReturn]:
    """The bar; in a log file, a line in 20 seconds is enough."""
    interval = 0.2 if sys.stderr.isatty() else 20.0
    return tqdm(
        total=schedule.steps, initial=step, desc=schedule.phase, unit="step", mininterval=interval, file=bar_stream()
    )


def _step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    crops: Crops,
    schedule: Schedule,
    generator: torch.Generator,
    step: int,
    device: torch.device,
) -> float:
    network.train()
    for group in optimiser.param_groups:
        group["lr"] = group["scale"] * learning_rate(step, schedule.steps, schedule.lr)
    images = crops.batch(schedule.batch, generator).to(device, memory_format=torch.channels_last)
    if schedule.shares:
        low, high = schedule.snr_db
        edges = (low, *(min(max(bound, low), high) for bound in schedule.profiles), high)
        snr_db = snr_of_ranges(schedule.batch, edges, schedule.shares, generator)
    else:
        snr_db = uniform_snr(schedule.batch, *schedule.snr_db, generator)
    with torch.autocast(device.type, torch.bfloat16, enabled=schedule.bfloat16):
        output = network(images, snr_db, generator)
    loss = log_mse(output.float(), images)
    optimiser.zero_grad(set_to_none=True)
    total = loss
    if schedule.slimming or schedule.polarisation:
        total = loss + penalty(network, schedule.slimming, schedule.polarisation)
    total.backward()
    nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
    optimiser.step()
    return loss.item()


def _save(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    smoothed: Smoothed | None,
    told: dict[str, Any],
    step: int,
    state: Path,
) -> None:
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, slot in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in slot.items()}
    if smoothed is not None:
        tensors |= {f"smoothed.{name}": value for name, value in smoothed.weights.items()}
    tensors["generator"] = generator.get_state()
    write(state, tensors, {"step": step, **told})


def _resume(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    smoothed: Smoothed | None,
    schedule: Schedule,
    told: dict[str, Any],
    state: Path,
) -> int:
    tensors, header = read(state)
    if header.get("schedule") != told["schedule"]:
        raise HwgenError(f"{state}: schedule", f"{told['schedule']} ({RESTART})", str(header.get("schedule")))
    origin, sources = told["data"], told["sources"]
    if header.get("data", origin) != origin:  # states of older versions do not say what they saw
        raise HwgenError(f"{state}: data", f"{_told(origin)} ({RESTART})", _told(header["data"]))
    files = header.get("sources", {})  # states of older versions: as good as none
    if files != sources:
        raise HwgenError(f"{state}: sources", f"{_files(sources)} ({RESTART})", _files(files))
    step = header.get("step")
    if type(step) is not int or not 0 <= step <= schedule.steps:
        raise HwgenError(f"{state}: step", f"0 to {schedule.steps} ({RESTART})", str(step))
    try:
        network.load_state_dict({name[8:]: value for name, value in tensors.items() if name.startswith("network.")})
    except RuntimeError as error:
        raise HwgenError(str(state), "the weights of this network", str(error).replace("\n", " ")) from error
    if smoothed is not None:
        missing = [name for name in smoothed.weights if f"smoothed.{name}" not in tensors]
        if missing:
            raise HwgenError(f"{state}: smoothed.{missing[0]}", f"the average of a weight ({RESTART})", "nothing")
        for name, value in smoothed.weights.items():
            check_like(tensors[f"smoothed.{name}"], value, f"{state}: smoothed.{name}")
            value.copy_(tensors[f"smoothed.{name}"])
    packed = optimiser.state_dict()
    packed["state"] = _slots(tensors, optimiser, state)
    optimiser.load_state_dict(packed)
    key = "generator"
    try:
        generator.set_state(tensors[key])
    except (KeyError, RuntimeError, TypeError) as error:
        got = "nothing" if key not in tensors else str(error)
        raise HwgenError(f"{state}: {key}", f"the state of a random generator ({RESTART})", got) from error
    return step


def _slots(
    tensors: dict[str, Tensor], optimiser: torch.optim.Optimizer, state: Path
) -> dict[int, dict[str, Tensor]]:
    """The optimiser's state, by the number of the parameter."""
    count = sum(len(group["params"]) for group in optimiser.param_groups)
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            parts = name.split(".")
            if len(parts) != 3 or not parts[1].isdecimal() or int(parts[1]) >= count:
                wanted = f"optimiser.NUMBER.NAME with a number below {count} ({RESTART})"
                raise HwgenError(f"{state}: tensors", wanted, name)
            slots.setdefault(int(parts[1]), {})[parts[2]] = value
    return slots


def _told(origin: object) -> str:
    if not isinstance(origin, dict):
        return str(origin)
    return f"{origin.get('images')} training images with SHA-256 {str(origin.get('sha256'))[:16]}..."


def _files(sources: object) -> str:
    if not isinstance(sources, dict):
        return str(sources)
    files = (f"{name}: SHA-256 {str(sources[name])[:16]}..." for name in sorted(sources))
    return ", ".join(files) or "neither start nor keep"
