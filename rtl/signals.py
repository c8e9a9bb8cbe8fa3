"""Several signals in one statement, under names that no Python version changes."""

from __future__ import annotations

from typing import Any

from amaranth import Signal


def signals(names: str, shape: Any = 1, *, reset_less: bool = False) -> tuple[Signal, ...]:
    """Signals of one shape: ``taken, done = signals("taken done")``.

    Amaranth names a signal after the variable that it is assigned to, which it finds in Python's bytecode. Of
    ``taken, done = Signal(), Signal()`` it finds both names, one or none, as that Python has compiled the line, so that
    the emitted Verilog would depend on it.

    Parameters
    ----------
    names : with spaces between them
    """
    return tuple(Signal(shape, name=name, reset_less=reset_less) for name in names.split())
