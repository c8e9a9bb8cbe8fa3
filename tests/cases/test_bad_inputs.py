"""Every kind of bad input ends with status 2 and one line that says where, wanted and got, and leaves nothing; what is
only nearly bad does. The kinds are in bad_inputs/*.txt; `support.bad_inputs` says how to read them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from support import bad_inputs
from support.bad_inputs import Kind

from hwgen import emit as emission
from hwgen.cli.main import COMMANDS, main
from hwgen.console import visible
from hwgen.verdict import VERIFY_KEYS

KINDS = list(bad_inputs.kinds())
LEAST = 1100
"""So many kinds at least, all tables together."""


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design folder whose Verilog nobody looks at."""
    folder = tmp_path_factory.mktemp("bad_inputs") / "design"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emission, "verilog", lambda plan, top: f"module {top}; endmodule\n")
        assert main(["emit", "--model", "tiny", "--frame", "16x16", "--out", str(folder)]) == 0
    return folder


def contents(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """All below a folder: kinds and permissions, and contents or where links lead."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        what: bytes | str = os.readlink(path) if path.is_symlink() else b""
        if path.is_file() and not path.is_symlink() and status.st_size < 1 << 20:
            what = path.read_bytes()
        found[str(path.relative_to(folder))] = status.st_mode, what
    return found


def test_there_are_enough_kinds_and_none_twice() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) >= LEAST
    made = [(kind.command, tuple(kind.making)) for kind in KINDS]
    assert len(set(made)) == len(made)
    assert {kind.words[0] for kind in KINDS if kind.command} >= set(COMMANDS) - {"models", "boards"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kind(kind: Kind, design: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
              capsys: pytest.CaptureFixture[str]) -> None:
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    for made in (folder, scratch):
        made.mkdir()
    bad_inputs.make(kind, folder, design)
    before = contents(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(emission, "verilog", lambda plan, top: f"module {top}; endmodule\n")
    words = kind.words
    as_json = kind.error is not None and words[:1] in (["verify"], ["synth"], ["link"], ["bench"])
    as_json = as_json and words[1:2] != ["shipped"]
    status = main([*words, "--json"] if as_json else words)
    out, err = capsys.readouterr()
    if kind.error is None:
        assert status == 0 and all(line.startswith("note: ") for line in err.splitlines())
        assert kind.printed is not None and kind.printed in out
        mine = {name: content for name, content in before.items() if name.startswith("mine")}
        assert mine.items() <= contents(folder).items()
        return
    assert kind.pattern.fullmatch(err), f"got {err}"
    assert err[:-1].isprintable() and len(err) < 2000
    assert status == 2
    assert contents(folder) == before, "nothing is left, nothing is changed"
    assert not list(scratch.iterdir()), "nothing is left among temporary files"
    if not as_json:
        assert out == ""
        return
    found = json.loads(out)
    assert (found.pop("verdict"), f"error: {visible(found.pop('error'))}\n") == ("not run", err)
    assert found == (dict.fromkeys(VERIFY_KEYS[2:]) if words[0] == "verify" else {})
