"""Simulation by an emitted folder's own Makefile, and a design that does what a testbench must find."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

from hwgen import process

QUICK = "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
"""Settings of Verilator's makefile: tiny designs compile longer than they run."""
COMPILER = """\
#!/bin/sh
# Compiles what Verilator's library has once for all: the same command gives the same file.
for last; do :; done
case "$last" in */verilated*.cpp) ;; *) exec "$@" ;; esac
out=$(basename "$last" .cpp).o
kept=$(dirname "$0")/$(printf %s "$*" | cksum | tr ' ' -).o
test -e "$kept" && exec cp "$kept" "$out"
"$@" && cp "$out" "$kept.$$" && mv "$kept.$$" "$kept"
"""
FAULTS = {
    "none": 0, "data": 1, "no TLAST": 2, "early TLAST": 3, "VALID falls": 4, "data changes": 5, "hang": 6, "surplus": 7,
    "input left": 8,
}  # fmt: skip
"""Numbers of +fault for `faulty`."""


def compiler(folder: Path) -> Path:
    """A program for OBJCACHE, which keeps objects in its folder; several processes may use one."""
    program = folder / "compiler"
    if not program.exists():
        part = folder / f"compiler.{os.getpid()}"
        part.write_text(COMPILER)
        part.chmod(part.stat().st_mode | stat.S_IXUSR)
        part.rename(program)
    return program


def make(folder: Path, *words: str, objects: Path | None = None) -> process.Ended:
    """Run the folder's make, with Verilator built in a hurry; stdout and stderr are both in `output`.

    objects : what `compiler` made
    """
    build = QUICK + (f" OBJCACHE={objects}" if objects else "")
    environment = process.environment({"PYTHONPATH": process.python_path(), "PYTHONDONTWRITEBYTECODE": "1"})
    command = ["make", f"PYTHON={sys.executable}", f"BUILD={build}", *words]
    ended = process.run(command, folder, environment, seconds=500)
    return process.Ended(ended.status, ended.output + ended.errors)


def copy(folder: Path, to: Path) -> Path:
    """A design folder to build in."""
    shutil.copytree(folder, to)
    return to


def flip_sample(folder: Path, line: int) -> str:
    """Change the lowest bit of one word of the sample's output; the word as it was."""
    path = folder / "sample_output.hex"
    words = path.read_text().split()
    was, words[line] = words[line], f"{int(words[line], 16) ^ 1:0{len(words[line])}x}"
    path.write_text("\n".join(words) + "\n")
    return was


def faulty(folder: Path, manifest: dict[str, Any], frames: int) -> None:
    """Put a module around the folder's design that does one of `FAULTS` where the simulation is started with +fault=N.

    frames : that are sent: what some of the faults count up to
    """
    top, ports = manifest["top"], manifest["ports"]
    path = folder / f"{top}.v"
    inner = f"{top}_inner"
    text = path.read_text().replace(f"module {top}(", f"module {inner}(")
    assert f"module {inner}(" in text
    lines = (f"    {port['direction']} wire [{port['width'] - 1}:0] {name}" for name, port in ports.items())
    declared = ",\n".join(lines)
    own = {"m_axis_tdata": "data", "m_axis_tvalid": "valid", "m_axis_tlast": "last", "m_axis_tready": "pull",
           "s_axis_tvalid": "s_axis_tvalid && !full", "s_axis_tready": "taking"}  # fmt: skip
    connected = ", ".join(f".{name}({own.get(name, name)})" for name in ports)
    width, beats = ports["m_axis_tdata"]["width"], manifest["output"]["beats"]
    total = manifest["input"]["beats"] * frames
    path.write_text(text + f"""
module {top} (
{declared}
);
    reg [31:0] fault, word, taken, waits;
    initial if (!$value$plusargs("fault=%d", fault)) fault = 0;
    wire [{width - 1}:0] data;
    wire valid, last, taking;
    wire at = word == {beats + 2};  // the third word of the second frame
    wire over = word == {frames * beats};
    wire full = fault == 8 && taken == {total};
    wire falls = fault == 4 && word >= {beats + 2} && waits == 1;  // whenever the sink has waited a cycle
    wire hung = fault == 6 && word > {beats + 2};
    wire pull = m_axis_tready && !falls && !hung;
    {inner} inner ({connected});
    assign s_axis_tready = taking && !(fault == 8 && taken >= {total - 1});
    assign m_axis_tdata = data ^ (fault == 1 && at || fault == 5 && waits != 0);
    assign m_axis_tvalid = (valid && !falls || fault == 7 && over) && !hung;
    assign m_axis_tlast = fault == 2 && word == {2 * beats - 1} ? 1'b0 : last || fault == 3 && at;
    always @(posedge aclk)
        if (!aresetn) begin
            word <= 0;
            taken <= 0;
            waits <= 0;
        end else begin
            if (m_axis_tvalid && m_axis_tready) word <= word + 1;
            if (s_axis_tvalid && !full && taking) taken <= taken + 1;
            waits <= m_axis_tvalid && !m_axis_tready ? waits + 1 : 0;
        end
endmodule
""")


def icarus() -> bool:
    """Whether Icarus Verilog is here."""
    return shutil.which("iverilog", path=os.environ.get("PATH")) is not None
