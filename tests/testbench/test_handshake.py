"""The rules of AXI4-Stream's handshake: each is found broken, and nothing else is."""

from __future__ import annotations

import pytest

from hwgen.testbench.handshake import Handshake, ProtocolError


def run(*cycles: str) -> Handshake:
    """Cycles as "resetn valid ready tdata tlast"."""
    port = Handshake("m_axis")
    for text in cycles:
        resetn, valid, ready, data, last = text.split()
        port.cycle(resetn, valid, ready, {"TDATA": data, "TLAST": last})
    return port


RESET = ("0 X X XX X", "0 0 0 XX X")


def test_a_good_port() -> None:
    port = run(*RESET, "1 0 0 XX X", "1 1 0 01 0", "1 1 0 01 0", "1 1 1 01 0", "1 1 1 10 1", "1 0 1 XX X")
    assert (port.beats, port.stalled, port.cycles, port.last_cycle) == (2, 2, 6, 4)


def test_a_reset_ends_what_waits() -> None:
    port = run(*RESET, "1 1 0 01 0", "0 1 0 01 0", "0 0 0 00 0", "1 0 1 00 0", "1 1 1 11 0")
    assert (port.beats, port.stalled) == (1, 0)


@pytest.mark.parametrize(
    ("cycles", "message"),
    [
        (["1 1 0 01 0", "1 0 0 01 0"], "TVALID fell before the beat was taken, cycle 1 behind reset, beat 0"),
        (["1 1 1 01 0", "1 1 0 01 0", "1 1 0 11 0"], "TDATA changed from 01 to 11 before the beat was taken, cycle 2"),
        (["1 1 0 01 0", "1 1 1 01 1"], "TLAST changed from 0 to 1 before the beat was taken"),
        (["1 X 0 01 0"], "TVALID is X"),
        (["1 0 Z 01 0"], "TREADY is Z"),
        (["1 1 1 0X 0"], "TDATA of a valid beat is 0X"),
        (["1 1 1 00 Z"], "TLAST of a valid beat is Z"),
        (["0 1 0 00 0"], "TVALID is 1 in reset"),
    ],
)
def test_a_broken_rule(cycles: list[str], message: str) -> None:
    run(*RESET, *cycles[:-1])
    with pytest.raises(ProtocolError, match=f"^m_axis: {message}"):
        run(*RESET, *cycles)
