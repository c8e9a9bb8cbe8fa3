# amaranth: UnusedElaboratable=no
"""A planted bug is refuted by every kind of proof, with a run that shows it."""

from __future__ import annotations

import pytest
from support.planted import planted

from hwgen.formal.components import DEPTH, SMALL
from hwgen.formal.proofs import Proof
from hwgen.formal.solver import BOUNDED, PROVEN, REFUTED, UNKNOWN, Answer
from hwgen.formal.streams import Count, check_counts, check_rules, paths


def refuted(answer: Answer) -> list[dict[str, int]]:
    """The run that an answer shows."""
    assert answer.kind == REFUTED
    assert len(answer.trace) == answer.depth + 1
    return list(answer.trace)


def test_a_beat_that_does_not_wait() -> None:
    module = planted("stream", "(level != 0) & (~self.o.valid | self.o.ready)", "level != 0")
    run = refuted(check_rules(module.CreditFifoConfig(2, 3).build()))
    before, after = run[-2:]
    assert (before["o__valid"], before["o__ready"]) == (1, 0)
    assert (after["o__valid"], after["o__payload"]) != (1, before["o__payload"])


def test_a_valid_that_is_taken_back() -> None:
    module = planted("framer", "self.o.valid.eq(padding |", "self.o.valid.eq(self.use_tlast & padding |")
    refuted(check_rules(module.FramerConfig(3, 2).build()))


def test_a_word_that_is_overwritten_while_it_waits() -> None:
    """A FIFO that is never full; the lemmas of the right one do not hide it."""
    module = planted("skip_fifo", "spare - taken + left", "spare + left")
    small = SMALL["SkipFifo"][1]
    assert check_rules(module.SkipFifoConfig(2, 3).build(), small.lemmas).kind == REFUTED


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("self.i.ready.eq(~spare[-1])", "self.i.ready.eq(~spare[-1] | self.o.ready)", "o__ready -> i__ready"),
        ("self.o.valid.eq(level != 0)", "self.o.valid.eq((level != 0) & self.o.ready)", "o__ready -> o__valid"),
    ],
)
def test_a_path_without_a_register(old: str, new: str, found: str) -> None:
    module = planted("skip_fifo", old, new)
    assert found in paths(module.SkipFifoConfig(2, 3).build())


def test_a_beat_that_leaves_too_early() -> None:
    module = planted("reorder", "init=-1)", "init=0)")
    small = SMALL["Reorder"][1]
    run = refuted(check_counts(module.Reorder(DEPTH.reorder), small.counts, 10))
    assert run[-1]["shown0"] == 1


def test_a_last_beat_that_does_not_say_so() -> None:
    module = planted("alamouti", "count(m, self.config.pairs,", "count(m, self.config.pairs + 1,")
    refuted(check_counts(module.AlamoutiConfig(2).build(), SMALL["Alamouti"][0].counts, 16))


def test_a_count_of_what_never_leaves_is_no_proof() -> None:
    small = SMALL["Gain"][0]
    with pytest.raises(ValueError, match="reached: wanted a run of 3 cycles that ends with it, got none for"):
        check_counts(small.build(), [Count("i", "o", (0, 1))], 3)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(Answer(PROVEN, 1), "proven"), (Answer(BOUNDED, 9), "not run"), (Answer(UNKNOWN, 9), "not run"),
     (Answer(REFUTED, 2, 0.0, ({"x": 1},)), "differs")],
)  # fmt: skip
def test_what_was_to_be_proven_for_ever_is_not_proven_for_a_while(answer: Answer, verdict: str) -> None:
    record = Proof("rules", "X", "small", lambda: answer).record()
    assert record["verdict"] == verdict
    assert (record["error"] is None) == (verdict == "proven")
    assert Proof("counts", "X", "small", lambda: Answer(BOUNDED, 9), depth=9).record()["verdict"] == "proven"
