"""The components of rtl/axi/ with streams, in a small form, as `hwgen.formal.components` has all others."""

from __future__ import annotations

from hwgen.formal.nets import Nets, equal, implies, number, skip_fifo
from hwgen.formal.small import Small
from hwgen.formal.streams import Count
from hwgen.rtl.axi.coefficients import CoefficientsConfig
from hwgen.rtl.axi.crossing import LiteCrossingConfig
from hwgen.rtl.axi.lite import LiteSlaveConfig
from hwgen.rtl.axi.packer import PackerConfig
from hwgen.rtl.axi.slots import Slots
from hwgen.rtl.axi.unpacker import UnpackerConfig

PACKED = Slots(4, 3, 3)
"""Four items of three bytes in three beats of four."""
WORDS = Slots(2, 2, 2)
"""An item a beat."""
DEPTH = UnpackerConfig.depth


def fifo(text: str) -> tuple[str, ...]:
    """Lemmas of the FIFO inside."""
    return skip_fifo(text, "dut.fifo", DEPTH)


def slave(text: str) -> tuple[str, ...]:
    """Lemmas of a LiteSlave: nothing is read while an answer waits."""
    nets = Nets(text)
    reading, answer = (equal(nets.unsigned(name), number(1)) for name in ("dut.reading", "r__valid"))
    return (f"(not (and {reading} {answer}))",)


def coefficients(text: str) -> tuple[str, ...]:
    """Lemmas of Coefficients of two words: what is read or waits belongs to a frame that has begun, none is read twice,
    and the one that waits is the memory's."""
    nets = Nets(text)
    reading, valid = (equal(nets.unsigned(name), number(1)) for name in ("dut.reading", "o__valid"))
    begun = f"(not {equal(nets.unsigned('dut.owed'), number(0))})"
    used, place = (nets.unsigned(f"dut.{name}") for name in ("used", "place"))
    words = [
        implies(
            f"(and {valid} {equal(used, number(word >> 1))} {equal(place, number(word & 1))})",
            nets.alike("dut.ram.data", f"dut.ram.memory0_0[{word}]"),
        )
        for word in range(4)
    ]
    return (f"(not (and {reading} {valid}))", implies(f"(or {reading} {valid})", begun), *words)


def crossing(text: str) -> tuple[str, ...]:
    """Claims about a LiteCrossing whose sides have one clock: who waits for whom.

    Nothing is asked while an answer waits; a question that is under way has been seen and not been answered.
    """
    nets = Nets(text)

    def bit(name: str) -> str:
        return equal(nets.unsigned(f"dut.{name}"), number(1))

    def same(*names: str) -> str:
        first, *others = names
        return "(and true " + " ".join(f"(= {bit(first)} {bit(other)})" for other in others) + ")"

    valids = [f"to_{name}__valid" for name in ("aw", "w", "ar")]
    quiet = f"(not (or {bit('begun')} {' '.join(map(bit, valids))}))"
    active = f"(or {bit('begun')} {' '.join(map(bit, valids))})"
    answer = f"(or {bit('b__valid')} {bit('r__valid')})"
    return (
        implies(f"(not {bit('waiting')})", same("asked", "answered", "answered_stage0", "answered_stage1",
                                                 "asked_stage0", "asked_stage1")),
        implies(f"(not {bit('waiting')})", quiet),
        implies(answer, f"(not {bit('waiting')})"),
        implies(active, f"(and {bit('waiting')} {same('asked', 'asked_stage0', 'asked_stage1')}"
                        f" (not {same('asked', 'answered')}))"),
        implies(f"(not {same('asked', 'answered')})", same("answered", "answered_stage0", "answered_stage1")),
        implies(same("asked", "answered"), same("asked", "asked_stage0", "asked_stage1")),
        implies(same("asked", "asked_stage1"), same("asked", "asked_stage0")),
        implies(same("asked", "answered_stage1"), same("asked", "answered_stage0", "answered")),
    )  # fmt: skip


AXI: dict[str, tuple[Small, ...]] = {
    "Coefficients": (Small("2 words, 3 frames owed", CoefficientsConfig(2, 3).build, lemmas=coefficients),),
    "LiteCrossing": (Small("8 bytes, one clock", LiteCrossingConfig(3, "sync").build,
                           (Count("ar", "to_ar", (0, 1)), Count("aw", "to_aw", (0, 1)), Count("w", "to_w", (0, 1))), 14,
                           lemmas=crossing),),
    "LiteSlave": (Small("16 bytes", LiteSlaveConfig(4).build,
                        (Count("aw", "b", (0, 1)), Count("w", "b", (0, 1)), Count("ar", "r", (0, 1))), 20,
                        lemmas=slave),),
    "Packer": (Small("pixels of 3 bytes in beats of 4", PackerConfig(PACKED).build, lemmas=fifo),
               Small("an item a beat", PackerConfig(WORDS).build, lemmas=fifo)),
    "Unpacker": (Small("pixels of 3 bytes in beats of 4", UnpackerConfig(PACKED).build, lemmas=fifo),
                 Small("an item a beat", UnpackerConfig(WORDS).build, (Count("i", "o", (0, 1)),), 16, lemmas=fifo)),
}  # fmt: skip
"""By the name of the class."""
