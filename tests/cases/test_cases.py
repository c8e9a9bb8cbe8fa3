"""Small inputs that once failed, with what is right of each. README.md lists them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.folder_simulation import icarus

from hwgen import spec as specs
from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.images import load_images
from hwgen.ir import serialize
from hwgen.ir.nodes import Convolution
from hwgen.train.checkpoint import read, write
from hwgen.train.data import load as load_data
from hwgen.train.network import dense
from hwgen.train.prune import prune

HERE = Path(__file__).parent


def changed_tiny(folder: Path, **values: float) -> str:
    """A copy of `tiny` in `folder`, whose fine-tuned tensors of these names (dots as __) are filled; its path."""
    source = specs.load("tiny").folder
    folder.mkdir()
    shutil.copy(source / "spec.yaml", folder)
    tensors, header = read(source / "finetune.safetensors")
    tensors = {name: value.clone() for name, value in tensors.items()}
    for name, value in values.items():
        tensors[name.replace("__", ".")].fill_(value)
    write(folder / "finetune.safetensors", tensors, header)
    return str(folder)


def quantised(model: str) -> None:
    """Train and export a model whose fine-tuned checkpoint is there."""
    assert main(["train", "--model", model, "--data", "skimage", "--phase", "qat", "--steps", "1"]) == 0
    assert main(["export", "--model", model]) == 0


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ("s04_zero_dsp/w4a4.yaml", ["--init", "random:1", "--side", "rx", "--frames", "1", "--engine", "direct"]),
        ("s16_stride_above_kernel/edge1.yaml",
         ["--init", "random:3", "--frame", "4x60", "--frames", "2", "--stall", "0.2"]),
    ],
    ids=["s04", "s16"],
)  # fmt: skip
def test_proven(spec: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--model", str(HERE / spec), *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["mismatches"]) == ("proven", 0)
    if spec.startswith("s04"):
        assert found["dsp"] == 0 and found["macs_per_cycle_per_dsp"] is None


def test_s09_all_zero_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = changed_tiny(tmp_path / "zero", decoder__1__conv__weight=0, decoder__1__conv__bias=0)
    quantised(model)
    (node,) = (node for node in serialize.load(tmp_path / "zero" / "rx").nodes if node.name == "deconv1")
    assert isinstance(node, Convolution) and not node.weight.any() and node.accumulator_bits == 2
    capsys.readouterr()
    assert main(["verify", "--model", model, "--side", "rx", "--frame", "16x16", "--frames", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "proven"


def test_s10_two_designs_in_one_project(tmp_path: Path) -> None:
    """All modules of a design begin with --top's name; without it nothing changes."""
    modules: dict[str, set[str]] = {}
    for top, size in ((None, "16x16"), ("near", "16x16"), ("far", "32x32")):
        out = tmp_path / str(top)
        asked = [] if top is None else ["--top", top]
        assert main(["emit", "--model", "tiny", "--frame", size, "--out", str(out), *asked]) == 0
        name = top or "hwgen_tx"
        assert {"manifest.json", f"{name}.v", f"{name}.xdc"} <= {path.name for path in out.iterdir()}
        text = (out / f"{name}.v").read_text()
        assert json.loads((out / "manifest.json").read_text())["top"] == name
        found = [line.split("(")[0].split()[1].lstrip("\\") for line in text.splitlines() if line.startswith("module ")]
        assert all(module == name or module.startswith(f"{name}.") for module in found)
        modules[name] = set(found)
    assert not modules["near"] & modules["far"]
    plain = (tmp_path / "None" / "hwgen_tx.v").read_text()
    assert plain.replace("hwgen_tx", "near") == (tmp_path / "near" / "near.v").read_text()


def test_s05_grey_of_16_bits(tmp_path: Path) -> None:
    """Training sees what verify sees: 256 levels, not white; grey levels in floating point, too."""
    ramp = (np.arange(96) * 65535 // 95).astype(np.uint16)[None, :].repeat(48, 0)
    for name in "ab":
        Image.fromarray(ramp).save(tmp_path / f"{name}.png")
    for seen in (load_images(tmp_path, 1, 96, 48)[0], load_data(tmp_path, "train")[0]):
        np.testing.assert_array_equal(seen, (ramp >> 8).astype(np.uint8)[..., None].repeat(3, -1))
    for top in (1.0, 255.0):
        folder = tmp_path / str(top)
        folder.mkdir()
        levels = (np.arange(96, dtype=np.float32) / 95 * top)[None, :].repeat(48, 0)
        Image.fromarray(levels).save(folder / "a.tiff")
        seen = load_images(folder, 1, 96, 48)[0]
        np.testing.assert_array_equal(seen[..., 1], np.rint(np.arange(96) / 95 * 255)[None, :].repeat(48, 0))


def test_s06_what_macos_leaves(tmp_path: Path) -> None:
    """Beside each photograph is a file of the same name behind `._`, which is no image; zips have `__MACOSX/`."""
    junk = bytes([0, 5, 22, 7, 0, 2, 0, 0]) + bytes(90)
    folder = tmp_path / "photos"
    folder.mkdir()
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for index in range(4):
            file = folder / f"{index}.png"
            Image.fromarray(np.full((64, 64, 3), 50 * index, np.uint8)).save(file)
            (folder / f"._{index}.png").write_bytes(junk)
            archive.write(file, f"photos/{file.name}")
            archive.writestr(f"__MACOSX/photos/._{index}.png", junk)
    sets = [load_data(path, "train") for path in (folder, tmp_path / "photos.zip")]
    assert [len(images) for images in sets] == [3, 3]
    assert sets[0].digest() == sets[1].digest(), "zipped or not: training resumes"
    assert [int(image[0, 0, 0]) for image in load_images(folder, 4, 64, 64)] == [0, 50, 100, 150]
    train = tmp_path / "leftImg8bit" / "train" / "city"
    shutil.copytree(folder, train)
    assert len(load_data(tmp_path, "train")) == 4


@pytest.mark.parametrize("kinds", ["zzzz", "zrzrrrrrrrrz", "wwww", "ffff"])
def test_s15_images_without_content(kinds: str, tmp_path: Path) -> None:
    """Black, white and flat images, alone and among others: training goes on, and nothing becomes NaN."""
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for index, kind in enumerate(kinds):
        level = {"z": 0, "w": 255, "f": 77}.get(kind)
        pixels = rng.integers(0, 256, (96, 96, 3)) if level is None else np.full((96, 96, 3), level)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "data" / f"{index:02}.png")
    (tmp_path / "t").mkdir()
    shutil.copy(specs.load("tiny").path, tmp_path / "t")
    asked = ["--model", str(tmp_path / "t"), "--data", str(tmp_path / "data"), "--steps", "3"]
    assert main(["train", *asked, "--out", str(tmp_path / "out")]) == 0
    for file in (tmp_path / "out").glob("*.safetensors"):
        for name, tensor in read(file)[0].items():
            assert torch.isfinite(tensor.float()).all(), f"{file.name}: {name}"


SOURCE = specs.load("tiny").path.read_text(encoding="utf-8")
READ = {
    "crlf": SOURCE.replace("\n", "\r\n").encode(),
    "cr": SOURCE.replace("\n", "\r").encode(),
    "bom": b"\xef\xbb\xbf" + SOURCE.encode(),
    "dots": f"---\n{SOURCE}\n...\n".encode(),
    "модель": SOURCE.encode(),
    "a b'c": SOURCE.replace("small,", "kleine M\u00f6hre \u2713,").encode(),
}
REFUSED = {
    "utf16": (SOURCE.encode("utf-16"), ": wanted UTF-8 text, got byte 0xff at offset 0"),
    "latin1": (SOURCE.replace("small,", "kleine M\u00f6hre,").encode("latin1"), ": wanted UTF-8 text, got byte 0xf6"),
    "tabs": (SOURCE.replace("  - {", "\t- {").encode(), r":\d+: wanted plain YAML, got found character '\\t'"),
    "comma": (SOURCE.replace("lr: 6.0e-3", "lr: 6,0e-3").encode(), r":\d+: training\.float\.lr: wanted at most 1\.0,"),
    "control": (SOURCE.encode() + b"\x1a", ":\\d+: wanted plain YAML, got the character U\\+001A"),
    "quoted": (SOURCE.replace("width: 32", 'width: "32"').encode(), r":\d+: frame\.width: wanted an integer, got '32'"),
    "two": (f"{SOURCE}\n---\n{SOURCE}".encode(), r":\d+: wanted plain YAML, got but found another document"),
    "empty": (b"", ":1: wanted a mapping with the keys .*, got an empty file"),
}


@pytest.mark.parametrize("name", READ)
def test_s13_encodings_that_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.yaml").write_bytes(READ[name])
    assert specs.load(tmp_path / f"{name}.yaml").name == name


@pytest.mark.parametrize("name", REFUSED)
def test_s13_encodings_that_are_refused(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    (tmp_path / f"{name}.yaml").write_bytes(content)
    with pytest.raises(HwgenError, match=f"^.*{name}.yaml{message}") as caught:
        specs.load(tmp_path / f"{name}.yaml")
    assert "\n" not in str(caught.value)


PRUNED = {
    "channels of 1": "{channels: {encoder: [1, 1, 4], decoder: [1, 1, 3]}}",
    "nearly all": "{ratio: 0.999}",
    "none": "{ratio: 0}",
    "half": "{ratio: 0.5}",
}


@pytest.mark.parametrize("content", ["random", "ties", "zeros"])
@pytest.mark.parametrize("pruning", PRUNED)
def test_s14_survivors_are_the_parents(pruning: str, content: str, tmp_path: Path) -> None:
    """Weights, biases and slopes, down to one channel."""
    text, count = re.subn(r"^pruning:\n(  .*\n)+", f"pruning: {PRUNED[pruning]}\n", SOURCE, flags=re.MULTILINE)
    assert count == 1
    (tmp_path / "spec.yaml").write_text(text)
    spec = specs.load(tmp_path)
    torch.manual_seed(5)
    parent = dense(spec)
    with torch.no_grad():
        for name, value in parent.named_parameters():
            if content != "random":
                value.fill_(0.1 if content == "ties" else 0.0)
            elif "bias" in name:
                value.normal_(0, 0.3)
            elif "activation" in name:
                value.uniform_(-1.5, 2.5)
    small = prune(parent, spec).eval()
    kept = list(range(3))
    for side in ("encoder", "decoder"):
        for before, after in zip(getattr(parent, side), getattr(small, side), strict=True):
            axes = (1, 0) if side == "decoder" else (0, 1)
            large, little = (layer.conv.weight.permute(*axes, 2, 3) for layer in (before, after))
            found: list[int] = []
            for out in range(little.shape[0]):
                found.append(next(
                    index for index in range(large.shape[0])
                    if index not in found and torch.equal(large[index, kept], little[out])
                    and torch.equal(before.conv.bias[index], after.conv.bias[out])
                ))  # fmt: skip
            slopes = getattr(after.activation, "weight", None)
            assert slopes is None or torch.equal(before.activation.weight[found], slopes)
            kept = found


@pytest.mark.skipif(not icarus(), reason="Icarus Verilog (iverilog) is not installed")
def test_s11_frames_behind_a_reset_in_mid_frame(tmp_path: Path) -> None:
    """In a plain four-state simulator, with random pauses on both sides, by a bench that knows no TLAST."""
    design = emit(DesignOptions("tiny", frame=(16, 16)), tmp_path / "tx", quiet=True).folder
    for cut in (1, 100):
        files = [f'-D{name}="{design}/sample_{end}.hex"' for name, end in (("IN", "input"), ("OUTF", "output"))]
        words = [f"-Ptb.CUT={cut}", "-DRC=0", *files]
        bench = [str(HERE / "s11_mid_frame_reset" / "tb.v"), str(design / "hwgen_tx.v")]
        subprocess.run(["iverilog", "-g2005", "-o", tmp_path / "tb", *words, *bench], check=True)
        printed = subprocess.run([tmp_path / "tb"], check=True, capture_output=True, text=True).stdout
        assert re.fullmatch(r"frames 3 bad 0 unstable 0 x 0 cycles \d+\n(\S*.*finish.*\n)?", printed), printed
