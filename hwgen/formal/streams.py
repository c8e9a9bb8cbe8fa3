"""The rules of streams, around any component that has some.

An input obeys them: its payload stays while `valid` waits for `ready`, and its `valid` too. Nothing else is assumed:
beats and pauses come as they like, outputs are ready as they like, and a reset may come in any cycle. Then the outputs
obey them as well; and no `ready` reaches another `ready`, a `valid` or a payload without a register in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Array, Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from hwgen.formal.netlist import reached, relation
from hwgen.formal.solver import Answer, bounded, proven


@dataclass(frozen=True)
class Port:
    """A stream of a component: its name in the netlist, and whether beats leave by it."""

    name: str
    leaves: bool
    stream: Any


def ports_of(dut: Any) -> list[Port]:
    """A component's streams, those in arrays one by one."""
    found: dict[str, Port] = {}

    def walk(name: str, member: Any, value: Any) -> Iterator[Port]:
        if isinstance(value, (list, tuple)):
            for index, each in enumerate(value):
                yield from walk(f"{name}__{index}", member, each)
        elif member.is_signature and {"payload", "valid", "ready"} <= set(member.signature.members):
            yield Port(name, member.flow == Out, value)

    for name, member in dut.signature.members.items():
        for port in walk(name, member, getattr(dut, name)):
            found[port.name] = port
    return list(found.values())


def inputs_of(dut: Any) -> list[Signal]:
    """All signals that come into a component."""
    return [Value.cast(value) for _, member, value in dut.signature.flatten(dut) if member.flow == In]


def outputs_of(dut: Any) -> list[Signal]:
    """All signals that leave a component."""
    return [Value.cast(value) for _, member, value in dut.signature.flatten(dut) if member.flow == Out]


class Watched(Component):
    """A component with claims about its streams.

    Parameters
    ----------
    dut : the component
    claim : adds them to a module
    """

    def __init__(self, dut: Any, claim: Callable[[Module, Sequence[Port]], None]) -> None:
        self.dut, self.claim = dut, claim
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        self.claim(m, ports_of(self.dut))
        return m


def beats_stay(m: Module, ports: Sequence[Port]) -> None:
    """Payload and `valid` of a beat that waits stay as they are."""
    for port in ports:
        add_rule(m, port, Assert if port.leaves else Assume)


def add_rule(m: Module, port: Port, claim: Any) -> None:
    """Claim of a stream that a beat which waits stays as it is."""
    valid, ready, payload = port.stream.valid, port.stream.ready, Value.cast(port.stream.payload).as_unsigned()
    waits, held = Signal(name=f"{port.name}_waits"), Signal(len(payload), name=f"{port.name}_held")
    m.d.sync += [waits.eq(valid & ~ready), held.eq(payload)]
    m.d.comb += claim(~waits | (valid & (payload == held)))


@dataclass(frozen=True)
class Count:
    """How many beats may have left an output once so many have come in by an input.

    allowed : for 0, 1, 2 ... beats of the input within a frame; the last entry is a frame's
    last : beats of an output frame whose last one says so (`last` of the payload); None where none does
    """

    source: str
    sink: str
    allowed: Sequence[int]
    last: int | None = None


class Counts(Component):
    """A component whose beats are counted: none leaves before those that it is made of came in.

    Parameters
    ----------
    dut : the component
    counts : of its streams
    shown : for each of them whether its output shows a beat
    """

    def __init__(self, dut: Any, counts: Sequence[Count]) -> None:
        self.dut, self.counts = dut, counts
        self.shown = [Signal(name=f"shown{index}") for index in range(len(counts))]
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        ports = {port.name: port for port in ports_of(self.dut)}
        for port in ports.values():
            if not port.leaves:  # the payload of what waits cannot matter to a count, but its valid can
                waits = Signal(name=f"{port.name}_waits")
                m.d.sync += waits.eq(port.stream.valid & ~port.stream.ready)
                m.d.comb += Assume(~waits | port.stream.valid)
        for index, count in enumerate(self.counts):
            source, sink = ports[count.source].stream, ports[count.sink].stream
            # Frames of the output less frames of the input so far, at most a few; beats of the frames that are begun.
            frames = Signal(8, name=f"frames{index}")
            come, gone = (Signal(range(len(count.allowed) + 1), name=f"come{index}"),
                          Signal(range(count.allowed[-1] + 1), name=f"gone{index}"))  # fmt: skip
            m.d.comb += self.shown[index].eq(sink.valid)
            comes, goes = source.valid & source.ready, sink.valid & sink.ready
            ends = comes & (come == len(count.allowed) - 2)
            done = goes & (gone == count.allowed[-1] - 1)
            with m.If(comes):
                m.d.sync += come.eq(Mux(ends, 0, come + 1))
            with m.If(goes):
                m.d.sync += gone.eq(Mux(done, 0, gone + 1))
            m.d.sync += frames.eq(frames + ends - done)
            # A beat at the output, taken or not, is one more than have left.
            room = Array(count.allowed)[come]
            m.d.comb += Assert(~sink.valid | (frames != 0) | (gone < room))
            m.d.comb += Assert(~(frames[-1]))
            if count.last is not None:
                m.d.comb += Assert(~sink.valid | (sink.payload.last == (gone % count.last == count.last - 1)))
        return m


def check_rules(dut: Any, lemmas: Callable[[str], tuple[str, ...]] | None = None) -> Answer:
    """The rules of a component's streams, for ever.

    lemmas : from the relation to what else has to be known of the component's registers, and is proven with the rules
    """
    text = relation(Watched(dut, beats_stay), [*inputs_of(dut), *outputs_of(dut)], purge=lemmas is None)
    return proven(text, 1, () if lemmas is None else lemmas(text))


def check_counts(dut: Any, counts: Sequence[Count], depth: int) -> Answer:
    """The counts of a component's beats, for so many cycles."""
    counter = Counts(dut, counts)
    text = relation(counter, [*inputs_of(dut), *counter.shown])
    return bounded(text, depth, reached=[signal.name for signal in counter.shown])


def taken_together(m: Module, ports: Sequence[Port]) -> None:
    """Beats of all inputs are taken at the same time."""
    first, *others = (port.stream for port in ports if not port.leaves)
    for other in others:
        m.d.comb += Assert((first.valid & first.ready) == (other.valid & other.ready))


def check_together(dut: Any) -> Answer:
    """A component takes a beat of each of its inputs, or of none, for ever."""
    return proven(relation(Watched(dut, taken_together), inputs_of(dut)), 1)


def paths(dut: Any) -> list[str]:
    """Paths without a register that streams must not have: from an output's `ready` to any stream's `ready`, `valid` or
    payload. All gates are looked at, so that none is missed."""
    found = ports_of(dut)
    sources = [f"{port.name}__ready" for port in found if port.leaves]
    reach = reached(dut, [*inputs_of(dut), *outputs_of(dut)], sources)
    wrong = {f"{port.name}__{part}" for port in found for part in ("ready", "valid", "payload")}
    return [f"{source} -> {sink}" for source in sources for sink in sorted(reach[source] & wrong)]
