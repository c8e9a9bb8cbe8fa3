"""A bench around an emitted IP in cocotb: a DMA's source and sink, a processor's reads and writes, the golden model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, SimTimeoutError, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from hwgen.ip import registers as at
from hwgen.ip.names import field_name
from hwgen.numerics.words import Words, slot_bytes
from hwgen.testbench.golden import Frame, GoldenModel
from hwgen.testbench.scoreboard import Mismatch
from hwgen.testbench.streams import pauses

PATIENCE = 20
"""A frame is waited for this many times as long as one takes without pauses, and PATIENCE_CYCLES more."""
PATIENCE_CYCLES = 20_000
FLAGS = ("frame_out", "frame_in", "frame_error", "length_error")
"""Events of IRQ_STATUS, from bit 0 on."""


class Hang(Mismatch):
    """A frame, or the end of a soft reset, did not come in time."""


class IpBench:
    """An emitted IP under test.

    Parameters
    ----------
    dut : the IP, the top of cocotb's simulation
    folder : the folder that it was emitted to
    period_ns, register_ns : of aclk, and of s_axi_aclk where there is one

    Attributes
    ----------
    golden : of the folder
    source, sink, lite : cocotbext-axi's
    """

    def __init__(self, dut: Any, folder: Path | str, period_ns: float = 10, register_ns: float = 13) -> None:
        self.dut, self.period_ns = dut, period_ns
        self.golden = GoldenModel(folder)
        self.entry = self.golden.design.manifest["ip"]
        self.two_clocks = self.entry["options"]["clocks"] == 2
        resets = ["aresetn", *(["s_axi_aresetn"] if self.two_clocks else [])]
        self._resets = [getattr(dut, name) for name in resets]
        for reset in self._resets:
            reset.value = 0
        Clock(dut.aclk, period_ns, unit="ns").start()
        if self.two_clocks:
            Clock(dut.s_axi_aclk, register_ns, unit="ns").start()
        for name in ("s_axis", "m_axis", "s_axi"):
            logging.getLogger(f"cocotb.{dut._name}.{name}").setLevel(logging.WARNING)
        stream: dict[str, Any] = {"clock": dut.aclk, "reset": dut.aresetn, "reset_active_level": False}
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), **stream)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), **stream)
        clock = dut.s_axi_aclk if self.two_clocks else dut.aclk
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), clock, self._resets[-1],
                                  reset_active_level=False)  # fmt: skip
        self.frames_in = self.frames_out = self.frame_errors = self.length_errors = 0

    async def reset(self) -> None:
        """Hold all resets, then release them."""
        for reset in self._resets:
            reset.value = 0
        await ClockCycles(self.dut.aclk, 8)
        for reset in self._resets:
            reset.value = 1
        await ClockCycles(self.dut.aclk, 4)
        self.frames_in = self.frames_out = self.frame_errors = self.length_errors = 0

    async def read(self, address: int) -> int:
        """Value of the register at an address."""
        return int(await with_timeout(self.lite.read_dword(address), PATIENCE_CYCLES * self.period_ns, "ns"))

    async def write(self, address: int, value: int) -> None:
        """Write a register."""
        await with_timeout(self.lite.write_dword(address, value), PATIENCE_CYCLES * self.period_ns, "ns")

    def stall(self, probability: float, seed: int = 1) -> None:
        """Let a pause begin in every cycle at either stream with this probability."""
        for place, port in enumerate((self.source, self.sink)):
            port.set_pause_generator(pauses(seed * 64 + place, probability) if probability else None)
            port.pause = False

    def input_bytes(self, words: Words) -> bytes:
        """A frame's words of the design's s_axis as the bytes that the IP takes."""
        return self._bytes(words, "input")

    def output_bytes(self, words: Words) -> bytes:
        """A frame's words of the design's m_axis as the bytes that the IP sends."""
        return self._bytes(words, "output")

    def _bytes(self, words: Words, port: str) -> bytes:
        about = self.entry[port]
        return slot_bytes(words, about["item_bytes"], about["used_bytes"])

    def send(self, data: bytes) -> None:
        """Queue a packet."""
        self.source.send_nowait(AxiStreamFrame(data))

    async def receive(self) -> bytes:
        """The next packet.

        Raises
        ------
        Hang : none comes
        """
        design = self.golden.design
        cycles = (design.prediction("latency_cycles") or 0) + design.input_beats + design.output_beats
        try:
            limit = (PATIENCE * cycles + PATIENCE_CYCLES) * self.period_ns
            return bytes((await with_timeout(self.sink.recv(), limit, "ns")).tdata)
        except SimTimeoutError:
            raise Hang("m_axis: a frame did not come") from None

    async def check(self, frame: Frame) -> None:
        """Take a packet and compare it with a frame's answer.

        Raises
        ------
        Mismatch : it differs
        Hang : none comes
        """
        got, wanted = await self.receive(), self.output_bytes(frame.output)
        if got != wanted:
            place = next((at for at, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), len(got))
            raise Mismatch(f"m_axis: {len(got)} bytes of {len(wanted)}, byte {place} differs")

    async def load(self, coefficients: Words | None) -> None:
        """Write and commit coefficients, where the design takes some."""
        if coefficients is None:
            return
        for place, word in enumerate(coefficients.tolist()):
            await self.write(at.COEFFICIENTS + 4 * place, word)
        await self.write(at.CONTROL, at.CONTROL_ENABLE | at.CONTROL_COMMIT)
        while await self.read(at.STATUS) & at.STATUS_COMMITTED:
            pass

    async def choose(self, frame: Frame) -> None:
        """Write the frame's profile, where the design has several; no frame may be under way."""
        if self.golden.design.profile_bits:
            await self.write(at.PROFILE, frame.profile)

    async def soft_reset(self) -> None:
        """Reset the design while streams go on: to the end of what has begun on either side."""
        await self.write(at.CONTROL, at.CONTROL_SOFT_RESET)
        busy = at.STATUS_INPUT_FRAME | at.STATUS_OUTPUT_FRAME
        for _ in range(PATIENCE_CYCLES):
            if not (await self.read(at.STATUS)) & busy and self.source.idle():
                break
        else:
            raise Hang("STATUS: a frame under way did not end in a soft reset")
        await self.write(at.CONTROL, at.CONTROL_ENABLE)

    async def expect(self, address: int, wanted: int, what: str) -> None:
        """Compare a register.

        Raises
        ------
        Mismatch : another value
        """
        if (got := await self.read(address)) != wanted:
            raise Mismatch(f"{what}: wanted {wanted:#x}, got {got:#x}")

    async def run(self, frames: int = 3, seed: int = 1, stall: float = 0.25) -> None:
        """Reset; what the registers say; whole frames; faulty ones; a soft reset in mid-frame; counters, interrupt.

        Raises
        ------
        Mismatch : anything is not as it should be
        """
        await self.reset()
        await self.identity()
        self.stall(stall, seed)
        pool = self.golden.frames(seed)
        await self.write(at.IRQ_ENABLE, at.IRQ_ENABLE_FRAME_OUT)
        await self.write(at.CONTROL, at.CONTROL_ENABLE)
        first = next(pool)
        await self.load(first.coefficients)
        whole = [first]
        for frame in pool:
            if len(whole) == frames:
                break
            whole.append(self.golden.frame(frame.input, first.coefficients, frame.kind, frame.profile))
        together = not self.golden.design.profile_bits
        if together:
            for frame in whole:
                self.send(self.input_bytes(frame.input))
        for frame in whole:
            if not together:
                await self.choose(frame)
                self.send(self.input_bytes(frame.input))
            await self.check(frame)
        await self.counted(frames, frames, 0, 0)
        await self._interrupt()
        await self.choose(first)
        await self._faults(whole[0], frames)
        await self.soft_reset_in_mid_frame(whole[0])
        self.stall(0)
        await ClockCycles(self.dut.aclk, 1000)
        if not self.sink.empty():
            raise Mismatch("m_axis: a packet behind the last frame")

    async def identity(self) -> None:
        """Compare every register behind a reset: constants with the manifest, others with their reset values."""
        given = self.entry["registers"]["constants"]
        for register in at.REGISTERS:
            wanted = 0
            for field in register.fields:
                wanted |= given.get(field_name(register.name, field.name), field.reset or 0) << field.low
            if register.name not in ("CYCLES", "INPUT_STARVED", "OUTPUT_STARVED"):  # which count already
                await self.expect(register.address, wanted, register.name)

    async def counted(self, frames_in: int, frames_out: int, frame_errors: int, length_errors: int) -> None:
        """Compare the counters of frames."""
        await self.expect(at.FRAMES_IN, frames_in, "FRAMES_IN")
        await self.expect(at.FRAMES_OUT, frames_out, "FRAMES_OUT")
        await self.expect(at.FRAME_ERRORS, frame_errors, "FRAME_ERRORS")
        await self.expect(at.LENGTH_ERRORS, length_errors, "LENGTH_ERRORS")

    async def _interrupt(self) -> None:
        """irq is high, its event is shown, and clearing the event lowers it."""
        await self.expect(at.IRQ_STATUS, at.IRQ_STATUS_FRAME_OUT | at.IRQ_STATUS_FRAME_IN, "IRQ_STATUS")
        if not int(self.dut.irq.value):
            raise Mismatch("irq: low, and a frame has left")
        await self.write(at.IRQ_STATUS, at.IRQ_STATUS_FRAME_OUT)
        await self.expect(at.IRQ_STATUS, at.IRQ_STATUS_FRAME_IN, "IRQ_STATUS")
        await ClockCycles(self.dut.aclk, 8)
        if int(self.dut.irq.value):
            raise Mismatch("irq: high, and its event was cleared")

    async def _faults(self, frame: Frame, before: int) -> None:
        """A frame too short, one too long, one that ends in the midst of an item; each time the next one is exact."""
        data, item = self.input_bytes(frame.input), self.entry["input"]["item_bytes"]
        cases = [(data[:-item], 1, 0), (data + data[:item], 1, 0)]
        if item > 1:
            cases.append((data + data[:1], 1, 1))
        errors = lengths = 0
        for number, (wrong, frame_error, length_error) in enumerate(cases):
            await self.write(at.IRQ_STATUS, 0xF)
            self.send(wrong)
            self.send(data)
            await self.receive()
            await self.check(frame)
            errors, lengths = errors + frame_error, lengths + length_error
            done = before + 2 * number + 2
            await self.counted(done, done, errors, lengths)
            flags = at.IRQ_STATUS_FRAME_OUT | at.IRQ_STATUS_FRAME_IN | at.IRQ_STATUS_FRAME_ERROR
            await self.expect(at.IRQ_STATUS, flags | (length_error << at.IRQ_STATUS_LENGTH_ERROR_LOW), "IRQ_STATUS")

    async def soft_reset_in_mid_frame(self, frame: Frame) -> None:
        """Reset the design while a frame is on its way in, or out; the next one is exact."""
        data = self.input_bytes(frame.input)
        half = len(data) // self.entry["input"]["beat_bytes"] // 2
        for wait in (half, self.golden.design.prediction("latency_cycles") or half):
            self.send(data)
            await ClockCycles(self.dut.aclk, max(wait, 1))
            await self.soft_reset()
            while not self.sink.empty():
                self.sink.recv_nowait()
            self.send(data)
            await self.check(frame)
