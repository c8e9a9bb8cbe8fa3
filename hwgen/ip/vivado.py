"""Tcl for Vivado: a block design around an IP and its bitstream, and the IP alone out of context."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.board import Board
from hwgen.emit.template import render
from hwgen.ip.design import IpDesign
from hwgen.ip.ip_xact import LIBRARY, VENDOR, VERSION
from hwgen.ip.simulation import FOLDER


@dataclass(frozen=True)
class Pins:
    """Names of a processing system's pins in a block design.

    create : what makes the cell `ps` with its board's preset, with {mhz} and {cell}
    general_port : AXI master to registers
    memory_port : AXI slave to memory
    clock, reset, interrupt : to and from the logic
    clocks : of its AXI ports
    """

    create: str
    general_port: str
    memory_port: str
    clock: str
    reset: str
    interrupt: str
    clocks: tuple[str, ...]


ZYNQ7 = """\
create_bd_cell -type ip -vlnv {cell} ps
apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 \\
    -config {{make_external "FIXED_IO, DDR" apply_board_preset "1"}} [get_bd_cells ps]
set_property -dict [list CONFIG.PCW_USE_M_AXI_GP0 {{1}} CONFIG.PCW_USE_S_AXI_HP0 {{1}} \\
    CONFIG.PCW_EN_CLK0_PORT {{1}} CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ {{{mhz}}} \\
    CONFIG.PCW_USE_FABRIC_INTERRUPT {{1}} CONFIG.PCW_IRQ_F2P_INTR {{1}}] [get_bd_cells ps]"""
ZYNQMP = """\
create_bd_cell -type ip -vlnv {cell} ps
apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {{apply_board_preset "1"}} [get_bd_cells ps]
set_property -dict [list CONFIG.PSU__USE__M_AXI_GP0 {{0}} CONFIG.PSU__USE__M_AXI_GP1 {{0}} \\
    CONFIG.PSU__USE__M_AXI_GP2 {{1}} CONFIG.PSU__USE__S_AXI_GP2 {{1}} CONFIG.PSU__FPGA_PL0_ENABLE {{1}} \\
    CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ {{{mhz}}} CONFIG.PSU__USE__IRQ0 {{1}}] [get_bd_cells ps]"""
PINS = {
    "zynq7": Pins(ZYNQ7, "M_AXI_GP0", "S_AXI_HP0", "FCLK_CLK0", "FCLK_RESET0_N", "IRQ_F2P",
                  ("M_AXI_GP0_ACLK", "S_AXI_HP0_ACLK")),
    "zynqmp": Pins(ZYNQMP, "M_AXI_HPM0_LPD", "S_AXI_HP0_FPD", "pl_clk0", "pl_resetn0", "pl_ps_irq0",
                   ("maxihpm0_lpd_aclk", "saxihp0_fpd_aclk")),
}  # fmt: skip
"""Pins of each kind of processing system (PG082, PG201); no Vivado has seen them (docs/board.md)."""


def block_design(design: IpDesign, board: Board) -> str | None:
    """The script of the block design and its bitstream; None for a board without a processing system."""
    if board.ps is None:
        return None
    pins = PINS[board.ps.kind]
    own = ["hwgen/aclk", *(["hwgen/s_axi_aclk"] if design.options.clocks == 2 else [])]
    resets = [f"{clock.removesuffix('aclk')}aresetn" for clock in own]
    dma = ("s_axi_lite_aclk", "m_axi_mm2s_aclk", "m_axi_s2mm_aclk")
    clocked = [*own, *(f"dma/{name}" for name in dma), *(f"ps/{name}" for name in pins.clocks), "control/aclk",
               "memory/aclk", "reset/slowest_sync_clk"]  # fmt: skip
    mhz = f"{board.ps_clock_mhz:.6g}"
    return render(
        "block_design.tcl",
        FOLDER,
        top=design.top,
        board=board.name,
        part=board.part,
        board_part=board.ps.board_part,
        processing_system=pins.create.format(cell=board.ps.cell, mhz=mhz) + "\n",
        memory_bits=f"{{{board.ps.memory_bits}}}",
        beat_bits=f"{{{design.options.beat_bits}}}",
        vlnv=f"{VENDOR}:{LIBRARY}:{design.top}:{VERSION}",
        general_port=pins.general_port,
        memory_port=pins.memory_port,
        clock=pins.clock,
        clocked=" ".join(clocked),
        reset=pins.reset,
        resets=" ".join([*resets, "dma/axi_resetn", "control/aresetn", "memory/aresetn"]),
        interrupt=pins.interrupt,
        mhz=mhz,
    )


def out_of_context(design: IpDesign, board: Board) -> str:
    """The script that synthesises, places and routes the IP alone."""
    names = [*design.manifest["sources"], f"{design.top}.v"]
    return render(
        "out_of_context.tcl",
        FOLDER,
        top=design.top,
        part=board.part,
        read="".join(f"read_verilog [file join $here {name}]\n" for name in names),
    )
