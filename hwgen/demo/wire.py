"""Messages on a local socket: a JSON object and bytes behind it.

A message is two lengths, 32 bits each, little endian, then the object in UTF-8, then the bytes.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, NamedTuple

from hwgen.limits import MOST_PIXELS

LENGTHS = struct.Struct("<II")
MOST_OBJECT, MOST_BYTES = 1 << 16, 4 * MOST_PIXELS
"""Longest object and most bytes of a message: the largest frame's pixels, or as many symbols."""


class Closed(Exception):
    """The other end has closed the socket."""


class Message(NamedTuple):
    """An object and bytes."""

    about: dict[str, Any]
    data: bytes = b""


def send(wire: socket.socket, about: dict[str, Any], data: bytes = b"") -> None:
    """Send a message.

    Raises
    ------
    Closed : nobody takes it
    """
    text = json.dumps(about).encode()
    try:
        wire.sendall(LENGTHS.pack(len(text), len(data)) + text + data)
    except (BrokenPipeError, ConnectionError):
        raise Closed from None


def receive(wire: socket.socket) -> Message:
    """Wait for the next message.

    Raises
    ------
    Closed : there is none any more
    ValueError : longer than a message may be, or no object
    """
    text_length, length = LENGTHS.unpack(_take(wire, LENGTHS.size))
    if text_length > MOST_OBJECT or length > MOST_BYTES:
        raise ValueError(f"message: wanted at most {MOST_OBJECT}, {MOST_BYTES} bytes, got {text_length}, {length}")
    about = json.loads(_take(wire, text_length))
    if not isinstance(about, dict):
        raise ValueError(f"message: wanted an object, got {type(about).__name__}")
    return Message(about, _take(wire, length))


def _take(wire: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = wire.recv(count - len(parts))
        except ConnectionError:
            part = b""
        if not part:
            raise Closed
        parts += part
    return bytes(parts)
