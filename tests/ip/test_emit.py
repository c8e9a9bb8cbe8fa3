"""`hwgen emit --ip`: its files, and the IP in simulation at its AXI ports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from support.emission import contents, emit_tiny
from support.folder_simulation import flip_sample, icarus, make
from support.profiles import SPEC

from hwgen import drivers
from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.emit import Emitted, emit
from hwgen.ip.emit import GENERATED, writer
from hwgen.ip.options import IpOptions


def emit_ip(
    out: Path, side: str = "tx", channel: str | None = None, model: str = "tiny", **options: object
) -> Emitted:
    design = DesignOptions(model, side, frame=(8, 8), init=1, channel=channel)
    return emit(design, out, quiet=True, beside=writer(IpOptions(**options)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ip(tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    return emit_ip(tmp_path_factory.mktemp("ip") / "tx", channel="mimo2x2")


def test_files(ip: Emitted, tmp_path: Path) -> None:
    """The design's own stay as they are, byte for byte; the IP's are the same each time, and replaced as a whole."""
    plain = contents(emit_tiny(tmp_path / "plain", channel="mimo2x2").folder)
    here = contents(ip.folder)
    changed = {name for name in plain if plain[name] != here[name]}
    assert changed == {"README.md", "manifest.json"}
    own = {"hwgen_tx_ip.v", "hwgen_tx_ip.core", "component.xml", "ip"} | {
        f"ip/{name}" for name in (
            "Makefile", "hwgen_tx_ip_cocotb.py", "hwgen_tx_ip.xdc", "hwgen_tx_ip_ooc.xdc", "block_design.tcl",
            "out_of_context.tcl", *GENERATED, *drivers.files("tx"),
        )
    }  # fmt: skip
    assert set(here) - set(plain) == own
    for _ in range(2):
        assert contents(emit_ip(tmp_path / "again", channel="mimo2x2").folder) == here
    assert yaml.safe_load((ip.folder / "hwgen_tx_ip.core").read_text().removeprefix("CAPI=2:"))["targets"]["lint"]
    assert ip.manifest["ip"]["sources"] == ["hwgen_tx.v", "hwgen_tx_ip.v"]


def test_the_verilog_has_the_manifests_ports(ip: Emitted) -> None:
    text = (ip.folder / "hwgen_tx_ip.v").read_text()
    module = text[text.index("\nmodule hwgen_tx_ip(") :]
    names = re.search(r"module hwgen_tx_ip\((.*?)\);", module, re.DOTALL)
    assert names is not None
    ports = ip.manifest["ip"]["ports"]
    assert sorted(re.findall(r"\w+", names[1])) == sorted(ports)
    for name, port in ports.items():
        bits = "" if port["width"] == 1 else rf"\[{port['width'] - 1}:0\] "
        assert re.search(rf"^  {port['direction']} {bits}{name};$", module, re.MULTILINE), name
    instance = re.search(r"^  hwgen_tx core \((.*?)^  \);$", module, re.MULTILINE | re.DOTALL)
    assert instance is not None
    assert set(re.findall(r"\.(\w+)\(", instance[1])) | {"frame_errors"} == set(ip.manifest["ports"])


def test_predicted_resources(ip: Emitted) -> None:
    """Within a tenth of what `hwgen.synth.synthesise` makes, for xc7, of hwgen_tx_ip with hwgen_tx less hwgen_tx."""
    predicted = ip.manifest["ip"]["predicted"]
    assert predicted["lut"] == pytest.approx(532, rel=0.1)
    assert predicted["ff"] == pytest.approx(546, rel=0.1)


def test_the_ip_in_simulation(ip: Emitted, objects: Path) -> None:
    """With coefficients; then with a wrong bit in what is expected."""
    simulator = "SIM=icarus" if icarus() else "SIM=verilator"
    ended = make(ip.folder / "ip", simulator, objects=objects)
    assert re.search("^PASS hwgen_tx_ip: 0 of 2 cocotb tests failed$", ended.output, re.MULTILINE), ended.output
    flip_sample(ip.folder, 3)
    ended = make(ip.folder / "ip", simulator, objects=objects)
    assert "frame 0, byte 12 differs, and 0 more bytes" in ended.output
    assert ended.status != 0


def test_an_ip_with_profiles_in_simulation(objects: Path, tmp_path: Path) -> None:
    """PROFILE is written in front of each frame."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    folder = emit_ip(tmp_path / "rx", "rx", model=str(spec)).folder
    simulator = "SIM=icarus" if icarus() else "SIM=verilator"
    ended = make(folder / "ip", simulator, objects=objects)
    assert re.search("^PASS hwgen_rx_ip: 0 of 2 cocotb tests failed$", ended.output, re.MULTILINE), ended.output
    file = folder / "hwgen_rx_ip.v"
    text, count = re.subn(r"( core \([^;]*\.profile\()profile\)", r"\g<1>2'd0)", file.read_text())
    assert count == 1
    file.write_text(text)
    assert "frame 1, byte " in make(folder / "ip", simulator, objects=objects).output, "the profile is never 1"


def test_options_of_an_ip_need_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emit", "--model", "tiny", "--ip-bits", "64"]) == 2
    assert "--ip-bits: wanted --ip beside it, got none" in capsys.readouterr().err
