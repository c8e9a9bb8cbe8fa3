"""Messages on a socket: as they were sent, whole, and nothing else."""

from __future__ import annotations

import socket
import threading

import pytest

from hwgen.demo import wire


def test_messages_come_as_they_were_sent() -> None:
    ours, theirs = socket.socketpair()
    data = bytes(range(256)) * 4096  # more than a socket holds
    with ours, theirs:
        thread = threading.Thread(target=lambda: [wire.send(ours, {"n": n}, data) for n in range(3)])
        thread.start()
        assert [wire.receive(theirs) for _ in range(3)] == [({"n": n}, data) for n in range(3)]
        thread.join()
        wire.send(theirs, {})
        assert wire.receive(ours) == ({}, b"")


def test_the_other_end_may_be_gone() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(wire.LENGTHS.pack(2, 5) + b"{}ab")
        theirs.close()
        with pytest.raises(wire.Closed):
            wire.receive(ours)
        with pytest.raises(wire.Closed):
            wire.send(ours, {}, bytes(100))


@pytest.mark.parametrize(("sent", "message"), [
    (wire.LENGTHS.pack(1 << 20, 0), "wanted at most 65536, 268435456 bytes, got 1048576, 0"),
    (wire.LENGTHS.pack(2, 1 << 31), "got 2, 2147483648"),
    (wire.LENGTHS.pack(2, 0) + b"[]", "wanted an object, got list"),
    (wire.LENGTHS.pack(2, 0) + b"{x", "Expecting property name"),
])  # fmt: skip
def test_what_is_no_message_is_refused(sent: bytes, message: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        with pytest.raises(ValueError, match=message):
            wire.receive(ours)
