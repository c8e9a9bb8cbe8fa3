"""The golden model: a folder's own graph on the words of its ports, without PyTorch or a simulator."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from support.emission import contents, emit_tiny
from support.folder_simulation import copy

from hwgen import process
from hwgen.emit import Emitted
from hwgen.errors import HwgenError
from hwgen.numerics.words import unpack_pixels, unpack_symbols
from hwgen.testbench.__main__ import main
from hwgen.testbench.golden import KINDS, GoldenModel

VARIANTS: dict[str, dict[str, str]] = {
    "tx": {},
    "rx": {"side": "rx"},
    "tx svd": {"channel": "mimo2x2"},
    "rx rayleigh": {"side": "rx", "channel": "rayleigh"},
}


@pytest.fixture(scope="module", params=VARIANTS)
def emitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    with pytest.MonkeyPatch.context() as patch:  # no simulator reads it
        patch.setattr("hwgen.emit.verilog", lambda plan, top: f"module {top}; endmodule\n")
        return emit_tiny(tmp_path_factory.mktemp("golden") / "design", **VARIANTS[request.param])


def words_of(path: Path) -> np.ndarray:
    return np.array([int(word, 16) for word in path.read_text().split()], np.uint32)


def test_it_answers_the_sample(emitted: Emitted) -> None:
    """The sample was made with the trained graph in memory, the answer with the files."""
    golden = GoldenModel(emitted.folder)
    path = emitted.folder / "sample_coefficients.hex"
    coefficients = words_of(path) if emitted.manifest["coefficients"] else None
    answer = golden.answer(words_of(emitted.folder / "sample_input.hex"), coefficients)
    assert answer.dtype == np.uint32
    assert answer.tolist() == words_of(emitted.folder / "sample_output.hex").tolist()


def test_frames_of_every_kind(emitted: Emitted) -> None:
    golden = GoldenModel(emitted.folder)
    frames = list(islice(golden.frames(3), 2 * len(KINDS)))
    assert [frame.kind for frame in frames] == [*KINDS, *KINDS]
    assert frames[0].input.tolist() != frames[len(KINDS)].input.tolist()
    again = list(islice(golden.frames(3), 2))
    assert all(np.array_equal(one.output, other.output) for one, other in zip(frames, again, strict=False))
    assert golden.frames(4).__next__().input.tolist() != frames[0].input.tolist()
    for frame in frames:
        assert frame.inputs.keys() == ({"s_axis", "s_coef"} if emitted.manifest["coefficients"] else {"s_axis"})
        assert np.array_equal(golden.answer(frame.input, frame.coefficients), frame.output)
    values = [unpack_pixels(frame.input, 8, 8) if emitted.manifest["side"] == "tx" else unpack_symbols(frame.input)
              for frame in frames]  # fmt: skip
    low, high = (0, 255) if emitted.manifest["side"] == "tx" else (-32768, 32767)
    by_kind = dict(zip(KINDS, values, strict=False))
    assert (by_kind["high"] == high).all() and (by_kind["low"] == low).all()
    assert set(np.unique(by_kind["checks"])) == {low, high}


def test_words_of_another_kind_are_refused(emitted: Emitted) -> None:
    golden = GoldenModel(emitted.folder)
    frame = next(golden.frames())
    with pytest.raises(HwgenError, match=rf"^words: wanted uint32 \({len(frame.input)},\), got uint32 \(3,\)$"):
        golden.answer(frame.input[:3], frame.coefficients)
    with pytest.raises(HwgenError, match="got int64"):
        golden.answer(frame.input.astype(np.int64), frame.coefficients)
    wrong = None if frame.coefficients is not None else frame.input
    with pytest.raises(HwgenError, match=r"^coefficients: wanted "):
        golden.answer(frame.input, wrong)


def test_a_folder_that_was_changed_is_refused(emitted: Emitted, tmp_path: Path) -> None:
    folder = copy(emitted.folder, tmp_path / "design")
    graph = folder / "graph.json"
    content = json.loads(graph.read_text())
    graph.write_text(json.dumps(content, indent=2))
    with pytest.raises(HwgenError, match=r"graph\.json: wanted the file that the manifest has the SHA-256 of"):
        GoldenModel(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(HwgenError, match="manifest"):
        GoldenModel(folder)


def test_neither_torch_nor_cocotb_is_loaded(emitted: Emitted) -> None:
    code = (
        "import sys; from hwgen.testbench.golden import GoldenModel; from hwgen.testbench import scoreboard, handshake;"
        f"next(GoldenModel({str(emitted.folder)!r}).frames());"
        "sys.exit(any(name in sys.modules for name in ('torch', 'cocotb', 'brevitas', 'amaranth')))"
    )
    variables = process.environment({"PYTHONPATH": process.python_path()})
    subprocess.run([sys.executable, "-c", code], check=True, env=variables)


def test_vectors(emitted: Emitted, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m hwgen.testbench`: frame behind frame, as many digits to a word as the port has."""
    out = tmp_path / "new" / "vectors"
    assert main([str(emitted.folder), "--out", str(out), "--frames", "2", "--seed", "5"]) == 0
    frames = list(islice(GoldenModel(emitted.folder).frames(5), 2))
    assert words_of(out / "input.hex").tolist() == np.concatenate([frame.input for frame in frames]).tolist()
    assert words_of(out / "output.hex").tolist() == np.concatenate([frame.output for frame in frames]).tolist()
    assert set(contents(out)) == {"input.hex", "output.hex"} | (
        {"coefficients.hex"} if emitted.manifest["coefficients"] else set()
    )
    assert set(capsys.readouterr().out.split()) == {str(out / name) for name in contents(out)}
    for key, name in (("input", "input.hex"), ("output", "output.hex")):
        assert len((out / name).read_text().split()[0]) == emitted.manifest[key]["bits"] // 4


@pytest.mark.parametrize(("words", "message"), [
    (["--frames", "0"], "error: --frames: wanted 1 to 10000, got 0"),
    (["--seed", "-1"], "error: --seed: wanted 0 or more, got -1"),
])  # fmt: skip
def test_vectors_refuse(words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--out", str(tmp_path / "out"), *words]) == 2
    assert capsys.readouterr().err == f"{message}\n"
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "manifest.json: wanted the manifest of an emitted design" in capsys.readouterr().err
    assert contents(tmp_path) == {}
