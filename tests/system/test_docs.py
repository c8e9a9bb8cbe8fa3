"""Documents: links lead somewhere, paths exist, and every command that they show is one that hwgen takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from hwgen.cli.main import build_parser

CLONE = Path(__file__).resolve().parents[2]
DOCUMENTS = [CLONE / "README.md", *sorted((CLONE / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^"]+)"', text):
        assert target.startswith("https://") or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_are_hwgens(document: Path) -> None:
    for command in re.findall(r"^    (?:\.venv/bin/)?hwgen (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE):
        if not re.search(r"\[|--help", command):
            build_parser().parse_args(shlex.split(command, comments=True))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:hwgen|rtl|sim|tests|boards|models|docs)/[\w./]+)`", text):
        if "NAME" not in path:
            assert (CLONE / path).exists(), path


def test_make_targets_exist() -> None:
    makefile = (CLONE / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    shown = set(re.findall(r"^\t@echo \"make ([a-z-]+)", makefile, re.MULTILINE))
    assert shown <= targets
    for document in DOCUMENTS:
        assert set(re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8"))) <= targets, document.name
