"""Open synthesis with a time limit, for designs that may not come to an end.

It is what `hwgen synth` runs, Yosys' `synth_xilinx`, in two halves: the first ends when the multipliers have become
DSPs, and their number is kept, so that a design whose second half runs out of time still has its DSPs. Time is
processor time of Yosys, which works in one thread: what else the machine does has no part in it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.synth.netlist import parse, pruned
from hwgen.synth.statistics import DSPS, count
from hwgen.synth.yosys import PACKAGE, PROGRAM, SYNTH, Job, environment as yosys_environment

FORMAT = 1
"""Version of the cache's entries; another number makes them all misses."""
SCRIPT = (
    "read_verilog design.v; {synth} -run :coarse; tee -q -o mapped.json stat -json; {synth} -run coarse:; "
    "delete =A:blackbox; write_json netlist.json"
)
PRELUDE = """
import resource, threading, wasmtime
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds} + 5))
default = wasmtime.Config.__init__
def deeper(config):
    default(config)
    config.max_wasm_stack = 2 << 20
wasmtime.Config.__init__ = deeper
threading.stack_size(16 << 20)
"""
"""Before Yosys starts: its time limit, and four times the default stack, which the nested expressions of NNgen's large
designs overflow."""
STEP = re.compile(r"^[0-9.]+\. Executing (\S+) pass", re.MULTILINE)
LOG_TAIL = 1 << 20
"""Bytes of Yosys' log that are searched for its last step."""


@dataclass(frozen=True)
class Synthesised:
    """The result of synthesising one module.

    Attributes
    ----------
    seconds : processor time that it took, or was given
    finished : whether it came to an end
    dsp : known from the first half on, else None
    lut, ff, bram36 : as `hwgen synth` counts them; None where it did not finish
    step : Yosys' pass at work when time was up; empty where it finished
    crashed : it broke off by itself, as WebAssembly does beyond 4 GiB of memory
    """

    seconds: float
    finished: bool
    dsp: int | None
    lut: int | None = None
    ff: int | None = None
    bram36: float | None = None
    step: str = ""
    crashed: bool = False


def synthesise(job: Job, limit: float, cache: Path, say: Callable[[str], None] = lambda text: None) -> Synthesised:
    """Synthesise one module for the 7 series within `limit` seconds of processor time, or take it from `cache`.

    What did not finish is tried again where the limit is larger than it was.

    Raises
    ------
    HwgenError : Yosys does not accept the Verilog, or was stopped by something else
    ModuleNotFoundError : Yosys is not installed
    """
    entry = cache / f"synth_{_key(job)}.json"
    known = _load(entry)
    if known is not None and (known.finished or known.crashed or known.seconds >= limit):
        return known
    say(f"synthesising {job.top}")
    cache.mkdir(parents=True, exist_ok=True)
    with process.private_folder("work_", cache) as folder:
        found = _run(job, limit, folder)
        part = folder / "entry"
        part.write_text(json.dumps(asdict(found)), encoding="utf-8")
        os.replace(part, entry)
    return found


def _run(job: Job, limit: float, folder: Path) -> Synthesised:
    (folder / "design.v").write_text(job.verilog, encoding="utf-8")
    seconds = max(1, round(limit))
    script = SCRIPT.format(synth=SYNTH.format(family=job.family, top=job.top))
    before = _processor_seconds()
    ended = process.run(
        [sys.executable, "-c", PRELUDE.format(seconds=seconds) + PROGRAM, "-q", "-l", "yosys.log", "-p", script],
        folder, yosys_environment(folder),
    )  # fmt: skip
    used, messages = _processor_seconds() - before, ended.errors
    if ended.status == 0:
        netlist = pruned((folder / "netlist.json").read_text(encoding="utf-8"), job.top)
        counted = count(parse(netlist))
        return Synthesised(used, True, counted.dsp, counted.lut, counted.ff, counted.bram36)
    errors = [line for line in messages.splitlines() if "ERROR" in line]
    if errors:
        raise HwgenError(f"synthesis of {job.top}", "Verilog that Yosys accepts", "; ".join(errors))
    late = used >= seconds - 1
    if ended.status < 0 and not late:
        raise HwgenError(f"synthesis of {job.top}", "a Yosys that nobody stops", ended.how)
    dsp, step = _mapped_dsps(folder / "mapped.json"), _step(folder / "yosys.log")
    return Synthesised(float(seconds) if late else used, False, dsp, step=step, crashed=not late)


def _processor_seconds() -> float:
    """Processor time of all children that have ended, user and system, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _mapped_dsps(path: Path) -> int | None:
    """DSPs that the first half left; None where it was not done."""
    try:
        cells: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["design"]["num_cells_by_type"]
    except (OSError, ValueError, KeyError):
        return None
    return sum(cells.get(kind, 0) for kind in DSPS)


def _step(log: Path) -> str:
    """The pass that Yosys' log names last."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL))
            steps = STEP.findall(file.read().decode(errors="replace"))
    except OSError:
        return ""
    return steps[-1] if steps else ""


def _key(job: Job) -> str:
    facts = json.dumps([FORMAT, importlib.metadata.version(PACKAGE), SCRIPT, SYNTH, job.family, job.top, job.verilog])
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _load(path: Path) -> Synthesised | None:
    """An entry of the cache; None where there is none, or one that is damaged."""
    try:
        return Synthesised(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
