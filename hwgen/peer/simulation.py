"""NNgen's designs of the encoder: made in NNgen's environment, simulated with hwgen's Verilator, kept by content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.peer.environment import PACKAGES, environment, pins
from hwgen.sim import runner

SCRIPT = Path(__file__).with_name("nngen_design.py")
TOP, BENCH = "nngen_encoder", "bench"
SECONDS = 7200.0
"""After which a simulation counts as hanging."""


@dataclass(frozen=True)
class Setting:
    """A way of building the encoder with NNgen.

    Attributes
    ----------
    width, height : of the frame, in pixels
    layers : (kernel, stride, channels, relu) of each convolution
    par_ich, par_och : input and output channels multiplied at a time, powers of two; all layers share the multipliers,
        kernel x kernel x par_ich x par_och of them
    axi_bits : width of its memory port
    seed : of the random weights and pixels
    """

    width: int
    height: int
    layers: tuple[tuple[int, int, int, bool], ...]
    par_ich: int
    par_och: int
    axi_bits: int = 32
    seed: int = 1

    @property
    def multipliers(self) -> int:
        return max(kernel * kernel for kernel, *_ in self.layers) * self.par_ich * self.par_och

    @property
    def macs(self) -> int:
        """MACs of a frame, as everywhere in hwgen: output value x tap x input channel, padding counted."""
        total, inputs, width, height = 0, 3, self.width, self.height
        for kernel, stride, outputs, _ in self.layers:
            width, height = width // stride, height // stride
            total += width * height * outputs * kernel * kernel * inputs
            inputs = outputs
        return total


@dataclass(frozen=True)
class Simulated:
    """A simulated design.

    Attributes
    ----------
    verilog : the design's text, its module is `TOP`
    cycles : of each frame, from its start to the idle flag
    wrong : 32-bit words of output that were not as expected, of all frames
    """

    verilog: str
    cycles: tuple[int, ...]
    wrong: int


def simulated(setting: Setting, cache: Path, say: Callable[[str], None] = lambda text: None) -> Simulated:
    """NNgen's design of a setting and what its simulation found; from `cache` where it was simulated before.

    Raises
    ------
    HwgenError : NNgen's environment cannot be made, or NNgen or the simulator refuses the setting
    """
    folder = cache / f"nngen_{_key(setting)}"
    if not (folder / "result.json").is_file():
        python = environment(cache, say)
        with process.private_folder("nngen_new_", cache) as work:
            say(f"NNgen: writing the design of {setting.multipliers} multipliers")
            _write(setting, python, work)
            say(f"simulating {setting.width}x{setting.height}")
            cycles, wrong = parse(_simulate(work))
            (work / "result.json").write_text(json.dumps({"cycles": cycles, "wrong": wrong}), encoding="utf-8")
            for path in work.iterdir():  # the design and its result are all that is read again
                if path.name not in ("result.json", f"{TOP}.v"):
                    path.unlink() if path.is_file() else shutil.rmtree(path)
            with process.whole():
                shutil.rmtree(folder, ignore_errors=True)
                work.rename(folder)
    result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    verilog = (folder / f"{TOP}.v").read_text(encoding="utf-8")
    return Simulated(verilog, tuple(result["cycles"]), result["wrong"])


def parse(printed: str) -> tuple[list[int], int]:
    """Cycles of each frame and the number of wrong words, from what the bench printed.

    Raises
    ------
    HwgenError : it did not come to its end
    """
    cycles = [int(number) for number in re.findall(r"^cycles +([0-9]+)$", printed, re.MULTILINE)]
    wrong = [int(number) for number in re.findall(r"^wrong +([0-9]+)$", printed, re.MULTILINE)]
    if len(cycles) < 2 or len(cycles) != len(wrong):
        last = printed.splitlines()[-1:] or ["nothing"]
        raise HwgenError("NNgen's test bench", "cycles and wrong words of two frames", last[0])
    return cycles, sum(wrong)


def _write(setting: Setting, python: Path, folder: Path) -> None:
    (folder / "setting.json").write_text(json.dumps(asdict(setting)), encoding="utf-8")
    _call([str(python), str(SCRIPT), str(folder / "setting.json"), str(folder)], folder, process.environment(), "NNgen")


def _simulate(folder: Path) -> str:
    """Build the bench with Verilator, as lean as hwgen's own benches, run it, and return what it printed."""
    environ = runner.verilator_environment()
    verilator = runner.verilator_root() / "bin" / "verilator"
    options = ["--cc", "--main", "--exe", "--timing", "--x-initial", "unique", *runner.OPTIMISATIONS]
    flags = ["-CFLAGS", "-std=c++20 -fcoroutines", "--top-module", BENCH, "-Mdir", "build", f"{BENCH}.v"]
    make = ["make", "-C", "build", "-f", f"V{BENCH}.mk", f"V{BENCH}", *runner.make_flags(runner.BuildOptions())]
    _call([str(verilator), *options, *flags], folder, environ, "Verilator with NNgen's design")
    _call(make, folder, environ, "the compiler with NNgen's simulation")
    return _call([str(folder / "build" / f"V{BENCH}")], folder, environ, "NNgen's simulation")


def _call(command: list[str], folder: Path, environ: dict[str, str], what: str) -> str:
    """Run a program in `folder`; return its stdout. Its last line of complaint becomes the error's."""
    try:
        done = process.run(command, folder, environ, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise HwgenError(what, f"an end within {SECONDS / 60:.0f} minutes", "none") from None
    if done.status:
        lines = [line.strip() for line in done.errors.splitlines() if line.strip()]
        raise HwgenError(what, "exit status 0", lines[-1] if lines else done.how)
    return done.output


def _key(setting: Setting) -> str:
    tools = [*pins(PACKAGES), f"verilator=={importlib.metadata.version('verilator')}"]
    facts = json.dumps([asdict(setting), tools, runner.OPTIMISATIONS, SCRIPT.read_text(encoding="utf-8")])
    return hashlib.sha256(facts.encode()).hexdigest()[:32]
