"""Emission: the same bytes everywhere, Verilog with the right ports, wrong input refused before anything is written."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml
from support.emission import FILES, FRAME, contents, emit_tiny, files_of

from hwgen import board as boards
from hwgen.cli import main as cli
from hwgen.emit import Emitted
from hwgen.errors import HwgenError
from hwgen.model import load_graph
from hwgen.plan.buffers import minimal_buffers
from hwgen.plan.size import size
from hwgen.spec import model as specs


def test_files(design: Emitted, variant: Emitted) -> None:
    assert set(contents(design.folder)) == FILES
    assert set(contents(variant.folder)) == files_of(variant)
    assert {path.stat().st_mode & 0o777 for path in design.folder.iterdir()} == {0o666 & ~umask()}


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_same_bytes_again(design: Emitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder, into another folder, in a process of its own with other settings."""
    monkeypatch.chdir(tmp_path)
    again = emit_tiny(None)
    assert again.folder == Path("hwgen_out/tiny_tx_pynq_z2")
    assert contents(again.folder) == contents(design.folder)
    code = ("from pathlib import Path; from hwgen.design_options import DesignOptions; from hwgen.emit import emit; "
            f"emit(DesignOptions('tiny', frame={FRAME}, init=1), Path('a b/c'), quiet=True)")  # fmt: skip
    environment = os.environ | {"PYTHONHASHSEED": "77", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
                                "TZ": "Asia/Tokyo"}  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert contents(tmp_path / "a b" / "c") == contents(design.folder)


def test_fill_takes_what_the_board_leaves_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (boards.BOARDS / "pynq_z2.yaml").read_text(encoding="utf-8")
    Path("mine.yaml").write_text(text.replace("lut: 0.7, ff: 0.7", "dsp: 0.05"), encoding="utf-8")
    words = ["emit", "--model", "tiny", "--board", "mine.yaml", "--frame", f"{FRAME[0]}x{FRAME[1]}"]
    dsps = []
    for fill in ([], ["--fill"]):
        assert cli.main([*words, *fill, "--out", "design"]) == 0
        manifest = json.loads(Path("design/manifest.json").read_text(encoding="utf-8"))
        assert manifest["fill"] == bool(fill)
        dsps.append(manifest["predicted"]["dsp"])
    assert dsps[0] <= 11 < dsps[1]


def test_a_receiver_has_the_same_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = emit_tiny(None, side="rx")
    assert first.folder == Path("hwgen_out/tiny_rx_pynq_z2")
    code = ("from pathlib import Path; from hwgen.design_options import DesignOptions; from hwgen.emit import emit; "
            f"emit(DesignOptions('tiny', 'rx', frame={FRAME}, init=1), Path('again'), quiet=True)")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONHASHSEED": "5"}, check=True)
    assert contents(tmp_path / "again") == contents(first.folder)


def test_a_model_in_another_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of where a specification and a board lie is in what is written."""
    found = []
    for place in ("here", "over/there"):
        folder = tmp_path / place / "tiny"
        folder.mkdir(parents=True)
        (folder / "spec.yaml").write_bytes(specs.load("tiny").path.read_bytes())
        (folder / "pynq_z2.yaml").write_bytes(boards.load("pynq_z2").path.read_bytes())
        found.append(emit_tiny(tmp_path / place / "out", model=folder, board=folder / "pynq_z2.yaml"))
    assert contents(found[0].folder) == contents(found[1].folder)


def test_no_place_time_or_host(design: Emitted) -> None:
    for name, content in contents(design.folder).items():
        text = content.decode("latin-1")
        for secret in (str(design.folder.parent), str(Path.cwd()), str(Path(cli.__file__).parent), str(Path.home()),
                       "/tmp/", "/home/", socket.gethostname(), str(date.today()), "src=", ".py:"):  # fmt: skip
            assert secret not in text, f"{name}: {secret}"


def test_verilog_has_the_ports_and_the_layers(variant: Emitted) -> None:
    design, top = variant, variant.manifest["top"]
    text = (design.folder / f"{top}.v").read_text(encoding="utf-8")
    (header,) = re.findall(rf"^module {top}\(([^)]*)\);", text, re.MULTILINE)
    assert {name.strip() for name in header.split(",")} == set(design.manifest["ports"])
    body = text[text.index(f"module {top}(") :]
    body = body[: body.index("endmodule")]
    for port, of_port in design.manifest["ports"].items():
        bits = rf"\[{of_port['width'] - 1}:0\] " if of_port["width"] > 1 else ""
        assert re.search(rf"^  {of_port['direction']} {bits}{port};", body, re.MULTILINE), port
    for stream in design.manifest["streams"]:
        name, bits = stream["name"], stream["bits"]
        assert re.search(rf"\\?{top}\.{name}\s+{name} \(", body), name
        module = text[re.search(rf"^module \\?{top}\.{name}\s*\(", text, re.MULTILINE).start() :]  # type: ignore[union-attr]
        bits = stream["lanes"] * bits + (bits == 32)  # symbols have their TLAST above them
        assert re.search(rf"output (\[{bits - 1}:0\] )?o__payload;", module[: module.index("endmodule")]), name


@pytest.mark.parametrize("frame", [(10, 8), (8, 6), (0, 8), (8, -4)])
def test_a_wrong_frame_is_refused(frame: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match=r"^--frame: wanted width and height that are multiples of 4") as caught:
        emit_tiny(tmp_path / "out", frame=frame)
    assert str(caught.value).endswith(f"got {frame[0]}x{frame[1]}")
    assert contents(tmp_path) == {}


def test_another_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match=r"^--side: wanted tx or rx, got up$"):
        emit_tiny(tmp_path / "out", side="up")


def test_a_board_too_small_writes_nothing(tmp_path: Path) -> None:
    small = yaml.safe_load(boards.load("pynq_z2").path.read_text(encoding="utf-8"))
    small["resources"]["dsp"] = 2
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small), encoding="utf-8")
    before = contents(tmp_path)
    short = r"resources\.dsp: wanted at least \d+ for tiny with 8x8 frames at any rate, got 2, \d+ short$"
    with pytest.raises(HwgenError, match=short):
        emit_tiny(tmp_path / "out", board=path)
    assert contents(tmp_path) == before


def test_smallest_frame(tmp_path: Path) -> None:
    emitted = emit_tiny(tmp_path / "out", frame=(4, 4))
    assert emitted.manifest["output"]["beats"] == 2


@pytest.mark.usefixtures("no_verilog")
def test_a_rate_changes_the_folding(tmp_path: Path, design: Emitted) -> None:
    slow = emit_tiny(tmp_path / "out", fps=100)
    assert slow.manifest["predicted"]["dsp"] < design.manifest["predicted"]["dsp"]
    assert slow.manifest["predicted"]["fps"] >= 100
    plan = minimal_buffers(size(load_graph(specs.load("tiny"), 1), boards.load("pynq_z2"), *FRAME, fps=100))
    assert slow.plan.foldings == plan.foldings


@pytest.mark.usefixtures("no_verilog")
def test_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emitted = emit_tiny(tmp_path / "out", quiet=False)
    text = capsys.readouterr().out
    for layer in emitted.manifest["predicted"]["layers"]:
        assert re.search(rf"\b{layer['name']}\b.*\b{layer['cycles']:,}\b", text)
    assert f"written to {tmp_path / 'out'}" in text
    assert str(emitted.manifest["terms"]["license"]) in text
