"""Source, sink and monitor of a design's AXI4-Stream ports for cocotb: cocotbext-axi's, with words instead of bytes.

Back-pressure is cocotbext-axi's: `set_pause_generator(pauses(seed, probability))` of a source or a sink. Nothing here
depends on the simulator.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from hwgen.numerics.words import Words
from hwgen.testbench.handshake import Handshake

BYTE = 8
"""Bits of what cocotbext-axi counts as a byte: 24-bit pixels have three."""


def pauses(seed: int, probability: float, longest: int = 256) -> Iterator[bool]:
    """A pause generator for `set_pause_generator`: single cycles, and one in 32 up to `longest`; none for 0."""
    random = Random(seed)
    while True:
        paused = random.random() < probability
        yield paused
        if paused and random.random() < 1 / 32:
            yield from [True] * random.randrange(longest)


def _options(dut: Any) -> dict[str, Any]:
    return {"clock": dut.aclk, "reset": dut.aresetn, "reset_active_level": False, "byte_size": BYTE}


def _quiet(log: logging.Logger) -> None:
    """cocotbext-axi logs every frame with all its bytes."""
    log.setLevel(logging.WARNING)


class Source(AxiStreamSource):
    """Drives a slave port of the design; TLAST, where the port has it, on a frame's last word.

    Parameters
    ----------
    dut : the design, with aclk and aresetn
    prefix : of the port's signals, "s_axis" or "s_coef"
    """

    def __init__(self, dut: Any, prefix: str) -> None:
        bus = AxiStreamBus.from_prefix(dut, prefix)
        _quiet(logging.getLogger(f"cocotb.{bus._entity._name}.{bus._name}"))
        super().__init__(bus, **_options(dut))

    def send_words(self, words: Words) -> None:
        """Queue a frame, (beats,) words."""
        data = np.ascontiguousarray(words, dtype="<u4").view(np.uint8).reshape(-1, 4)[:, : self.byte_lanes]
        self.send_nowait(AxiStreamFrame(data.tobytes()))


class Sink(AxiStreamSink):
    """Takes what a master port of the design gives, a frame up to each TLAST; parameters as `Source`."""

    def __init__(self, dut: Any, prefix: str = "m_axis") -> None:
        bus = AxiStreamBus.from_prefix(dut, prefix)
        _quiet(logging.getLogger(f"cocotb.{bus._entity._name}.{bus._name}"))
        super().__init__(bus, **_options(dut))

    async def receive_words(self) -> Words:
        """The next frame, (words,) uint32, when it has come."""
        data = np.frombuffer(bytes((await self.recv()).tdata), np.uint8).reshape(-1, self.byte_lanes)
        whole = np.zeros((len(data), 4), np.uint8)
        whole[:, : self.byte_lanes] = data
        return whole.view("<u4").reshape(-1).astype(np.uint32)


class Monitor(Handshake):
    """Watches a port, drives nothing, and fails the test when a rule of `Handshake` is broken.

    Parameters
    ----------
    dut, prefix : as `Source`
    """

    def __init__(self, dut: Any, prefix: str) -> None:
        super().__init__(prefix)
        self._clock, self._resetn = dut.aclk, dut.aresetn
        bus = AxiStreamBus.from_prefix(dut, prefix)
        self._valid, self._ready = bus.tvalid, bus.tready
        self._payload = {name.upper(): getattr(bus, name) for name in ("tdata", "tkeep", "tlast") if hasattr(bus, name)}
        self.task = cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        edge = RisingEdge(self._clock)
        while True:
            await edge
            valid = str(self._valid.value)
            payload = {name: str(signal.value) for name, signal in self._payload.items()} if valid == "1" else {}
            self.cycle(str(self._resetn.value), valid, str(self._ready.value), payload)
