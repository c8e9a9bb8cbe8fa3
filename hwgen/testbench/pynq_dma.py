"""pynq's interfaces to registers and to the AXI DMA, on those of a simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cocotb.task import resume

from hwgen.testbench.axi_dma import ADDRESS, CHANNELS, CONTROL, ERRORS, HALTED, IDLE, LENGTH, RUN, STATUS, Buffer, Dma


class Registers:
    """A processor's reads and writes, which block until the simulation has done them: pynq's MMIO, or DefaultIP."""

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
        return bool(self._status() & ERRORS)

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
