"""`bench engines`: each design with a product for each tap and with what sizing chooses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.bench.engines import _table, bench, row
from hwgen.design_options import DesignOptions
from hwgen.emit import emit

SPEC = """\
format_version: 1
description: one layer
frame: {{width: 32, height: 8}}
encoder:
  - {{kernel: 5, stride: 1, channels: 4, activation: none, weight_bits: {bits}, activation_bits: {bits}}}
"""


def figures(folder: Path, capsys: pytest.CaptureFixture[str], bits: int) -> list[dict[str, object]]:
    path = folder / "one.yaml"
    path.write_text(SPEC.format(bits=bits), encoding="utf-8")
    assert bench([path], as_json=True) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["designs"]
    return found


def test_both_engines_of_a_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    direct, best = figures(tmp_path, capsys, 8)
    assert (direct["engine"], direct["form"], best["engine"]) == ("direct", "direct", "best")
    assert direct["side"] == best["side"] == "tx"
    for one in (direct, best):
        macs, cycles, dsp = 25 * 3 * 4 * 32 * 8, one["interval"], one["dsp"]
        assert isinstance(cycles, int) and isinstance(dsp, int)
        assert one["macs_per_cycle"] == macs / cycles
        assert one["macs_per_cycle_per_dsp"] == (macs / cycles / dsp if dsp else None)


def test_a_design_without_dsps(tmp_path: Path) -> None:
    spec = Path(__file__).resolve().parents[1] / "cases" / "s04_zero_dsp" / "w4a4.yaml"
    design = emit(DesignOptions(spec, "rx", init=1, engine="direct"), tmp_path / "design", quiet=True)
    found = row("few", "direct", design)
    assert (found.dsp, found.macs_per_cycle_per_dsp) == (0, None) and found.macs_per_cycle > 0
    _table([found], "some board")
