"""Signals' names: those in the source, whatever Python version reads it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from amaranth.hdl import signed

from hwgen.rtl.signals import signals

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "rtl").rglob("*.py"), *(ROOT / "hwgen" / "emit").glob("*.py"), ROOT / "hwgen/ip/top.py"])
NAMED = ("Signal", "Signal.like", "Memory")
PORTS = (".read_port", ".write_port")


def misnamed(source: str) -> list[str]:
    """Calls whose signals Amaranth would have to name, and cannot do so in every Python version.

    It can where the whole value of an assignment is the call, and all targets are variables or attributes.
    """
    tree, named, found = ast.parse(source), set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(isinstance(target, ast.Name | ast.Attribute) for target in targets):
                named.add(node.value)
            if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "signals":
                given = ast.literal_eval(node.value.args[0]).split()
                if [ast.unparse(target) for target in targets] != [f"({', '.join(given)})"]:
                    found.append(ast.unparse(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, own = ast.unparse(node.func), any(keyword.arg == "name" for keyword in node.keywords)
            if (name in NAMED or name.endswith(PORTS)) and not own and node not in named:
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_signal_is_named_by_the_source(path: Path) -> None:
    assert misnamed(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "a, b = Signal(), Signal()",
        "a = [Signal(4) for _ in range(2)]",
        "a = Signal() if c else None",
        "a[0] = Signal.like(b)",
        "a = View(layout, Signal(8))",
        "return_value((Signal()))",
        "a, b = memory.read_port(), memory.write_port()",
        "a, b = signals('a c')",
    ],
)
def test_a_name_that_depends_on_the_python_version_is_found(line: str) -> None:
    assert misnamed(line)


@pytest.mark.parametrize(
    "line",
    ["a = Signal()", "m.submodules.b = a = Memory()", "self.a: Value = Signal(3)", "a, b = signals('a b', 3)",
     "a = [Signal(name=f'a{i}') for i in range(2)]"],
)  # fmt: skip
def test_a_name_that_does_not_is_fine(line: str) -> None:
    assert misnamed(line) == []


def test_signals() -> None:
    first, second = signals("first second", signed(5), reset_less=True)
    assert [(each.name, each.shape(), each.reset_less) for each in (first, second)] == [
        ("first", signed(5), True), ("second", signed(5), True)
    ]  # fmt: skip
    (flag,) = signals("flag")
    assert (flag.name, len(flag), flag.reset_less) == ("flag", 1, False)
