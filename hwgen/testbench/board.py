"""A stand-in for a board: processor, memory and AXI DMA around an IP in a simulation, for its drivers as they are.

    board = Board(dut)                              # in a cocotb test, `dut` an IP of hwgen
    await bridge(program)(board)                    # program: plain Python, which uses a driver

Registers are reached by AXI4-Lite through cocotbext-axi, the streams by the model of a DMA (axi_dma.py), which both
drivers use. `Board.pynq()` gives what a driver imports of pynq.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

from hwgen.testbench.axi_dma import Buffer, Dma, Memory
from hwgen.testbench.pynq_dma import PynqDma, Registers


class Board:
    """An IP of hwgen with all that surrounds it, its clock running and its reset over when `start` has returned.

    Parameters
    ----------
    dut : the IP's module
    pauses : as of `Dma`
    """

    def __init__(self, dut: Any, pauses: Iterator[bool] | None = None) -> None:
        self.dut, self.memory = dut, Memory()
        self.dma = Dma(dut, self.memory, None if pauses is None else lambda: next(pauses))
        self.lite: Any = None

    async def start(self) -> None:
        """Clock and reset."""
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, 10, "ns").start()
        bus = AxiLiteBus.from_prefix(self.dut, "s_axi")
        self.lite = AxiLiteMaster(bus, self.dut.aclk, self.dut.aresetn, reset_active_level=False)
        await ClockCycles(self.dut.aclk, 8)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    async def read_register(self, offset: int) -> int:
        """Read a register of the IP."""
        return int.from_bytes((await self.lite.read(offset, 4)).data, "little")

    async def write_register(self, offset: int, value: int) -> None:
        """Write a register of the IP."""
        await self.lite.write(offset, value.to_bytes(4, "little"))

    @staticmethod
    def seconds() -> float:
        """The simulation's time, for the clock of a driver."""
        return float(get_sim_time("ns")) * 1e-9

    def pynq(self) -> types.ModuleType:
        """A module with what a driver takes of pynq; to be called where drivers run, under cocotb's `bridge`."""
        registers = Registers(self.read_register, self.write_register)
        dma, made = PynqDma(self.dma), types.ModuleType("pynq")

        class Overlay:
            """An overlay with this IP and one DMA, whatever its file."""

            def __init__(self, bitfile: str) -> None:
                self.bitfile_name = bitfile
                self.hwgen_ip_0, self.axi_dma_0 = registers, dma
                self.ip_dict = {
                    "hwgen_ip_0": {"type": "hwgen:ip:hwgen_ip:1.0"},
                    "axi_dma_0": {"type": "xilinx.com:ip:axi_dma:7.1"},
                    "processing_system7_0": {"type": "xilinx.com:ip:processing_system7:5.5"},
                }

        made.__dict__.update(Overlay=Overlay, allocate=self.memory.allocate, Buffer=Buffer)
        return made
