"""Numbers of the streams and of the parts, and the packing of words: no module has its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORMAT_NAME = re.compile(r"(PIXEL|SYMBOL|COEFFICIENT|POWER|SLOPE|DECODER_SLOPE)(_(BITS|FRACTION|EXPONENT|SCALE))?")
OTHERS = {"hwgen/ir/nodes/convolution.py": ["SLOPE_BITS"], "rtl/matrix_product.py": ["SYMBOL"]}
"""No formats: a range that a node checks, and the layout of a stream with its flag."""


def sources() -> dict[str, ast.Module]:
    found = {}
    for folder in ("hwgen", "rtl", "sim"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(("hwgen/rtl/", "hwgen/sim/")):
                found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


SOURCES = sources()


def number_names(tree: ast.Module) -> Iterator[str]:
    """Names that a module gives a value with a number written in it."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(part, ast.Constant) and isinstance(part.value, int) for part in ast.walk(node.value)
        ):
            yield from (part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name))


def test_formats() -> None:
    found = {
        name: numbers
        for name, tree in SOURCES.items()
        if (numbers := [number for number in number_names(tree) if FORMAT_NAME.fullmatch(number)])
    }
    formats = found.pop("hwgen/numerics/formats.py")
    assert formats == ["PIXEL", "SYMBOL", "COEFFICIENT", "POWER", "SLOPE", "DECODER_SLOPE"]
    assert found == OTHERS


@pytest.mark.parametrize(
    ("function", "home"),
    [
        *((name, "hwgen/numerics/words.py") for name in (
            "pack_symbols", "unpack_symbols", "pack_pixels", "unpack_pixels", "pack_coefficients", "signed_values",
        )),
    ],
)  # fmt: skip
def test_functions(function: str, home: str) -> None:
    homes = [
        name
        for name, tree in SOURCES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    assert homes == [home]


def test_resources_and_families() -> None:
    def holding(*keys: str) -> list[str]:
        """Modules with a display that has all the keys as texts."""
        return [
            name
            for name, tree in SOURCES.items()
            for node in ast.walk(tree)
            if isinstance(node, (ast.Dict, ast.Tuple, ast.List, ast.Set))
            and set(keys) <= {
                part.value for part in (node.keys if isinstance(node, ast.Dict) else node.elts)
                if isinstance(part, ast.Constant)
            }
        ]  # fmt: skip

    assert [name for name in holding("dsp", "lut", "ff", "bram36") if name != "hwgen/synth/sweep.py"] == [
        "hwgen/device.py"
    ]
    assert set(holding("xc7", "xcup")) == {"hwgen/device.py", "hwgen/board.py", "hwgen/synth/yosys.py"}
