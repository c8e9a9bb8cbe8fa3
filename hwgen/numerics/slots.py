"""Items of a frame as bytes in a DMA's beats: the rules of `hwgen.rtl.axi.unpacker` and `packer`, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Beat = tuple[int, int, bool]
"""Data, which of its bytes are kept (TKEEP, a bit each), TLAST."""


def packed(items: Sequence[int], beat: int, slot: int) -> list[Beat]:
    """The beats of a frame of items.

    Parameters
    ----------
    items
        Of at most `slot` bytes.
    beat, slot
        Bytes of a beat, and from one item to the next; low bytes first.
    """
    content = b"".join(item.to_bytes(slot, "little") for item in items)
    parts = [content[place : place + beat] for place in range(0, len(content), beat)]
    return [
        (int.from_bytes(part, "little"), (1 << len(part)) - 1, place == len(parts) - 1)
        for place, part in enumerate(parts)
    ]


def unpacked(beats: Iterable[Beat], beat: int, slot: int, used: int) -> tuple[list[tuple[int, bool]], int]:
    """(item, whether it is its frame's last) of all items of a stream of beats, and the frames of a wrong length.

    A frame ends with TLAST. There TKEEP says how many bytes belong to it, up to the first one that is not kept, and a
    byte at least that is a zero then; in beats before it is not looked at. Bytes that the last item lacks are zeros.

    Parameters
    ----------
    beat, slot, used
        Bytes of a beat, from one item to the next, and of an item, the lowest of its slot.
    """
    items: list[tuple[int, bool]] = []
    wrong, frame = 0, b""
    for data, keep, last in beats:
        content = data.to_bytes(beat, "little")
        if not last:
            frame += content
            continue
        kept = next((place for place in range(beat) if not keep >> place & 1), beat)
        size = len(frame) + kept
        frame += content[:kept]
        # A last beat without a byte ends the item that has begun in the beats before, or is one of its own.
        count = -(-size // slot)
        if kept == 0 and len(frame) % slot == 0:
            count += 1
        wrong += size < (count - 1) * slot + used
        frame += bytes(count * slot - len(frame))
        values = [int.from_bytes(frame[at * slot : at * slot + used], "little") for at in range(count)]
        items += [(value, place == count - 1) for place, value in enumerate(values)]
        frame = b""
    whole = [frame[at * slot : at * slot + used] for at in range(len(frame) // slot)]
    return items + [(int.from_bytes(item, "little"), False) for item in whole], wrong
