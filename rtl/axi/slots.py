"""Layout of items in a stream of bytes that comes in beats: packed one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm

from amaranth.hdl import Array, Value
from amaranth.lib import data

from hwgen.rtl.checks import check_positive


@dataclass(frozen=True)
class Slots:
    """Items of `slot` bytes, of which the lowest `used` carry data, in beats of `beat` bytes, low bytes first.

    The k-th item of a frame is in its bytes k * slot .. k * slot + used - 1, whatever beats these are in.

    Parameters
    ----------
    beat
        Bytes of a beat, at least `slot`.
    slot
        Bytes from one item to the next.
    used
        Bytes of an item.

    Raises
    ------
    ValueError
        One below 1, a slot of more bytes than a beat, an item of more than its slot.
    """

    beat: int
    slot: int
    used: int

    def __post_init__(self) -> None:
        check_positive(beat=self.beat, slot=self.slot, used=self.used)
        if self.slot > self.beat:
            raise ValueError(f"slot: wanted at most beat = {self.beat}, got {self.slot}")
        if self.used > self.slot:
            raise ValueError(f"used: wanted at most slot = {self.slot}, got {self.used}")

    @property
    def items(self) -> int:
        """Items after which their positions in the beats repeat."""
        return lcm(self.beat, self.slot) // self.slot

    @property
    def crosses(self) -> bool:
        """Whether some item lies in two beats."""
        return self.beat % self.slot != 0

    @cached_property
    def first(self) -> tuple[int, ...]:
        """For each of `items`: the byte of its beat at which it begins, 0 .. beat - 1."""
        return tuple(place * self.slot % self.beat for place in range(self.items))

    @cached_property
    def end(self) -> tuple[int, ...]:
        """For each of `items`: the byte behind its slot, in the beat that has the slot's last byte, 1 .. beat."""
        return tuple(((place + 1) * self.slot - 1) % self.beat + 1 for place in range(self.items))

    @property
    def item_layout(self) -> data.StructLayout:
        """An item, and whether it is a frame's last one."""
        return data.StructLayout({"beat": 8 * self.used, "last": 1})

    @property
    def beat_layout(self) -> data.StructLayout:
        """A beat of AXI4-Stream."""
        return data.StructLayout({"data": 8 * self.beat, "keep": self.beat, "last": 1})


def chosen(place: Value, values: Sequence[Value]) -> Value:
    """The value at `place`, one of them for each of `Slots.items`."""
    return Array(values)[place] if len(values) > 1 else values[0]
