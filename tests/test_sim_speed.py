"""The speed measurement runs and prints both figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sim_toy

from hwgen.sim import speed


def test_both_speeds_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sim_toy.make(tmp_path)
    assert speed.main([str(tmp_path), "--cycles", "200000"]) == 0
    found = re.search(
        r"bench: ([\d,]+) kcycles/s, bare C\+\+ loop: ([\d,]+) kcycles/s, ratio \d+\.\d\d", capsys.readouterr().out
    )
    assert found is not None and all(int(text.replace(",", "")) > 0 for text in found.groups())
