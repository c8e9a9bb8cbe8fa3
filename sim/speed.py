"""The speed of the bench, beside a bare C++ loop around the same Verilog with nothing attached.

Both are built with the same Verilator and the same flags and run one after the other. CPU time (user) is measured, so
that other work on the machine disturbs little; the bench's includes starting Python and cocotb. `hwgen bench sim`
prints it.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from hwgen import process
from hwgen.sim import design as designs, runner
from hwgen.sim.design import Design
from hwgen.sim.unity import unite

BARE = Path(__file__).resolve().parent / "bare.cpp"


def speeds(design: Design, cycles: int, cache: Path | None = None) -> tuple[float, float]:
    """Cycles per second of CPU time of the bench and of the bare loop, unstalled, `cycles` each.

    cache : folder of all caches; None takes the user's
    """
    options = runner.BuildOptions()
    with process.private_folder("hwgen_speed_") as folder:
        _build_bare(design, options, folder)
        command = [str(folder / "Vbare"), str(cycles)]
        bare_seconds = _cpu(lambda: _run(command, folder, process.environment(), "the bare loop"))
        texts = {"probes.svh": designs.probes(design)}
        built = runner.build(design.sources, texts, designs.defines(design), options, cache)
        words = np.random.default_rng(1).integers(0, 1 << design.input_bits, design.input_beats)
        words.astype("<u4").tofile(folder / "input.bin")
        words.astype("<u4").tofile(folder / "coefficients.bin")
        settings = {
            "frames": -(-cycles // design.input_beats),  # more than the design can take
            "input_beats": design.input_beats,
            "output_beats": design.output_beats,
            "coefficient_beats": design.coefficient_beats,
            "patience": 2**31 - 1,
            "limit": cycles,
        }
        bench_seconds = _cpu(lambda: runner.run(built, folder, settings, seed=1))
    return cycles / bench_seconds, cycles / bare_seconds


def _build_bare(design: Design, options: runner.BuildOptions, folder: Path) -> None:
    (folder / "verilator").symlink_to(runner.verilator_root())
    shutil.copy(BARE, folder)
    sources = [f"{index}.v" for index in range(len(design.sources))]
    for name, source in zip(sources, design.sources, strict=True):
        shutil.copy(source, folder / name)
    named = ["--top-module", design.top, "--prefix", "Vbare", "-Mdir", "."]
    frames = {"HWGEN_INPUT_BEATS": design.input_beats, "HWGEN_COEFFICIENT_BEATS": design.coefficient_beats}
    facts = " ".join(f"-D{key}={value}" for key, value in (designs.defines(design) | frames).items())
    verilate = [str(runner.verilator_root() / "bin" / "verilator"), "--cc", "--exe", *named, *runner.OPTIMISATIONS]
    make = ["make", "-j", str(os.cpu_count() or 1), "-f", "Vbare.mk", *runner.PLAIN_FOLDER, *runner.make_flags(options)]
    environment = runner.verilator_environment("verilator")
    _run([*verilate, "-CFLAGS", facts, *sources, BARE.name], folder, environment, "the bare loop's build")
    unite(folder, "Vbare")
    _run(make, folder, environment, "the bare loop's build")


def _run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], what: str) -> None:
    ended = process.run(command, folder, environment)
    if ended.status:
        said = ended.output[-2000:] + ended.errors[-2000:]
        raise runner.SimulationError(what, "exit status 0", f"{ended.how}: {said}")


def _cpu(work: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    work()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
