"""The origin of emitted Verilog: for each of its lines, the lines of Python that it was written by.

Emitted files hold no paths of sources. The same design is therefore written once more, with them, and both texts are
laid side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hwgen.errors import HwgenError

SOURCE = re.compile(r'\(\* src = "([^"]*)" \*\) ?')
ALONE = re.compile(r'( *)\(\* src = "([^"]*)" \*\)')
OWN = re.compile(r"(?:^|/)(?:rtl|emit)/(\w+)\.py:(\d+)$")
"""A source among hwgen's components, and the top."""


@dataclass(frozen=True)
class Origins:
    """sources : for every line of the emitted file, "path:line" of what wrote it; counted from 1, none for line 0."""

    sources: Sequence[tuple[str, ...]]

    def component(self, lines: Iterable[int]) -> str | None:
        """Name of the component that wrote these lines; None where none of ours did."""
        found = self._own(lines)
        return found[0][0] if found else None

    def place(self, lines: Iterable[int]) -> str | None:
        """The component's file and line, "mac.py:12"; None where none of ours wrote these lines."""
        found = self._own(lines)
        return f"{found[0][0]}.py:{found[0][1]}" if found else None

    def _own(self, lines: Iterable[int]) -> list[tuple[str, str]]:
        matches = [OWN.search(source) for line in lines for source in self.sources[line]]
        return [(match[1], match[2]) for match in matches if match]


def origins(emitted: str, annotated: str) -> Origins:
    """Lay an emitted file beside the same text with sources.

    Raises
    ------
    HwgenError : they are not the same text
    """
    sources: list[tuple[str, ...]] = []
    plain: list[str] = []
    depth, first, above = 0, False, ()  # type: int, bool, tuple[str, ...]
    for line in annotated.splitlines():
        if alone := ALONE.fullmatch(line):
            depth, first, above = len(alone[1]), True, tuple(alone[2].split("|"))
            continue
        if not first and len(line) - len(line.lstrip()) <= depth:
            above = ()  # it was for one statement, and the lines inside it
        first = False
        sources.append((*(source for found in SOURCE.findall(line) for source in found.split("|")), *above))
        plain.append(SOURCE.sub("", line))
    lines = emitted.splitlines()
    header = len(lines) - len(plain)
    if header < 0 or lines[header:] != plain:
        raise HwgenError("the Verilog with sources", "the emitted text", "another one")
    return Origins([(), *([()] * header), *sources])
