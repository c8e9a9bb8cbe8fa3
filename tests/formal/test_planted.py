# amaranth: UnusedElaboratable=no
"""A planted bug is refuted by every kind of proof, with a run that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from amaranth.hdl import signed, unsigned
from support.planted import planted

from hwgen.formal.arithmetic import check_requantiser, check_sums
from hwgen.formal.components import DEPTH, FRAMES, PLAIN, SMALL
from hwgen.formal.counters import check_counter, check_faults, check_order, check_windows
from hwgen.formal.proofs import LAYERS, Proof, array
from hwgen.formal.solver import BOUNDED, PROVEN, REFUTED, UNKNOWN, Answer
from hwgen.formal.streams import Count, check_counts, check_rules, check_together, paths
from hwgen.rtl import requantise


def refuted(answer: Answer) -> list[dict[str, int]]:
    """The run that an answer shows."""
    assert answer.kind == REFUTED
    assert len(answer.trace) == answer.depth + 1
    return list(answer.trace)


def test_a_beat_that_does_not_wait() -> None:
    module = planted("stream", "load.eq(some & (~shown | moves))", "load.eq(some)")
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


def test_a_beat_that_is_taken_without_the_other_input() -> None:
    module = planted("add", "self.i1.ready.eq(self.i0.valid & fifo.room)", "self.i1.ready.eq(fifo.room)")
    refuted(check_together(module.AddConfig((unsigned(2), unsigned(2)), 1, unsigned(2)).build()))


def test_a_fifo_that_mixes_up_its_beats() -> None:
    module = planted("skip_fifo", "write_at.eq(wrap_increment(write_at, depth))", "write_at.eq(write_at)")
    refuted(check_order(module.SkipFifoConfig(2, 3).build(), 8))


def test_a_fifo_with_room_that_it_does_not_have() -> None:
    module = planted("stream", "_negative(self.reserve, len(lacking))", "_negative(self.write, len(lacking))")
    refuted(check_order(module.CreditFifoConfig(2, 3, 2).build(), 8))


def test_a_counter_whose_flag_is_late() -> None:
    module = planted("counter", "place == length - 2", "place == length - 1")
    refuted(check_counter(5, 3, module.count))


@pytest.mark.parametrize(("old", "new"), [
    ("self.frame_errors + faults", "self.frame_errors + faults & 0x7FFFFFFF"),
    ("self.frame_errors + faults", "self.frame_errors + faults * (self.frame_errors != 0xFFFF)"),
])
def test_a_count_of_faults_that_stops(old: str, new: str) -> None:
    """Behind more faults than any simulation has."""
    module = planted("input_framing", old, new)
    run = refuted(check_faults(module.InputFramingConfig(FRAMES).build()))
    assert run[-1]["told"] == 1


def test_a_pixel_that_is_read_before_it_is_written() -> None:
    module = planted("window", "init=-s.needed(0, 0)", "init=1 - s.needed(0, 0)")
    refuted(check_windows(replace(PLAIN, bits=1), 20, module.WindowBuffer))


def test_a_chain_that_is_one_dsp_too_long() -> None:
    """The bound of the packing is not only right, it is tight."""
    chain = array(3, signed(3), 6).packing.chain
    refuted(check_sums(array(3, signed(3), 6, chain=chain + 1)))


def test_a_sum_without_what_the_field_below_has_borrowed() -> None:
    module = planted("mac", "chain[low - 1] if place else None", "None")
    refuted(check_sums(array(3, signed(3), 6), module.MacArray))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ties", "(extended[: shift - 1].any() | quotient[0])", "1"),
        ("limit", "outside.eq(beyond)", "outside.eq(0)"),
    ],
)
def test_a_requantiser_with_another_rule(name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = planted("round_saturate", old, new)
    monkeypatch.setattr(requantise, "add_round_saturate", module.add_round_saturate)
    refuted(check_requantiser(LAYERS["6 to 3 bits, shifts -1, 0 and 2"]))


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
