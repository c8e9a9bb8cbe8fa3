"""Each fact is written down once: a stream's format in numerics/formats.py, the design options in one dataclass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted({path.resolve() for folder in ("hwgen", "rtl", "sim") for path in (ROOT / folder).rglob("*.py")})
"""Without those that hwgen/ links to a second time."""


def code(path: Path) -> str:
    """A module without its docstrings and comments."""
    return re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        (r"FixedPointFormat\(\d", "hwgen/numerics/formats.py"),
        (r"^ +init: int \| None = None\n +channel: ", "hwgen/design_options.py"),
        (r"def psnr\(", "hwgen/metrics/psnr.py"),
        (r"def ssim\(", "hwgen/metrics/ssim.py"),
        (r"subprocess\.(run|Popen|call|check_\w+)\(", "hwgen/process.py"),
        (r"print\(json", "hwgen/console.py"),
        (r"import platformdirs|XDG_CACHE_HOME\W+\)", "hwgen/cache.py"),
    ],
    ids=["formats", "design options", "PSNR", "SSIM", "child processes", "JSON", "caches"],
)
def test_one_place(pattern: str, file: str) -> None:
    found = {str(path.relative_to(ROOT)) for path in SOURCES if re.search(pattern, code(path), re.MULTILINE)}
    assert found == {file}


def test_streams_are_connected_in_one_place() -> None:
    """By Amaranth's `connect` or by `connect_in_order`; by hand where the payload changes on its way or loses TLAST,
    and at the top's AXI ports, which are no streams of Amaranth's."""
    pattern = r"\.valid\.eq\((\w+\.)+valid\)"
    found = {str(path.relative_to(ROOT)) for path in SOURCES if re.search(pattern, code(path))}
    changed = {"rtl/window_pooling.py", "rtl/input_framing.py", "rtl/axi/packer.py"}
    assert found == {"rtl/pipeline.py", "hwgen/emit/datapath.py"} | changed


@pytest.mark.parametrize("bits", [12, 10, 8])
def test_no_scale_is_written_as_a_power(bits: int) -> None:
    """Q3.12, Q5.10 and pixels: `SYMBOL.scale` and so on have it."""
    pattern = rf"\b2(\.0)?\*\*-{bits}\b"
    assert re.search(pattern, "x * 2.0**-12, x * 2**-10, x * 2**-8"), "the pattern finds what it is about"
    assert [str(path.relative_to(ROOT)) for path in SOURCES if re.search(pattern, code(path))] == []


def test_no_file_has_over_400_lines() -> None:
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    assert {str(path.relative_to(ROOT)) for path in files if len(path.read_text("utf-8").splitlines()) > 400} == set()
