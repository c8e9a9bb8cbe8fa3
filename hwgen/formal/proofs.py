"""The list of what is proven, and how each proof is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from amaranth.hdl import Shape, signed, unsigned

from hwgen.formal.arithmetic import Layer, check_requantiser, check_sums
from hwgen.formal.components import FRAMES, PLAIN, SMALL, STRIDED
from hwgen.formal.counters import check_counter, check_faults, check_order, check_windows
from hwgen.formal.small import Small
from hwgen.formal.solver import BOUNDED, PROVEN, REFUTED, Answer
from hwgen.formal.streams import check_counts, check_rules, check_together, paths
from hwgen.rtl.input_framing import InputFramingConfig
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.packing import Packing, chain_bound
from hwgen.rtl.pair_mac import PairMacConfig
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN as HOLDS


@dataclass(frozen=True)
class Proof:
    """One proof.

    kind : what is claimed, a key of CLAIMS
    component : the class
    form : its parameters, in words
    run : carries it out
    depth : cycles for which it holds; None: for ever, whatever the state
    quick : whether it is one of those that the tests run
    """

    kind: str
    component: str
    form: str
    run: Callable[[], Answer]
    depth: int | None = None
    quick: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.component}, {self.form}"

    @property
    def result(self) -> str:
        """What is to come out, for the document."""
        return "unbounded" if self.depth is None else f"{self.depth} cycles"

    def record(self) -> dict[str, object]:
        """Run it: an object with a verdict, as every command's."""
        answer = self.run()
        wanted = PROVEN if self.depth is None else BOUNDED
        verdict = HOLDS if answer.kind == wanted else DIFFERS if answer.kind == REFUTED else NOT_RUN
        error = None if verdict == HOLDS else f"wanted {wanted}, got {answer.kind} at depth {answer.depth}"
        return {"verdict": verdict, "error": error, "proof": self.name, "seconds": round(answer.seconds, 3),
                "trace": list(answer.trace) if verdict == DIFFERS else []}  # fmt: skip


CLAIMS = {
    "rules": "a beat that waits at an output stays as it is, `valid` and payload, while inputs do the same",
    "paths": "no output's `ready` reaches a stream's `ready`, `valid` or payload without a register",
    "counts": "no beat leaves before the last one of those that it is made of has come in; TLAST is on a frame's last "
              "beat and on no other",
    "together": "a beat of one input is taken with one of the other, or not at all: what is added belongs together",
    "order": "a FIFO gives back what it got, each beat in its turn and as it came; it is never overfull, and shows "
             "nothing that did not come in (a CreditFifo fed as its contract says; of it and for ever: "
             "`tests/rtl/test_stream_proof.py`)",
    "counter": "a counter is in its range and one further a step, and its flags are those of its place",
    "faults": "`frame_errors` is one more for each fault that `frame_error` tells, and nothing else, whatever it is: "
              "all of its 32 bits count",
    "window": "every word of a line buffer holds the pixels of its window, zeros beyond the frame, with the flags of "
              "its place: nothing is read before it is written or after it is overwritten, in the first frames",
    "packing": "the sums of products that share DSPs come out of the fields right, for all weights of the narrow range "
               "and all activations, in chains as long as the bit widths allow",
    "requantiser": "every result is accumulator + bias, times the slope where that is negative, divided by 2 ** shift, "
                   "rounded half to even and limited, for all accumulators whose width holds them with their bias, "
                   "channel after channel",
}  # fmt: skip
"""By kind, what is proven of each component in the list."""


def _paths(small: Small) -> Answer:
    found = paths(small.build())
    return Answer(REFUTED if found else PROVEN, 0, trace=tuple({path: 1} for path in found))


def _of_streams() -> list[Proof]:
    found = []
    for name, forms in SMALL.items():
        for small in forms:
            found.append(Proof("rules", name, small.form, partial(_rules, small)))
            found.append(Proof("paths", name, small.form, partial(_paths, small)))
            if small.counts:
                found.append(Proof("counts", name, small.form, partial(_counts, small), small.depth))
    return found


def _rules(small: Small) -> Answer:
    return check_rules(small.build(), small.lemmas)


def _counts(small: Small) -> Answer:
    return check_counts(small.build(), small.counts, small.depth)


def _of_counters() -> list[Proof]:
    windows = {
        "3x3 kernel, 3x3 frame, padding 1": replace(PLAIN, bits=1),
        "3x3 kernel, 3x3 frame, padding 1, tap by tap": replace(PLAIN, taps=1, bits=1),
        "2x2 kernel at a stride of 2, 4x4 frame": replace(STRIDED, bits=1),
        "3x3 kernel dilated by 2, 3x3 frame, padding 2": replace(PLAIN, dilation=2, padding=2, bits=1),
    }
    return [
        *(Proof("together", "Add", small.form, partial(_together, small)) for small in SMALL["Add"]),
        *(Proof("order", name, small.form, partial(_order, small), 12)
          for name in ("CreditFifo", "SkipFifo") for small in SMALL[name]),
        *(Proof("counter", "counter.count", f"modulo {length}, from {start} on", partial(check_counter, length, start))
          for length, start in ((1, 0), (2, 1), (3, 0), (5, 3), (8, 0))),
        Proof("faults", "InputFraming", "frames of 3 beats", lambda: check_faults(InputFramingConfig(FRAMES).build())),
        *(Proof("window", "WindowBuffer", form, partial(check_windows, config, 20), 20)
          for form, config in windows.items()),
        *(Proof("window", "WindowBuffer", f"{form}, longer", partial(check_windows, config, 36), 36, quick=False)
          for form, config in windows.items() if config.taps == 1),
    ]  # fmt: skip


def _together(small: Small) -> Answer:
    return check_together(small.build())


def _order(small: Small) -> Answer:
    return check_order(small.build(), 12)


def array(weight: int, activation: Shape, field: int, lanes: int = 2, chain: int | None = None) -> MacConfig:
    """A chain of DSPs that `lanes` PEs share, as long as the widths allow unless it is given."""
    chain = chain or chain_bound(weight, activation.width, field)
    return MacConfig(
        pe=lanes, simd=chain, activation=activation, weight_bits=weight, rows=2,
        accumulator_bits=weight + activation.width + 4, packing=Packing("dsp", lanes, field, chain),
    )  # fmt: skip


def pair_array(weight: int, activation: Shape, field: int, chain: int | None = None) -> PairMacConfig:
    """The same of one PE whose two activations share a DSP."""
    chain = chain or chain_bound(weight, activation.width, field)
    return PairMacConfig(
        pe=1, simd=chain, activation=activation, weight_bits=weight, rows=2, field_bits=field,
        accumulator_bits=weight + activation.width + 4, packing=Packing("dsp", 1, 0, chain),
    )  # fmt: skip


LAYERS = {
    "6 to 3 bits, shifts -1, 0 and 2": Layer(6, signed(3), (1, -2, 0), (-1, 0, 2)),
    "6 to 3 bits without sign, shifts -1, 3 and 2, largest result 5":
        Layer(6, unsigned(3), (1, -2, 0), (-1, 3, 2), ceiling=5),
    "5 to 3 bits, slopes -3, 2 and 1 of 2 fraction bits": Layer(5, signed(3), (1, -2, 0), (-1, 0, 2), (-3, 2, 1), 2),
    "6 to 4 bits, every second channel on a grid of 2 bits":
        Layer(6, signed(4), (1, -2, 0, 3), (1, 2, 1, 0), coarse=(2, 1)),
    "4 to 3 bits, shift 7": Layer(4, signed(3), (1,), (7,)),
    "24 to 8 bits, shifts -1, 0 and 9": Layer(24, signed(8), (100, -2000, 0), (-1, 0, 9)),
}  # fmt: skip
"""Requantisers, by their form."""


def _of_arithmetic() -> list[Proof]:
    three, four, free = signed(3), signed(4), unsigned(3)

    def sums(form: str, config: MacConfig, quick: bool = True) -> Proof:
        name = "PairMacArray" if isinstance(config, PairMacConfig) else "MacArray"
        words = f"{form}, {config.packing.chain} DSPs"
        return Proof("packing", name, words, partial(_sums, config), quick=quick)

    return [
        sums("2 x 2 bits, 4 fields of 4", array(2, signed(2), 4, 4), quick=False),
        sums("3 x 3 bits, 2 fields of 6", array(3, three, 6)),
        sums("3 x 3 bits without sign, 2 fields of 6", array(3, free, 6)),
        sums("4 x 4 bits, 2 fields of 8", array(4, four, 8), quick=False),
        sums("3 x 3 bits, fields of 6", pair_array(3, three, 6)),
        sums("3 x 3 bits without sign, fields of 6", pair_array(3, free, 6), quick=False),
        *(Proof("requantiser", "Requantiser", form, partial(check_requantiser, layer))
          for form, layer in LAYERS.items()),
    ]


def _sums(config: MacConfig) -> Answer:
    """That is all: after so many cycles the sums of inputs that stay depend on nothing else."""
    answer = check_sums(config)
    return replace(answer, kind=PROVEN) if answer.kind == BOUNDED else answer


PROOFS = (*_of_streams(), *_of_counters(), *_of_arithmetic())
"""All of them."""
