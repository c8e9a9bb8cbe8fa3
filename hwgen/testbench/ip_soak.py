"""Faults at an IP's AXI ports in cocotb: what a DMA, a processor and a reset may do to it, thousands of times.

Every fault is followed by a good frame, which must be exact; counters and flags are compared behind each. The test
takes its settings from the JSON file of the plusarg `settings`, and leaves what it found in another (`hwgen.soak.axi`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, SimTimeoutError
from cocotbext.axi import AxiStreamSink, AxiStreamSource

from hwgen.ip import registers as at
from hwgen.testbench.golden import Frame
from hwgen.testbench.ip import Hang, IpBench
from hwgen.testbench.scoreboard import Mismatch

STALLS = (0.0, 0.3)
"""Probabilities of a pause, in turn."""
POOL = 4
"""Different good frames."""
FRAME_FLAGS = at.IRQ_STATUS_FRAME_OUT | at.IRQ_STATUS_FRAME_IN


class IpSoak(IpBench):
    """The bench and its faults.

    Parameters
    ----------
    dut, folder : as of IpBench
    seed : of frames, faults and pauses
    """

    def __init__(self, dut: Any, folder: Path | str, seed: int) -> None:
        super().__init__(dut, folder)
        self.random = Random(seed)
        self.seed = seed
        self.item, self.beat = self.entry["input"]["item_bytes"], self.entry["input"]["beat_bytes"]
        self.span = (self.golden.design.prediction("latency_cycles") or 100) + self.golden.design.input_beats
        self.faults: dict[str, Callable[[Frame], Awaitable[None]]] = {
            "short": self.short, "long": self.long, "torn": self.torn, "early TLAST": self.early,
            "stopped sink": self.stopped_sink, "stopped source": self.stopped_source,
            "register traffic": self.register_traffic, "disabled": self.disabled, "soft reset": self.soft_reset_amid,
        }  # fmt: skip
        if self.item == 1:
            del self.faults["torn"]  # nothing can be torn

    async def start(self) -> None:
        """Reset, load coefficients where there are some, and make the pool of good frames."""
        await self.reset()
        frames = self.golden.frames(self.seed)
        first = next(frames)
        await self.write(at.CONTROL, at.CONTROL_ENABLE)
        await self.load(first.coefficients)
        others = [
            self.golden.frame(frame.input, first.coefficients, frame.kind, frame.profile)
            for frame in islice(frames, POOL - 1)
        ]
        self.pool = [first, *others]

    async def fault(self, kind: str) -> None:
        """One fault, the good frame behind it, and what the registers then say.

        Raises
        ------
        Mismatch, SimTimeoutError : anything is not as it should be
        """
        await self.write(at.IRQ_STATUS, 0xF)
        self.flags = FRAME_FLAGS
        frame = self.random.choice(self.pool)
        await self.choose(frame)
        await self.faults[kind](frame)
        self.send(self.input_bytes(frame.input))
        await self.check(frame)
        self.frames_in, self.frames_out = self.frames_in + 1, self.frames_out + 1
        await self.counted(self.frames_in, self.frames_out, self.frame_errors, self.length_errors)
        await self.expect(at.IRQ_STATUS, self.flags, f"{kind}: IRQ_STATUS")
        if not self.sink.empty():
            raise Mismatch("m_axis: a packet too many")

    async def _wrong(self, data: bytes, length_error: bool = False) -> None:
        """Send a packet of a wrong length; a frame comes out of it."""
        self.send(data)
        await self.receive()
        self.frames_in, self.frames_out = self.frames_in + 1, self.frames_out + 1
        self.frame_errors += 1
        self.length_errors += length_error
        self.flags |= at.IRQ_STATUS_FRAME_ERROR | (at.IRQ_STATUS_LENGTH_ERROR * length_error)

    async def short(self, frame: Frame) -> None:
        """Items are missing at the end."""
        data = self.input_bytes(frame.input)
        await self._wrong(data[: self.item * self.random.randrange(1, len(data) // self.item)])

    async def long(self, frame: Frame) -> None:
        """Items too many, up to another frame."""
        data = self.input_bytes(frame.input)
        await self._wrong(data + data[: self.item * self.random.randint(1, len(data) // self.item)])

    async def torn(self, frame: Frame) -> None:
        """Bytes too many, and no whole item."""
        data = self.input_bytes(frame.input)
        # Of an item that is not used whole, the bytes behind the used ones may be missing.
        used = self.entry["input"]["used_bytes"]
        await self._wrong(data + data[: self.random.randrange(1, used)], length_error=True)

    async def early(self, frame: Frame) -> None:
        """One packet becomes two."""
        data = self.input_bytes(frame.input)
        place = self.item * self.random.randrange(1, len(data) // self.item)
        await self._wrong(data[:place])
        await self._wrong(data[place:])

    async def stopped_sink(self, frame: Frame) -> None:
        """The sink takes nothing for longer than a frame takes."""
        self.send(self.input_bytes(frame.input))
        await ClockCycles(self.dut.aclk, self.random.randrange(self.span))
        await self._stop(self.sink, self.span)
        await self._whole(frame)

    async def stopped_source(self, frame: Frame) -> None:
        """Between two beats of a frame nothing comes for a while."""
        self.send(self.input_bytes(frame.input))
        await ClockCycles(self.dut.aclk, self.random.randrange(1, self.golden.design.input_beats + 1))
        await self._stop(self.source, self.random.randrange(self.span))
        await self._whole(frame)

    async def _stop(self, port: AxiStreamSource | AxiStreamSink, cycles: int) -> None:
        """Let a source or sink pause for so many cycles, and then go on with or without pauses as before."""
        generator = port._pause_generator
        port.clear_pause_generator()
        port.pause = True
        await ClockCycles(self.dut.aclk, cycles)
        port.pause = False
        if generator is not None:
            self.stall(STALLS[1], self.random.getrandbits(16))

    async def register_traffic(self, frame: Frame) -> None:
        """Reads everywhere, and writes where nothing is to change."""
        self.send(self.input_bytes(frame.input))
        harmless = [one.address for one in at.REGISTERS if all(field.access == "r" for field in one.fields)]
        for _ in range(self.random.randrange(4, 12)):
            if self.random.random() < 0.6:
                await self.read(4 * self.random.randrange(0x400))
            else:
                place = self.random.choice([*harmless, 0x0FC, 0x3FC, 0x800, 0xFFC])
                await self.write(place, self.random.getrandbits(32))
        await self._whole(frame)

    async def disabled(self, frame: Frame) -> None:
        """A frame that has begun goes on without CONTROL.enable, and the next one waits for it."""
        data = self.input_bytes(frame.input)
        self.send(data)
        await ClockCycles(self.dut.aclk, self.random.randrange(self.span))
        await self.write(at.CONTROL, 0)
        # The status first: its frame may end before the counter is read.
        begun = await self.read(at.STATUS) & at.STATUS_INPUT_FRAME or await self.read(at.FRAMES_IN) != self.frames_in
        if begun:
            await self._whole(frame)
            self.send(data)
        await ClockCycles(self.dut.aclk, self.span // 2)
        await self.expect(at.FRAMES_IN, self.frames_in, "FRAMES_IN while disabled")
        await self.write(at.CONTROL, at.CONTROL_ENABLE)
        await self._whole(frame)

    async def soft_reset_amid(self, frame: Frame) -> None:
        """The design is reset while a frame comes in, or goes out, or is in between; counters tell which."""
        self.send(self.input_bytes(frame.input))
        await ClockCycles(self.dut.aclk, self.random.randrange(1, 2 * self.span))
        await self.soft_reset()
        while not self.sink.empty():
            self.sink.recv_nowait()
        for name, address in (("frames_in", at.FRAMES_IN), ("frames_out", at.FRAMES_OUT)):
            found, before = await self.read(address), getattr(self, name)
            if found not in (before, before + 1):
                raise Mismatch(f"{name}: {found}, and {before} before a soft reset")
            setattr(self, name, found)

    async def _whole(self, frame: Frame) -> None:
        await self.check(frame)
        self.frames_in, self.frames_out = self.frames_in + 1, self.frames_out + 1


@cocotb.test()
async def soak(dut: Any) -> None:
    """The faults of the settings, and a record of each kind."""
    path = Path(str(cocotb.plusargs["settings"]))
    settings = json.loads(path.read_text(encoding="utf-8"))
    bench = IpSoak(dut, settings["folder"], settings["seed"])
    await bench.start()
    found = {kind: {"faults": 0, "wrong": 0, "hangs": 0, "first": None} for kind in bench.faults}
    kinds = list(bench.faults)
    for number in range(settings["faults"]):
        kind = kinds[number % len(kinds)]
        record: dict[str, Any] = found[kind]
        record["faults"] += 1
        if number % (25 * len(kinds)) == 0:
            bench.stall(STALLS[number // (25 * len(kinds)) % len(STALLS)], settings["seed"] + number)
        try:
            await bench.fault(kind)
        except (Mismatch, SimTimeoutError) as error:
            record["hangs" if isinstance(error, (Hang, SimTimeoutError)) else "wrong"] += 1
            record["first"] = record["first"] or f"fault {number}: {error}"
            break  # the bench does not know what is on its way
    path.with_name("found.json").write_text(json.dumps(found), encoding="utf-8")
