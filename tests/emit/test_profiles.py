"""A design with profiles as emit writes it: its port, its sample frames, and testbenches that drive it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.folder_simulation import copy, icarus, make
from support.profiles import SPEC

from hwgen.design_options import DesignOptions
from hwgen.emit import Emitted, emit
from hwgen.ir.execute import execute
from hwgen.numerics.words import unpack_pixels
from hwgen.testbench.golden import GoldenModel
from hwgen.testbench.vectors import write_vectors

PROFILES = 3


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    folder = tmp_path_factory.mktemp("profiles")
    (folder / "spec.yaml").write_text(SPEC)
    return emit(DesignOptions(folder / "spec.yaml", fps=20_000, init=1), folder / "design", quiet=True)


def words_of(path: Path) -> np.ndarray:
    return np.array([int(line, 16) for line in path.read_text().split()], dtype=np.uint32)


def test_the_manifest_and_the_readme_name_the_port(design: Emitted) -> None:
    port = design.manifest["ports"]["profile"]
    assert (port["direction"], port["width"]) == ("input", 2)
    assert port["meaning"].endswith("0 to 2, taken with its first s_axis beat; any other number is profile 2")
    assert design.manifest["profiles"] == {"count": 3, "limits_db": [4.0, 12.0], "port": "profile"}
    assert design.manifest["predicted"]["buffers"]["framer.profiles"] in (2, 4, 8)
    readme = (design.folder / "README.md").read_text()
    assert ".profile(profile)," in readme and "Between the profiles stand 4, 12 dB of SNR." in readme
    assert re.search(r"^  input \[1:0\] profile;$", (design.folder / "hwgen_tx.v").read_text(), re.MULTILINE)


def test_the_sample_has_every_profile(design: Emitted) -> None:
    golden = GoldenModel(design.folder)
    beats_in, beats_out = golden.design.input_beats, golden.design.output_beats
    words, answers = (words_of(design.folder / f"sample_{name}.hex") for name in ("input", "output"))
    assert words_of(design.folder / "sample_profiles.hex").tolist() == [0, 1, 2]
    assert (len(words), len(answers)) == (PROFILES * beats_in, PROFILES * beats_out)
    seen = set()
    for profile in range(PROFILES):
        own = words[profile * beats_in :][:beats_in]
        wanted = execute(golden.graph.at_profile(profile), unpack_pixels(own, 8, 8, 3))["symbols"]
        got = answers[profile * beats_out :][:beats_out]
        assert np.array_equal(got, wanted) and np.array_equal(golden.answer(own, profile=profile), wanted)
        seen.add(got.tobytes())
    assert len(seen) == PROFILES
    last = golden.answer(words[:beats_in], profile=PROFILES - 1)
    assert np.array_equal(golden.answer(words[:beats_in], profile=PROFILES), last), "too large: the last one"


def test_the_golden_models_frames_have_all_numbers_of_the_port(design: Emitted, tmp_path: Path) -> None:
    paths = write_vectors(design.folder, tmp_path, frames=24)
    assert [path.name for path in paths] == ["input.hex", "output.hex", "profiles.hex"]
    assert set(words_of(tmp_path / "profiles.hex").tolist()) == {0, 1, 2, 3}


@pytest.mark.skipif(not icarus(), reason="Icarus Verilog (iverilog) is not installed")
def test_the_testbench(design: Emitted, tmp_path: Path) -> None:
    """It passes on the sample and on other frames, and fails where a frame has another one's profile."""
    folder = copy(design.folder, tmp_path / "design")
    ended = make(folder, "SIM=icarus", "FRAMES=7")
    assert ended.status == 0 and "PASS: hwgen_tx, 7 frames" in ended.output, ended.output
    write_vectors(folder, tmp_path / "vectors", frames=6)
    ended = make(folder, "SIM=icarus", "FRAMES=6", f"VECTORS={tmp_path / 'vectors'}")
    assert ended.status == 0, ended.output
    (folder / "sample_profiles.hex").write_text("1\n0\n2\n")
    ended = make(folder, "SIM=icarus", "FRAMES=7")
    assert ended.status != 0 and "output: frame 0, word" in ended.output
