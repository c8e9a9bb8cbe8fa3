"""Verify specifications that nobody tuned: `python -m hwgen.sweep --count 20 --seed 1`.

Each case is one side of a random model, a small frame and a rate, all drawn from the seed: channel counts of no
pattern, kernels 1 to 7 (transposed ones even, too), strides 1 and 2, weights of 2, 4, 6 and 8 bits, activations of 4
to 8 bits, any activation function, complex layers with 8/6 and other bits, either gain, any channel with its precoder
or equaliser. It is emitted with random weights and simulated twice, without and with stalls: every value must be right,
and the unstalled interval and latency must be what the manifest predicted.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.verify.report import Report
from hwgen.verify.run import Request, run_verification

FRAMES = ((36, 20), (68, 44), (20, 36), (64, 32), (12, 8), (100, 12))
STALL = 0.25
COLOURS = 3
IMAG_BITS = ((8, 6), (8, 6), (8, 8), (6, 4), (8, 4), (4, 3))
"""Of a complex layer's weights and activations alike: of the real parts, of the imaginary ones."""
SIDES = ("tx", "rx")


@dataclass(frozen=True)
class Layer:
    """imag : bits of imaginary weights and activations; None where the layer is not complex."""

    kernel: int
    stride: int
    channels: int
    activation: str
    weight_bits: int = 8
    activation_bits: int = 8
    imag: tuple[int, int] | None = None

    def __str__(self) -> str:
        bits = f"w{self.weight_bits}a{self.activation_bits}"
        bits += "" if self.imag is None else f"iw{self.imag[0]}ia{self.imag[1]}"
        return f"{self.channels}{self.activation[0]}k{self.kernel}s{self.stride}{bits}"

    @property
    def stream_channels(self) -> int:
        return self.channels * (1 if self.imag is None else 2)

    def text(self) -> str:
        """As a line of a specification."""
        found = (
            f"  - {{kernel: {self.kernel}, stride: {self.stride}, channels: {self.channels},"
            f" activation: {self.activation}, weight_bits: {self.weight_bits}, activation_bits: {self.activation_bits}"
        )
        if self.imag is not None:
            found += f", complex: true, imag_weight_bits: {self.imag[0]}, imag_activation_bits: {self.imag[1]}"
        return f"{found}}}\n"


@dataclass(frozen=True)
class Case:
    """One random specification and how to build it. channel: keys of the specification's channel beside its SNRs."""

    seed: int
    side: str
    frame: tuple[int, int]
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    channel: str
    gain: str
    board: str
    fps: float | None

    def __str__(self) -> str:
        layers = " ".join(map(str, self.encoder if self.side == "tx" else self.decoder))
        gain = f" {self.gain}" if self.side == "tx" else f" of {self.encoder[-1].stream_channels}"
        rate = "" if self.fps is None else f" {self.fps:g} fps"
        channel = self.channel.removeprefix("kind: ")
        size = f"{self.frame[0]}x{self.frame[1]}"
        return f"seed {self.seed}: {self.side} {size}{gain} {layers}, {channel}, on {self.board}{rate}"

    def spec(self) -> str:
        """The case as the text of a spec.yaml."""
        decoder = "decoder:\n" + "".join(layer.text() for layer in self.decoder) if self.decoder else ""
        return (
            f'format_version: 1\ndescription: "{self}"\nframe: {{width: {self.frame[0]}, height: {self.frame[1]}}}\n'
            f"encoder:\n{''.join(layer.text() for layer in self.encoder)}{decoder}"
            f"channel: {{{self.channel}, snr_db: [0, 20], power: 1.0}}\ngain: {{mode: {self.gain}}}\n"
            "data: {license: none, source: random}\n"
        )


FIRST = Case(
    1, "tx", (36, 20),
    (Layer(5, 2, 3, "prelu"), Layer(3, 1, 7, "relu", 4), Layer(1, 1, 13, "prelu", 2, 6), Layer(3, 2, 29, "relu", 6),
     Layer(7, 1, 31, "prelu", 8, 4), Layer(3, 1, 5, "none", 6)),
    (), "kind: awgn", "static", "pynq_z2", None,
)  # fmt: skip
SECOND = Case(
    2, "tx", (68, 44),
    (Layer(7, 2, 3, "relu", 6, 7), Layer(1, 1, 7, "none"), Layer(5, 2, 13, "prelu", 4), Layer(3, 1, 29, "prelu", 2),
     Layer(1, 1, 31, "relu"), Layer(5, 1, 5, "none")),
    (), "kind: awgn", "static", "pynq_z2", 400.0,
)  # fmt: skip
SHORT = (Layer(3, 2, 8, "relu"), Layer(5, 2, 5, "none"))
"""An encoder for those that receive."""

DIRECTED = (
    FIRST,
    SECOND,
    Case(
        3, "rx", (36, 20), SHORT,
        (Layer(5, 2, 3, "prelu"), Layer(3, 1, 7, "relu", 4), Layer(1, 1, 13, "prelu", 2, 6),
         Layer(4, 2, 29, "relu", 6), Layer(3, 1, 31, "prelu", 8, 4), Layer(3, 1, 5, "none", 6),
         Layer(3, 1, 3, "clamp")),
        "kind: rayleigh", "static", "pynq_z2", None,
    ),
    Case(
        4, "rx", (68, 44), SHORT,
        (Layer(3, 1, 3, "relu", 6, 7), Layer(1, 1, 7, "none"), Layer(6, 2, 13, "prelu", 4), Layer(3, 1, 29, "prelu", 2),
         Layer(2, 2, 31, "relu"), Layer(5, 1, 5, "none"), Layer(1, 1, 3, "sigmoid")),
        "kind: awgn", "static", "pynq_z2", 200.0,
    ),
    Case(
        5, "tx", (36, 20),
        (Layer(5, 2, 6, "prelu"), Layer(3, 1, 7, "prelu", 8, 8, (6, 6)), Layer(3, 2, 13, "prelu", 8, 8, (6, 6)),
         Layer(1, 1, 5, "none", 8, 8, (6, 6))),
        (), "kind: awgn", "per_image", "pynq_z2", None,
    ),
    Case(
        6, "rx", (36, 20), (Layer(3, 2, 8, "relu"), Layer(1, 2, 5, "none", 8, 8, (6, 6))),
        (Layer(3, 1, 13, "prelu", 8, 8, (6, 6)), Layer(1, 1, 7, "none", 8, 8, (6, 6)), Layer(5, 2, 29, "prelu"),
         Layer(7, 2, 3, "clamp")),
        "kind: rayleigh, equaliser: zf", "static", "pynq_z2", None,
    ),
    Case(
        7, "tx", (64, 32), (Layer(3, 2, 5, "relu"), Layer(3, 2, 4, "none")),
        (), "kind: mimo2x2", "per_image", "pynq_z2", None,
    ),
    Case(
        8, "rx", (64, 32), (Layer(3, 2, 5, "relu"), Layer(3, 2, 4, "none")),
        (Layer(4, 2, 7, "prelu"), Layer(3, 2, 3, "sigmoid")),
        "kind: mimo2x2, scheme: alamouti", "static", "pynq_z2", None,
    ),
    Case(
        9, "rx", (64, 32), (Layer(3, 2, 5, "relu"), Layer(3, 2, 4, "none")),
        (Layer(5, 2, 7, "prelu"), Layer(1, 2, 3, "clamp")),
        "kind: ofdm, taps: 3, subcarriers: 32", "static", "pynq_z2", None,
    ),
)  # fmt: skip
"""Cases that were chosen, not drawn: the channel counts 3-7-13-29-31-5 on both sides, complex layers, every channel."""


def draw(seed: int) -> Case:
    """A random case; the same for the same seed."""
    rng = random.Random(seed)
    frame = rng.choice(FRAMES)  # all of them divisible by 4
    side = SIDES[seed % 2]
    encoder = _encoder(rng, rng.randint(1, 6), 0.4) if side == "tx" else _encoder(rng, rng.randint(1, 2), 0.8)
    decoder = _decoder(rng, encoder) if side == "rx" else ()
    values = frame[0] * frame[1] * encoder[-1].stream_channels
    for layer in encoder:
        values //= layer.stride**2
    channel = _channel(rng, (values + 1) // 2)
    gain = rng.choice(["static", "static", "per_image"])
    return Case(
        seed, side, frame, encoder, decoder, channel, gain, "pynq_z2", rng.choice([None, None, 50.0, 1000.0])
    )


def _layer(rng: random.Random, before: int, kernels: Sequence[int], stride: int, activations: Sequence[str]) -> Layer:
    """A layer behind `before` channels, complex in one of three cases where that is possible."""
    kernel, channels = rng.choice(kernels), rng.randint(1, 33)
    if before % 2 == 0 and rng.random() < 1 / 3:
        real, imag = rng.choice(IMAG_BITS)
        activation = rng.choice([name for name in activations if name != "relu"])
        return Layer(kernel, stride, -(-channels // 2), activation, real, real, (imag, imag))
    return Layer(
        kernel, stride, channels, rng.choice(activations), rng.choice([2, 4, 6, 8]), rng.choice([4, 6, 7, 8, 8, 8])
    )


def _encoder(rng: random.Random, count: int, halving: float) -> tuple[Layer, ...]:
    """halving : probability of stride 2, which two layers have at most."""
    layers: list[Layer] = []
    strides_left, before = 2, COLOURS
    for index in range(count):
        stride = 2 if strides_left and rng.random() < halving else 1
        strides_left -= stride - 1
        activations = ["none"] if index == count - 1 else ["none", "relu", "prelu", "prelu"]
        layers.append(_layer(rng, before, [1, 3, 3, 5, 7], stride, activations))
        before = layers[-1].stream_channels
    return tuple(layers)


def _decoder(rng: random.Random, encoder: Sequence[Layer]) -> tuple[Layer, ...]:
    """Transposed layers whose strides undo the encoder's, in any place."""
    strides = [2] * sum(layer.stride == 2 for layer in encoder) + [1] * rng.randint(0, 3)
    strides = strides or [1]
    rng.shuffle(strides)
    layers: list[Layer] = []
    before = encoder[-1].stream_channels
    for stride in strides[:-1]:
        kernels = [1, 3, 3, 5, 7] if stride == 1 else range(1, 8)
        layer = _layer(rng, before, kernels, stride, ["none", "relu", "prelu", "prelu"])
        if stride == 2 and layer.imag is not None:  # complex layers of a decoder keep the size
            layer = Layer(layer.kernel, 2, layer.channels, layer.activation, layer.weight_bits, layer.activation_bits)
        layers.append(layer)
        before = layer.stream_channels
    kernels = [1, 3, 3, 5, 7] if strides[-1] == 1 else range(1, 8)
    last = Layer(
        rng.choice(kernels), strides[-1], COLOURS, rng.choice(["clamp", "sigmoid"]), rng.choice([2, 4, 6, 8]), 8
    )
    return (*layers, last)


def _channel(rng: random.Random, symbols: int) -> str:
    """A channel that can carry so many symbols a frame."""
    found = ["kind: awgn", "kind: rayleigh", "kind: rayleigh, equaliser: zf"]
    if symbols % 2 == 0:
        found += ["kind: mimo2x2", "kind: mimo2x2, scheme: alamouti", "kind: mimo2x2, equaliser: zf"]
    blocks = [count for count in (2, 4, 8, 16, 32, 64) if symbols % count == 0]
    if blocks:
        count = rng.choice(blocks)
        found.append(f"kind: ofdm, taps: {rng.randint(1, min(6, count))}, subcarriers: {count}")
    return rng.choice(found)


def run(case: Case, folder: Path) -> tuple[Report, Report]:
    """Prove a case without and with stalls, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spec.yaml"
    path.write_text(case.spec())
    options = DesignOptions(path, case.side, case.board, case.fps, init=case.seed)
    base = Request(options, frames=3, seed=case.seed)
    still = run_verification(base, folder / "still")
    again = replace(base, stall=STALL, design=still.design.folder)
    return still, run_verification(again, folder / "stalled")


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
    parser.add_argument("--side", choices=SIDES, help="only cases of this side (default: both)")
    arguments = parser.parse_args(argv)
    failed = refused = 0
    cases = [*DIRECTED, *(draw(arguments.seed + index) for index in range(arguments.count))]
    cases = [case for case in cases if arguments.side in (None, case.side)]
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
