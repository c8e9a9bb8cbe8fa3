r"""Inputs that are wrong, or nearly so, and what must come of each: the reader of tests/cases/bad_inputs/*.txt.

    frame of one number                              the kind, once in all tables
      = spec.yaml: tiny/spec.yaml                    a file of the folder that the command runs in, and where it is from
      - width: 32 => width: 0                        its text that changes, which stands there once
      $ emit --model spec.yaml                       the command line, as a shell splits it
      ! spec.yaml:6: frame.width: wanted ...         the whole error; [...] stands for anything

A file is from: a shipped model, NAME/FILE; an emitted design, design/FILE; another case, CASE/FILE; `design` or
`model NAME`, the whole of one; `folder`; `pipe`; `link TARGET`; `sparse BYTES`; `text ...`; or a function of
`support.bad_files` and
its arguments. Further lines change the file last named, one after the other:

      - OLD => NEW             text that stands there once; \n, \t, \r, \\, \xNN and \uNNNN are what they are in Python
      . a.0.b = JSON           a value of a JSON file; without `= JSON` it is taken away
      > FUNCTION ARGUMENTS     of `support.bad_files`: bytes to bytes

A kind without `!` is legal: `~ TEXT` is a part of what is printed, and the exit status 0.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hwgen.spec.model import MODELS
from support import bad_files

TABLES = Path(__file__).parents[1] / "cases" / "bad_inputs"


@dataclass
class Kind:
    """A row: its name, the lines that make its files, its command's words, the error and what is printed."""

    name: str
    making: list[tuple[str, str]] = field(default_factory=list)
    command: str = ""
    error: str | None = None
    printed: str | None = None

    @property
    def words(self) -> list[str]:
        return shlex.split(plain(self.command))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What standard error must be, as a whole."""
        return re.compile(".*".join(map(re.escape, f"error: {self.error}".split("[...]"))) + "\n")


def plain(text: str) -> str:
    r"""With \n, \t, \r, \\, \xNN and \uNNNN as what they stand for."""
    simple = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    return re.sub(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|[ntr\\])",
                  lambda m: simple.get(m[1]) or chr(int(m[1][1:], 16)), text)  # fmt: skip


def kinds() -> Iterator[Kind]:
    """All rows of all tables."""
    for table in sorted(TABLES.glob("*.txt")):
        yield from read(table.read_text(encoding="utf-8"))


def read(text: str) -> Iterator[Kind]:
    """The rows of a table; lines that begin with # are comments."""
    found: Kind | None = None
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith("  "):
            if found is not None:
                yield found
            found = Kind(line)
            continue
        assert found is not None, f"a line before the first name: {line}"
        mark, rest = line[2], line[4:]
        if mark == "$":
            found.command = rest
        elif mark == "!":
            found.error = rest
        elif mark == "~":
            found.printed = rest
        else:
            assert mark in "=-.>", f"{found.name}: {line}"
            found.making.append((mark, rest))
    if found is not None:
        yield found


def make(kind: Kind, folder: Path, design: Path) -> None:
    """Make a row's files. Where a graph.json and its weights.npz are made, the hash is the one of these weights."""
    for path, source, changes in _files(kind):
        target = folder / os.fsdecode(os.fsencode(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        content = _source(source, target, design)
        for mark, change in changes:
            assert content is not None, f"{kind.name}: {path} has no bytes"
            content = _changed(content, mark, change, kind.name)
        if content is not None:
            target.write_bytes(content)
    for graph in folder.rglob("graph.json"):
        _rehash(graph)


def _files(kind: Kind) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for mark, rest in kind.making:
        if mark == "=":
            path, _, source = rest.partition(": ")
            found.append((plain(path), source, []))
        else:
            found[-1][2].append((mark, rest))
    return iter(found)


def _source(source: str, target: Path, design: Path) -> bytes | None:
    """A file's first content; None where there is nothing more to write."""
    name, _, rest = source.partition(" ")
    if name == "folder":
        target.mkdir(exist_ok=True)
    elif name == "pipe":
        os.mkfifo(target)
    elif name == "sparse":
        with target.open("wb") as stream:
            stream.truncate(int(rest))
    elif name == "link":
        target.symlink_to(rest)
    elif name == "text":
        return plain(rest).encode("utf-8", "surrogateescape")
    elif name == "design":
        shutil.copytree(design, target)
    elif (design / name.removeprefix("design/")).is_file():
        return (design / name.removeprefix("design/")).read_bytes()
    elif name == "model":
        shutil.copytree(MODELS / rest, target)
    elif (TABLES.parent / name).is_file():
        return (TABLES.parent / name).read_bytes()
    elif (MODELS / name).is_file():
        return (MODELS / name).read_bytes()
    else:
        content: bytes = getattr(bad_files, name)(*shlex.split(plain(rest)))
        return content
    return None


def _changed(content: bytes, mark: str, change: str, kind: str) -> bytes:
    if mark == "-":
        old, new = (plain(part) for part in change.split(" => "))
        text = content.decode()
        assert text.count(old) == 1, f"{kind}: {old!r} stands there {text.count(old)} times"
        return text.replace(old, new).encode("utf-8", "surrogateescape")
    if mark == ">":
        name, *arguments = shlex.split(plain(change))
        changed: bytes = getattr(bad_files, name)(content, *arguments)
        return changed
    document = json.loads(content)
    key, equals, value = change.partition(" = ")
    *way, last = (int(part) if part.isdigit() else part for part in key.split("."))
    inner = document
    for part in way:
        inner = inner[part]
    if not equals:
        del inner[last]
    elif isinstance(inner, list) and last == len(inner):
        inner.append(json.loads(value))
    else:
        inner[last] = json.loads(value)
    return json.dumps(document, indent=1).encode()


def _rehash(graph: Path) -> None:
    """The kinds of a wrong hash say another one than sixty-four zeros or the shipped one's."""
    weights = graph.with_name("weights.npz")
    if not weights.is_file():
        return
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    text = graph.read_bytes()
    graph.write_bytes(re.sub(rb'("weights_sha256": ")(?!f{64})[0-9a-f]{64}"', rb'\g<1>' + found.encode() + b'"', text))
