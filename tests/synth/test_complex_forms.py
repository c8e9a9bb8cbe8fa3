# amaranth: UnusedElaboratable=no
"""Complex arithmetic's stated costs against what was synthesised by `python -m hwgen.synth.complex_forms FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from amaranth.back import verilog

from hwgen.rtl.complex_multiply import FORMS, ComplexMultiplyConfig, Form, Widths
from hwgen.synth import complex_forms, synthesise
from hwgen.synth.complex_forms import Subject, built_on_them, in_convolutions, multiplication_name, multiplications

FILE = Path(__file__).parents[1] / "data" / "resources_complex.json"
FAMILIES = ("xc7", "xcup")


def pairs(family: str, subjects: list[Subject]) -> list[tuple[Subject, dict[str, float]]]:
    stored = json.loads(FILE.read_text())[family]
    return [(subject, stored[subject.name]) for subject in subjects]


@pytest.mark.parametrize("family", FAMILIES)
def test_dsps_of_every_form(family: str) -> None:
    """Exact for every form and width, those whose products are too small for a DSP among them."""
    found = pairs(family, multiplications(family))
    assert len(found) >= 28
    for subject, measured in found:
        assert (subject.cost.dsp, subject.cost.bram36) == (measured["dsp"], measured["bram36"]), subject.name


@pytest.mark.parametrize("family", FAMILIES)
def test_luts_of_every_form(family: str) -> None:
    """Exact where every product is in a DSP, else within a fourth."""
    for subject, measured in pairs(family, multiplications(family)):
        is_exact = subject.cost.dsp == (3 if subject.name.endswith("three") else 4)
        for key in ("lut", "ff"):
            predicted, least = getattr(subject.cost, key), measured[key]
            assert abs(predicted - least) <= (0 if is_exact else 0.25 * least), (subject.name, key)


@pytest.mark.parametrize("family", FAMILIES)
def test_components(family: str) -> None:
    """DSPs and block RAM exactly, LUTs and flip-flops within a tenth."""
    for subject, measured in pairs(family, built_on_them(family)):
        assert (subject.cost.dsp, subject.cost.bram36) == (measured["dsp"], measured["bram36"]), subject.name
        for key in ("lut", "ff"):
            assert abs(getattr(subject.cost, key) / measured[key] - 1) <= 0.1, (subject.name, key)


@pytest.mark.parametrize("form", FORMS)
def test_synthesis_itself(form: Form) -> None:
    """One width, synthesised here: the file says what this tool says."""
    widths = Widths(8, 6, 8, 6)
    config = ComplexMultiplyConfig(widths, form)
    text = verilog.convert(config.build(), name="subject", emit_src=False, strip_internal_attrs=True)
    found = synthesise(text, "subject", "xc7")
    stored = json.loads(FILE.read_text())["xc7"][f"{multiplication_name((8, 6, 8, 6))} {form}"]
    assert {key: getattr(found, key) for key in complex_forms.KEYS} == stored
    assert found.dsp == found.dsp_mreg == found.dsp_preg == config.cost("xc7").dsp


def test_in_convolutions() -> None:
    """Two DSPs for four products of 8 x 8 bits; Gauss's three take three, or 1.5 where a DSP holds two and no sum."""
    four, alone, packed = in_convolutions(8, 8, "xc7")
    assert (four[1:], alone[1:], packed[1:]) == ((2.0, 4), (3.0, 8), (1.5, 1))
    assert in_convolutions(8, 8, "xcup")[2][1:] == (1.5, 4)


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(complex_forms, "WIDTHS", ((8, 6, 8, 6),))
    monkeypatch.setattr(complex_forms, "CONJUGATED", ())
    monkeypatch.setattr(complex_forms, "built_on_them", lambda family: [])
    monkeypatch.setattr(complex_forms, "SCRIPTS", {"xc7": ""})
    assert complex_forms.main([str(tmp_path / "found.json")]) == 0
    output = capsys.readouterr().out
    assert "8/6 x 8/6 three" in output
    assert "3 (3)" in output
    assert "three products, packed" in output
    stored = json.loads(FILE.read_text())["xc7"]
    found = json.loads((tmp_path / "found.json").read_text())["xc7"]
    assert found == {name: stored[name] for name in ("8/6 x 8/6 three", "8/6 x 8/6 four")}
