"""The YAML reader. What it refuses is in test_spec.py, with whole specifications."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.yamlmarks import Frozen, load, read, show_key, show_path, show_value


@pytest.mark.parametrize(("text", "value"), [
    ("1", 1), ("-7", -7), ("+3", 3), ("007", 7), ("0", 0), ("1_000", "1_000"), ("0x10", "0x10"), ("1:30", "1:30"),
    ("1.5", 1.5), (".5", 0.5), ("2.", 2.0), ("1e-3", 0.001), ("2E3", 2000.0), ("-1.5e+2", -150.0), (".inf", ".inf"),
    ("true", True), ("false", False), ("yes", "yes"), ("on", "on"), ("True", "True"),
    ("null", None), ("~", None), ("", None), ("none", "none"), ("2026-01-01", "2026-01-01"),
    ("'1'", "1"), ('"true"', "true"), ("1/6", "1/6"), ("text with spaces", "text with spaces"),
])
def test_scalars_are_those_of_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"key: {text}\n", encoding="utf-8")
    got, _ = read(path)
    assert got == {"key": value}
    assert type(got["key"]) is type(value)


def test_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("# comment\na:\n  - b: 1\n    c:\n      2\n  - {b: 3,\n     c: 4}\n", encoding="utf-8")
    value, marks = read(path)
    assert value == {"a": [{"b": 1, "c": 2}, {"b": 3, "c": 4}]}
    assert marks.lines == {(): 2, ("a",): 2, ("a", 0): 3, ("a", 0, "b"): 3, ("a", 0, "c"): 4, ("a", 1): 6,
                           ("a", 1, "b"): 6, ("a", 1, "c"): 7}
    assert marks.where("a", 1, "c") == f"{path}:7: a[1].c"
    assert marks.where("a", 1, "d", "e") == f"{path}:6: a[1].d.e"
    assert marks.where() == f"{path}:2"


def test_the_first_error_is_told_and_an_unknown_key_before_a_missing_one(tmp_path: Path) -> None:
    class Model(Frozen):
        first: int
        second: int

    path = tmp_path / "a.yaml"
    path.write_text("secund: 1\nfirst: x\n", encoding="utf-8")
    with pytest.raises(HwgenError) as caught:
        load(path, Model)
    assert str(caught.value) == f"{path}:1: secund: wanted one of the keys first, second, got an unknown key"


def test_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert show_key(("a", 0, "b")) == "a[0].b"
    assert show_value("x" * 100) == "'" + "x" * 56 + "..."
    monkeypatch.chdir(tmp_path)
    assert show_path(tmp_path / "b" / "c") == "b/c"
    assert show_path(Path("b/c")) == "b/c"
    assert show_path(tmp_path.parent / "c") == str(tmp_path.parent / "c")
