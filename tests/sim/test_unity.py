"""Verilator's files are grouped, none is lost, and the makefile names the groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.sim import unity

CLASSES = """\
VM_PARALLEL_BUILDS = 1
VM_CLASSES_FAST += \\
  Vx \\
  Vx__0 \\
  Vx__1 \\

VM_CLASSES_SLOW += \\
  Vx__0__Slow \\

VM_SUPPORT_FAST += \\
  Vx__Dpi \\

VM_SUPPORT_SLOW += \\

VM_GLOBAL_FAST += \\
  verilated \\

"""


def test_files_are_grouped_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unity, "LARGEST", 100)
    (tmp_path / "Vx_classes.mk").write_text(CLASSES)
    for name, size in {"Vx": 60, "Vx__0": 41, "Vx__1": 59, "Vx__Dpi": 300, "Vx__0__Slow": 5}.items():
        (tmp_path / f"{name}.cpp").write_text("/" * size)
    unity.unite(tmp_path, "Vx")

    assert (tmp_path / "Vx_classes.mk").read_text() == CLASSES.replace(
        "  Vx \\\n  Vx__0 \\\n  Vx__1 \\\n", "  Vx_fast0 \\\n  Vx_fast1 \\\n  Vx_fast2 \\\n"
    ).replace("Vx__0__Slow", "Vx_slow0").replace("  Vx__Dpi \\\n", "")
    texts = [(tmp_path / f"Vx_fast{place}.cpp").read_text() for place in range(3)]
    assert texts == ['#include "Vx.cpp"\n', '#include "Vx__0.cpp"\n#include "Vx__1.cpp"\n', '#include "Vx__Dpi.cpp"\n']
    assert (tmp_path / "Vx_slow0.cpp").read_text() == '#include "Vx__0__Slow.cpp"\n'
    assert not (tmp_path / "Vx_slow1.cpp").exists()
    assert {path.name for path in tmp_path.glob("*.gch")} == {"Vx__pch.h.fast.gch", "Vx__pch.h.slow.gch"}
