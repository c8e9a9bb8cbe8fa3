"""A component of rtl/ in a form that is small enough to prove things of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hwgen.formal.streams import Count


@dataclass(frozen=True)
class Small:
    """A component in a small form.

    form : in words
    build : a new one of it
    counts : of its beats
    depth : cycles for which they are checked
    lemmas : what else has to be known for its streams' rules, see `streams.check_rules`
    """

    form: str
    build: Callable[[], Any]
    counts: Sequence[Count] = field(default=())
    depth: int = 0
    lemmas: Callable[[str], tuple[str, ...]] | None = None
