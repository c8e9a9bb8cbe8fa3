"""The examples for continuous integration and for one's own regression: every command in them is one, and runs."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.folder_simulation import icarus

from hwgen import process
from hwgen.cli.main import build_parser

CLONE = Path(__file__).resolve().parents[2]
EXAMPLES = CLONE / "docs" / "examples"
PROJECT = (CLONE / "pyproject.toml").read_text(encoding="utf-8")
VARIABLES = {"SIM", "SEED", "STALL", "FRAMES", "VECTORS"}
"""Of an emitted folder's Makefile."""


def commands(example: str) -> Iterator[list[str]]:
    """The words of every command, for every cell of its job's matrix, in order."""
    content = yaml.safe_load((EXAMPLES / "ci" / example).read_text(encoding="utf-8"))
    jobs = [job for job in content.get("jobs", content).values() if {"steps", "script"} & set(job)]
    assert jobs
    for job in jobs:
        job = {**content.get(job.get("extends"), {}), **job}
        lines = [line for step in job.get("steps", []) for line in step.get("run", "").splitlines()] or job["script"]
        for names, cell in cells(job):
            for line in lines:
                for name, value in zip(names, cell, strict=True):
                    line = re.sub(rf"\$\{{\{{ matrix\.{name} \}}\}}|\${name}\b", value, line)
                assert "$" not in line, line
                yield shlex.split(line)


def cells(job: dict[str, Any]) -> Iterator[tuple[list[str], tuple[str, ...]]]:
    """The names of a matrix with the values of each of its cells."""
    matrix = job.get("strategy", {}).get("matrix") or job["parallel"]["matrix"][0]
    return ((list(matrix), cell) for cell in itertools.product(*matrix.values()))


@pytest.mark.parametrize("example", ["github.yml", "gitlab.yml"])
def test_every_command_is_one(example: str, tmp_path: Path) -> None:
    """hwgen's are parsed; emit is run, and make where Icarus is there; elsewhere it says what it would do."""
    variables = process.environment({"PYTHONPATH": process.python_path(), "PYTHONDONTWRITEBYTECODE": "1"})
    seen = set()
    for words in commands(example):
        seen.add(words[0])
        if words[0] == "hwgen":
            parsed = build_parser().parse_args(words[1:])
            if parsed.command != "emit":
                continue
            words = [sys.executable, "-m", *words, "--frame", "8x8"]
        elif words[:2] == ["python", "-m"]:
            words[0] = sys.executable
        elif words[0] == "make":
            given = {word.partition("=")[0] for word in words if "=" in word}
            assert given <= VARIABLES
            words.append(f"PYTHON={sys.executable}")
            if "SIM=icarus" not in words or not icarus():
                words.append("--dry-run")
        else:
            installs(words)
            continue
        out = words[words.index("--out") + 1] if "emit" in words else None
        if out:
            shutil.rmtree(tmp_path / out, ignore_errors=True)  # another cell's
        done = subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        assert words[0] != "make" or "--dry-run" in words or "\nPASS: " in done.stdout
    assert seen >= {"hwgen", "python", "make", "pip"}


def installs(words: list[str]) -> None:
    """Packages of the system, and hwgen's extras, which pyproject.toml must have."""
    if words[0] == "pip":
        assert words[1] == "install"
        for extra in re.findall(r"\[(\w+)\]", words[2]):
            assert re.search(rf"^{extra} = \[", PROJECT, re.MULTILINE), extra
    else:
        assert [word for word in words if word != "sudo"][:2] in (["apt-get", "update"], ["apt-get", "install"]), words


def test_the_document_has_the_example() -> None:
    """docs/your_regression.md quotes the tests of the example as they are."""
    example = (EXAMPLES / "regression" / "regression.py").read_text(encoding="utf-8")
    document = (CLONE / "docs" / "your_regression.md").read_text(encoding="utf-8")
    (quoted,) = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert quoted in example and example.endswith(quoted)


def test_variables_are_the_makefiles() -> None:
    template = (CLONE / "hwgen" / "emit" / "templates" / "Makefile.in").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+) \?=", template, re.MULTILINE)) >= VARIABLES
