"""Verilog that could do more than simulate a design is refused by file, line and token, and hwgen's own is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.emission import emit_tiny

from hwgen.cli.main import main
from hwgen.errors import HwgenError
from hwgen.verify.trust import check_trusted

REFUSED = {
    'initial $system("touch /tmp/x");': "$system",
    'integer f = $fopen("/etc/passwd");': "$fopen",
    'initial $readmemh("/etc/passwd", memory);': "$readmemh",
    "initial $c(\"exit(1);\");": "$c",
    'initial $value$plusargs("a=%d", a);': "$value$plusargs",
    "initial $finish;": "$finish",
    "x = 8'd1$system;": "$system",
    '`include "/etc/passwd"': "`include",
    "`define A $": "`define",
    "`systemc_header": "`systemc_header",
    "`A``B": "`A``B",
    'import "DPI-C" function int system(string s);': "import",
    'export "DPI-C" function f;': "export",
    "bind hwgen_tx other o();": "bind",
    "initial force x = 1;": "force",
    "initial hwgen_harness.finish = 1;": "hwgen_harness",
    "module stream_probe; endmodule": "stream_probe",
    'x = """ a " """; initial $system("b"); y = "c";': '"""',
    "/* without an end\n$signed(x)": "/*",
    'x = "without an end;': '"',
    "// ended by a carriage return\r$system;": "$system",
    "/* a comment /* in it */ $system; /* */": "$system",
    '"a string \\" in it" ; $system': "$system",
    "\\escaped$name$system $system": "$system",
}  # fmt: skip
ALLOWED = (
    "// $system\n", "/* $system `include */", 'x = "$system"; y = "a \\" $system";', "\\$system ;", "\\a`include ;",
    "wire a$system;", "wire importer, rebind, forced, stream_probes;", "x = $signed(a) + $unsigned(b);",
    "`timescale 1ns/1ps", "`default_nettype none", '(* src = "$system" *) always @(*) x = a;', "assign x = a / b; // *",
)  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.v").write_text(f"module m;\n\n{text}", newline="")
    with pytest.raises(HwgenError) as caught:
        check_trusted(tmp_path / "a.v")
    assert str(caught.value) == (
        f"{tmp_path}/a.v:3: wanted Verilog such as hwgen writes, or --trust: simulating runs what it contains, "
        f"got {REFUSED[text]}"
    )


@pytest.mark.parametrize("text", ALLOWED)
def test_what_is_not(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.v").write_text(text)
    check_trusted(tmp_path / "a.v")


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """hwgen's own Verilog passes; with one task more it is simulated with --trust alone."""
    design = emit_tiny(tmp_path / "design").folder
    source = design / "hwgen_tx.v"
    check_trusted(source)
    words = ["verify", "--model", "tiny", "--init", "random:1", "--design", str(design), "--out", str(tmp_path / "out")]
    lines = source.read_text().count("\n")
    source.write_text(source.read_text() + f'module m; initial $system("touch {tmp_path}/proof"); endmodule\n')
    assert main(words) == 2
    assert capsys.readouterr().err == (
        f"error: {source}:{lines + 1}: wanted Verilog such as hwgen writes, or --trust: simulating runs what it "
        "contains, got $system\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["design"]
    monkeypatch.setattr("hwgen.verify.command.run_verification", None)  # would be called
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        main_alone([*words, "--trust"])


def main_alone(words: list[str]) -> None:
    """The command's function itself, whose errors the command line would turn into its status."""
    from hwgen.cli.main import build_parser

    arguments = build_parser().parse_args(words)
    arguments.run(arguments)
