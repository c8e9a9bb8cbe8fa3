"""The link against itself, with the integer graph in the Verilog's place."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.fake_link import FakeEnd

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.images import load_images
from hwgen.ir.execute import execute, execute_symbols
from hwgen.linear_code import Components, linear_code, measure as measure_linear_code
from hwgen.link import command
from hwgen.link.measure import Request, measure
from hwgen.link.plot import LINEAR, draw
from hwgen.link.progress import Progress
from hwgen.metrics.psnr import psnr
from hwgen.numerics.words import pack_symbols, unpack_symbols
from hwgen.radio import channel as channels
from hwgen.reference.floating import FloatLink, node_in_float
from hwgen.reference.link import load_link
from hwgen.spec.model import Channel

KINDS = ("awgn", "rayleigh", "mimo2x2", "ofdm")


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
        assert point.compared.linear is not None
        assert point.compared.linear.psnr_db == measure_linear_code(code, images, point.snr_db, 1.0, 4).psnr_db
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
        assert point.model.psnr_db != point.psnr_model_db == point.psnr_rtl_db
        assert point.compared.floating is not None and point.compared.bound_db is not None
    assert Request(DesignOptions("tiny"), (1.0,), frames=10, simulate=4).simulated == (0, 2, 5, 7)
    first, last = result.points
    assert first.model.psnr_db < last.model.psnr_db and first.nmse_db > last.nmse_db


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
