"""The reader's way through a frame: output row, column, fold, word; nothing but flags leaves here.

Every flag is a register that was decided a step before, so that what depends on it is one gate away. For the same
reason the position that is counted is not the output pixel that is read but the one after it: what the step to that
one changes is known before the step is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from amaranth.hdl import Const, Module, Mux, Signal, Value

from hwgen.rtl.counter import count

if TYPE_CHECKING:
    from hwgen.rtl.window_config import WindowConfig


class WindowSequencer:
    """Counters of a window's reader, added to a module.

    Parameters
    ----------
    complete : the window of the output pixel is complete: a register
    room : a fold's last word may go

    Members
    -------
    issue : a word leaves
    end_fold, advance : it is a fold's last / the output pixel's last
    end_row, end_next_row : and that pixel is the last of its row / the one after it will be
    next_final : the next word is the output pixel's last
    first, last : the word is a fold's first / last
    last_fold : the fold is the output pixel's last
    next_column, next_row : counters of the output pixel after the one that is read, frame after frame
    """

    def __init__(self, m: Module, shape: WindowConfig, complete: Value, room: Value) -> None:
        self.m, self.shape, self.room = m, shape, room
        self.issue, self.end_fold, self.advance, self.end_row, self.end_next_row = (
            Signal(name=name) for name in ("issue", "end_fold", "advance", "end_row", "end_next_row")
        )
        words = count(m, shape.words, self.issue, "word")
        folds = count(m, shape.folds, self.end_fold, "fold")
        row, column = divmod(1, shape.out_width)
        self.next_column = count(m, shape.out_width, self.advance, "next_column", column)
        self.next_row = count(m, shape.out_height, self.end_next_row, "next_row", row % shape.out_height)
        self.last, self.last_fold = words.last, folds.last
        self.first = Signal(init=1, name="first")
        last_column = Signal(init=shape.out_width == 1)
        with m.If(self.issue):
            m.d.sync += self.first.eq(self.last)
        with m.If(self.advance):
            m.d.sync += last_column.eq(self.next_column.last)

        self.next_final = words.next_last & folds.last if shape.words > 1 else folds.next_last
        if shape.cycles_per_pixel == 1:
            begun, final, ends, ends_next = complete, complete, last_column & complete, self.next_column.last & complete
        else:
            # What an output pixel's last word ends is known when the word before it goes. Once one has gone, the window
            # is complete until the last.
            begun, final, ends, ends_next = (Signal(name=name) for name in ("begun", "final", "ends", "ends_next"))
            with m.If(self.issue):
                m.d.sync += [
                    begun.eq(~final),
                    final.eq(self.next_final),
                    ends.eq(self.next_final & last_column),
                    ends_next.eq(self.next_final & self.next_column.last),
                ]
        m.d.comb += [
            self.issue.eq((begun | complete) & (~self.last | room)),
            self.end_fold.eq(room & self.last if shape.words > 1 else self.issue),
            self.advance.eq(room & final),
            self.end_row.eq(room & ends),
            self.end_next_row.eq(room & ends_next),
        ]

    def step(self, counted: Callable[[int, int], int], width: int, first_row: int, name: str) -> Value:
        """As `growth`, when the reader steps to the next output pixel; 0 until then."""
        m = self.m
        register = self.growth(counted, width, first_row, name)
        if self.shape.cycles_per_pixel == 1:
            return Mux(self.advance, register, 0)
        due = Signal(width, name=f"{name}_due")
        with m.If(self.issue):
            m.d.sync += due.eq(Mux(self.next_final, register, 0))
        return Mux(self.room, due, 0)

    def growth(
        self, counted: Callable[[int, int], int], width: int, first_row: int, name: str
    ) -> Value:
        """-(the growth of `counted(row, column)`) from the output pixel that is read to the next.

        Inside a row the growth depends on the column alone, once `first_row` is reached, and is zero before; at the
        end of a row it depends on the row; at the end of a frame it counts on into the next frame.
        """
        m, s = self.m, self.shape
        rows, columns = s.out_height, s.out_width
        following = Signal(width, name=f"following_{name}")
        along = [counted(rows - 1, x) - counted(rows - 1, x + 1) for x in range(columns - 1)]
        down = [counted(y, columns - 1) - counted(y + 1, 0) for y in range(rows - 1)]
        held = self._held(name)
        is_growing = held(self.next_row.place >= first_row)
        inside, below = _cases(self.next_column.place, along, held), _cases(self.next_row.place, down, held)
        with m.If(~self.next_column.last):
            with m.If(is_growing):
                _select(m, following, inside)
        with m.Elif(~self.next_row.last):
            _select(m, following, below)
        with m.Else():
            m.d.comb += following.eq(counted(rows - 1, columns - 1) - counted(0, 0) - s.height * s.width)
        after = counted(0, 1) if columns > 1 else counted(1, 0) if rows > 1 else counted(0, 0) + s.height * s.width
        register = Signal(width, init=(counted(0, 0) - after) % (1 << width), name=name)
        chosen = held(following)
        with m.If(self.advance):
            m.d.sync += register.eq(chosen)
        return register


    def _held(self, name: str) -> Callable[[Value], Value]:
        """What becomes of comparisons, and of what is chosen by them: here they stay as they are."""
        return lambda value: value


def _cases(index: Value, steps: list[int], held: Callable[[Value], Value]) -> list[tuple[Value, int]]:
    """(condition, step): steps[index] as comparisons, which `held` takes, against the few places where it changes."""
    found: list[tuple[Value, int]] = []
    start = 0
    for place in range(1, len(steps) + 1):
        if place == len(steps) or steps[place] != steps[start]:
            # Beyond the end any value will do.
            conditions = [held(index >= start)] * (start > 0) + [held(index < place)] * (place < len(steps))
            found.append((conditions[0] & conditions[-1] if conditions else Const(1, 1), steps[start]))
            start = place
    return found


def _select(m: Module, signal: Signal, cases: list[tuple[Value, int]]) -> None:
    """`signal` = the step whose condition is met."""
    for condition, step in cases:
        with m.If(condition):
            m.d.comb += signal.eq(step)
