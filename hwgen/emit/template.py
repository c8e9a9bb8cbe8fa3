"""Templates of emitted text: files in `templates/`, called NAME.in, with names in double braces."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "templates"
NAME = re.compile(r"\{\{(\w+)\}\}")
"""A place to fill. Neither Verilog, nor make, YAML or Python has a name alone in double braces."""
LINE = re.compile(r"^\{\{(\w+)\}\}\n", re.MULTILINE)
"""One that is a line of its own: it takes any number of lines."""


def render(template: str, folder: Path = FOLDER, /, **values: object) -> str:
    """A template's text with every name replaced by its value, once; values are not looked into.

    Parameters
    ----------
    folder : of the file TEMPLATE.in

    A value for a line of its own is whole lines, each with its end; an empty one leaves no line.

    Raises
    ------
    KeyError : the template has a name without a value
    ValueError : a value that the template has no place for
    """
    text = (folder / f"{template}.in").read_text(encoding="utf-8")
    if surplus := sorted(set(values) - set(NAME.findall(text))):
        raise ValueError(f"{template}: wanted values of the template's names, got {', '.join(surplus)}")
    return re.sub(rf"{LINE.pattern}|{NAME.pattern}", lambda found: str(values[found[1] or found[2]]), text,
                  flags=re.MULTILINE)  # fmt: skip
