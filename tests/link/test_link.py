"""The link: against itself with the integer graph in the Verilog's place, and on its command line."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.images import load_images
from hwgen.ir.execute import execute, execute_symbols
from hwgen.linear_code import Components, linear_code, measure as measure_linear_code
from hwgen.link import command, measure as measuring
from hwgen.link.measure import Request, measure
from hwgen.link.plot import LINEAR, draw
from hwgen.link.progress import Progress
from hwgen.link.sheet import CAPTION
from hwgen.metrics.psnr import psnr
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_symbols, unpack_symbols
from hwgen.radio import channel as channels
from hwgen.reference.floating import FloatLink, node_in_float
from hwgen.reference.link import ReferenceLink, load_link
from hwgen.sim import runner
from hwgen.sim.check import Finding
from hwgen.sim.frames import DesignError
from hwgen.spec.model import Channel

KINDS = ("awgn", "rayleigh", "mimo2x2", "ofdm")


class FakeEnd:
    """The integer graph where a simulation would be; `wrong` damages what it gives."""

    def __init__(self, link: ReferenceLink, side: str) -> None:
        self.link, self.side = link, side
        self.design = SimpleNamespace(side=side)
        self.seconds, self.interval, self.latency = 0.5, 100, 200
        self.wrong: tuple[int, int, int] | None = None

    def run(self, words: np.ndarray, coefficients: IntArray | None, progress: Progress) -> np.ndarray:
        graph, (width, height) = getattr(self.link, self.side), self.link.size
        given = [None] * len(words) if coefficients is None else list(coefficients)
        found = []
        for frame, beside in zip(words, given, strict=True):
            if self.side == "tx":
                image = np.stack([frame >> shift & 255 for shift in (0, 8, 16)], -1).reshape(height, width, 3)
                found.append(execute(graph, image.astype(np.uint8), beside)["symbols"])
            else:
                image = execute(graph, frame, beside, self.link.size)["pixels"].astype(np.uint32)
                found.append((image[..., 0] | image[..., 1] << 8 | image[..., 2] << 16).reshape(-1))
            progress.add()
        out = np.stack(found).astype(np.uint32)
        if self.wrong is not None:
            frame_index, at, bit = self.wrong
            out[frame_index, at] ^= np.uint32(1 << bit)
        return out

    def waveform(self, words: np.ndarray, coefficients: IntArray | None, file: Path) -> Path | None:
        file.write_text("$end")
        return file


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeEnd]:
    """Ends that are simulated by the integer graph; filled when a link is measured."""
    made: dict[str, FakeEnd] = {}
    wrong: dict[str, tuple[int, int, int]] = {}

    def emit_end(options: DesignOptions, *rest: object) -> FakeEnd:
        side = options.side
        made[side] = FakeEnd(load_link(options), side)
        made[side].wrong = wrong.get(side)
        return made[side]

    monkeypatch.setattr(measuring, "emit_end", emit_end)
    made["wrong"] = wrong  # type: ignore[assignment]
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_are_equal(kind: str, ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    result = measure(Request(DesignOptions("tiny", channel=kind), (10.0,), frames=2), tmp_path)
    (point,) = result.points
    assert result.equal and result.first is None
    assert (point.frames, point.pixels_compared, point.pixel_mismatches) == (2, 2 * 32 * 32, 0)
    sent = result.link.words
    assert (result.symbols_compared, result.symbol_mismatches) == (2 * sent, 0)
    assert point.psnr_rtl_db == point.psnr_model_db and point.ssim_rtl == point.ssim_model
    assert point.evm_percent == pytest.approx(100 * 10 ** (point.nmse_db / 20))


def test_figures_against_their_definitions(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    """One frame by hand: integer graph, channel of seed SEED + index, integer graph."""
    result = measure(Request(DesignOptions("tiny", channel="ofdm"), (7.0,), frames=2, seed=5), tmp_path)
    link = load_link(DesignOptions("tiny", channel="ofdm"))
    images = load_images(None, 2, 32, 32)
    quality, error, energy = [], 0.0, 0.0
    for index, image in enumerate(images):
        found = channels.draw(Channel(kind="ofdm"), 7.0, link.words, 5 + index)
        sent = execute(link.tx, image)["symbols"].astype(np.uint32)
        outputs = execute(link.rx, found.apply(sent), found.rx_coefficients, (32, 32))
        quality.append(psnr(image, outputs["pixels"].astype(np.uint8)))
        x, y = (channels.symbols(words) for words in (sent, pack_symbols(outputs["equaliser"])))
        error, energy = error + np.sum(np.abs(x - y) ** 2), energy + np.sum(np.abs(x) ** 2)
    (point,) = result.points
    assert point.psnr_rtl_db == pytest.approx(np.mean(quality))
    assert point.nmse_db == pytest.approx(10 * math.log10(error / energy))
    assert point.symbol_power == pytest.approx(energy / 2 / link.latent_symbols)


def test_a_wrong_pixel_is_named(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    ends["wrong"]["rx"] = (1, 32 * 3 + 7, 9)  # type: ignore[index]
    result = measure(Request(DesignOptions("tiny"), (10.0, 4.0), frames=2), tmp_path)
    assert not result.equal and result.pixel_mismatches == 2
    assert result.first is not None
    assert result.first.startswith("rx: SNR 10 dB, frame 1, pixel (x 7, y 3): expected R, G, B [")
    assert result.first.endswith("(1 pixels wrong)")


def test_a_wrong_symbol_is_named_first(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    ends["wrong"]["tx"] = (0, 5, 16 + 11)  # type: ignore[index]
    result = measure(Request(DesignOptions("tiny"), (10.0,), frames=2), tmp_path)
    assert not result.equal and result.symbol_mismatches == 1
    assert result.first is not None and result.first.startswith("tx: frame 0, symbol 5: expected I ")


def test_the_linear_code_as_a_curve(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        for index, image in enumerate(load_images(None, 3, 48, 32)):
            Image.fromarray(image).save(tmp_path / split / f"{index}.png")
    request = Request(
        DesignOptions("tiny"), (1.0, 10.0), frames=3, seed=4, simulate=0, compare=True, linear_code=str(tmp_path)
    )
    result = measure(request, tmp_path / "out")
    components = Components.of(load_images(None, 3, 48, 32), 16)
    share = Fraction(result.link.latent_symbols, 3 * 32 * 32)
    for point in result.points:
        code = linear_code(components, int(2 * share * 768), point.snr_db, 1.0, "optimal")
        images = list(load_images(None, 3, 32, 32))
        assert point.all_psnr_linear_db == measure_linear_code(code, images, point.snr_db, 1.0, 4).psnr_db
    draw(tmp_path / "curve.svg", result)
    assert LINEAR in (tmp_path / "curve.svg").read_text()
    over = dataclasses.replace(request, options=DesignOptions("tiny", channel="rayleigh"))
    with pytest.raises(HwgenError, match="--linear-code: wanted channel awgn, got rayleigh"):
        measure(over, tmp_path / "out")


def test_a_curve_of_one_point(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="--linear-code: wanted --sweep or several SNRs: .*, got 10 dB alone"):
        command.link(DesignOptions("tiny"), linear_code=str(tmp_path))


def test_only_some_frames_are_simulated(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    result = measure(Request(DesignOptions("tiny"), (1.0, 10.0), frames=3, simulate=1, compare=True), tmp_path)
    assert [point.frames for point in result.points] == [1, 1]
    for point in result.points:
        assert point.all_frames == 3 and point.pixels_compared == 32 * 32
        assert point.all_psnr_model_db != point.psnr_model_db == point.psnr_rtl_db
        assert point.all_psnr_float_db is not None and point.all_psnr_bound_db is not None
    assert Request(DesignOptions("tiny"), (1.0,), frames=10, simulate=4).simulated == (0, 2, 5, 7)
    first, last = result.points
    assert first.all_psnr_model_db < last.all_psnr_model_db and first.nmse_db > last.nmse_db


def test_a_frame_s_noise_is_the_same_in_any_company(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    one = measure(Request(DesignOptions("tiny", channel="rayleigh"), (4.0,), frames=1, seed=8), tmp_path)
    two = measure(Request(DesignOptions("tiny", channel="rayleigh"), (10.0, 4.0), frames=2, seed=8), tmp_path)
    assert (one.received[4.0][0] == two.received[4.0][0]).all()


def test_random_weights(ends: dict[str, FakeEnd], tmp_path: Path) -> None:
    options = DesignOptions("tiny", channel="mimo2x2", init=3, frame=(16, 16))
    result = measure(Request(options, (10.0,), frames=1), tmp_path)
    assert result.equal and result.points[0].pixels_compared == 256


def test_float_link_is_near_its_integers(tmp_path: Path) -> None:
    """Trained networks at a high SNR."""
    link = load_link(DesignOptions("tiny"))
    assert FloatLink.available(link) and not FloatLink.available(load_link(DesignOptions("tiny", init=1)))
    image = load_images(None, 1, 32, 32)[0]
    found = FloatLink(link, image[None], 2.5).image(image, link.draw(40.0, 1))
    assert found.shape == image.shape and found.dtype == np.uint8
    assert psnr(image, found) > 15


def test_float_link_has_the_power_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    link = load_link(DesignOptions("tiny"))
    images = load_images(None, 3, 32, 32)
    floating = FloatLink(link, images, 2.5)
    sent: list[np.ndarray] = []
    original = channels.Realisation.receive

    def receive(self: channels.Realisation, symbols: np.ndarray) -> np.ndarray:
        sent.append(symbols)
        return original(self, symbols)

    monkeypatch.setattr(channels.Realisation, "receive", receive)
    for image in images:
        floating.image(image, link.draw(10.0, 1))
    assert np.mean(np.abs(np.concatenate(sent)) ** 2) == pytest.approx(2.5)
    floating.factor = None  # as where the power is normalised image by image
    floating.image(images[0], link.draw(10.0, 1))
    assert np.mean(np.abs(sent[-1]) ** 2) == pytest.approx(1.0)


@pytest.mark.parametrize("channel", [
    Channel(kind="rayleigh"), Channel(kind="ofdm", subcarriers=4), Channel(kind="mimo2x2"),
    Channel(kind="mimo2x2", scheme="alamouti"),
])  # fmt: skip
def test_nodes_in_float_are_the_integers_unrounded(channel: Channel) -> None:
    rng = np.random.default_rng(2)
    found = channels.draw(channel, 10.0, 16, 4)
    for side, coefficients in (("tx", found.tx_coefficients), ("rx", found.rx_coefficients)):
        for node in channels.nodes(channel, side):
            words = pack_symbols(rng.integers(-4096, 4096, 32))
            integers = execute_symbols(node, unpack_symbols(words), coefficients)
            real = node_in_float(node, channels.symbols(words), coefficients)
            inside = np.abs(integers).max(-1) < 32767
            assert np.abs(real - channels.symbols(pack_symbols(integers)))[inside].max() < 2**-12


def test_command_line(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arguments = ["link", "--model", "tiny", "--snr", "10", "--frames", "2", "--out", str(out), "--seed", "3"]
    assert main([*arguments, "--json", "--csv", str(tmp_path / "a.csv"), "--waveform"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["frames"] == 2 and found["pixels_compared"] == 2048 and found["pixel_mismatches"] == 0
    assert found["psnr_rtl_db"] == found["psnr_model_db"] and found["nmse_db"] < -5 and found["evm_percent"] > 0
    assert (found["snr_db"], found["channel"], found["seed"]) == (10.0, "awgn", 3)
    assert json.loads((out / "results.json").read_text()) == found
    (row,) = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert float(row["psnr_rtl_db"]) == found["psnr_rtl_db"] and row["model"] == "tiny"
    assert (out / "results.csv").read_text() == (tmp_path / "a.csv").read_text()
    names = {path.name for path in out.iterdir()}
    assert {"frame_000.png", "frame_001.png", "frame_000_10dB.png", "frame_001_10dB.png", "tx.vcd", "rx.vcd"} <= names
    sheet = np.asarray(Image.open(out / "sheet.png"))
    assert sheet.shape == (2 * (32 + CAPTION), 2 * 32, 3)
    assert (sheet[CAPTION : CAPTION + 32, :32] == load_images(None, 1, 32, 32)[0]).all()
    assert (sheet[CAPTION : CAPTION + 32, 32:] == np.asarray(Image.open(out / "frame_000_10dB.png"))).all()
    seen = np.asarray(Image.open(out / "frame_001_10dB.png"))
    assert psnr(load_images(None, 2, 32, 32)[1], seen) < 40
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "2,048 pixels and 256 symbols equal the PyTorch model's" in printed.out
    assert printed.err == ""


def test_a_folder_used_again_holds_the_last_run_alone(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["link", "--model", "tiny", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--snr", "10", "20", "--frames", "2", "--waveform"]) == 0
    assert main([*arguments, "--snr", "5", "--frames", "1"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frame_000.png", "frame_000_5dB.png", "results.csv", "results.json", "sheet.png",
    ]  # fmt: skip
    (tmp_path / "out" / "notes.txt").write_text("mine")
    capsys.readouterr()
    assert main([*arguments, "--snr", "5", "--frames", "1"]) == 2
    assert "one that link wrote, got " in capsys.readouterr().err
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_trouble_keeps_what_was_measured_and_a_signal_does_not(
    ends: dict[str, FakeEnd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FakeEnd.run
    trouble: list[BaseException] = [runner.SimulationError("the simulator", "an end", "signal 9 (SIGKILL)")]

    def second(end: FakeEnd, *rest: object) -> object:
        calls.append(end.side)
        if calls.count("rx") == 2:
            raise trouble[0]
        return run(end, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEnd, "run", second)
    arguments = ["link", "--model", "tiny", "--frames", "1", "--snr", "1", "10", "--out", str(tmp_path / "a" / "out")]
    calls: list[str] = []
    assert main(arguments) == 2
    assert [point["snr_db"] for point in [json.loads((tmp_path / "a" / "out" / "results.json").read_text())]] == [1.0]
    trouble[0], arguments[-1] = KeyboardInterrupt(), str(tmp_path / "b" / "out")
    calls.clear()
    assert main(arguments) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("calls_before", [0, 1])
def test_trouble_hides_no_difference(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    calls_before: int,
) -> None:  # fmt: skip
    """A transmitter that differs, and a disk that is full at the first or second SNR of the receiver."""
    run, calls = FakeEnd.run, 0

    def full(end: FakeEnd, *rest: object) -> object:
        nonlocal calls
        if end.side == "tx":
            words = run(end, *rest)  # type: ignore[arg-type]
            words[0, 0] ^= 1
            return words
        calls += 1
        if calls > calls_before:
            raise OSError(errno.ENOSPC, "No space left on device", "input.bin")
        return run(end, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEnd, "run", full)
    out = tmp_path / "out"
    arguments = ["link", "--model", "tiny", "--frames", "1", "--snr", "1", "10", "--out", str(out), "--json"]
    assert main(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "differs"
    assert found["first_mismatch"].startswith("tx: frame 0, symbol 0: expected ")
    assert out.exists() == (calls_before > 0)


def test_sweep_draws_the_curve(ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["link", "--model", "tiny", "--snr", "1", "10", "--snr", "19", "--frames", "2", "--simulate", "1"]
    arguments.append("--json")
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["snr_db"] for point in found["points"]] == [1.0, 10.0, 19.0]
    assert found["pixels_compared"] == 3 * 1024 and found["frames"] == 1
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    for name in command.CURVES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert len(list(csv.DictReader((tmp_path / "a" / "results.csv").read_text().splitlines()))) == 3


def test_exit_status_1(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends["wrong"]["rx"] = (0, 0, 0)  # type: ignore[index]
    assert main(["link", "--model", "tiny", "--frames", "1", "--json", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["pixel_mismatches"] == 1 and found["first_mismatch"] in printed.err
    assert found["verdict"] == "differs" and found["error"] is None
    assert printed.err.startswith("tiny: differs. rx: SNR 10 dB, frame 0, pixel (x 0, y 0): expected")

    def hang(*arguments: object) -> None:
        raise DesignError(Finding("hang", "output", "output: hang"), "rx")

    monkeypatch.setattr(FakeEnd, "run", hang)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["link", "--model", "tiny", "--frames", "1", "--json", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == "differs" and "rx: output: hang" in printed.err

    assert sorted(path.name for path in tmp_path.iterdir()) == before

    def killed(*arguments: object) -> None:
        raise runner.SimulationError("the simulator", "a run that comes to its end", "signal 9 (SIGKILL)")

    monkeypatch.setattr(FakeEnd, "run", killed)
    assert main(["link", "--model", "tiny", "--frames", "1", "--json", "--out", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["verdict"] == "not run" and found["error"] in printed.err and "SIGKILL" in printed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "tiny", "--snr", "5", "5"], "--snr: wanted each SNR once, got 5 5"),
        (["--model", "tiny", "--snr", "x"], "--snr: wanted a number from -20 to 60, got 'x'"),
        (["--model", "tiny", "--frame", "30x32"], "--frame: wanted width and height that are multiples of 4"),
        (["--model", "tiny", "--channel", "ofdm", "--frame", "12x12"], "a multiple of 64 (channel ofdm), got 12x12"),
        (["--model", "tiny", "--board", "none"], "--board: wanted a path or one of"),
        (["--model", "tiny", "--csv", "nowhere/a.csv"], "--csv: wanted a file in a folder that is there"),
        (["--model", "tiny", "--images", "nowhere"], "--images: wanted an image or a folder of images"),
        (["--model", "none"], "none"),
    ],
)
def test_exit_status_2(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["link", *arguments, "--out", str(tmp_path / "out"), "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == "not run"
    assert message in printed.err and printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_model_without_a_decoder(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(
        "format_version: 1\ndescription: x\nframe: {width: 8, height: 8}\nencoder: [{kernel: 3, channels: 2}]\n"
    )
    with pytest.raises(HwgenError, match="a decoder: a link has a receiver, got none"):
        load_link(DesignOptions(tmp_path / "spec.yaml", init=1))


def test_progress_counts_what_a_file_grows_by(tmp_path: Path) -> None:
    bar = Progress(5, shown=False)
    counted: list[float] = []
    bar.add = lambda frames=1: counted.append(frames)  # type: ignore[method-assign]
    with bar.watching(tmp_path / "stream_1.rec", 8, 3):
        (tmp_path / "stream_1.rec").write_bytes(bytes(8))
    assert sum(counted) == 3
    bar.close()
