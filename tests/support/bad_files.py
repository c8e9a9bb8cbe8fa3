"""Bytes that the rows of tests/cases/bad_inputs name: whole files, and changes of a file's bytes.

Arguments are words of the tables.
"""

from __future__ import annotations


def repeated(before: str, middle: str, count: str, behind: str = "") -> bytes:
    """A text with a part of it repeated."""
    return (before + middle * int(count) + behind).encode()


def coded(content: bytes, encoding: str) -> bytes:
    """A text in another encoding."""
    return content.decode().encode(encoding)


def behind(content: bytes, text: str) -> bytes:
    """Something more at the end, a character a byte."""
    return content + text.encode("latin1")


def before(content: bytes, text: str) -> bytes:
    """Something more at the beginning, a character a byte."""
    return text.encode("latin1") + content


def cut(content: bytes, length: str) -> bytes:
    """The first bytes; of a negative number all but so many."""
    return content[: int(length)]


def zeros(length: str) -> bytes:
    """So many bytes of zero."""
    return bytes(int(length))


def swapped(content: bytes, old: str, new: str) -> bytes:
    """Bytes that stand there at least once for others, a character a byte."""
    assert old.encode("latin1") in content
    return content.replace(old.encode("latin1"), new.encode("latin1"))


def board() -> bytes:
    """A board that is right."""
    return b"""\
format_version: 1
description: a board
part: xc7z020clg400-1
family: xc7
resources:
  dsp: 220
  lut: 53200
  ff: 106400
  bram36: 140
clock_mhz: 150
"""


def staircase(levels: str) -> bytes:
    """A mapping in a mapping, so many deep, by indents."""
    return "".join(f"{' ' * level}a:\n" for level in range(int(levels))).encode()
