"""A design with all its mutants in one simulator, and the verdict of `verify`'s checks on each of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.emit.verilog import verilog
from hwgen.errors import HwgenError
from hwgen.images import load_images
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation, mutations
from hwgen.mutants.origin import origins
from hwgen.plan.plan import Plan
from hwgen.sim import design as designs, runner
from hwgen.sim.check import Finding, check
from hwgen.sim.design import Design
from hwgen.sim.simulate import Recording, Settings, Simulator, simulate
from hwgen.spec import model as specs
from hwgen.verify import profiles, slips
from hwgen.verify.directed import MOST
from hwgen.verify.reference import Reference, Setting, add_directed, reference
from hwgen.verify.run import EXTRA_FRAMES, Request, unpredicted

PATIENCE = 20
"""A mutant may run so many times longer than the design without a fault, before it counts as one without end."""


@dataclass(frozen=True)
class Trial:
    """A verification, as `hwgen verify --frames --stall --seed` asks for it; directed frames come behind the images."""

    frames: int
    stall: float
    seed: int

    def __str__(self) -> str:
        return f"--frames {self.frames} --stall {self.stall:g} --seed {self.seed}"


SEEDS = 20
TESTS = (Trial(3, 0.0, 1), *(Trial(3, 0.3, seed) for seed in range(1, SEEDS + 1)))
"""The verification whose score this is: `verify`, which compares cycles, and `verify --seeds 1..20 --stall 0.3`, which
is reset at another moment of a frame with each seed."""
LONGER = (Trial(12, 0.5, SEEDS + 1), Trial(12, 0.0, SEEDS + 2))
"""What survivors meet in addition."""


@dataclass(frozen=True)
class Netlist:
    """An emitted design as mutants are drawn from it.

    cells : by component, the mutants of each of its cells
    """

    options: DesignOptions
    folder: Path
    plan: Plan
    cells: Mapping[str, list[list[Mutation]]]


def netlist(options: DesignOptions, folder: Path) -> Netlist:
    """Emit a design into `folder` and list its mutants.

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    emitted = emit(options, folder / "design", quiet=True)
    text = (emitted.folder / f"{options.module}.v").read_text(encoding="utf-8")
    found = origins(text, verilog(emitted.plan, options.module, sources=True))
    return Netlist(options, folder, emitted.plan, mutations(yosys.prepare(text, options.module, folder), found))


class Bench:
    """A design with some of its mutants, built: number 0 is the design itself, mutants count from 1."""

    def __init__(self, source: Netlist, drawn: list[Mutation], cache: Path | None = None) -> None:
        """Build the simulator, from the cache where it is there.

        Raises
        ------
        HwgenError : trouble of the machine; the design itself is not proven
        """
        self.mutations = drawn
        self._options = source.options
        path = source.folder / "mutated.v"
        path.write_text(yosys.mutated(drawn, source.options.module, source.folder), encoding="utf-8")
        design = designs.load(source.folder / "design")
        self.design: Design = replace(design, sources=(path,))
        self._simulator = runner.BuildOptions(program=runner.DIRECT)
        self._cache = cache
        texts = {"probes.svh": designs.probes(design)}
        defines = designs.defines(design)
        self._built = runner.build(self.design.sources, texts, defines, self._simulator, cache)
        self._cycles: dict[Trial, int] = {}
        self._golden: dict[tuple[int, int], Reference] = {}
        self._frames: dict[Trial, tuple[Reference, slips.Frames]] = {}

    @property
    def key(self) -> str:
        """The simulator's key: another design, other mutants, another bench or other tools have another one."""
        return self._built.name

    def prove(self, trials: tuple[Trial, ...], folder: Path) -> None:
        """Make sure that the design without a fault is proven, and learn how long that takes.

        Raises
        ------
        HwgenError : it is not
        """
        for trial in trials:
            if trial not in self._cycles:
                finding, recording = self._verify(0, trial, folder)
                if finding is not None:
                    raise HwgenError(f"{self._options.model} without a fault, {trial}", "proven", finding.message)
                self._cycles[trial] = recording.cycles

    def finding(self, number: int, trials: tuple[Trial, ...], folder: Path) -> Finding | None:
        """The first finding of these trials on a mutant; None if all of them prove it.

        Raises
        ------
        runner.SimulationError : its simulation did not come to an end
        """
        for trial in trials:
            finding, _ = self._verify(number, trial, folder)
            if finding is not None:
                return finding
        return None

    def _sent(self, trial: Trial) -> tuple[Reference, slips.Frames]:
        """Frames of a trial, and their reference."""
        if trial not in self._frames:
            golden = self._reference(trial)
            self._frames[trial] = golden, slips.whole(golden)
            if trial.stall and slips.can_slip(self.design):
                self._frames[trial] = slips.add_short(self._setting(trial), golden, trial.frames, trial.seed)
        return self._frames[trial]

    def _setting(self, trial: Trial) -> Setting:
        options, own = self._options, self.design.manifest.get("channel")
        spec = specs.load(options.model)
        return Setting(spec, options.side, options.init, options.channel or own, Request.snr_db, trial.seed)

    def _reference(self, trial: Trial) -> Reference:
        noisy = self._options.side == "rx" or self.design.coefficient_beats  # else no frame depends on the seed
        key = trial.frames, trial.seed if noisy else 0
        if key not in self._golden:
            setting = self._setting(trial)
            size = self.design.width, self.design.height
            graph = setting.graph(setting.side)
            images = load_images(None, trial.frames, *size)
            order = profiles.order(trial.frames, graph.profiles, trial.seed)
            golden = reference(setting, graph, images, profiles=order)
            made = profiles.directed(graph, size, golden.meters, profiles.bounds(graph, size), MOST)
            for profile, frame in made:
                add_directed(setting, golden, [frame], profile)
            self._golden[key] = golden
        return self._golden[key]

    def _verify(self, number: int, trial: Trial, folder: Path) -> tuple[Finding | None, Recording]:
        """As `run_verification` does it, frames added where stalls did not reach every stream."""
        golden, frames = self._sent(trial)
        if golden.findings:
            return golden.findings[0], _none()
        expected = golden.expected()
        for extra in (0, *EXTRA_FRAMES):
            settings = Settings(len(frames.order) + extra, trial.stall, trial.seed)
            numbers = frames.numbers(settings.frames)
            wanted = {name: values[numbers] for name, values in expected.items()}
            sent = slips.sent(golden, frames, settings.frames, trial.seed)
            simulator = Simulator(lambda *given: self._built, functools.partial(self._run, number, trial))
            recording = simulate(
                self.design, sent.words, settings, folder, self._simulator, self._cache, sent.coefficients,
                simulator=simulator, profiles=sent.profiles,
            )  # fmt: skip
            verdict = check(self.design, recording, settings, wanted, trial.frames, sent.scripts)
            findings = [finding for finding in verdict.findings if finding.kind != "stall"]
            if findings or not verdict.findings:
                break
        if not findings:
            findings = unpredicted(self.design, verdict)
        if not findings and number == 0:
            findings = list(verdict.findings)
        return (findings[0] if findings else None), recording

    def _run(
        self, number: int, trial: Trial, executable: Path, folder: Path, values: Mapping[str, int], seed: int
    ) -> dict[str, int]:
        own: dict[str, Any] = dict(values)
        if number:
            own["limit"] = min(own["limit"], PATIENCE * self._cycles.get(trial, math.inf))
        return runner.run_direct(executable, folder, own, seed, [f"+{yosys.CONTROL}={number}"])


def _none() -> Recording:
    """The recording of a run that was not needed."""
    return Recording("complete", 0, (), 0.0, 0.0)
