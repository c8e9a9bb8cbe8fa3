"""The cost of complex arithmetic: `python -m hwgen.synth.complex_forms [FILE]`.

For each family a table of complex multiplications by form and widths, one of the components built on them, synthesised
and in brackets predicted, and one of a complex MAC in a convolution, whose products share DSPs. What is synthesised is
cached. FILE takes what was synthesised as JSON: the tests compare the predictions with such a file, so that they need
no synthesis.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import verilog
from amaranth.hdl import Elaboratable, signed
from rich.table import Table

from hwgen.console import console
from hwgen.device import RARE
from hwgen.outputs import check_file, replaced_file
from hwgen.program import run_program
from hwgen.rtl.alamouti import AlamoutiConfig
from hwgen.rtl.complex_mac import ComplexMacConfig
from hwgen.rtl.complex_multiply import FORMS, ComplexMultiplyConfig, Form, Widths
from hwgen.rtl.matrix_product import MatrixProductConfig
from hwgen.rtl.packing import Packing, packings
from hwgen.rtl.power import PowerNormaliserConfig
from hwgen.rtl.primitives import Cost
from hwgen.synth.report import KINDS
from hwgen.synth.statistics import Statistics, count
from hwgen.synth.yosys import SCRIPTS, Job, netlists

WIDTHS = (
    (16, 16, 16, 16), (8, 8, 8, 8), (8, 6, 8, 6), (8, 8, 8, 6), (6, 6, 6, 6), (12, 8, 10, 6), (18, 18, 18, 18),
    (25, 25, 18, 18), (4, 4, 4, 4), (4, 3, 5, 2), (3, 3, 3, 3), (2, 2, 2, 2),
)  # fmt: skip
"""Bits of a_re, a_im, b_re, b_im."""
CONJUGATED = ((16, 16, 16, 16), (8, 6, 8, 6), (12, 8, 10, 6))
PACKED = ((8, 8), (6, 6), (4, 8))
"""Bits of weights and activations of complex convolutions."""
NAME = "subject"
_LATENCY = {form: ComplexMultiplyConfig(Widths(16, 16, 16, 16), form).latency for form in FORMS}
KEYS = tuple(kind for kind in KINDS if kind not in RARE)
"""No complex multiplier has a memory that a rare resource could hold."""


@dataclass(frozen=True)
class Subject:
    """Something to synthesise: its name, what makes it, what it is predicted to take."""

    name: str
    make: Callable[[], Elaboratable]
    cost: Cost


def multiplications(family: str) -> list[Subject]:
    """Every form that a DSP can hold."""
    found = []
    for bits in WIDTHS:
        for conjugate in (False, True) if bits in CONJUGATED else (False,):
            for form in FORMS:
                widths = Widths(*bits)
                try:
                    config = ComplexMultiplyConfig(widths, form, conjugate)
                    cost = config.cost(family)
                except ValueError:
                    continue
                name = f"{multiplication_name(bits)}{' conj' if conjugate else ''} {form}"
                found.append(Subject(name, config.build, cost))
    return found


def multiplication_name(bits: tuple[int, int, int, int]) -> str:
    """8 x 8, or 8/6 x 8/6 where real and imaginary parts differ."""
    halves = (f"{re}" if re == im else f"{re}/{im}" for re, im in (bits[:2], bits[2:]))
    return " x ".join(halves)


def built_on_them(family: str) -> list[Subject]:
    """Components as a link has them."""
    found = []
    bits = Widths(16, 16, 16, 16)
    forms: tuple[tuple[int, Form], ...] = ((1, "three"), (2, "three"), (2, "four"))
    for lanes, form in forms:
        mac = ComplexMacConfig(lanes=lanes, terms=2 * lanes, widths=bits, form=form)
        found.append(Subject(f"ComplexMac {lanes} x 16 x 16 {form}", mac.build, mac.cost(family)))
    matrices = (
        ("rayleigh", MatrixProductConfig(rows=1, columns=1, groups=4096)),
        ("ofdm 64", MatrixProductConfig(rows=1, columns=1, groups=4096, tables=64)),
        ("mimo2x2 svd", MatrixProductConfig(rows=2, columns=2, groups=2048)),
        ("mimo2x2 alamouti", MatrixProductConfig(rows=2, columns=4, groups=2048, conjugate=(False, False, True, True))),
        ("3 x 3, 5 tables", MatrixProductConfig(rows=3, columns=3, groups=100, tables=5)),
    )
    for name, matrix in matrices:
        found.append(Subject(f"MatrixProduct {name}", matrix.build, matrix.cost(family)))
    alamouti = AlamoutiConfig(2048)
    found.append(Subject("Alamouti", alamouti.build, alamouti.cost(family)))
    for values, width, power in ((8192, 8, 65536), (1024, 8, 65536), (512, 8, 65536), (12000, 6, 100000)):
        normaliser = PowerNormaliserConfig(input=signed(width), values=values, power=power)
        name = f"Power {values} values of {width} bits"
        found.append(Subject(name, normaliser.build, normaliser.cost(family)))
    return found


def in_convolutions(weight_bits: int, activation_bits: int, family: str) -> list[tuple[str, float, int]]:
    """(how, DSPs per complex MAC, longest chain of DSPs) of complex products with weights, signed, both parts alike.

    Four products are what convolutions have. Gauss's three are a weight times a sum of activations and two sums of
    weights times an activation; packed or not, nothing in hwgen forms them there.
    """

    def lanes(weight_bits: int, activation_bits: int) -> Packing:
        """The form of most lanes to a DSP."""
        forms = packings(weight_bits, signed(activation_bits), family)
        return max((form for form in forms if form.form == "dsp"), key=lambda form: form.lanes)

    four = lanes(weight_bits, activation_bits)
    three = [lanes(weight_bits, activation_bits + 1), *[lanes(weight_bits + 1, activation_bits)] * 2]
    return [
        ("four products, packed", 4 / four.lanes, four.chain),
        ("three products, one to a DSP", 3.0, 8),
        ("three products, packed", sum(1 / form.lanes for form in three), min(form.chain for form in three)),
    ]


def measure(subjects: list[Subject], family: str, workers: int) -> list[Statistics]:
    """Resources of each subject after open synthesis for a family."""
    jobs = [
        Job(verilog.convert(subject.make(), name=NAME, emit_src=False, strip_internal_attrs=True), NAME, family)
        for subject in subjects
    ]
    found = netlists(jobs, workers)
    return [count(found[job]) for job in jobs]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables, and write what was found."""
    description = (__doc__ or "").split(":")[0]
    parser = argparse.ArgumentParser(prog="python -m hwgen.synth.complex_forms", description=description)
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="takes what was synthesised, as JSON")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time (default: 2)")
    arguments = parser.parse_args(argv)
    if arguments.file is not None:
        check_file("FILE", arguments.file)
    stored: dict[str, dict[str, dict[str, float]]] = {}
    for family in SCRIPTS:
        stored[family] = {}
        for title, subjects in (("multiplications", multiplications(family)), ("components", built_on_them(family))):
            table = Table(title=f"{family}, complex {title}: synthesised (predicted)")
            for column in ("what", "DSP", "BRAM36", "LUT", "FF", "latency"):
                table.add_column(column, justify="left" if column == "what" else "right")
            for subject, found in zip(subjects, measure(subjects, family, arguments.workers), strict=True):
                stored[family][subject.name] = {key: getattr(found, key) for key in KEYS}
                cells = [f"{getattr(found, key):g} ({getattr(subject.cost, key):g})" for key in KEYS]
                table.add_row(subject.name, *cells, _latency(subject))
            console().print(table)
        table = Table(title=f"{family}, a complex MAC of a convolution: DSPs per MAC, longest chain")
        for column in ("weights x activations", "how", "DSP", "chain"):
            table.add_column(column, justify="left" if column == "how" else "right")
        for pair in PACKED:
            for how, dsp, chain in in_convolutions(*pair, family):
                table.add_row(f"{pair[0]} x {pair[1]}", how, f"{dsp:g}", str(chain))
        console().print(table)
    if arguments.file is not None:
        with replaced_file(arguments.file) as part:
            part.write_text(json.dumps(stored, indent=1) + "\n")
    return 0


def _latency(subject: Subject) -> str:
    form = subject.name.rsplit(" ", 1)[-1]
    return str(_LATENCY[form]) if form in FORMS and " x " in subject.name and "Mac" not in subject.name else ""


if __name__ == "__main__":
    sys.exit(run_program(main))
