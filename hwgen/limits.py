"""Limits of what is read from files and asked for, and the one way in which a file of limited size is read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hwgen.errors import HwgenError

MOST_PIXELS = 1 << 26
"""Largest image and largest frame: 67,108,864 pixels, such as 8192x8192."""

MOST_SIDE = 1 << 16
"""Largest width and height of a frame."""

MOST_FRAMES = 1_000_000
"""Most frames of a run."""

MOST_FRAMES_PIXELS = 1 << 28
"""Most pixels of all frames of a run together: 268,435,456, such as 2048 frames of 512x256. A run holds them all."""

SNRS_DB = (-20, 60)
"""Lowest and highest SNR of a radio channel in dB."""

MOST_FPS = 1_000_000_000
"""Highest rate to ask for, frames per second."""

MOST_STEPS = 1_000_000_000
"""Most optimiser steps of a phase of training."""

MOST_JOBS = 1024
"""Most processes at a time."""

MOST_CHANNELS = 4096
"""Most channels of any stream between layers, whatever makes it: complex layers, concatenations and blocks too."""

MOST_LAYERS = 256
"""Most layers of a side of a specification."""

MOST_PROFILES = 8
"""Most profiles of a model, each a range of SNRs."""


MOST_HELD_BYTES = 8 << 30
"""Most memory that the frames of one call may take."""


def check_frames(count: int, each: int) -> None:
    """Refuse more frames than memory is meant for, before any is spent.

    Parameters
    ----------
    each : bytes that a frame takes

    Raises
    ------
    HwgenError : at --frames
    """
    if count * each > MOST_HELD_BYTES:
        most = max(1, MOST_HELD_BYTES // each)
        raise HwgenError("--frames", f"at most {most} of this size, {each} bytes each, in one call", str(count))


def shown(path: Path | str) -> str:
    r"""A file's name as an error has it: bytes that are no UTF-8 as ``\udcXX``, so that every terminal can print it."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def read_limited(path: Path, most: int, what: str) -> bytes:
    """The bytes of a regular file of at most that many, whose size is looked at before any is read.

    Parameters
    ----------
    what
        The file in words, for errors.

    Raises
    ------
    HwgenError
        It is larger, or no regular file: a pipe would be waited for, a device read, without end.
    OSError
        It cannot be read.
    """
    with open(path, "rb", opener=_opener) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise HwgenError(shown(path), what, "no regular file")
        check_bytes(status.st_size, most, what, shown(path))
        return stream.read(status.st_size)  # of a larger number, Python would ask memory for that much


def check_bytes(length: int, most: int, what: str, where: str) -> None:
    """Refuse a file of more than `most` bytes.

    Raises
    ------
    HwgenError
        At `where`, if it is larger.
    """
    if length > most:
        raise HwgenError(where, f"{what} of at most {most} bytes", f"{length} bytes")


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # opening a pipe does not wait for its writer
