"""The texts that simulate a design folder: they follow the manifest's ports, and need nothing but the folder."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml
from support.emission import contents

from hwgen.emit import Emitted
from hwgen.emit.simulation import SAMPLES, simulation_files
from hwgen.emit.template import FOLDER, render


def with_ports(manifest: dict[str, Any], **ports: tuple[str, int]) -> dict[str, Any]:
    changed = copy.deepcopy(manifest)
    for name, (direction, width) in ports.items():
        changed["ports"][name] = {"direction": direction, "width": width, "meaning": ""}
    return changed


def connections(testbench: str) -> dict[str, str]:
    """The design's ports in the testbench, with what is connected to each."""
    (instance,) = re.findall(r"^    \w+ dut \(\n(.*?)^    \);", testbench, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"\.(\w+)\((\w*)\)", instance))


def test_the_folder_has_what_the_manifest_gives(variant: Emitted) -> None:
    files = simulation_files(variant.manifest)
    top = variant.manifest["top"]
    assert set(files) == {f"{top}_tb.v", f"{top}_cocotb.py", f"{top}.core", "Makefile"}
    for name, text in files.items():
        assert (variant.folder / name).read_text(encoding="utf-8") == text
        assert "{{" not in re.sub(r"\{\{?\w+\{", "", text), name
        assert all(len(line) <= 120 for line in text.splitlines()), name
    assert variant.manifest["sources"] == [f"{top}.v"]


def test_every_port_is_connected(variant: Emitted) -> None:
    found = connections(simulation_files(variant.manifest)[f"{variant.manifest['top']}_tb.v"])
    assert list(found) == list(variant.manifest["ports"])
    assert found.pop("aclk") == "clock" and found.pop("aresetn") == "resetn"
    assert all(name == wire for name, wire in found.items())


def test_ports_that_come_and_go(design: Emitted) -> None:
    """TLAST of an input is driven where it is listed; faults must stay 0; other outputs are left open."""
    ports = {"s_axis_tlast": ("input", 1), "frame_error": ("output", 1), "frame_errors": ("output", 16)}
    more = with_ports(design.manifest, **ports, status=("output", 3))
    for manifest in (design.manifest, more):
        found = connections(simulation_files(manifest)["hwgen_tx_tb.v"])
        assert list(found) == list(manifest["ports"])
        assert found.get("s_axis_tlast") == ("s_axis_tlast" if manifest is more else found.get("s_axis_tlast"))
    assert found["status"] == "" and found["frame_errors"] == "frame_errors"
    text = simulation_files(more)["hwgen_tx_tb.v"]
    assert "wire [15:0] frame_errors;" in text and "if (frame_errors !== 16'd0)" in text


def test_input_that_nobody_drives_is_told(design: Emitted) -> None:
    with pytest.raises(ValueError, match="mode"):
        simulation_files(with_ports(design.manifest, mode=("input", 1)))


def test_a_models_name_stays_in_its_comment(design: Emitted) -> None:
    plain = simulation_files(design.manifest | {"model": "plain_name"})
    found = simulation_files(design.manifest | {"model": 'a"""\n$finish; {{top}}: #'})
    named = {name for name, text in plain.items() if "plain_name" in text}
    assert named == {"hwgen_tx_tb.v", "hwgen_tx_cocotb.py", "hwgen_tx.core"}
    for name, text in found.items():
        assert text == plain[name].replace("plain_name", "a_____finish____top_____")


def test_the_core_is_one(variant: Emitted) -> None:
    """Keys of FuseSoC's CAPI2; the files are there; the testbench finds its samples in the folder it runs in."""
    top = variant.manifest["top"]
    text = (variant.folder / f"{top}.core").read_text(encoding="utf-8")
    assert text.startswith("CAPI=2:\n")
    core = yaml.safe_load(text)
    assert core["name"].split(":")[:3] == ["hwgen", "tiny", top]
    assert set(core["targets"]) == {"default", "sim", "lint"}
    listed = {}
    for fileset in core["filesets"].values():
        for entry in fileset["files"]:
            listed |= entry if isinstance(entry, dict) else {entry: fileset}
    assert set(listed) <= set(contents(variant.folder))
    samples = {name for name in contents(variant.folder) if name.startswith("sample_")}
    assert {name for name, options in listed.items() if options.get("copyto") == name} == samples
    for target in core["targets"].values():
        used = [*target["filesets"], *target.get("filesets_append", [])]
        assert {re.sub(r"^\w+\? \((\w+)\)$", r"\1", name) for name in used} <= set(core["filesets"])
    modules = (variant.folder / f"{top}_tb.v").read_text(encoding="utf-8")
    assert f"module {core['targets']['sim']['toplevel']};" in modules
    plusargs = set(re.findall(r'plusargs\("(\w+)', modules))
    given = {word.partition("=")[0] for word in core["targets"]["sim"]["parameters"]}
    assert given <= plusargs & set(core["parameters"])


def test_samples_of_the_testbench_are_the_folders(variant: Emitted) -> None:
    text = (variant.folder / f"{variant.manifest['top']}_tb.v").read_text(encoding="utf-8")
    found = set(re.findall(r'parameter \w+_FILE = "([^"]+)";', text))
    assert found == {name for name in contents(variant.folder) if name.startswith("sample_")} <= set(SAMPLES.values())


def test_no_word_that_systemverilog_keeps(variant: Emitted) -> None:
    """The same text is Verilog-2005 and SystemVerilog: `before` was a name once."""
    from hwgen.names import KEYWORDS

    text = (variant.folder / f"{variant.manifest['top']}_tb.v").read_text(encoding="utf-8")
    text = re.sub(r'//[^\n]*|"[^"]*"', "", text)
    declared = set(re.findall(r"\b(?:reg|wire|integer|task|function)\b(?: *\[[^]]*\])? *(\w+(?:, *\w+)*)", text))
    names = {name for group in declared for name in re.split(r", *", group)} - {"reg", "wire", "input", "output"}
    assert len(names) > 20 and not names & KEYWORDS


def test_render() -> None:
    file = next(path for path in sorted(FOLDER.iterdir()) if path.name == "testbench_input.v.in")
    names = set(re.findall(r"\{\{(\w+)\}\}", file.read_text(encoding="utf-8")))
    values = dict.fromkeys(names, "{{top}}")
    assert render("testbench_input.v", **values).count("{{top}}") == file.read_text(encoding="utf-8").count("{{")
    with pytest.raises(ValueError, match=r"testbench_input\.v: wanted values of the template's names, got other"):
        render("testbench_input.v", **values, other=1)
    values.pop("width")
    with pytest.raises(KeyError, match="width"):
        render("testbench_input.v", **values)
