"""Faults through an emitted design, and the judgement of every frame that comes out.

The rule of framing in plain Python says which frames a design computes; the integer graph says what they must give,
padded frames included. Good frames come from a small pool, so that most are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from hwgen.numerics.framing import Framed, framed
from hwgen.sim import runner
from hwgen.sim.design import Design
from hwgen.sim.simulate import Recording, Settings, Simulator, simulate
from hwgen.soak.faults import MIXED, faulty, kinds, script
from hwgen.testbench.golden import GoldenModel, random_coefficients

Words = tuple[int, ...]
POOL = 4
"""Different good frames, and as many different coefficients."""
STALLS = (0.0, 0.3)
"""Probabilities of an idle input cycle and a stalled output cycle: half of the faults each."""
BOTH = "both"
"""Faults on the frames and on their coefficients at the same time."""


@dataclass(frozen=True)
class Outcome:
    """What became of the faults of a kind on a port.

    Parameters
    ----------
    faults
        That were put into the stream; of both ports, on each of them.
    good, padded, cut
        Frames that had to come out: sent as they should be, too short, too long. One whose coefficients were at fault
        counts as they do.
    wrong_good, wrong_padded, wrong_cut
        Those of them that were not what they should be, or did not come.
    hangs
        Runs that stood still.
    broken
        Broken rules of a stream, surplus beats, misplaced TLAST, and beats that were not taken.
    expected_errors, frame_errors
        Faults that the framers must count, and have.
    pulses
        Cycles with `frame_error`; of both ports two faults may share one.
    """

    port: str
    kind: str
    faults: int = 0
    good: int = 0
    padded: int = 0
    cut: int = 0
    wrong_good: int = 0
    wrong_padded: int = 0
    wrong_cut: int = 0
    hangs: int = 0
    broken: int = 0
    expected_errors: int = 0
    frame_errors: int = 0
    pulses: int = 0

    @property
    def right(self) -> bool:
        """Whether all is as it should be."""
        wrong = self.wrong_good + self.wrong_padded + self.wrong_cut + self.hangs + self.broken
        return not wrong and self.frame_errors == self.expected_errors and self.pulses_right

    @property
    def pulses_right(self) -> bool:
        """One for each fault; of both ports at most."""
        least = -(-self.expected_errors // 2) if self.port == BOTH else self.expected_errors
        return least <= self.pulses <= self.expected_errors

    def __add__(self, other: Outcome) -> Outcome:
        sums = {key.name: getattr(self, key.name) + getattr(other, key.name) for key in fields(self)[2:]}
        return Outcome(self.port, self.kind, **sums)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"right": self.right}


@dataclass(frozen=True)
class _Stream:
    """A stream on its way: what is sent, and the frames that the rule makes of it."""

    beats: list[tuple[int, bool]]
    frames: list[Framed]

    @property
    def errors(self) -> int:
        return sum(frame.fault is not None for frame in self.frames)


class Soak:
    """A design and the model of it."""

    def __init__(
        self, design: Design, seed: int, cache: Path | None = None, plusargs: Sequence[str] = ()
    ) -> None:
        """plusargs : for the design."""
        self.design, self.seed, self.cache = design, seed, cache
        self._simulator = Simulator(runner.build, partial(runner.run_direct, plusargs=plusargs))
        self._golden = GoldenModel(design.folder)
        self._outputs: dict[tuple[Words, Words, int], npt.NDArray[np.uint32]] = {}

    @property
    def ports(self) -> tuple[str, ...]:
        """Where faults may be: `s_axis`, and with coefficients `s_coef` and both."""
        return ("s_axis", "s_coef", BOTH) if self.design.coefficient_beats else ("s_axis",)

    def cases(self) -> list[tuple[str, str]]:
        """Port and kind of everything that is tried; faults on both ports are mixed ones."""
        lengths = {"s_axis": self.design.input_beats, "s_coef": self.design.coefficient_beats}
        found = [(port, kind) for port in self.ports if port != BOTH for kind in kinds(lengths[port])]
        return found + [(BOTH, MIXED)] * (BOTH in self.ports)

    def run(self, faults: int, folder: Path, say: Callable[[str], None] = lambda text: None) -> list[Outcome]:
        """Put at least so many faults through the design, as many of each kind as of any other.

        Raises
        ------
        hwgen.sim.runner.SimulationError : the simulator cannot be built, or does not come to its end
        """
        cases = self.cases()
        each = -(-faults // (len(cases) * len(STALLS)))
        found = []
        for number, (port, kind) in enumerate(cases):
            say(f"{self.design.top}: {port}, {kind}")
            found.append(
                self._case(port, kind, each, STALLS[0], 2 * number, folder)
                + self._case(port, kind, each, STALLS[1], 2 * number + 1, folder)
            )
        return found

    def _case(self, port: str, kind: str, faults: int, stall: float, number: int, folder: Path) -> Outcome:
        """One run of the simulator."""
        random = Random(f"{self.seed} {number}")
        design = self.design
        frames = self._stream(self._frames, design.input_beats, kind, faults if port != "s_coef" else 0, random)
        coefficients = None
        if design.coefficient_beats:
            count = faults if port != "s_axis" else 0
            coefficients = self._stream(self._coefficients, design.coefficient_beats, kind, count, random)
            more = len(frames.frames) - len(coefficients.frames)
            frames = self._longer(frames, self._frames, -more, random)
            coefficients = self._longer(coefficients, self._coefficients, more, random)
        settings = Settings(len(frames.frames), stall, self.seed + number)
        profiles = self._profiles(len(frames.frames), number)
        recording = simulate(
            design, script(frames.beats), settings, folder, runner.BuildOptions(program=runner.DIRECT), self.cache,
            None if coefficients is None else script(coefficients.beats), watch=False, simulator=self._simulator,
            profiles=np.array(profiles),
        )  # fmt: skip
        put = faults * (2 if port == BOTH else 1)
        return self._judge(Outcome(port, kind, put), recording, frames, coefficients, profiles)

    def _stream(
        self, pool: Sequence[Words], length: int, kind: str, faults: int, random: Random
    ) -> _Stream:
        beats = faulty(kind, lambda: list(random.choice(pool)), faults, random)
        return _Stream(beats, framed(beats, length))

    def _longer(self, stream: _Stream, pool: Sequence[Words], frames: int, random: Random) -> _Stream:
        """With so many good frames behind."""
        for _ in range(frames):
            beats = random.choice(pool)
            stream.beats.extend((beat, place == len(beats) - 1) for place, beat in enumerate(beats))
            stream.frames.append(Framed(beats, len(beats), None))
        return stream

    def _judge(
        self, start: Outcome, recording: Recording, frames: _Stream, coefficients: _Stream | None,
        profiles: Sequence[int],
    ) -> Outcome:
        output, beats = recording.streams[-1], self.design.output_beats
        count = {key.name: 0 for key in fields(Outcome)[3:]}
        loads = coefficients.frames if coefficients is not None else [Framed((), 0, None)] * len(frames.frames)
        kind_of = {None: "good", "short": "padded", "long": "cut"}
        for number, (frame, load, profile) in enumerate(zip(frames.frames, loads, profiles, strict=True)):
            kind = kind_of[frame.fault or load.fault]
            got = output.values[number * beats : (number + 1) * beats]
            count[kind] += 1
            count[f"wrong_{kind}"] += not np.array_equal(got, self._output(frame.beats, load.beats, profile))
        count["hangs"] = recording.status != "complete"
        count["expected_errors"] = frames.errors + (coefficients.errors if coefficients is not None else 0)
        count["frame_errors"], count["pulses"] = recording.frame_errors, recording.error_cycles
        ends = np.arange(1, len(output.last) + 1) % beats == 0
        count["broken"] += sum(stream.violation != 0 for stream in recording.all)
        count["broken"] += max(0, len(output.values) - beats * len(frames.frames))
        count["broken"] += int((output.last != ends).sum())
        if recording.status == "complete":
            sent = [(recording.streams[0], frames)]
            if coefficients is not None and recording.coefficients is not None:
                sent.append((recording.coefficients, coefficients))
            count["broken"] += sum(len(stream.beats) - len(taken.values) for taken, stream in sent)
        return Outcome(start.port, start.kind, start.faults, **count)

    def _profiles(self, frames: int, number: int) -> list[int]:
        """What the input `profile` has at each frame's first beat: any number, where the design has it."""
        random = Random(f"{self.seed} {number} profiles")
        return [random.randrange(1 << self.design.profile_bits) for _ in range(frames)]

    def _output(self, frame: Words, load: Words, profile: int) -> npt.NDArray[np.uint32]:
        """The words that a frame with its coefficients must give in a profile."""
        key = frame, load, profile
        if key not in self._outputs:
            words, coefficients = (np.array(each, dtype=np.uint32) for each in (frame, load))
            self._outputs[key] = self._golden.answer(words, coefficients if load else None, profile)
        return self._outputs[key]

    @cached_property
    def _frames(self) -> tuple[Words, ...]:
        """Good frames: all bits at random, or symbols of amplitudes around 1 with a few at the ends of their range."""
        random, design = np.random.default_rng([self.seed, 1]), self.design
        size = (POOL, design.input_beats)
        if design.side == "tx":
            words = random.integers(0, 1 << design.input_bits, size, dtype=np.uint64)
        else:
            parts = random.integers(-6000, 6001, (*size, 2))
            rare = random.integers(0, 64, (*size, 2)) == 0
            parts = np.where(rare, np.where(parts < 0, -32768, 32767), parts) & 0xFFFF
            words = (parts[..., 0] | parts[..., 1] << 16).astype(np.uint64)
        return tuple(tuple(frame) for frame in words.tolist())

    @cached_property
    def _coefficients(self) -> tuple[Words, ...]:
        """Coefficients of magnitudes up to 1."""
        random = np.random.default_rng([self.seed, 2])
        return tuple(tuple(random_coefficients(random, self.design.coefficient_beats).tolist()) for _ in range(POOL))
