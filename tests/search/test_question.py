"""The target of a search."""

from __future__ import annotations

import pytest

from hwgen import board as boards
from hwgen.errors import HwgenError
from hwgen.fit import Fit
from hwgen.model import load_graph
from hwgen.search.question import EACH, Question, Sized, question, with_dsps
from hwgen.spec.model import load

BOARD = boards.load("pynq_z2")


def asked(side: str = EACH, fps: float | None = None, psnr: float | None = None) -> Question:
    return question(BOARD, side, (32, 32), "direct", fps=fps, psnr=psnr)


def fit(cycles: int | None) -> Fit:
    rate = None if cycles is None else 150e6 / cycles
    return Fit("pynq_z2", "part", 150.0, None if cycles else "dsp", cycles, rate, {}, {})


def test_shortfalls() -> None:
    sized = Sized({"tx": fit(100), "rx": fit(150)})
    assert asked().shortfalls(sized, 30.0) == {"board": -1.0}
    assert asked(fps=1e6).shortfalls(sized, None) == {"board": -1.0, "fps": 0.0}
    assert asked(fps=1.5e6).shortfalls(sized, None)["fps"] == pytest.approx(0.5)
    assert asked(psnr=31.0).shortfalls(sized, 30.0) == {"board": -1.0, "psnr": 1.0}
    assert asked(psnr=31.0).shortfalls(sized, None) == {"board": -1.0}
    assert asked(fps=1.0).shortfalls(Sized({"tx": fit(None), "rx": fit(9)}), None) == {"board": 1.0}


@pytest.mark.parametrize(("side", "sides"), [("tx", ["tx"]), ("each", ["tx", "rx"]), ("both", ["both"])])
def test_sides(side: str, sides: list[str]) -> None:
    graphs = {name: load_graph(load("tiny"), side=name) for name in ("tx", "rx")}
    found = asked(side).sized(graphs)
    assert list(found.fits) == sides
    assert found.cycles == max(one.interval_cycles or 0 for one in found.fits.values())
    assert found.short is None and found.record()["sides"][sides[0]]["dsp"] > 0


def test_few_dsps_are_a_smaller_board() -> None:
    small = with_dsps(BOARD, 7)
    assert small.budget("dsp") == 7 and small.budget("lut") == BOARD.budget("lut")
    graphs = {name: load_graph(load("tiny"), side=name) for name in ("tx", "rx")}
    found = question(BOARD, "tx", (32, 32), "direct", dsp=7).sized(graphs)
    assert found.fits["tx"].used["dsp"] <= 7
    with pytest.raises(HwgenError, match="--dsp: wanted at most 220, which pynq_z2 has, got 221"):
        with_dsps(BOARD, 221)


def test_a_board_that_is_too_small() -> None:
    none = BOARD.model_copy(update={"resources": BOARD.resources.model_copy(update={"lut": 10})})
    none._marks = BOARD._marks
    graphs = {name: load_graph(load("tiny"), side=name) for name in ("tx", "rx")}
    found = Question(none, "tx", 32, 32, "direct").sized(graphs)
    assert found.cycles is None and found.short is not None and found.short.startswith("tx: lut: wanted at least")


def test_one_target() -> None:
    with pytest.raises(HwgenError, match="--psnr: wanted one target at most, and --fps is given, got another one"):
        question(BOARD, "tx", (32, 32), "best", fps=1.0, psnr=30.0)
