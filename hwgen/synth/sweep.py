"""Predicted against synthesised resources of random layers: `python -m hwgen.synth.sweep LAYERS SEED FAMILY FILE`.

All four may be left out. Layers of a few seconds each, of all widths, foldings, packings, memory forms and activations;
one line per layer, the errors of the totals at the end. What is synthesised is cached. FILE takes what was synthesised
as JSON: the tests compare the predictions with such a file, so that they need no synthesis.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from amaranth.back import verilog
from amaranth.hdl import Shape

from hwgen.emit.verilog_steps import keep_registers
from hwgen.numerics import integer as fixedpoint
from hwgen.numerics.weight_format import Codebook
from hwgen.outputs import check_file, replaced_file
from hwgen.program import run_program
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.memory import rom_form
from hwgen.rtl.packing import LUT, packings
from hwgen.rtl.pair_convolution import PairConvolution, in_pairs
from hwgen.rtl.primitives import Cost
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.weights import weight_limit
from hwgen.rtl.window_config import WindowConfig
from hwgen.synth import synthesise
from hwgen.synth.yosys import SCRIPTS

KINDS = ("plain", "transposed", "grouped", "codebook", "pairs")
GROUPS = (
    (8, 1, 1), (13, 1, 1), (29, 1, 1), (32, 1, 1), (16, 1, 2), (6, 1, 3), (2, 8, 8), (3, 4, 6), (4, 5, 3), (2, 13, 10),
)  # fmt: skip
"""Groups, and channels in and out of each: depthwise layers, and others."""
PAIRS = ((8, 1, 1), (13, 1, 1), (29, 1, 1), (32, 1, 1), (16, 1, 1), (6, 1, 3), (5, 2, 1))
"""As `GROUPS`, of layers that compute two output columns at a time."""


@dataclass(frozen=True)
class Layer:
    """A convolution with random integers: its name, what makes the component, and what it is predicted to take."""

    name: str
    make: Callable[[], Convolution]
    cost: Cost


def random_layer(random: np.random.Generator, family: str, kind: str = "plain") -> Layer:
    """A layer of one of `KINDS` that some sizing could choose."""
    while True:
        try:
            return _layer(random, family, kind)
        except ValueError:
            continue  # a folding that cannot be: draw again


def _layer(random: np.random.Generator, family: str, kind: str) -> Layer:
    def pick(*choices: int) -> int:
        return int(random.choice(choices))

    inputs, outputs, width = pick(3, 8, 13, 20, 32), pick(6, 10, 16, 29, 40), pick(16, 32, 64, 128, 256)
    weight_bits, activation_bits, output_bits = pick(2, 3, 4, 6, 8, 8), pick(4, 6, 8, 8), pick(4, 8, 8, 16)
    kernel, is_signed, is_prelu = pick(3, 3, 5), bool(pick(0, 1)), bool(pick(0, 1))
    groups = 1
    if kind in ("grouped", "pairs"):
        of_kind = GROUPS if kind == "grouped" else PAIRS
        groups, inputs, outputs = of_kind[int(random.integers(len(of_kind)))]
    pe, simd = int(random.integers(1, max(min(outputs, 9), 2))), int(random.integers(1, min(inputs, 10) + 1))
    simd = inputs if kind == "pairs" else simd
    folds = groups * -(-outputs // pe)
    if groups > 1 and pick(0, 1, 1):  # several whole ones in a word
        parallel = int(random.integers(2, min(groups, max(24 // (inputs * outputs), 2)) + 1))
        pe, simd, folds = parallel * outputs, parallel * inputs, -(-groups // parallel)
    inputs, outputs = groups * inputs, groups * outputs
    out_lanes = 2 if pe % 2 == 0 and pick(0, 0, 1) else 1
    shape: dict[str, Any] = dict(
        channels=inputs, width=width, height=width // 2, simd=simd, folds=folds, bits=activation_bits,
        signed=is_signed, groups=groups,
    )  # fmt: skip
    coarse = None
    if kind == "transposed":
        kernel = pick(2, 3, 4, 5, 5, 7)
        window = WindowConfig(kernel=kernel, stride=2, padding=(kernel - 1) // 2, transposed=True,
                             output_padding=kernel % 2, **shape)  # fmt: skip
        coarse = (output_bits - 2, pick(0, 1, 2)) if outputs % 2 == 0 and pick(0, 0, 1) else None
    else:
        stride, taps = pick(1, 1, 2), kernel if kind == "pairs" else pick(1, 1, kernel)
        window = WindowConfig(kernel=kernel, stride=stride, padding=kernel // 2, taps=taps, **shape)
    activation = Shape(activation_bits, is_signed)
    forms = packings(weight_bits, activation, family)
    packing = forms[int(random.integers(len(forms) - (weight_bits > 4)))]  # LUTs for narrow weights only
    limit = weight_limit(weight_bits)
    weight = random.integers(-limit, limit + 1, (outputs, inputs // groups, kernel, kernel))
    codebook = None
    if kind == "codebook":
        codebook = random_codebook(weight_bits, int(random.integers(1, weight_bits)), random)
        weight = random.choice(codebook.grid, weight.shape)
    weights_in: Literal["block", "logic"] = "logic" if window.weight_rows <= 128 and pick(0, 1) else "block"
    if codebook and rom_form(window.weight_rows, weights_in) != "block":
        raise ValueError("codebook: wanted weights in block RAM, where indices are an option")
    window = replace(window, form="distributed" if window.bank_words <= 256 and pick(0, 1) else "block")
    widths = RequantiserConfig(outputs, 32, Shape(output_bits, True))
    config = ConvolutionConfig(window, widths, pe, weight_bits, out_lanes, replace(packing, chain=1), weights_in,
                               codebook=codebook)  # fmt: skip
    component: type[Convolution] = Convolution
    if kind == "pairs":
        pairs = in_pairs(config, family)
        if pairs is None:
            raise ValueError("no room for two products")
        config, packing, component = pairs, pairs.packing, PairConvolution
        config = replace(config, packing=replace(packing, chain=1))
    if packing != LUT:
        packing = replace(packing, chain=min(config.proven_chain(weight, packing), 8))
    config = replace(config, packing=packing)
    bias = random.integers(-300, 301, outputs)
    biases = config.biases(weight, bias.tolist())
    largest = max(map(abs, fixedpoint.bounds(activation_bits, is_signed)))
    bound = int((largest * np.abs(weight).sum(axis=(1, 2, 3)) + np.abs(bias)).max())
    shift = max(bound.bit_length() - output_bits - 2, 0) + random.integers(0, pick(1, 1, 4), outputs)
    accumulator_bits, shift = bound.bit_length() + 1, shift.tolist()
    slope = random.integers(-30, 65, outputs).tolist() if is_prelu else None
    requantiser = RequantiserConfig.from_integers(
        accumulator_bits=accumulator_bits, bias=sum(biases, []), shift=shift, slope=slope,
        fraction=7 if is_prelu else 0, output=Shape(output_bits, True), phases=len(biases), coarse=coarse,
    )  # fmt: skip
    config = replace(config, requantiser=requantiser)
    name = (
        f"{inputs}->{outputs}{f' in {groups}' if groups > 1 else ''} {width}x{width // 2} "
        f"k{kernel}{'t' if window.transposed else 's'}{window.stride} pe{pe} simd{simd} taps{window.taps} "
        f"w{weight_bits}a{activation_bits}{'s' if is_signed else 'u'} {packing.form}{packing.lanes}x{packing.chain} "
        f"{weights_in[0]}{window.form[0]} out{out_lanes}{' prelu' if is_prelu else ''}"
        f"{' coarse' if coarse else ''}{f' of {len(codebook.values)}' if codebook else ''}"
    )
    make = partial(component, config, weight=weight, bias=bias.tolist(), shift=shift, slope=slope)
    return Layer(name, make, config.cost(family))


def random_codebook(weight_bits: int, index_bits: int, random: np.random.Generator) -> Codebook:
    """Different values, 0 among them."""
    limit = weight_limit(weight_bits)
    values = random.choice(np.setdiff1d(np.arange(-limit, limit + 1), [0]), (1 << index_bits) - 1, replace=False)
    return Codebook(weight_bits, tuple(sorted([0, *values.tolist()])))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.synth.sweep", description=(__doc__ or "").split(":")[0])
    parser.add_argument("layers", metavar="LAYERS", nargs="?", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("seed", metavar="SEED", nargs="?", type=int, default=1, help="of the layers (default: 1)")
    parser.add_argument("family", metavar="FAMILY", nargs="?", choices=tuple(SCRIPTS), default="xc7",
                        help=f"{' or '.join(SCRIPTS)} (default: xc7)")  # fmt: skip
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="takes what was synthesised, as JSON")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0], help="of convolutions (default: plain)")
    arguments = parser.parse_args(argv)
    if arguments.file is not None:
        check_file("FILE", arguments.file)
    measure(arguments.layers, arguments.seed, arguments.family, arguments.file, arguments.kind)
    return 0


def measure(layers: int, seed: int, family: str, file: Path | None, kind: str = "plain") -> None:
    """Synthesise random layers, print a line for each, write what was found to the file."""
    measured = []
    random = np.random.default_rng(seed)
    totals = np.zeros((2, 4))
    for _ in range(layers):
        layer = random_layer(random, family, kind)
        text = verilog.convert(layer.make(), name="layer", emit_src=False, strip_internal_attrs=True)
        found = synthesise(keep_registers(text), "layer", family)
        pair = np.array([[each.lut, each.ff, each.dsp, each.bram36] for each in (layer.cost, found)])
        totals += pair
        measured.append({"layer": layer.name} | {key: getattr(found, key) for key in ("lut", "ff", "dsp", "bram36")})
        print(f"{_line(pair)}  {layer.name}", flush=True)
    print(f"{_line(totals)}  total")
    if file is not None:
        with replaced_file(file) as part:
            part.write_text(json.dumps({"seed": seed, "family": family, "layers": measured}, indent=1) + "\n")


def _line(pair: np.ndarray) -> str:
    """Predicted and synthesised, and by how many per cent the prediction is too large."""
    parts = []
    for key, predicted, found in zip(("LUT", "FF"), *pair[:, :2], strict=True):
        parts.append(f"{key} {predicted:6g} {found:6g} {100 * (predicted / found - 1) if found else 0:+6.1f} %")
    for key, predicted, found in zip(("DSP", "BRAM"), *pair[:, 2:], strict=True):
        parts.append(f"{key} {predicted:g} {found:g}{'' if predicted == found else ' !'}")
    return "  ".join(parts)


if __name__ == "__main__":
    sys.exit(run_program(main))
