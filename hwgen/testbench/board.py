"""A stand-in for a board: processor, memory and AXI DMA around an IP in a simulation, for its drivers as they are.

    board = Board(dut)                              # in a cocotb test, `dut` an IP of hwgen
    await bridge(program)(board)                    # program: plain Python, which uses a driver

Registers are reached by AXI4-Lite through cocotbext-axi. The DMA is a model of PG021's direct register mode, by which
pynq's DMA class and the C driver both work it; its streams keep AXI4-Stream's rules and stop where no transfer waits.
Memory has a cache that is not coherent: what is not flushed is not sent, what is not invalidated is not seen.
`Board.pynq()` gives what a driver imports of pynq.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import resume
from cocotb.triggers import ClockCycles, Event, RisingEdge
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

BASE = 0x1000_0000
"""Address of the memory."""
LATENCY = 8
"""Cycles that an access to the DMA's registers takes."""
RUN, RESET = 1, 4
HALTED, IDLE, ERROR = 1, 2, 0x10
LENGTH, ADDRESS, STATUS, CONTROL = 0x28, 0x18, 0x04, 0x00
CHANNELS = {"send": 0x00, "receive": 0x30}


class Buffer(np.ndarray):
    """Memory as the processor sees it through its cache: `pynq.Buffer`."""

    memory: Memory
    physical_address: int

    @property
    def device_address(self) -> int:
        return self.physical_address

    def flush(self) -> None:
        """Write the cache back."""
        start = self.physical_address - BASE
        self.memory.bytes[start : start + self.nbytes] = np.frombuffer(self.tobytes(), np.uint8)

    def invalidate(self) -> None:
        """Drop the cache: see what stands in memory."""
        start = self.physical_address - BASE
        stored = self.memory.bytes[start : start + self.nbytes]
        self[...] = stored.view(self.dtype).reshape(self.shape)

    def freebuffer(self) -> None:
        """Give it back; this memory is not used again."""


class Memory:
    """Bytes at BASE and behind it, given out once.

    Parameters
    ----------
    size : in bytes
    """

    def __init__(self, size: int = 1 << 22) -> None:
        self.bytes = np.full(size, 0xA5, np.uint8)
        self.free = 0

    def allocate(self, shape: Any, dtype: Any = np.uint32, **_: Any) -> Buffer:
        """`pynq.allocate`: at a page of its own, not cleared."""
        made = np.full(shape, 0x5A, np.uint8).astype(dtype).view(Buffer)
        made.memory, made.physical_address = self, BASE + self.free
        self.free += -(-made.nbytes // 4096) * 4096
        assert self.free <= len(self.bytes), f"wanted at most {len(self.bytes)} bytes in all, got {self.free}"
        return made

    def part(self, address: int, size: int) -> np.ndarray | None:
        """The bytes of an address range; None where there is no memory."""
        start = address - BASE
        return self.bytes[start : start + size] if 0 <= start <= start + size <= len(self.bytes) else None


class Dma:
    """AXI DMA, PG021, direct register mode, one channel in each direction.

    Parameters
    ----------
    dut : the IP, with s_axis and m_axis
    memory : that it reaches
    pauses : whether a beat is held back in a cycle, for each direction in turn; None never does
    """

    def __init__(self, dut: Any, memory: Memory, pauses: Callable[[], bool] | None = None) -> None:
        self.dut, self.memory, self.pauses = dut, memory, pauses or (lambda: False)
        self.beat_bytes = len(dut.s_axis_tkeep)
        self.status = dict.fromkeys(CHANNELS, HALTED)
        self.address = dict.fromkeys(CHANNELS, 0)
        self.length = dict.fromkeys(CHANNELS, 0)
        self.begun = {name: Event() for name in CHANNELS}
        dut.s_axis_tvalid.value = dut.m_axis_tready.value = 0
        cocotb.start_soon(self._sends())
        cocotb.start_soon(self._receives())

    # -- registers -----------------------------------------------------------------------------------------------------

    async def read_register(self, offset: int) -> int:
        """Read a register, which takes LATENCY cycles."""
        await ClockCycles(self.dut.aclk, LATENCY)
        name, place = self._place(offset)
        if place == CONTROL:
            return 0 if self.status[name] & HALTED else RUN
        return {STATUS: self.status, ADDRESS: self.address, LENGTH: self.length}[place][name]

    async def write_register(self, offset: int, value: int) -> None:
        """Write a register, which takes LATENCY cycles."""
        await ClockCycles(self.dut.aclk, LATENCY)
        name, place = self._place(offset)
        if place == CONTROL:
            if value & RESET:
                self.status = dict.fromkeys(CHANNELS, HALTED)
            elif value & RUN:
                self.status[name] &= ~HALTED
            else:
                self.status[name] |= HALTED
        elif place == ADDRESS:
            self.address[name] = value
        elif place == LENGTH and not self.status[name] & HALTED:
            self.length[name] = value
            self.status[name] &= ~IDLE
            self.begun[name].set()

    @staticmethod
    def _place(offset: int) -> tuple[str, int]:
        name = "receive" if offset >= CHANNELS["receive"] else "send"
        return name, offset - CHANNELS[name]

    def _fail(self, name: str) -> None:
        """Internal and decode errors halt a channel."""
        self.status[name] |= ERROR | HALTED

    # -- streams -------------------------------------------------------------------------------------------------------

    async def _transfers(self, name: str) -> np.ndarray:
        """The memory of the next transfer of a channel, when it begins."""
        while True:
            await self.begun[name].wait()
            self.begun[name].clear()
            if self.status[name] & HALTED:
                continue
            part = self.memory.part(self.address[name], self.length[name])
            if part is not None and self.address[name] % 4 == 0 and len(part):
                return part
            self._fail(name)

    async def _sends(self) -> None:
        dut, edge = self.dut, RisingEdge(self.dut.aclk)
        while True:
            data = await self._transfers("send")
            for start in range(0, len(data), self.beat_bytes):
                beat = data[start : start + self.beat_bytes].tobytes()
                while self.pauses():
                    await edge
                dut.s_axis_tdata.value = int.from_bytes(beat, "little")
                dut.s_axis_tkeep.value = (1 << len(beat)) - 1
                dut.s_axis_tlast.value = int(start + self.beat_bytes >= len(data))
                dut.s_axis_tvalid.value = 1
                await edge
                while not int(dut.s_axis_tready.value) and not self.status["send"] & HALTED:
                    await edge
                dut.s_axis_tvalid.value = 0
                if self.status["send"] & HALTED:
                    break
            else:
                self.status["send"] |= IDLE

    async def _receives(self) -> None:
        dut, edge = self.dut, RisingEdge(self.dut.aclk)
        while True:
            room = await self._transfers("receive")
            data, last = b"", False
            while not last and not self.status["receive"] & HALTED:
                ready = not self.pauses()
                dut.m_axis_tready.value = int(ready)
                await edge
                if ready and int(dut.m_axis_tvalid.value):
                    kept, last = int(dut.m_axis_tkeep.value), bool(int(dut.m_axis_tlast.value))
                    beat = int(dut.m_axis_tdata.value).to_bytes(self.beat_bytes, "little")
                    data += beat[: kept.bit_length()]
                    if len(data) > len(room):
                        self._fail("receive")
            dut.m_axis_tready.value = 0
            if last and not self.status["receive"] & HALTED:
                room[: len(data)] = np.frombuffer(data, np.uint8)
                self.length["receive"] = len(data)
                self.status["receive"] |= IDLE


class Registers:
    """`read` and `write` of a processor, which block until the simulation has done them: pynq's MMIO, or DefaultIP."""

    def __init__(self, read: Callable[[int], Any], write: Callable[[int, int], Any]) -> None:
        self._read, self._write = resume(read), resume(write)

    def read(self, offset: int = 0) -> int:
        return int(self._read(offset))

    def write(self, offset: int, value: int) -> None:
        self._write(offset, value)


class Channel:
    """A channel of `PynqDma`, with the names and errors of pynq's."""

    def __init__(self, registers: Registers, name: str) -> None:
        self._registers, self._offset, self._sends = registers, CHANNELS[name], name == "send"
        self._active: Buffer | None = None
        self.start()

    def _status(self) -> int:
        return self._registers.read(self._offset + STATUS)

    @property
    def running(self) -> bool:
        return not self._status() & HALTED

    @property
    def idle(self) -> bool:
        return bool(self._status() & IDLE)

    @property
    def error(self) -> bool:
        return bool(self._status() & 0x70)

    def start(self) -> None:
        self._registers.write(self._offset + CONTROL, RUN)
        self._first = True

    def stop(self) -> None:
        self._registers.write(self._offset + CONTROL, 0)

    def transfer(self, array: Buffer) -> None:
        if not self.running:
            raise RuntimeError("DMA channel not started")
        if not self.idle and not self._first:
            raise RuntimeError("DMA channel not idle")
        if self._sends:
            array.flush()
        self._registers.write(self._offset + ADDRESS, array.physical_address)
        self._registers.write(self._offset + LENGTH, array.nbytes)
        self._active, self._first = array, False

    def wait(self) -> None:
        if not self.running:
            raise RuntimeError("DMA channel not started")
        while not self.idle:
            if self.error:
                raise RuntimeError("DMA error")
        if not self._sends and self._active is not None:
            self._active.invalidate()


class PynqDma(Registers):
    """pynq.lib.dma.DMA."""

    def __init__(self, dma: Dma) -> None:
        super().__init__(dma.read_register, dma.write_register)
        self.sendchannel, self.recvchannel = Channel(self, "send"), Channel(self, "receive")


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
