"""Verify specifications that nobody tuned: `python -m hwgen.sweep --count 20 --seed 1`.

Each case is a random encoder (channel counts of no pattern, kernels 1, 3, 5, 7, strides 1 and 2, weights of 2, 4, 6
and 8 bits, activations of 4 to 8 bits, any activation function), a small frame and a rate, all drawn from
the seed. It is emitted with random weights and simulated twice, without and with stalls: every value must be right,
and the unstalled interval and latency must be what the manifest predicted.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.verify import Request, prove
from hwgen.verify_report import Report

FRAMES = ((36, 20), (68, 44), (20, 36), (64, 32), (12, 8), (100, 12))
STALL = 0.25


@dataclass(frozen=True)
class Case:
    """One random specification and how to build it. `encoder` holds (kernel, stride, channels, activation,
    weight bits, activation bits) per layer."""

    seed: int
    frame: tuple[int, int]
    encoder: tuple[tuple[int, int, int, str, int, int], ...]
    board: str
    fps: float | None

    def __str__(self) -> str:
        layers = " ".join(f"{o}{act[0]}k{k}s{s}w{w}a{a}" for k, s, o, act, w, a in self.encoder)
        rate = "" if self.fps is None else f" {self.fps:g} fps"
        return f"seed {self.seed}: {self.frame[0]}x{self.frame[1]} {layers} on {self.board}{rate}"

    def spec(self) -> str:
        """The case as the text of a spec.yaml."""
        layers = "".join(
            f"  - {{kernel: {k}, stride: {s}, channels: {o}, activation: {act},"
            f" weight_bits: {w}, activation_bits: {a}}}\n"
            for k, s, o, act, w, a in self.encoder
        )
        return (
            f'format_version: 1\ndescription: "{self}"\nframe: {{width: {self.frame[0]}, height: {self.frame[1]}}}\n'
            f"encoder:\n{layers}channel: {{kind: awgn, snr_db: [0, 20], power: 1.0}}\n"
            "data: {license: none, source: random}\n"
        )


DIRECTED = (
    Case(
        1, (36, 20),
        ((5, 2, 3, "prelu", 8, 8), (3, 1, 7, "relu", 4, 8), (1, 1, 13, "prelu", 2, 6),
         (3, 2, 29, "relu", 6, 8), (7, 1, 31, "prelu", 8, 4), (3, 1, 5, "none", 6, 8)),
        "pynq_z2", None,
    ),
    Case(
        2, (68, 44),
        ((7, 2, 3, "relu", 6, 7), (1, 1, 7, "none", 8, 8), (5, 2, 13, "prelu", 4, 8),
         (3, 1, 29, "prelu", 2, 8), (1, 1, 31, "relu", 8, 8), (5, 1, 5, "none", 8, 8)),
        "pynq_z2", 400.0,
    ),
)  # fmt: skip
"""Cases that were chosen, not drawn: the channel counts 3-7-13-29-31-5."""


def draw(seed: int) -> Case:
    """A random case; the same for the same seed."""
    rng = random.Random(seed)
    layers = []
    strides_left = 2  # every frame above is divisible by 4
    count = rng.randint(1, 6)
    for index in range(count):
        stride = 2 if strides_left and rng.random() < 0.4 else 1
        strides_left -= stride - 1
        activation = "none" if index == count - 1 else rng.choice(["none", "relu", "prelu", "prelu"])
        layers.append((rng.choice([1, 3, 3, 5, 7]), stride, rng.randint(1, 33), activation, rng.choice([2, 4, 6, 8]),
                       rng.choice([4, 6, 7, 8, 8, 8])))  # fmt: skip
    return Case(seed, rng.choice(FRAMES), tuple(layers), "pynq_z2", rng.choice([None, None, 50.0, 1000.0]))


def run(case: Case, folder: Path) -> tuple[Report, Report]:
    """Prove a case without and with stalls, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spec.yaml"
    path.write_text(case.spec())
    base = Request(path, board=case.board, fps=case.fps, init=case.seed, frames=3, seed=case.seed)
    still = prove(base, folder / "still")
    stalled = prove(
        Request(path, init=case.seed, frames=3, seed=case.seed, stall=STALL, design=folder / "still" / "design"),
        folder / "stalled",
    )
    return still, stalled


def complaints(still: Report, stalled: Report) -> list[str]:
    """What is not as it must be; empty if the case is proven."""
    found = [report.first.message for report in (still, stalled) if report.first is not None]
    if still.proven and (still.interval is None or still.latency is None):
        found.append("interval or latency were not measured")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sweep; 0 if every case is proven and predicted."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20, help="random cases beside the directed ones (default: 20)")
    parser.add_argument("--seed", type=int, default=100, help="seed of the first random case (default: 100)")
    arguments = parser.parse_args(argv)
    failed = refused = 0
    cases = [*DIRECTED, *(draw(arguments.seed + index) for index in range(arguments.count))]
    for case in cases:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="hwgen_sweep_") as folder:
            try:
                found = complaints(*run(case, Path(folder)))
            except HwgenError as error:
                if error.where == "--fps":  # a rate beyond the board is no defect
                    refused += 1
                    print(f"refused  {case}: {error}", flush=True)
                    continue
                found = [str(error)]
        failed += bool(found)
        print(f"{'FAILED' if found else 'proven'}  {case} ({time.perf_counter() - started:.0f} s)", flush=True)
        for line in found:
            print(f"    {line}", flush=True)
    print(f"{len(cases) - failed - refused} proven, {failed} failed, {refused} refused")
    return 1 if failed or refused == len(cases) else 0


if __name__ == "__main__":
    sys.exit(main())
