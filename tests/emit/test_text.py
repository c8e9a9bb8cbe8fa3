"""The README and the constraints of a design folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.emission import emit_tiny, files_of

from hwgen import board as boards, emit as package
from hwgen.cli import main as cli
from hwgen.emit import Emitted
from hwgen.emit.text import readme


def test_readme(variant: Emitted) -> None:
    """Every file that it names is there, every command parses, and the weights' terms are in it."""
    design = variant
    text = (design.folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w.-]+\.(?:v|xdc|json|npz|hex|md|yaml|py|core)\b|\bMakefile\b", text))
    assert named == files_of(variant) - {"README.md"}
    connected = set(re.findall(r"^ *\.(\w+)\(|, \.(\w+)\(", text, re.MULTILINE))
    assert {one or other for one, other in connected} == set(design.manifest["ports"])
    commands = re.findall(r"`hwgen ([^`]*)`", text)
    assert commands
    for command in commands:
        cli.build_parser().parse_args(command.split())
    for value in design.manifest["terms"].values():
        assert str(value) in text
    assert str(design.manifest["predicted"]["frame_interval_cycles"]) in text


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize(
    ("channels", "kind", "bits", "order"),
    [(1, "grey", 8, "grey [7:0]"), (3, "RGB", 24, "R [7:0], G [15:8], B [23:16]")],
)
def test_pixels_have_the_channels_of_the_image(
    design: Emitted, side: str, channels: int, kind: str, bits: int, order: str
) -> None:
    port = {"tx": "input", "rx": "output"}[side]
    manifest = {**design.manifest, "side": side}
    manifest["input"], manifest["output"] = design.manifest["output"], design.manifest["output"]
    manifest[port] = {**design.manifest["input"], "channels": channels}
    text = readme(manifest)
    assert f"8-bit {kind} pixels of " in text and f"{bits}-bit pixel" in text.replace("word", "pixel")
    assert f"// {order}; raster order" in text
    assert ("RGB" in text) == (channels == 3)


@pytest.mark.usefixtures("no_verilog")
def test_readme_with_terms_beyond_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "readme", lambda manifest: "naïve – 图\n")
    emit_tiny(tmp_path / "out")
    assert (tmp_path / "out" / "README.md").read_bytes() == "naïve – 图\n".encode()


def test_constraints(design: Emitted) -> None:
    target = boards.load("pynq_z2")
    text = (design.folder / "hwgen_tx.xdc").read_text(encoding="utf-8")
    assert f"create_clock -name aclk -period {1000 / target.clock_mhz:.3f} [get_ports aclk]" in text
