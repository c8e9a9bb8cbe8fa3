"""A model of the AXI DMA (PG021, direct register mode) in cocotb, and of the memory that it reaches.

Its streams keep AXI4-Stream's rules and stop where no transfer waits. The processor sees memory through a cache that is
not coherent: what is not flushed is not sent, what is not invalidated is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, Event, RisingEdge

BASE = 0x1000_0000
"""Address of the memory."""
LATENCY = 8
"""Cycles that an access to the DMA's registers takes."""
RUN, RESET = 1, 4
"""Bits of a channel's control register."""
HALTED, IDLE, ERROR, ERRORS = 1, 2, 0x10, 0x70
"""Bits of its status register: internal error alone, and all three errors."""
CONTROL, STATUS, ADDRESS, LENGTH = 0x00, 0x04, 0x18, 0x28
"""Offsets of a channel's registers."""
CHANNELS = {"send": 0x00, "receive": 0x30}
"""Offsets of the channels."""


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
