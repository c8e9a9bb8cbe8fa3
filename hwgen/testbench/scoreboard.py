"""A scoreboard: every word of every frame against what it must be, exactly; it names the first that differs."""

from __future__ import annotations

from collections import deque

import numpy as np

from hwgen.numerics.words import Words
from hwgen.sim.design import Design


class Mismatch(AssertionError):
    """A frame that is not what it must be. The message names frame, pixel or symbol, and both words."""


class Scoreboard:
    """Expected frames, first in, first out, and the comparison with what comes.

    Parameters
    ----------
    design : whose output it is, for messages in its pixels or symbols

    Attributes
    ----------
    frames, words : compared so far, all equal
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.frames = self.words = 0
        self._expected: deque[Words] = deque()

    def expect(self, words: Words) -> None:
        """Add a frame's words, (beats,)."""
        self._expected.append(words)

    def check(self, words: Words) -> None:
        """Compare a frame that came, (beats,), with the oldest one that is expected.

        Raises
        ------
        Mismatch : none is expected, a word differs, or there are more or fewer of them
        """
        if not self._expected:
            raise Mismatch(f"output: a frame of {len(words)} words behind the last one, frame {self.frames - 1}")
        expected = self._expected.popleft()
        common = min(len(words), len(expected))
        wrong = np.flatnonzero(words[:common] != expected[:common])
        if len(wrong):
            first = int(wrong[0])
            digits = self.design.output_bits // 4
            raise Mismatch(
                f"output: frame {self.frames}, {self._place(first)}: expected 0x{expected[first]:0{digits}x},"
                f" got 0x{words[first]:0{digits}x} ({len(wrong)} of {len(expected)} words differ)"
            )
        if len(words) != len(expected):
            raise Mismatch(
                f"output: frame {self.frames}: TLAST behind {len(words)} words instead of {len(expected)}, the first"
                f" {common} are right"
            )
        self.frames += 1
        self.words += len(words)

    def finish(self) -> None:
        """All is over: nothing may be expected any more.

        Raises
        ------
        Mismatch : frames are missing
        """
        if self._expected:
            raise Mismatch(f"output: {len(self._expected)} frames missing behind {self.frames} right ones")

    def _place(self, word: int) -> str:
        if self.design.side == "tx":
            return f"symbol {word}"
        y, x = divmod(word, self.design.width)
        return f"pixel (x {x}, y {y}), word {word}"
