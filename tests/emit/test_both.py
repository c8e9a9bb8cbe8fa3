"""A transmitter and its receiver for one board: two whole design folders, what they take together, no name twice."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from support.emission import FRAME, contents
from support.folder_simulation import icarus

from hwgen import board as boards
from hwgen.cli import main as cli
from hwgen.design_options import DesignOptions
from hwgen.device import RESOURCES
from hwgen.emit import emit
from hwgen.emit.both import EmittedPair, emit_both, pair_manifest
from hwgen.errors import HwgenError

OPTIONS = DesignOptions("tiny", frame=FRAME, init=1)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> EmittedPair:
    return emit_both(OPTIONS, tmp_path_factory.mktemp("both") / "pair", quiet=True)


def modules(path: Path) -> set[str]:
    return set(re.findall(r"^module (\\?[\w.$]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_each_folder_is_a_design_by_itself(pair: EmittedPair) -> None:
    assert {path.name for path in pair.folder.iterdir()} == {"tx", "rx", "manifest.json", "README.md"}
    for side, design in pair.designs.items():
        manifest = json.loads((pair.folder / side / "manifest.json").read_text(encoding="utf-8"))
        assert manifest == design.manifest
        assert (manifest["side"], manifest["top"]) == (side, f"hwgen_{side}")
        there = {path.name for path in design.folder.iterdir()}
        assert set(manifest["files"]) == there - {"manifest.json", "README.md"}


def test_the_manifest_of_the_pair(pair: EmittedPair) -> None:
    manifest = json.loads((pair.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == pair.manifest
    sides = [design.manifest["predicted"] for design in pair.designs.values()]
    for key in RESOURCES:
        assert manifest["predicted"][key] == sum(side[key] for side in sides)
        assert manifest["predicted"][key] <= manifest["usable"][key] == boards.load("pynq_z2").budget(key)
    interval = max(side["frame_interval_cycles"] for side in sides)
    assert manifest["predicted"]["frame_interval_cycles"] == interval
    assert manifest["predicted"]["fps"] == round(manifest["clock_mhz"] * 1e6 / interval, 3)
    assert set(manifest["files"]) == set(contents(pair.folder)) - {"manifest.json", "README.md", "tx", "rx"}
    text = (pair.folder / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| together \| \| {interval} \| {manifest['predicted']['dsp']} \|", text, re.MULTILINE)
    assert "hwgen verify --model tiny --side both --init random:1 --design ." in text


def test_a_pair_names_its_engine(pair: EmittedPair) -> None:
    """As either side's manifest does."""
    assert pair.manifest["engine"] == "best"
    plans = {side: design.plan for side, design in pair.designs.items()}
    sides = {side: design.manifest | {"engine": "winograd"} for side, design in pair.designs.items()}
    assert pair_manifest(plans, sides)["engine"] == "winograd"


def test_no_module_of_one_side_is_one_of_the_other(pair: EmittedPair) -> None:
    found = [set().union(*(modules(path) for path in design.folder.glob("*.v"))) for design in pair.designs.values()]
    assert all(len(names) > 10 for names in found)
    assert not found[0] & found[1]


@pytest.mark.skipif(not icarus(), reason="Icarus Verilog (iverilog) is not installed")
def test_both_stand_in_one_project(pair: EmittedPair, tmp_path: Path) -> None:
    """One compilation of both and their testbenches; either testbench passes."""
    files = [str(path) for design in pair.designs.values() for path in sorted(design.folder.glob("*.v"))]
    for side, design in pair.designs.items():
        program = tmp_path / f"{side}.vvp"
        subprocess.run(["iverilog", "-g2012", "-s", f"hwgen_{side}_tb", "-o", program, *files], check=True)
        ended = subprocess.run(["vvp", "-n", program], cwd=design.folder, capture_output=True, text=True, check=True)
        assert f"PASS: hwgen_{side}, 3 frames" in ended.stdout


@pytest.mark.usefixtures("no_verilog")
def test_a_board_that_one_side_would_fill(tmp_path: Path) -> None:
    """Both keep within what the board has, at a common rate that is below that of either alone."""
    small = yaml.safe_load(boards.load("pynq_z2").path.read_text(encoding="utf-8"))
    small["resources"]["dsp"], small["lut_product_bits"] = 14, 0
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small), encoding="utf-8")
    options = DesignOptions("tiny", frame=FRAME, init=1, board=path)
    both = emit_both(options, tmp_path / "pair", quiet=True)
    alone = emit(options, tmp_path / "alone", quiet=True)
    assert both.manifest["predicted"]["dsp"] <= 14
    assert both.manifest["predicted"]["fps"] < alone.manifest["predicted"]["fps"]
    small["resources"]["dsp"] = 4
    path.write_text(yaml.safe_dump(small), encoding="utf-8")
    with pytest.raises(HwgenError, match=r"resources\.dsp: wanted .*tiny \(2 designs together\) with 8x8 frames"):
        emit_both(options, tmp_path / "too_small", quiet=True)
    assert not (tmp_path / "too_small").exists()


@pytest.mark.usefixtures("no_verilog")
def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["emit", "--model", "tiny", "--side", "both", "--frame", "8x8", "--init", "random:1"]
    for _ in range(2):  # it may take its own place
        assert cli.main([*words, "--fps", "500", "--top", "cam"]) == 0
    folder = Path("hwgen_out/tiny_both_pynq_z2")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert {side: one["top"] for side, one in manifest["designs"].items()} == {"tx": "cam_tx", "rx": "cam_rx"}
    assert manifest["requested_fps"] == 500 <= manifest["predicted"]["fps"]
    assert "both sides, 8x8 frames" in capsys.readouterr().out
    (folder / "tx" / "notes.txt").write_text("mine")
    assert cli.main(words) == 2
    assert "with tx/notes.txt in it" in capsys.readouterr().err
    assert (folder / "tx" / "notes.txt").read_text() == "mine"
