"""What `verify --ip` does to an IP, step by step, and what must come of it.

Every register behind a reset; the images, back to back where they share profile and coefficients; counters, to the
beat, and the interrupt; a soft reset while a frame comes in and one while a frame goes out, each with an exact frame
behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hwgen.ip import registers as at
from hwgen.ip.entry import IpEntry, ip_entry
from hwgen.ip.names import field_name
from hwgen.numerics.words import slot_bytes
from hwgen.sim import axi
from hwgen.sim.design import Design
from hwgen.verify import profiles
from hwgen.verify.reference import Reference

COUNTING = ("CYCLES", "INPUT_STARVED", "OUTPUT_STARVED")
"""Registers that count from the reset on."""
RESET_STALL = 0.25
"""Probability of a pause around soft resets, where the request has a lower one."""
QUIET = 1000
"""Cycles behind the last packet in which none may come."""
FRAME_EVENTS = at.IRQ_STATUS_FRAME_OUT | at.IRQ_STATUS_FRAME_IN


@dataclass
class Plan:
    """A script with what must come of it.

    numbers : place among the found numbers, the value that must stand there, and what it is, in words
    equal : two places whose numbers must be equal, and what they are
    marks : places of the marks, and the frames whose packets must follow each, in order
    """

    script: axi.Script = field(default_factory=axi.Script)
    numbers: list[tuple[int, int, str]] = field(default_factory=list)
    equal: list[tuple[int, int, str]] = field(default_factory=list)
    marks: list[tuple[int, list[int]]] = field(default_factory=list)

    def expect(self, address: int, wanted: int, what: str) -> None:
        """Read a register, which must have this value."""
        self.numbers.append((self.script.read(address), wanted, what))

    def irq(self, wanted: int, what: str) -> None:
        """The interrupt must have this level."""
        self.numbers.append((self.script.irq(), wanted, what))

    def mark(self, *frames: int) -> None:
        """From here on packets of these frames must come, and no others."""
        self.marks.append((self.script.mark(), list(frames)))


def as_ip(design: Design) -> Design:
    """The same with the IP's Verilog among its sources.

    Raises
    ------
    HwgenError : the folder has no IP
    """
    return replace(design, sources=tuple(design.folder / name for name in ip_entry(design).sources))


def planned(design: Design, golden: Reference, stall: float) -> Plan:
    """The script for the frames of a reference, with what must come of it.

    Parameters
    ----------
    stall : probability of a pause while the frames go through
    """
    entry, plan = ip_entry(design), Plan()
    script, frames, about = plan.script, len(golden.words), entry.input
    packets = [slot_bytes(words, about.item_bytes, about.used_bytes) for words in golden.words]
    given = entry.registers.constants
    for register in at.REGISTERS:
        wanted = 0
        for one in register.fields:
            wanted |= given.get(field_name(register.name, one.name), one.reset or 0) << one.low
        if register.name not in COUNTING:
            plan.expect(register.address, wanted, f"{register.name} behind a reset")

    def prepare(frame: int) -> None:
        """Coefficients and profile of a frame that comes next."""
        if golden.coefficients is not None:
            script.poll(at.STATUS, at.STATUS_COMMITTED, 0)
            for place, word in enumerate(golden.coefficients[frame].tolist()):
                script.write(at.COEFFICIENTS + 4 * place, word)
            script.write(at.CONTROL, at.CONTROL_ENABLE | at.CONTROL_COMMIT)
        if design.profile_bits:
            script.write(at.PROFILE, profiles.driven(golden.profiles[frame], golden.graph.profiles, frame))

    script.write(at.IRQ_ENABLE, at.IRQ_ENABLE_FRAME_OUT)
    script.write(at.CONTROL, at.CONTROL_ENABLE)
    script.stall(stall)
    plan.irq(0, "irq before the first frame")
    plan.mark(*range(frames))
    for frame, packet in enumerate(packets):
        prepare(frame)
        script.send(packet)
        if design.profile_bits:  # which is not to change while a frame is under way
            script.received(frame + 1)
    script.received(frames)
    _counted(plan, entry, frames)
    script.stall(max(stall, RESET_STALL))
    script.mark()  # the beats of the frame that the reset meets
    prepare(0)
    script.send(packets[0])
    script.taken(max(1, about.beats // 2))
    _soft_reset(script)
    plan.mark(0)
    prepare(0)
    script.send(packets[0])
    script.received(1)
    script.mark()
    prepare(0)
    script.send(packets[0])
    script.given(max(1, entry.output.beats // 2))
    _soft_reset(script)
    plan.mark(frames - 1)
    prepare(frames - 1)
    script.send(packets[-1])
    script.received(1)
    plan.expect(at.FRAME_ERRORS, 0, "FRAME_ERRORS at the end")
    plan.expect(at.LENGTH_ERRORS, 0, "LENGTH_ERRORS at the end")
    script.stall(0)
    script.wait(QUIET)
    script.mark()
    return plan


def _counted(plan: Plan, entry: IpEntry, frames: int) -> None:
    """Counters and interrupt behind so many frames."""
    script = plan.script
    plan.expect(at.FRAMES_IN, frames, "FRAMES_IN")
    plan.expect(at.FRAMES_OUT, frames, "FRAMES_OUT")
    plan.expect(at.FRAME_ERRORS, 0, "FRAME_ERRORS")
    plan.expect(at.LENGTH_ERRORS, 0, "LENGTH_ERRORS")
    counts = script.counts()
    for place, (address, name) in enumerate((
        (at.INPUT_BUSY, "INPUT_BUSY"), (at.INPUT_STALLED, "INPUT_STALLED"), (at.OUTPUT_BUSY, "OUTPUT_BUSY"),
        (at.OUTPUT_STALLED, "OUTPUT_STALLED"),
    )):  # fmt: skip
        plan.equal.append((script.read(address), counts + place, name))
    for place, port, name in ((0, entry.input, "input"), (2, entry.output, "output")):
        plan.numbers.append((counts + place, frames * port.beats, f"beats of the {name}"))
    plan.expect(at.IRQ_STATUS, FRAME_EVENTS, "IRQ_STATUS")
    plan.irq(1, "irq behind the frames")
    script.write(at.IRQ_STATUS, at.IRQ_STATUS_FRAME_OUT)
    plan.expect(at.IRQ_STATUS, at.IRQ_STATUS_FRAME_IN, "IRQ_STATUS, cleared")
    script.wait(8)
    plan.irq(0, "irq, its event cleared")


def _soft_reset(script: axi.Script) -> None:
    """Reset the design, and let what has begun on either side come to its end."""
    script.write(at.CONTROL, at.CONTROL_SOFT_RESET)
    script.drained()
    script.poll(at.STATUS, at.STATUS_INPUT_FRAME | at.STATUS_OUTPUT_FRAME, 0)
    script.write(at.CONTROL, at.CONTROL_ENABLE)
