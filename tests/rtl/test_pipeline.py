# amaranth: UnusedElaboratable=no
"""Two streams connected, and refused; the bytes of shipped designs have the statements' order."""

from __future__ import annotations

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.rtl.pipeline import connect_in_order


class Passing(Component):
    """A stream from one end to the other."""

    def __init__(self) -> None:
        beats = stream.Signature(unsigned(8))
        super().__init__({"i": In(beats), "o": Out(beats)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        connect_in_order(m, flipped(self.i), flipped(self.o))
        return m


def test_payload_valid_and_ready_pass() -> None:
    text = rtlil.convert(Passing(), emit_src=False)
    found = [line.split()[1:3] for line in text.splitlines() if line.strip().startswith("connect")]
    assert sorted(found) == [["\\i__ready", "\\o__ready"], ["\\o__payload", "\\i__payload"],
                             ["\\o__valid", "\\i__valid"]]  # fmt: skip


def test_streams_that_differ_are_refused() -> None:
    """Another width, and two sources."""
    source, m = stream.Signature(unsigned(8)), Module()
    for sink in (stream.Signature(unsigned(9)).flip(), source):
        with pytest.raises(ValueError, match=r"^sink: wanted .*unsigned\(8\)"):
            connect_in_order(m, source.create(), sink.create())
