"""A link measured: every frame at every SNR, in Verilog and in PyTorch, pixel by pixel.

The PyTorch side never sees the Verilog's symbols: its own transmitter's go through the same realisation of the channel,
drawn again from the seed. Frame number i has the seed SEED + i, at every SNR.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.images import load_images
from hwgen.limits import check_frames
from hwgen.link.compare import Compared, Comparison
from hwgen.link.digital import DigitalPoint
from hwgen.link.hardware import End, emit_end, image_words, images_of
from hwgen.link.progress import Progress
from hwgen.link.yardstick import Yardstick
from hwgen.metrics.psnr import psnr
from hwgen.metrics.quality import Quality, mean_quality
from hwgen.metrics.ssim import ssim
from hwgen.metrics.symbols import SymbolError, mean
from hwgen.numerics.formats import SYMBOL
from hwgen.numerics.integer import IntArray
from hwgen.radio.channel import Realisation, Words, symbols
from hwgen.reference.floating import FloatLink
from hwgen.reference.link import Image, ReferenceLink, load_link
from hwgen.sim.check import Finding
from hwgen.sim.frames import DesignError
from hwgen.verdict import DIFFERS, PROVEN

COPIES = 6
"""Times that a frame's pixels are held, beside what was received at every SNR: as they are, in words for both designs
and back from them, and of the model."""
WORD_BYTES = 40
"""Memory for each symbol: as sent by the model and the design, drawn, received, with its noise in float64."""


@dataclass(frozen=True)
class Request:
    """A measurement to make; see `hwgen.link.command.link` for the fields.

    simulate : frames that the Verilog gets, evenly spaced among all; None for all
    compare : whether the float network, digital chains and the separation bound are measured, too
    cache : folder of all caches; None takes the user's
    linear_code : training images for the linear code, which is then measured, too
    """

    options: DesignOptions
    snrs_db: tuple[float, ...]
    images: Path | None = None
    frames: int = 3
    simulate: int | None = None
    seed: int = 1
    stall: float = 0.0
    waveform: bool = False
    compare: bool = False
    cache: Path | None = None
    linear_code: str | None = None

    @property
    def simulated(self) -> tuple[int, ...]:
        """Numbers of the frames that go through the Verilog."""
        count = self.frames if self.simulate is None else min(self.simulate, self.frames)
        return tuple(index * self.frames // count for index in range(count))


@dataclass(frozen=True)
class Sent:
    """A transmitter's output: `latent`, the symbols of the image, and `words`, those that go out, behind its precoder
    or code (without one, the same)."""

    latent: Words
    words: Words


@dataclass(frozen=True)
class Profile:
    """A link in one profile and its transmitter's results.

    sent : of every image, in PyTorch. words : (frames, words) of the simulated ones, in Verilog. floating : the float
    network, where it is measured
    """

    link: ReferenceLink
    sent: list[Sent]
    words: Words | None
    floating: FloatLink | None


@dataclass(frozen=True)
class Point:
    """A link at one SNR. Means are over the frames that were simulated; those called `all` over all frames.

    psnr : mean of the images' PSNRs in dB. nmse_db, evm_percent : symbols behind the receiver's equaliser against the
    image's, of all simulated frames together (of all frames where none was simulated). symbol_power : mean of the
    image's symbols, of the same frames: the specification's on average over the training data.
    model : of all frames, through PyTorch; PSNR alone where nothing is compared. compared : with what, of all frames
    profile : of both ends, which the SNR chose; None where they have one alone
    """

    snr_db: float
    frames: int
    pixels_compared: int
    pixel_mismatches: int
    psnr_rtl_db: float | None
    psnr_model_db: float | None
    ssim_rtl: float | None
    ssim_model: float | None
    nmse_db: float
    evm_percent: float
    symbol_power: float
    all_frames: int
    model: Quality
    compared: Compared = Compared()
    profile: int | None = None


@dataclass
class Result:
    """A link at all its SNRs.

    first : the first difference, in words. received : SNR -> images as received, in Verilog where that was simulated.
    fixed : a curve for every digital chain that is made for one SNR
    """

    link: ReferenceLink
    request: Request
    images: npt.NDArray[np.uint8]
    symbols_compared: int = 0
    symbol_mismatches: int = 0
    points: list[Point] = field(default_factory=list)
    first: str | None = None
    received: dict[float, dict[int, Image]] = field(default_factory=dict)
    fixed: list[list[DigitalPoint]] = field(default_factory=list)
    ends: tuple[End, ...] = ()
    waveforms: list[Path] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def pixels_compared(self) -> int:
        return sum(point.pixels_compared for point in self.points)

    @property
    def pixel_mismatches(self) -> int:
        return sum(point.pixel_mismatches for point in self.points)

    @property
    def equal(self) -> bool:
        """Nothing differs between Verilog and PyTorch: no pixel, no symbol."""
        return self.first is None

    @property
    def verdict(self) -> str | None:
        """None where nothing was to be simulated."""
        if not self.ends:
            return None
        return PROVEN if self.equal else DIFFERS


def measure(
    request: Request, folder: Path, progress: Progress | None = None, each: Callable[[Result], None] | None = None
) -> Result:
    """Carry a request out; designs and waveforms go into `folder`, made if needed. `each` is called after every SNR.

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    DesignError : a design hangs or breaks the protocol; or one differs, and there was trouble before the first SNR's
        end
    """
    started = time.perf_counter()
    link = load_link(request.options)
    pixels = 3 * link.size[0] * link.size[1]
    check_frames(request.frames, pixels * (COPIES + len(request.snrs_db)) + WORD_BYTES * link.latent_symbols)
    images = load_images(request.images, request.frames, *link.size)
    result = Result(link, request, images)
    bar = progress or Progress(total_frames(request, len(_profiles(link, request))))
    try:
        for _ in _measure(result, folder, bar):
            result.seconds = time.perf_counter() - started
            if each is not None:
                each(result)
    except (HwgenError, OSError) as trouble:
        if result.first is None or result.points:
            raise
        side, _, text = result.first.partition(": ")  # it differs, whatever stood in the way of the rest
        raise DesignError(Finding("value", "output", text), side) from trouble
    finally:
        bar.close()
    return result


def total_frames(request: Request, profiles: int = 1) -> int:
    """Steps of the progress bar: frames of the model, of the Verilog, and of all that is compared, at every SNR.

    profiles : in which frames are sent
    """
    snrs = len(request.snrs_db)
    return (request.frames + len(request.simulated)) * (profiles + snrs) + request.frames * (1 + snrs) * request.compare


def _profiles(link: ReferenceLink, request: Request) -> list[int]:
    """The profiles that the SNRs choose, each once."""
    return sorted({link.profile_of(snr_db) for snr_db in request.snrs_db})


def _measure(result: Result, folder: Path, bar: Progress) -> Iterator[None]:
    """A step per SNR."""
    request, link = result.request, result.link
    if request.simulated:  # first, for it refuses boards and rates
        bar.stage("emitting")
        result.ends = tuple(
            emit_end(replace(request.options, side=side), folder, request.stall, request.seed, request.cache)
            for side in ("tx", "rx")
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    profiles = {profile: _sent(result, profile, folder, bar) for profile in _profiles(link, request)}
    comparison = None
    if request.compare:
        linear = None if request.linear_code is None else Yardstick.fitted(request.linear_code, link)
        comparison = Comparison(link, result.images, request.seed, linear)
        comparison.prepare(request.snrs_db, bar)
        result.fixed = comparison.fixed(request.snrs_db)
    for snr_db in request.snrs_db:
        _point(result, snr_db, profiles[link.profile_of(snr_db)], comparison, folder, bar)
        yield


def _sent(result: Result, profile: int, folder: Path, bar: Progress) -> Profile:
    """All images as they are sent in a profile."""
    request, link = result.request, result.link.at_profile(profile)
    bar.stage("PyTorch transmitter")
    sent = []
    for index, image in enumerate(result.images):
        outputs = link.transmit(image, link.draw(request.snrs_db[0], request.seed + index))
        sent.append(Sent(link.latent(outputs), outputs["symbols"]))
        bar.add()
    words = None
    if request.simulated:
        words = _transmit(result, link, [sent[index] for index in request.simulated], folder, bar)
    floating = None
    if request.compare and FloatLink.available(link):
        power = sum((SymbolError.of(frame.latent, frame.latent) for frame in sent), SymbolError()).power
        floating = FloatLink(link, result.images, power)
    return Profile(link, sent, words, floating)


def _coefficients(realisations: list[Realisation], side: str) -> IntArray | None:
    found = [getattr(realisation, f"{side}_coefficients") for realisation in realisations]
    return None if not found or found[0] is None else np.stack(found)


def _transmit(result: Result, link: ReferenceLink, sent: list[Sent], folder: Path, bar: Progress) -> Words:
    """The Verilog's symbols of the simulated frames, (frames, words); compared with those of PyTorch."""
    request, tx, profile = result.request, result.ends[0], link.profile
    # A precoder follows the fading, not the noise: the same one at every SNR.
    drawn = [link.draw(request.snrs_db[0], request.seed + index) for index in request.simulated]
    pixels, coefficients = image_words(result.images[list(request.simulated)]), _coefficients(drawn, "tx")
    bar.stage("transmitter in Verilog")
    words = tx.run(pixels, coefficients, bar, profile)
    wanted = np.stack([frame.words for frame in sent])
    result.symbols_compared += words.size
    wrong = np.argwhere(words != wanted)
    result.symbol_mismatches += len(wrong)
    if len(wrong) and result.first is None:
        frame, at = (int(v) for v in wrong[0])
        expected, got = (_parts(values[frame, at]) for values in (wanted, words))
        where = f"profile {profile}, " if result.link.profiles > 1 else ""
        place = f"{where}frame {request.simulated[frame]}, symbol {at}"
        result.first = f"tx: {place}: expected {expected}, got {got} ({len(wrong)} wrong)"
    if request.waveform and not result.waveforms:
        file = tx.waveform(pixels, coefficients, folder / "tx.vcd", profile)
        result.waveforms += [] if file is None else [file]
    return words


def _point(
    result: Result,
    snr_db: float,
    profile: Profile,
    comparison: Comparison | None,
    folder: Path,
    bar: Progress,
) -> None:
    request, link, images = result.request, profile.link, result.images
    sent, words = profile.sent, profile.words
    drawn = [link.draw(snr_db, request.seed + index) for index in range(len(images))]
    bar.stage(f"{snr_db:g} dB: PyTorch receiver")
    model: list[Image] = []
    for frame, realisation in zip(sent, drawn, strict=True):
        model.append(link.receive(realisation.apply(frame.words), realisation)["pixels"])
        bar.add()
    # The receiver in Verilog gets what the transmitter in Verilog sent; symbols' errors are measured on that, too.
    chosen = request.simulated or tuple(range(len(images)))
    out = [sent[index].words for index in chosen] if words is None else list(words)
    received = [drawn[index].apply(came) for index, came in zip(chosen, out, strict=True)]
    seen = [model[index] for index in chosen]
    rtl: list[Image] = []
    if words is not None:
        bar.stage(f"{snr_db:g} dB: receiver in Verilog")
        on = [drawn[index] for index in chosen]
        rtl = _receive(result, link, snr_db, np.stack(received), on, seen, folder, bar)
    errors = SymbolError()
    for index, came in zip(chosen, received, strict=True):
        errors += SymbolError.of(sent[index].latent, link.equalised(came, drawn[index]))
    mismatches = sum(_wrong_pixels(first, second) for first, second in zip(seen, rtl, strict=False))
    compared = Compared() if comparison is None else comparison.at(snr_db, drawn, profile.floating, bar)
    pairs = list(zip(images, model, strict=True))
    quality = [Quality.of(*pair) if request.compare else Quality(psnr(*pair)) for pair in pairs]
    originals = images[list(chosen)]
    result.points.append(
        Point(
            snr_db=snr_db,
            frames=len(rtl),
            pixels_compared=len(rtl) * link.size[0] * link.size[1],
            pixel_mismatches=mismatches,
            psnr_rtl_db=mean([psnr(image, other) for image, other in zip(originals, rtl, strict=False)]),
            psnr_model_db=mean([quality[index].psnr_db for index in chosen]),
            ssim_rtl=mean([ssim(image, other) for image, other in zip(originals, rtl, strict=False)]),
            ssim_model=mean([ssim(image, other) for image, other in zip(originals, seen, strict=True)]),
            nmse_db=errors.nmse_db,
            evm_percent=errors.evm_percent,
            symbol_power=errors.power,
            all_frames=len(images),
            model=mean_quality(quality),
            compared=compared,
            profile=link.profile if result.link.profiles > 1 else None,
        )
    )
    result.received[snr_db] = dict(enumerate(model)) | dict(zip(chosen, rtl, strict=False))


def _receive(
    result: Result,
    link: ReferenceLink,
    snr_db: float,
    received: Words,
    drawn: list[Realisation],
    model: list[Image],
    folder: Path,
    bar: Progress,
) -> list[Image]:
    """The Verilog's images; the first difference goes into the result."""
    request, rx = result.request, result.ends[1]
    coefficients = _coefficients(drawn, "rx")
    images = list(images_of(rx.run(received, coefficients, bar, link.profile), link.size))
    total = sum(_wrong_pixels(seen, other) for seen, other in zip(model, images, strict=True))
    if total and result.first is None:
        frame = next(i for i, (a, b) in enumerate(zip(model, images, strict=True)) if _wrong_pixels(a, b))
        y, x = (int(v) for v in np.argwhere((model[frame] != images[frame]).any(-1))[0])
        expected, got = model[frame][y, x].tolist(), images[frame][y, x].tolist()
        place = f"SNR {snr_db:g} dB, frame {request.simulated[frame]}, pixel (x {x}, y {y})"
        result.first = f"rx: {place}: expected R, G, B {expected}, got {got} ({total} pixels wrong)"
    if request.waveform and not any(file.name == "rx.vcd" for file in result.waveforms):
        file = rx.waveform(received, coefficients, folder / "rx.vcd", link.profile)
        result.waveforms += [] if file is None else [file]
    return images


def _wrong_pixels(first: Image, second: Image) -> int:
    return int((first != second).any(-1).sum())


def _parts(word: np.uint32) -> str:
    value = symbols(np.array([word], np.uint32))[0] / SYMBOL.scale
    return f"I {value.real:.0f}, Q {value.imag:.0f}"
