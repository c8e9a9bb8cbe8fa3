"""An AXI4-Lite slave: a word is written or read at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.primitives import Cost

WORD = data.StructLayout({"data": 32, "strobe": 4})
"""Payload of the write data channel: a word, and the bytes of it that are written (WSTRB)."""
ANSWER = data.StructLayout({"data": 32, "response": 2})
"""Payload of the read data channel: a word and its response (RRESP)."""
OKAY = 0
"""The response to every access."""


@dataclass(frozen=True)
class LiteSlaveConfig:
    """AXI4-Lite with 32 bits of data.

    Parameters
    ----------
    address_bits
        Of a byte address, at least 3.

    Raises
    ------
    ValueError
        Fewer address bits.
    """

    address_bits: int

    read_latency: ClassVar[int] = 2
    """Cycles from an accepted address to the answer's `valid`."""
    write_latency: ClassVar[int] = 1
    """Cycles from accepted address and data to the response's `valid`."""

    def __post_init__(self) -> None:
        if self.address_bits < 3:
            raise ValueError(f"address_bits: wanted at least 3, got {self.address_bits}")

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly."""
        return Cost(6, self.address_bits - 2 + 1 + 32 + 2)

    def build(self) -> LiteSlave:
        """The component."""
        return LiteSlave(self)


class LiteSlave(Component):
    """The five channels of AXI4-Lite as streams, and a bus to whatever holds the words.

    Parameters
    ----------
    config
        See LiteSlaveConfig.

    Members
    -------
    aw, w : In(stream of a byte address), In(stream of WORD); taken together
    b : Out(stream of 2 bits), OKAY
    ar : In(stream of a byte address)
    r : Out(stream of ANSWER)
    write : Out(1), `write_data` is to be written at `write_address` (of words) this cycle, bytes of `strobe` alone
    read_address : Out, of words; `read_data` is its word in the same cycle
    """

    def __init__(self, config: LiteSlaveConfig) -> None:
        self.config = config
        address, word = stream.Signature(unsigned(config.address_bits)), config.address_bits - 2
        super().__init__(
            {
                "aw": In(address),
                "w": In(stream.Signature(WORD)),
                "b": Out(stream.Signature(unsigned(2))),
                "ar": In(address),
                "r": Out(stream.Signature(ANSWER)),
                "write": Out(1),
                "write_address": Out(word),
                "write_data": Out(32),
                "strobe": Out(4),
                "read_address": Out(word),
                "read_data": In(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Write, cycle 0: address and data are there and taken. Cycle 1: the response.
        m.d.comb += [
            self.write.eq(self.aw.valid & self.w.valid & ~self.b.valid),
            self.aw.ready.eq(self.write),
            self.w.ready.eq(self.write),
            self.write_address.eq(self.aw.payload[2:]),
            self.write_data.eq(self.w.payload.data),
            self.strobe.eq(self.w.payload.strobe),
            self.b.payload.eq(OKAY),
        ]
        m.d.sync += self.b.valid.eq(self.write | (self.b.valid & ~self.b.ready))

        # Read, cycle 0: the address is taken. Cycle 1: the word is there. Cycle 2: the answer.
        reading = Signal()
        m.d.comb += [self.ar.ready.eq(~reading & ~self.r.valid), self.r.payload.response.eq(OKAY)]
        m.d.sync += [
            reading.eq(self.ar.valid & self.ar.ready),
            self.r.valid.eq(reading | (self.r.valid & ~self.r.ready)),
        ]
        with m.If(self.ar.ready):
            m.d.sync += self.read_address.eq(self.ar.payload[2:])
        with m.If(reading):
            m.d.sync += self.r.payload.data.eq(self.read_data)
        return m
