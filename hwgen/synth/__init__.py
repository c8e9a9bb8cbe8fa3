"""`synth`: what open synthesis makes of each component, beside what hwgen predicts, and the deepest paths.

    Verilog -> Yosys' synth_xilinx, per component, cached -> netlist -> resources, deepest register-to-register path
"""

from __future__ import annotations

from hwgen.synth.statistics import Statistics, count
from hwgen.synth.yosys import Job, netlists


def synthesise(verilog: str, top: str, family: str) -> Statistics:
    """Resources of one module after open synthesis; from the cache where the same was synthesised before.

    Parameters
    ----------
    verilog : text that holds the module and all it instantiates, as `amaranth.back.verilog.convert` writes it
    top : the module's name, without a backslash
    family : 'xc7' or 'xcup', as in a board's file

    Raises
    ------
    HwgenError : Yosys does not accept the Verilog
    ModuleNotFoundError : Yosys is not installed (`pip install 'hwgen[synth]'`)
    """
    job = Job(verilog, top, family)
    return count(netlists([job])[job])
