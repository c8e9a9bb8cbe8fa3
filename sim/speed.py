"""How fast the bench is, beside a bare C++ loop around the same Verilog with nothing attached.

Both are built with the same Verilator and the same flags and run one after the other. CPU time (user) is measured, so
that other work on the machine disturbs little; the bench's includes starting Python and cocotb. `hwgen bench sim`
prints it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hwgen.sim import design as designs, runner
from hwgen.sim.design import Design
from hwgen.sim.unity import unite

BARE = Path(__file__).resolve().parent / "bare.cpp"


def speeds(design: Design, cycles: int, cache: Path | None = None) -> tuple[float, float]:
    """Cycles per second of CPU time of the bench and of the bare loop, unstalled, `cycles` each.

    cache : folder of cached simulators; None takes the user's
    """
    options = runner.BuildOptions()
    with tempfile.TemporaryDirectory(prefix="hwgen_speed_") as name:
        folder = Path(name)
        bare = _build_bare(design, options, folder)
        bare_seconds = _cpu(lambda: subprocess.run([bare, str(cycles)], check=True, stdout=subprocess.DEVNULL))
        texts = {"probes.svh": designs.probes(design)}
        built = runner.build(design.sources, texts, designs.defines(design), options, cache or runner.default_cache())
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


def _build_bare(design: Design, options: runner.BuildOptions, folder: Path) -> Path:
    environment = os.environ | runner.verilator_environment()
    verilator = str(runner.verilator_root() / "bin" / "verilator")
    named = ["--top-module", design.top, "--prefix", "Vbare", "-Mdir", str(folder)]
    facts = " ".join(f"-D{key}={value}" for key, value in designs.defines(design).items())
    verilate = [verilator, "--cc", "--exe", *named, *runner.OPTIMISATIONS, "-CFLAGS", facts]
    verilate += [*map(str, design.sources), str(BARE)]
    make = ["make", "-j", str(os.cpu_count() or 1), "-C", str(folder), "-f", "Vbare.mk", *runner.make_flags(options)]
    for command in (verilate, make):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise runner.SimulationError(f"the bare loop does not build:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        if command is verilate:
            unite(folder, "Vbare")
    return folder / "Vbare"


def _cpu(work: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    work()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
