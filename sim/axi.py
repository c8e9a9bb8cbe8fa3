"""Simulation of an IP at its AXI ports: a script of what processor and DMA do, and what came of it (axi.cpp).

Packets go in and come out beside the script, whose steps wait for what they say. The bench itself watches the rules of
AXI4-Stream and AXI4-Lite on what the IP drives. It runs without Python, as fast as the design can be simulated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwgen import process
from hwgen.sim import runner

PROGRAM = Path(__file__).resolve().parent / "axi.cpp"
"""The bench."""
STALL_UNIT = 1 << 16
"""The bench counts probabilities in parts of this."""


@dataclass
class Script:
    """Steps of a simulation, in order; each begins when the one before has ended. Behind a reset of both sides.

    `read`, `irq`, `counts` and `mark` give numbers: the place of the first of them among all that the run found.
    """

    lines: list[str] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    numbers: int = 0

    def write(self, address: int, value: int) -> None:
        """Write a register."""
        self.lines.append(f"write {address} {value}")

    def read(self, address: int) -> int:
        """Read a register."""
        return self._gives(f"read {address}", 1)

    def poll(self, address: int, mask: int, value: int) -> None:
        """Read a register until the bits of a mask have a value."""
        self.lines.append(f"poll {address} {mask} {value}")

    def send(self, packet: bytes) -> None:
        """Queue a packet for s_axis."""
        self.lines.append(f"send {len(self.content)} {len(packet)}")
        self.content += packet

    def stall(self, probability: float) -> None:
        """From here on a pause begins in a cycle with this probability, at each port and channel by itself."""
        self.lines.append(f"stall {round(probability * STALL_UNIT)}")

    def mark(self) -> int:
        """A point in time: number of packets that have begun on m_axis. Those below count from the last one on."""
        return self._gives("mark", 1)

    def taken(self, beats: int) -> None:
        """Wait until s_axis has taken so many beats since the mark."""
        self.lines.append(f"taken {beats}")

    def given(self, beats: int) -> None:
        """Wait until m_axis has given so many beats since the mark."""
        self.lines.append(f"given {beats}")

    def received(self, packets: int) -> None:
        """Wait until so many packets have ended on m_axis since the mark."""
        self.lines.append(f"received {packets}")

    def drained(self) -> None:
        """Wait until all packets have been sent."""
        self.lines.append("drained")

    def wait(self, cycles: int) -> None:
        """Wait for so many cycles of aclk."""
        self.lines.append(f"wait {cycles}")

    def irq(self) -> int:
        """Level of the interrupt."""
        return self._gives("irq", 1)

    def counts(self) -> int:
        """Since the reset: beats of s_axis and its cycles of valid without ready, then the same of m_axis."""
        return self._gives("counts", 4)

    def _gives(self, line: str, count: int) -> int:
        self.lines.append(line)
        self.numbers += count
        return self.numbers - count


@dataclass(frozen=True)
class Packet:
    """A packet of m_axis: its bytes, the cycles of its first and last beat, and whether it has ended."""

    data: bytes
    first: int
    last: int
    ended: bool


@dataclass(frozen=True)
class Played:
    """What came of a script.

    hung_at : the step that did not end, in the script's words; None where all have
    found : the numbers that the script asked for; those behind the end of a hung one are missing
    packets : of m_axis, in order
    sent : cycles of the first and the last beat of each packet that s_axis has begun to take
    broken, broken_cycle : the first broken rule in words, None where there is none, and when
    cycles : of aclk
    seconds, build_seconds : of the run, and of the simulator's build
    """

    hung_at: str | None
    found: tuple[int, ...]
    packets: tuple[Packet, ...]
    sent: tuple[tuple[int, int], ...]
    broken: str | None
    broken_cycle: int
    cycles: int
    seconds: float
    build_seconds: float


def play(
    sources: Sequence[Path], top: str, beat_bits: int, clocks: int, script: Script, folder: Path, seed: int,
    patience: int, cache: Path | None = None, plusargs: Sequence[str] = (),
) -> Played:
    """Build (or reuse) the bench around an IP and play a script in `folder`, made if needed.

    Parameters
    ----------
    sources : its Verilog files
    top : the IP's module
    beat_bits, clocks : of its streams' data; 1, or 2 where the registers have one of their own
    seed : of pauses, of registers without a reset value and of whatever stands on a bus while nothing is valid
    patience : cycles in which no beat moves and no step ends, after which the IP hangs
    cache : folder of all caches; None takes the user's
    plusargs : for the design

    Raises
    ------
    runner.SimulationError : the simulator cannot be built, or does not come to its end
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.txt").write_text("".join(f"{line}\n" for line in script.lines), encoding="utf-8")
    (folder / "packets.bin").write_bytes(bytes(script.content))
    options = runner.BuildOptions(program=PROGRAM, top=top)
    started = time.perf_counter()
    executable = runner.build(sources, {}, {"BEAT_BITS": beat_bits, "CLOCKS": clocks}, options, cache)
    built = time.perf_counter()
    words = [str(seed), str(patience), *runner.random_start(seed), *plusargs]
    log = folder / "simulation.log"
    log.unlink(missing_ok=True)
    ended = process.run([executable.absolute() / runner.TOP, *words], folder.absolute(), process.environment(), log)
    if ended.status:
        raise runner.stopped(f"{ended.how}: {runner.errors(log)}")
    seconds = time.perf_counter() - built
    try:
        return _read(folder, script, seconds, built - started)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise runner.stopped(f"no record: {error}") from None


def _read(folder: Path, script: Script, seconds: float, build_seconds: float) -> Played:
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    data, place, packets = (folder / "output.bin").read_bytes(), 0, []
    for size, first, last, ended in _table(folder / "packets.txt"):
        packets.append(Packet(data[place : place + size], first, last, bool(ended)))
        place += size
    found = tuple(number for (number,) in _table(folder / "found.txt"))
    if place != len(data) or (not result["status"] and len(found) != script.numbers):
        raise ValueError(f"{len(data)} bytes and {len(found)} numbers")
    return Played(
        script.lines[result["line"]] if result["status"] else None, found, tuple(packets),
        tuple((first, last) for first, last in _table(folder / "sent.txt")), result["broken"] or None,
        result["broken_cycle"], result["cycles"], seconds, build_seconds,
    )  # fmt: skip


def _table(path: Path) -> list[list[int]]:
    lines = path.read_text(encoding="ascii").splitlines()
    return [[int(word) for word in line.split()] for line in lines]
