"""A bar of frames on a terminal, and nothing in a file or a pipe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from hwgen.console import bar_stream

FORM = "{desc} {percentage:3.0f} %|{bar}| {n:.1f} of {total} frames [{elapsed}<{remaining}]"
SECONDS = 0.5


class Progress:
    """Frames simulated or computed, of all that a link has before it.

    Parameters
    ----------
    frames : of all stages together
    shown : None shows the bar where stderr is a terminal
    """

    def __init__(self, frames: int, shown: bool | None = None) -> None:
        show = sys.stderr.isatty() if shown is None else shown
        self.bar: tqdm[int] = tqdm(total=frames, bar_format=FORM, disable=not show, file=bar_stream(), leave=False)

    def stage(self, text: str) -> None:
        """Show the name of the stage that begins."""
        self.bar.set_description_str(f"{text:28}")

    def add(self, frames: float = 1) -> None:
        """So many more frames are done."""
        self.bar.update(frames)

    @contextmanager
    def watching(self, file: Path, frame_bytes: int, frames: int) -> Iterator[None]:
        """Count `frames` while the file that a simulation writes, so many bytes a frame, grows."""
        over, seen = threading.Event(), 0.0

        def look() -> None:
            nonlocal seen
            while not over.wait(SECONDS):
                size = file.stat().st_size if file.is_file() else 0
                now = min(size / frame_bytes, frames)
                if now > seen:
                    self.add(now - seen)
                    seen = now

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
        self.add(frames - seen)

    def close(self) -> None:
        """Remove the bar."""
        self.bar.close()
