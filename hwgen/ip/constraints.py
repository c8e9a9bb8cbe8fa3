"""Constraints of an IP: its clocks out of context, and the paths between them."""

from __future__ import annotations

from hwgen.board import Board
from hwgen.ip.design import IpDesign


def out_of_context(design: IpDesign, board: Board) -> str:
    """Clock definitions for the IP alone, where no block design has any."""
    period = f"{1e3 / board.clock_mhz:.3f}"
    clocks = ["aclk", *(["s_axi_aclk"] if design.options.clocks == 2 else [])]
    lines = (f"create_clock -name {clock} -period {period} [get_ports {clock}]\n" for clock in clocks)
    return f"# {board.part}: {design.top} out of context, at the clock the design was sized for\n" + "".join(lines)


CROSSING = """\
# Between the clocks of streams and registers (rtl/axi/crossing.py): a question and its answer stand still while the bit
# that tells of them passes two registers, so either path has a whole period of the clock that takes it; the bits
# themselves as well.
set streams [get_clocks -of_objects [get_ports aclk]]
set registers [get_clocks -of_objects [get_ports s_axi_aclk]]
set_max_delay -datapath_only -from $registers -to $streams [get_property -min PERIOD $streams]
set_max_delay -datapath_only -from $streams -to $registers [get_property -min PERIOD $registers]
"""


def in_a_design(design: IpDesign) -> str:
    """Constraints for any design that contains the IP; that design defines the clocks."""
    head = f"# {design.top}: what holds in any design\n"
    return head + (CROSSING if design.options.clocks == 2 else "# One clock: nothing to say beside the clock itself\n")
