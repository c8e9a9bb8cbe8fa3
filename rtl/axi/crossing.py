"""AXI4-Lite from one clock to another: one transfer at a time, a toggle handshake in each direction."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.axi.lite import ANSWER, OKAY, WORD
from hwgen.rtl.checks import check_positive
from hwgen.rtl.primitives import Cost
from hwgen.rtl.signals import signals

STAGES = 2
"""Flip-flops of a synchroniser."""


def synchronised(m: Module, bit: Signal, domain: str, name: str) -> Signal:
    """A bit of another clock domain behind a synchroniser: `STAGES` cycles of `domain` later."""
    for stage in range(STAGES):
        register = Signal(name=f"{name}_stage{stage}", attrs={"ASYNC_REG": "TRUE"})
        m.d[domain] += register.eq(bit)
        bit = register
    return bit


@dataclass(frozen=True)
class LiteCrossingConfig:
    """AXI4-Lite with 32 bits of data, a clock on either side.

    Parameters
    ----------
    address_bits
        Of a byte address, at least 1.
    domain
        Clock domain of the slave side (`aw` to `r`); the master side (`to_aw` to `from_r`) is in `sync`.

    Raises
    ------
    ValueError
        Fewer address bits.
    """

    address_bits: int
    domain: str = "registers"

    def __post_init__(self) -> None:
        check_positive(address_bits=self.address_bits)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly, LUTs as measured."""
        question = self.address_bits + 32 + 4 + 1
        return Cost(self.address_bits + 17, question + 32 + 2 * STAGES + 9)

    def build(self) -> LiteCrossing:
        """The component."""
        return LiteCrossing(self)


class LiteCrossing(Component):
    """A slave in one clock domain whose transfers a master repeats in `sync`. Every response is OKAY.

    The question stands still from before `asked` toggles until the answer has come, and the answer from before
    `answered` toggles until the next question: only these two bits are synchronised. Both sides are to be reset
    together; each reset as long as the slower clock needs to see it.

    Latency of a transfer: its own at the slave, and up to STAGES + 2 cycles of each clock in either direction.

    Parameters
    ----------
    config
        See LiteCrossingConfig.

    Members
    -------
    aw, w, ar : In, b, r : Out; a slave in `config.domain`, as `hwgen.rtl.axi.lite.LiteSlave` has them; writes first
    to_aw, to_w, to_ar : Out, from_b, from_r : In; a master in `sync`
    """

    def __init__(self, config: LiteCrossingConfig) -> None:
        self.config = config
        address, word = stream.Signature(unsigned(config.address_bits)), stream.Signature(WORD)
        response, answer = stream.Signature(unsigned(2)), stream.Signature(ANSWER)
        super().__init__(
            {
                "aw": In(address), "w": In(word), "b": Out(response), "ar": In(address), "r": Out(answer),
                "to_aw": Out(address), "to_w": Out(word), "from_b": In(response), "to_ar": Out(address),
                "from_r": In(answer),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ask, answer = m.d[self.config.domain], m.d.sync

        # The side that asks.
        asked, answered, waiting, writes, reads = signals("asked answered waiting writes reads")
        writing = Signal()
        address, word = Signal(self.config.address_bits, name="address"), Signal(WORD, name="word")
        data = Signal(32, name="data")
        come = synchronised(m, answered, self.config.domain, "answered")
        idle = Signal()
        m.d.comb += [
            idle.eq(~waiting & ~self.b.valid & ~self.r.valid),
            writes.eq(idle & self.aw.valid & self.w.valid),
            reads.eq(idle & self.ar.valid & ~writes),
            self.aw.ready.eq(writes),
            self.w.ready.eq(writes),
            self.ar.ready.eq(reads),
            self.b.payload.eq(OKAY),
            self.r.payload.data.eq(data),
            self.r.payload.response.eq(OKAY),
        ]
        done = Signal()
        m.d.comb += done.eq(waiting & (come == asked))
        with m.If(writes | reads):
            ask += [asked.eq(~asked), writing.eq(writes), address.eq(Mux(writes, self.aw.payload, self.ar.payload))]
        with m.If(writes):
            ask += word.eq(self.w.payload)
        ask += [
            waiting.eq(writes | reads | (waiting & ~done)),
            self.b.valid.eq((done & writing) | (self.b.valid & ~self.b.ready)),
            self.r.valid.eq((done & ~writing) | (self.r.valid & ~self.r.ready)),
        ]

        # The side that answers: `address` and so on stand still since before `due` was seen.
        due = synchronised(m, asked, "sync", "asked")
        begun, sent, ended = signals("begun sent ended")
        active = Signal()
        m.d.comb += [
            active.eq(due != answered),
            self.to_aw.payload.eq(address),
            self.to_w.payload.eq(word),
            self.to_ar.payload.eq(address),
            self.from_b.ready.eq(1),
            self.from_r.ready.eq(1),
            sent.eq(~(self.to_aw.valid | self.to_w.valid | self.to_ar.valid)),
            ended.eq(begun & sent & Mux(writing, self.from_b.valid, self.from_r.valid)),
        ]
        # `valid` is a register for each channel, so that none depends on another's `ready`.
        answer += [
            begun.eq(active & ~ended),
            self.to_aw.valid.eq((active & ~begun & writing) | (self.to_aw.valid & ~self.to_aw.ready)),
            self.to_w.valid.eq((active & ~begun & writing) | (self.to_w.valid & ~self.to_w.ready)),
            self.to_ar.valid.eq((active & ~begun & ~writing) | (self.to_ar.valid & ~self.to_ar.ready)),
        ]
        with m.If(ended):
            answer += answered.eq(due)
        with m.If(ended & ~writing):
            answer += data.eq(self.from_r.payload.data)
        return m
