"""Emission: the same bytes everywhere, all or nothing, and files that agree with one another."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hwgen import board as boards, emit as package
from hwgen.cli import main as cli
from hwgen.design_options import DesignOptions
from hwgen.emit import Emitted, emit
from hwgen.emit.folder import replaced_folder
from hwgen.emit.sample import sample_frame, sample_symbols
from hwgen.errors import HwgenError
from hwgen.ir import serialize
from hwgen.ir.execute import execute
from hwgen.ir.graph import MatrixProduct
from hwgen.model import load_graph
from hwgen.numerics.words import pack_pixels, unpack_symbols
from hwgen.plan.buffers import minimal_buffers
from hwgen.plan.schedule import latency
from hwgen.plan.size import size
from hwgen.spec import model as specs

FRAME = (8, 8)
FILES = {"hwgen_tx.v", "hwgen_tx.xdc", "manifest.json", "graph.json", "weights.npz", "sample_input.hex",
         "sample_output.hex", "README.md"}  # fmt: skip


def emit_tiny(out: Path | None, quiet: bool = True, **options: Any) -> Emitted:
    return emit(DesignOptions(**(dict(model="tiny", frame=FRAME, init=1) | options)), out, quiet)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, folders too, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    return emit_tiny(tmp_path_factory.mktemp("emit") / "design")


VARIANTS: dict[str, dict[str, str]] = {
    "tx": {},
    "rx": {"side": "rx"},
    "tx svd": {"channel": "mimo2x2"},
    "rx rayleigh": {"side": "rx", "channel": "rayleigh"},
}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    """Either side, without and with coefficients for its channel."""
    return emit_tiny(tmp_path_factory.mktemp("emit") / "design", **VARIANTS[request.param])


def files_of(design: Emitted) -> set[str]:
    """What `FILES` is for a transmitter without a precoder."""
    files = {name.replace("_tx.", f"_{design.manifest['side']}.") for name in FILES}
    return files | ({"sample_coefficients.hex"} if design.manifest["coefficients"] else set())


@pytest.fixture
def no_verilog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verilog takes most of the time of an emission, and tests of the folder need none."""
    monkeypatch.setattr(package, "verilog", lambda plan, top: f"module {top}; endmodule\n")


def test_files(design: Emitted, variant: Emitted) -> None:
    assert set(contents(design.folder)) == FILES
    assert set(contents(variant.folder)) == files_of(variant)
    assert {path.stat().st_mode & 0o777 for path in design.folder.iterdir()} == {0o666 & ~umask()}


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_same_bytes_again(design: Emitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder, into another folder, in a process of its own with other settings."""
    monkeypatch.chdir(tmp_path)
    again = emit_tiny(None)
    assert again.folder == Path("hwgen_out/tiny_tx_pynq_z2")
    assert contents(again.folder) == contents(design.folder)
    code = ("from pathlib import Path; from hwgen.design_options import DesignOptions; from hwgen.emit import emit; "
            f"emit(DesignOptions('tiny', frame={FRAME}, init=1), Path('a b/c'), quiet=True)")  # fmt: skip
    environment = os.environ | {"PYTHONHASHSEED": "77", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
                                "TZ": "Asia/Tokyo"}  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert contents(tmp_path / "a b" / "c") == contents(design.folder)


def test_a_receiver_has_the_same_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = emit_tiny(None, side="rx")
    assert first.folder == Path("hwgen_out/tiny_rx_pynq_z2")
    code = ("from pathlib import Path; from hwgen.design_options import DesignOptions; from hwgen.emit import emit; "
            f"emit(DesignOptions('tiny', 'rx', frame={FRAME}, init=1), Path('again'), quiet=True)")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONHASHSEED": "5"}, check=True)
    assert contents(tmp_path / "again") == contents(first.folder)


def test_a_model_in_another_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of where a specification and a board lie is in what is written."""
    found = []
    for place in ("here", "over/there"):
        folder = tmp_path / place / "tiny"
        folder.mkdir(parents=True)
        (folder / "spec.yaml").write_bytes(specs.load("tiny").path.read_bytes())
        (folder / "pynq_z2.yaml").write_bytes(boards.load("pynq_z2").path.read_bytes())
        found.append(emit_tiny(tmp_path / place / "out", model=folder, board=folder / "pynq_z2.yaml"))
    assert contents(found[0].folder) == contents(found[1].folder)


def test_no_place_time_or_host(design: Emitted) -> None:
    for name, content in contents(design.folder).items():
        text = content.decode("latin-1")
        for secret in (str(design.folder.parent), str(Path.cwd()), str(Path(cli.__file__).parent), str(Path.home()),
                       "/tmp/", "/home/", socket.gethostname(), str(date.today()), "src=", ".py:"):  # fmt: skip
            assert secret not in text, f"{name}: {secret}"


def test_manifest_agrees_with_the_files(variant: Emitted) -> None:
    design, side = variant, variant.manifest["side"]
    manifest = json.loads((design.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == design.manifest
    assert (manifest["format_version"], manifest["top"], manifest["side"]) == (1, f"hwgen_{side}", side)
    assert set(manifest["files"]) == files_of(variant) - {"manifest.json", "README.md"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((design.folder / name).read_bytes()).hexdigest() == digest
    assert manifest["inputs"] == {
        "spec.yaml": hashlib.sha256(specs.load("tiny").path.read_bytes()).hexdigest(),
        "pynq_z2.yaml": hashlib.sha256(boards.load("pynq_z2").path.read_bytes()).hexdigest(),
    }


def test_manifest_agrees_with_the_graph_and_the_plan(variant: Emitted) -> None:
    manifest, graph, plan = variant.manifest, serialize.load(variant.folder), variant.plan
    shapes = graph.shapes(*FRAME)
    assert [stream["name"] for stream in manifest["streams"]] == [node.name for node in graph.nodes]
    for stream, node in zip(manifest["streams"], graph.nodes, strict=True):
        assert stream["path"] == f"{node.name}.o"
        if node is graph.symbol_node:  # word by word
            words = shapes[node.name][1]
            assert (stream["height"], stream["width"], stream["channels"], stream["lanes"]) == (1, words, 1, 1)
            assert (stream["bits"], stream["signed"]) == (32, False)
            continue
        assert (stream["height"], stream["width"], stream["channels"]) == shapes[node.name]
        assert (stream["bits"], stream["signed"]) == (node.output.bits, node.output.signed)
    predicted = manifest["predicted"]
    macs = sum(graph.macs(*FRAME).values())
    assert predicted["frame_interval_cycles"] == plan.frame_interval
    assert predicted["latency_cycles"] == latency(plan)
    assert predicted["macs_per_frame"] == macs
    lanes = (folding.pe * folding.window.word_values for folding in plan.foldings.values())
    assert predicted["multipliers"] == sum(lanes)
    values, symbol_node = [n.name for n in graph.value_nodes], [n.name for n in graph.nodes if n is graph.symbol_node]
    around = {"tx": [*values, "symbols", *symbol_node], "rx": [*symbol_node, "symbols", *values, "pixels"]}
    assert list(predicted["components"]) == around[graph.side]
    for key in ("dsp", "lut", "ff", "bram36"):
        assert predicted[key] == sum(cost[key] for cost in predicted["components"].values())
    assert sum(layer.get("macs", 0) for layer in predicted["layers"]) == macs
    assert predicted["fps"] == round(manifest["clock_mhz"] * 1e6 / predicted["frame_interval_cycles"], 3)
    pixels, symbols = ("input", "output") if graph.side == "tx" else ("output", "input")
    assert (manifest[pixels]["bits"], manifest[pixels]["beats"]) == (24, 64)
    assert (manifest[symbols]["bits"], manifest[symbols]["beats"]) == (32, graph.symbols(*FRAME))
    words = {"bits": 32, "beats": graph.coefficient_words, "fraction": 10} if graph.coefficient_words else None
    assert manifest["coefficients"] == words
    assert manifest["terms"] == graph.terms


def test_verilog_has_the_ports_and_the_layers(variant: Emitted) -> None:
    design, top = variant, variant.manifest["top"]
    text = (design.folder / f"{top}.v").read_text(encoding="utf-8")
    (header,) = re.findall(rf"^module {top}\(([^)]*)\);", text, re.MULTILINE)
    assert {name.strip() for name in header.split(",")} == set(design.manifest["ports"])
    body = text[text.index(f"module {top}(") :]
    body = body[: body.index("endmodule")]
    for port, of_port in design.manifest["ports"].items():
        bits = rf"\[{of_port['width'] - 1}:0\] " if of_port["width"] > 1 else ""
        assert re.search(rf"^  {of_port['direction']} {bits}{port};", body, re.MULTILINE), port
    for stream in design.manifest["streams"]:
        name, bits = stream["name"], stream["bits"]
        assert re.search(rf"\\?{top}\.{name}\s+{name} \(", body), name
        module = text[re.search(rf"^module \\?{top}\.{name}\s*\(", text, re.MULTILINE).start() :]  # type: ignore[union-attr]
        bits = stream["lanes"] * bits + (bits == 32)  # symbols have their TLAST above them
        assert re.search(rf"output (\[{bits - 1}:0\] )?o__payload;", module[: module.index("endmodule")]), name


def test_sample(design: Emitted) -> None:
    """The sample's words are the interpreter's, and the graph beside them is the one that makes them."""
    lines = (design.folder / "sample_input.hex").read_text(encoding="utf-8").split()
    words = np.array([int(line, 16) for line in lines])
    pixels = np.stack([words & 255, words >> 8 & 255, words >> 16], axis=1).reshape(FRAME[1], FRAME[0], 3)
    assert np.array_equal(pixels, sample_frame(*FRAME))
    symbols = execute(serialize.load(design.folder), pixels.astype(np.uint8))["symbols"]
    assert [int(line, 16) for line in (design.folder / "sample_output.hex").read_text().split()] == symbols.tolist()


def hex_words(design: Emitted, name: str) -> list[int]:
    return [int(line, 16) for line in (design.folder / f"sample_{name}.hex").read_text(encoding="utf-8").split()]


def test_sample_of_every_variant(variant: Emitted) -> None:
    """The same from the files alone: what goes in, the coefficients, what comes out."""
    graph, frame = serialize.load(variant.folder), np.array(hex_words(variant, "input"), dtype=np.uint32)
    node, coefficients = graph.symbol_node, None
    if isinstance(node, MatrixProduct):
        words = np.array(hex_words(variant, "coefficients"), dtype=np.uint32)
        coefficients = unpack_symbols(words).reshape(node.tables, node.rows, node.columns, 2)
    if graph.side == "tx":
        pixels = np.stack([frame & 255, frame >> 8 & 255, frame >> 16], axis=1).reshape(FRAME[1], FRAME[0], 3)
        found = execute(graph, pixels.astype(np.uint8), coefficients)["symbols"]
    else:
        found = pack_pixels(execute(graph, frame, coefficients, FRAME)["pixels"].astype(np.uint8))
    assert hex_words(variant, "output") == found.tolist()
    assert len(set(found.tolist())) > 3


def test_sample_symbols() -> None:
    """Both ends of the range, and amplitudes around 1 between them."""
    parts = unpack_symbols(sample_symbols(1000))
    assert (parts.min(), parts.max()) == (-32768, 32767)
    assert 0.5 < np.median(np.abs(parts)) / 4096 < 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 7), (64, 32), (33, 17)])
def test_sample_frame(width: int, height: int) -> None:
    frame = sample_frame(width, height)
    assert (frame.shape, frame.dtype) == ((height, width, 3), np.uint8)
    assert np.array_equal(frame, sample_frame(width, height))
    if width >= 32:
        assert (frame.min(), frame.max()) == (0, 255)


def test_readme(variant: Emitted) -> None:
    """Every file that it names is there, every command parses, and the weights' terms are in it."""
    design = variant
    text = (design.folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w.-]+\.(?:v|xdc|json|npz|hex|md|yaml|py)\b", text))
    assert named == files_of(variant) - {"README.md"}
    connected = set(re.findall(r"^ *\.(\w+)\(|, \.(\w+)\(", text, re.MULTILINE))
    assert {one or other for one, other in connected} == set(design.manifest["ports"])
    commands = re.findall(r"`hwgen ([^`]*)`", text)
    assert commands
    for command in commands:
        cli.build_parser().parse_args(command.split())
    for value in design.manifest["terms"].values():
        assert str(value) in text
    assert str(design.manifest["predicted"]["frame_interval_cycles"]) in text


@pytest.mark.usefixtures("no_verilog")
def test_readme_with_terms_beyond_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "readme", lambda manifest: "naïve – 图\n")
    emit_tiny(tmp_path / "out")
    assert (tmp_path / "out" / "README.md").read_bytes() == "naïve – 图\n".encode()


def test_constraints(design: Emitted) -> None:
    target = boards.load("pynq_z2")
    text = (design.folder / "hwgen_tx.xdc").read_text(encoding="utf-8")
    assert f"create_clock -name aclk -period {1000 / target.clock_mhz:.3f} [get_ports aclk]" in text


@pytest.mark.usefixtures("no_verilog")
def test_a_design_is_replaced(tmp_path: Path) -> None:
    first = contents(emit_tiny(tmp_path / "out").folder)
    second = contents(emit_tiny(tmp_path / "out", init=2).folder)
    assert set(first) == set(second) == FILES
    assert first["weights.npz"] != second["weights.npz"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("no_verilog")
def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    emit_tiny(tmp_path / "out")
    assert set(contents(tmp_path / "out")) == FILES


@pytest.mark.usefixtures("no_verilog")
def test_the_current_folder_and_links_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    emit_tiny(tmp_path / "link")
    assert set(contents(tmp_path / "real")) == FILES
    assert (tmp_path / "link").is_symlink()
    monkeypatch.chdir(tmp_path / "real")
    emit_tiny(Path("."))
    assert set(contents(tmp_path / "real")) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


FOREIGN: list[tuple[dict[str, str], str]] = [
    ({"notes.txt": "mine"}, "notes.txt"),
    ({"manifest.json": "{}"}, "manifest.json"),
    ({"manifest.json": '{"name": "somebody\'s browser extension", "files": {}}'}, "manifest.json"),
    ({"manifest.json": "[1]"}, "manifest.json"),
    ({"manifest.json": "no JSON"}, "manifest.json"),
    ({"manifest.json": '{"top": "hwgen_tx", "files": {"hwgen_tx.v": "0"}}', "testbench.v": "mine"}, "testbench.v"),
]


@pytest.mark.parametrize(("files", "named"), FOREIGN)
def test_a_folder_with_other_things_is_refused(files: dict[str, str], named: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(HwgenError) as caught:
        emit_tiny(folder)
    assert str(caught.value) == (
        f"--out: wanted a new or empty folder, or one that emit wrote, got {folder}, with {named} in it"
    )
    assert contents(tmp_path) == before


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(HwgenError, match=rf"^--out: wanted .*, got {re.escape(str(tmp_path))}/out, a file$"):
        emit_tiny(tmp_path / "out")
    assert contents(tmp_path) == {"out": b"mine"}


@pytest.mark.usefixtures("no_verilog")
@pytest.mark.parametrize("step", ["verilog", "constraints", "sample_files", "file_hashes", "build_manifest", "readme",
                                  "manifest_bytes"])  # fmt: skip
@pytest.mark.parametrize("before", [False, True])
def test_a_failure_midway_leaves_all_as_it_was(step: str, before: bool, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any step: nothing is there that was not before, and a design that was there is whole."""
    out = tmp_path / "deep" / "er" / "out"
    if before:
        emit_tiny(out, init=2)
    expected = contents(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(package, step, full)
    with pytest.raises(OSError, match="No space left on device"):
        emit_tiny(out)
    assert contents(tmp_path) == expected


@pytest.mark.usefixtures("no_verilog")
def test_a_failed_rename_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    emit_tiny(out)
    expected = contents(tmp_path)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if Path(target) == out and not path.name.endswith(".old"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"), replaced_folder(out) as part:
        (part / "new").write_text("new")
    assert contents(tmp_path) == expected


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replaced_folder(tmp_path / "a" / "b") as part:
            (part / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        emit_tiny(tmp_path / "locked" / "out")


def own_model(folder: Path, **change: Any) -> Path:
    """A copy of tiny's specification in a folder of its own, with keys of its own; None leaves one out."""
    content = yaml.safe_load(specs.load("tiny").path.read_text(encoding="utf-8")) | change
    content = {key: value for key, value in content.items() if value is not None}
    if "decoder" not in content:
        del content["pruning"]["channels"]["decoder"]
    folder.mkdir()
    (folder / "spec.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    folder = own_model(tmp_path / "mine")
    with pytest.raises(HwgenError) as caught:
        emit_tiny(tmp_path / "out", model=folder, init=None)
    wanted = "the integer graph of a trained model (or --init random:SEED)"
    assert str(caught.value) == f"{folder / 'graph.json'}: wanted {wanted}, got no such file"
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_verilog")
def test_the_trained_graph_is_taken(tmp_path: Path) -> None:
    folder = own_model(tmp_path / "mine")
    graph = load_graph(specs.load(folder), init=5)
    serialize.save(graph, folder)
    emitted = emit_tiny(tmp_path / "out", model=folder, init=None)
    assert (emitted.folder / "graph.json").read_bytes() == (folder / "graph.json").read_bytes()
    assert (emitted.folder / "weights.npz").read_bytes() == (folder / "weights.npz").read_bytes()


@pytest.mark.parametrize(("key", "value", "was"), [
    ("kernel", 5, 3), ("stride", 1, 2), ("activation", "prelu", "relu"), ("weight_bits", 4, 8),
    ("activation_bits", 7, 8), ("channels", 6, 5), ("gain.mode", "per_image", "static"),
])  # fmt: skip
def test_a_graph_of_another_network_is_refused(key: str, value: object, was: object, tmp_path: Path) -> None:
    """The specification was changed after the export."""
    folder = own_model(tmp_path / "mine", decoder=None, training=None, bandwidth_ratio=None)
    serialize.save(load_graph(specs.load(folder), init=5), folder)
    content = yaml.safe_load((folder / "spec.yaml").read_text(encoding="utf-8"))
    if key == "channels":
        content["pruning"]["channels"]["encoder"][0] = value
    elif key == "gain.mode":
        content["gain"] = {"mode": value}
    else:
        content["encoder"][0][key] = value
    (folder / "spec.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(HwgenError) as caught:
        emit_tiny(tmp_path / "out", model=folder, init=None)
    where = f"{folder / 'graph.json'}: {key if '.' in key else f'conv0.{key}'}"
    wanted = f"{where}: wanted the specification's {value} (export again), got {was}"
    assert str(caught.value) == wanted


def test_a_graph_of_other_layers_is_refused(tmp_path: Path) -> None:
    folder = own_model(tmp_path / "mine", decoder=None, training=None, bandwidth_ratio=None)
    serialize.save(load_graph(specs.load(folder), init=5), folder)
    content = yaml.safe_load((folder / "spec.yaml").read_text(encoding="utf-8"))
    del content["encoder"][1], content["pruning"]["channels"]["encoder"][1]
    (folder / "spec.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(HwgenError, match=r"graph\.json: wanted the specification's 2 layers, got 3$"):
        emit_tiny(tmp_path / "out", model=folder, init=None)


@pytest.mark.parametrize("frame", [(10, 8), (8, 6), (0, 8), (8, -4)])
def test_a_wrong_frame_is_refused(frame: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match=r"^--frame: wanted width and height that are multiples of 4") as caught:
        emit_tiny(tmp_path / "out", frame=frame)
    assert str(caught.value).endswith(f"got {frame[0]}x{frame[1]}")
    assert contents(tmp_path) == {}


def test_another_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match=r"^--side: wanted tx or rx, got up$"):
        emit_tiny(tmp_path / "out", side="up")


def test_a_board_too_small_writes_nothing(tmp_path: Path) -> None:
    small = yaml.safe_load(boards.load("pynq_z2").path.read_text(encoding="utf-8"))
    small["resources"]["dsp"] = 2
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small), encoding="utf-8")
    before = contents(tmp_path)
    short = r"resources\.dsp: wanted at least \d+ for tiny with 8x8 frames at any rate, got 2, \d+ short$"
    with pytest.raises(HwgenError, match=short):
        emit_tiny(tmp_path / "out", board=path)
    assert contents(tmp_path) == before


def test_smallest_frame(tmp_path: Path) -> None:
    emitted = emit_tiny(tmp_path / "out", frame=(4, 4))
    assert emitted.manifest["output"]["beats"] == 2


@pytest.mark.usefixtures("no_verilog")
def test_a_rate_changes_the_folding(tmp_path: Path, design: Emitted) -> None:
    slow = emit_tiny(tmp_path / "out", fps=100)
    assert slow.manifest["predicted"]["dsp"] < design.manifest["predicted"]["dsp"]
    assert slow.manifest["predicted"]["fps"] >= 100
    plan = minimal_buffers(size(load_graph(specs.load("tiny"), 1), boards.load("pynq_z2"), *FRAME, fps=100))
    assert slow.plan.foldings == plan.foldings


@pytest.mark.usefixtures("no_verilog")
def test_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emitted = emit_tiny(tmp_path / "out", quiet=False)
    text = capsys.readouterr().out
    for layer in emitted.manifest["predicted"]["layers"]:
        assert re.search(rf"\b{layer['name']}\b.*\b{layer['cycles']:,}\b", text)
    assert f"written to {tmp_path / 'out'}" in text
    assert str(emitted.manifest["terms"]["license"]) in text
