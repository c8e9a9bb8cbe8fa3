"""A design for every shipped board, of the same bytes on boards with the same part."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen import board as boards
from hwgen.design_options import DesignOptions
from hwgen.emit import emit, graph_of
from hwgen.option_values import ENGINE
from hwgen.plan.buffers import minimal_buffers
from hwgen.plan.size import size
from hwgen.spec import model as specs


@pytest.mark.parametrize("name", ["kv260", "ultra96_v2", "zc706", "zcu104", "zedboard"])
def test_a_board_of_each_device(name: str, tmp_path: Path) -> None:
    """Verilog and manifest for the board, within what it may use."""
    loaded = boards.load(name)
    emitted = emit(DesignOptions("tiny", board=name, frame=(16, 16)), tmp_path / "design", quiet=True)
    manifest, predicted = emitted.manifest, emitted.manifest["predicted"]
    assert (manifest["board"], manifest["part"], manifest["clock_mhz"]) == (name, loaded.part, loaded.clock_mhz)
    assert predicted["fps"] == round(loaded.clock_mhz * 1e6 / predicted["frame_interval_cycles"], 3)
    assert all(predicted[key] <= loaded.budget(key) for key in ("dsp", "lut", "ff", "bram36", "uram"))
    assert "module hwgen_tx(" in (emitted.folder / "hwgen_tx.v").read_text(encoding="utf-8")


def test_boards_of_one_device_get_one_design() -> None:
    """The same config of every node: what is emitted differs in names alone."""
    graph, width, height = graph_of(DesignOptions("tiny", frame=(16, 16)), specs.load("tiny"))
    plans = [
        minimal_buffers(size(graph, boards.load(name), width, height, engine=ENGINE))
        for name in ("pynq_z2", "pynq_z1", "arty_z7_20", "zybo_z7_20", "zedboard")
    ]
    assert all(plan.configs == plans[0].configs for plan in plans)
