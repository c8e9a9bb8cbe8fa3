"""A whole bench around an emitted design in cocotb: clock, reset, sources, sink, monitors, golden model, scoreboard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout

from hwgen.testbench.golden import Frame, GoldenModel
from hwgen.testbench.scoreboard import Mismatch, Scoreboard
from hwgen.testbench.streams import Monitor, Sink, Source, pauses

WATCH = 1000
"""Cycles for which the output is watched behind the last frame."""
COUNTERS = ("frame_error", "frame_errors")
"""Outputs of the design that stay 0 as long as all input frames are whole."""


class Bench:
    """An emitted design under test.

    Parameters
    ----------
    dut : the design, the top of cocotb's simulation or a handle inside one
    folder : the folder that it was emitted to
    period_ns : of its clock
    drive_clock : whether the bench drives aclk, or something else does

    Attributes
    ----------
    golden, scoreboard : of the folder
    sources : of the input ports, by name: s_axis, and s_coef where the design has it
    sink : of m_axis
    monitors : of all ports, by name
    """

    def __init__(self, dut: Any, folder: Path | str, period_ns: float = 10, drive_clock: bool = True) -> None:
        self.dut = dut
        self.golden = GoldenModel(folder)
        self.scoreboard = Scoreboard(self.golden.design)
        self.period_ns = period_ns
        dut.aresetn.value = 0
        if drive_clock:
            Clock(dut.aclk, period_ns, unit="ns").start()
        inputs = ["s_axis", *(["s_coef"] if self.golden.design.coefficient_beats else [])]
        self.sources = {name: Source(dut, name) for name in inputs}
        self.sink = Sink(dut)
        self.monitors = {name: Monitor(dut, name) for name in [*inputs, "m_axis"]}
        self._profiles: deque[int] = deque()
        if self.golden.design.profile_bits:
            cocotb.start_soon(self._drive_profile())

    async def reset(self, cycles: int = 8) -> None:
        """Hold aresetn at 0 for so many cycles, then release it."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, cycles)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 1)

    def stall(self, probability: float, seed: int = 1) -> None:
        """Let a pause begin in every cycle at every port with this probability, each port at times of its own."""
        ports: list[Source | Sink] = [*self.sources.values(), self.sink]
        for place, port in enumerate(ports):
            port.set_pause_generator(pauses(seed * 64 + place, probability) if probability else None)
            port.pause = False

    async def send(self, frames: Iterable[Frame]) -> int:
        """Queue frames and what must come of them; the number of frames."""
        count = 0
        for frame in frames:
            for name, words in frame.inputs.items():
                self.sources[name].send_words(words)
            self.scoreboard.expect(frame.output)
            self._profiles.append(frame.profile)
            count += 1
        return count

    async def _drive_profile(self) -> None:
        """Give each frame's profile while its first beat waits, and another number at all other beats."""
        dut, edge, beat = self.dut, RisingEdge(self.dut.aclk), 0
        while True:
            profile = self._profiles[0] if self._profiles else 0
            dut.profile.value = profile if beat == 0 else profile ^ 1
            await edge
            if str(dut.aresetn.value) != "1":
                beat = 0
            elif str(dut.s_axis_tvalid.value) == str(dut.s_axis_tready.value) == "1":
                beat = (beat + 1) % self.golden.design.input_beats
                if beat == 0 and self._profiles:
                    self._profiles.popleft()

    async def check(self, frames: int) -> None:
        """Take so many frames and compare them.

        Raises
        ------
        Mismatch : one differs, or none comes in ten times what the manifest predicts for a frame
        """
        predicted = self.golden.design.prediction("latency_cycles") or 0
        beats = self.golden.design.input_beats + self.golden.design.output_beats
        for _ in range(frames):
            cycles, waited = 10 * (predicted + beats) + 10 * WATCH, 0
            while True:
                before = sum(monitor.beats for monitor in self.monitors.values())
                try:
                    words = await with_timeout(self.sink.receive_words(), cycles * self.period_ns, "ns")
                    break
                except SimTimeoutError:
                    waited += cycles
                    if before == sum(monitor.beats for monitor in self.monitors.values()):
                        raise Mismatch(
                            f"output: frame {self.scoreboard.frames} did not come; no beat at any port for {waited}"
                            " cycles"
                        ) from None
            self.scoreboard.check(words)

    async def run(self, frames: int | Iterable[Frame] = 3, seed: int = 1, stall: float = 0.25) -> None:
        """Reset, send frames with pauses, compare all of them, and see that nothing more comes.

        Parameters
        ----------
        frames : the first so many of the golden model's, or frames of one's own
        seed : of the golden model's frames and of the pauses
        stall : probability with which a pause begins, in each cycle, at each port

        Raises
        ------
        Mismatch : the output differs; input that was not taken; a frame that was counted as faulty
        """
        done = self.scoreboard.frames
        self.stall(stall, seed)
        await self.reset()
        sent = islice(self.golden.frames(seed), frames) if isinstance(frames, int) else frames
        await self.check(await self.send(sent))
        self.stall(0)
        await ClockCycles(self.dut.aclk, WATCH)
        while not self.sink.empty():
            self.scoreboard.check(await self.sink.receive_words())
        self.scoreboard.finish()
        design = self.golden.design
        total = self.scoreboard.frames - done
        expected = {"s_axis": design.input_beats, "s_coef": design.coefficient_beats, "m_axis": design.output_beats}
        for name, monitor in self.monitors.items():
            if monitor.beats != total * expected[name]:
                raise Mismatch(f"{name}: {monitor.beats} beats instead of {total * expected[name]}, in {total} frames")
        for name in COUNTERS:
            if name in design.manifest["ports"] and int(getattr(self.dut, name).value):
                raise Mismatch(f"{name}: not 0, and all frames were whole")
        cycles = self.monitors["m_axis"].last_cycle
        self.dut._log.info("%d frames as they must be, in %d cycles", total, cycles)
