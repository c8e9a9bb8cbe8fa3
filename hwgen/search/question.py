"""What is searched for: the board, the target and the budget of a trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.fit import Fit, of_graphs
from hwgen.ir.graph import Graph
from hwgen.option_values import Engine

EACH, BOTH = "each", "both"
"""Sides: each on a board of its own; both on one board."""


@dataclass(frozen=True)
class Question:
    """The target and the hardware of a search; at most one of `fps`, `dsp` and `psnr`.

    Parameters
    ----------
    board : with `dsp` DSPs at most where that is asked for
    side : "tx" or "rx" alone, "each" on a board of its own, or "both" on one
    width, height : of a frame in pixels
    fps : frames per second to reach
    psnr : dB to reach
    """

    board: Board
    side: str
    width: int
    height: int
    engine: Engine
    fps: float | None = None
    dsp: int | None = None
    psnr: float | None = None

    def sized(self, graphs: dict[str, Graph]) -> Sized:
        """The circuit of both sides' graphs."""
        if self.side == BOTH:
            fits = {BOTH: of_graphs(list(graphs.values()), self.board, self.width, self.height, engine=self.engine)}
        else:
            sides = graphs if self.side == EACH else {self.side: graphs[self.side]}
            fits = {side: of_graphs([graph], self.board, self.width, self.height, engine=self.engine)
                    for side, graph in sides.items()}  # fmt: skip
        return Sized(fits)

    def shortfalls(self, sized: Sized | None, psnr: float | None) -> dict[str, float]:
        """By what is asked for, how far from it a point is: at most 0 where it is met. What is not known is left out.

        board : 1 where it has too little of something, -1 otherwise
        fps : the share by which a frame takes too many cycles
        psnr : dB
        """
        found = {}
        if sized is not None:
            found["board"] = -1.0 if sized.cycles is not None else 1.0
            if self.fps is not None and sized.cycles is not None:
                found["fps"] = sized.cycles * self.fps / (self.board.clock_mhz * 1e6) - 1
        if self.psnr is not None and psnr is not None:
            found["psnr"] = self.psnr - psnr
        return found


@dataclass(frozen=True)
class Sized:
    """Circuits by side."""

    fits: dict[str, Fit]

    @property
    def cycles(self) -> int | None:
        """Cycles of a frame of the slowest; None where one does not fit."""
        found = [fit.interval_cycles for fit in self.fits.values()]
        return max(cycles for cycles in found if cycles is not None) if None not in found else None

    @property
    def short(self) -> str | None:
        """Why it does not fit."""
        return next((f"{side}: {fit.short}" for side, fit in self.fits.items() if fit.short is not None), None)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        sides = {side: {"cycles": fit.interval_cycles, "fps": fit.fps, **fit.used} for side, fit in self.fits.items()}
        return {"cycles": self.cycles, "short": self.short, "sides": sides}


def with_dsps(board: Board, dsp: int | None) -> Board:
    """The board with so many DSPs at most.

    Raises
    ------
    HwgenError
        It has not so many.
    """
    if dsp is None:
        return board
    has = board.budget("dsp")
    if dsp > has:
        raise HwgenError("--dsp", f"at most {has}, which {board.name} has", str(dsp))
    limited = board.resources.model_copy(update={"dsp": dsp})
    found = board.model_copy(update={"resources": limited, "usable": board.usable.model_copy(update={"dsp": 1.0})})
    found._marks = board._marks
    return found


def question(board: Board, side: str, frame: tuple[int, int], engine: Engine, fps: float | None = None,
             dsp: int | None = None, psnr: float | None = None) -> Question:  # fmt: skip
    """Of the options.

    Raises
    ------
    HwgenError
        More than one target, or more DSPs than the board has.
    """
    targets = {"--fps": fps, "--dsp": dsp, "--psnr": psnr}
    asked = [name for name, value in targets.items() if value is not None]
    if len(asked) > 1:
        raise HwgenError(asked[1], f"one target at most, and {asked[0]} is given", "another one")
    return replace(Question(with_dsps(board, dsp), side, *frame, engine), fps=fps, dsp=dsp, psnr=psnr)
