"""The wheel: what is in it, and that it emits a model in an empty environment, away from the clone."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check"]


def run(*command: object, cwd: Path | None = None) -> str:
    # PYTHONPATH would let the clone in by the back door.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", folder, CLONE)
    (path,) = folder.glob("hwgen-*.whl")
    return path


def test_wheel_has_everything_that_the_package_has(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    here = {str(Path(folder, file).relative_to(CLONE))
            for folder, _, files in os.walk(CLONE / "hwgen", followlinks=True)
            for file in files if Path(folder).name not in ("__pycache__", "state")}
    left_out = {name for name in here if name.endswith(("/float.safetensors", "/finetune.safetensors",
                                                        "/control.safetensors", "/.gitignore"))}
    assert names == here - left_out
    assert {"hwgen/rtl/__init__.py", "hwgen/sim/__init__.py", "hwgen/boards/pynq_z2.yaml",
            "hwgen/models/cityscapes_conv/spec.yaml", "hwgen/models/cityscapes_conv/graph.json",
            "hwgen/models/cityscapes_conv/weights.npz", "hwgen/models/cityscapes_int8/spec.yaml",
            "hwgen/models/cityscapes_int8/graph.json", "hwgen/models/cityscapes_int8/weights.npz"} <= names


def test_wheel_emits_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, *PIP, "install", wheel)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    hwgen = tmp_path / "venv" / "bin" / "hwgen"
    assert "cityscapes_conv" in run(hwgen, "models", cwd=elsewhere)
    table = run(hwgen, "emit", "--model", "cityscapes_conv", cwd=elsewhere)
    assert "conv4" in table
    design = elsewhere / "hwgen_out" / "cityscapes_conv_tx_pynq_z2"
    # The clone's own command writes the same bytes: nothing in a design depends on where hwgen lives.
    run(sys.executable, "-m", "hwgen", "emit", "--model", "cityscapes_conv", "--out", tmp_path / "clone", cwd=CLONE)
    names = sorted(path.name for path in design.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "clone").iterdir())
    for name in names:
        assert (design / name).read_bytes() == (tmp_path / "clone" / name).read_bytes(), name
    listed = run(python, *PIP, "list")
    assert "torch" not in listed
