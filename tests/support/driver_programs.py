"""Programs as a user of the Python driver writes them; `support.driver_program` runs them in a simulation."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from hwgen.drivers import hwgen_driver as driver
from hwgen.numerics.words import pack_pixels, unpack_pixels
from hwgen.testbench.board import Board
from hwgen.testbench.golden import GoldenModel

TIMEOUT = 3e-5
"""Simulated seconds: 3,000 cycles, several times a frame's latency."""


def opened(board: Board, kind: Any, **options: Any) -> Any:
    """A driver on the stand-in for pynq, whose seconds are the simulation's."""
    sys.modules["pynq"] = board.pynq()
    return kind.open("hwgen.bit", clock=board.seconds, timeout=TIMEOUT, **options)


def symbols_of(words: Any) -> Any:
    """(n,) words of a port as (n, 2) int16."""
    return words.astype("<u4").view("<i2").reshape(-1, 2)


def cases(folder: Path, count: int) -> list[tuple[Any, Any]]:
    """Images and symbols of a design's golden model, (input, output) of its side: of a photograph, or the sample frame,
    and of noise and the ends of the range."""
    golden = GoldenModel(folder)
    design = golden.design
    size = design.height, design.width, 3
    sample = np.array([int(word, 16) for word in (folder / "sample_input.hex").read_text().split()], np.uint32)
    if design.side == "tx":
        sample = pack_pixels(data.astronaut()[100:164:8, 190:254:8])
    found = []
    for frame in [golden.frame(sample), *islice(golden.frames(7), count - 1)]:
        if design.side == "tx":
            found.append((unpack_pixels(frame.input, *size), symbols_of(frame.output)))
        else:
            found.append((symbols_of(frame.input), unpack_pixels(frame.output, *size)))
    return found


def equal(got: Any, wanted: Any) -> None:
    """Same shape, type and values."""
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_array_equal(got, wanted)


def transmitter(board: Board, folder: Path) -> None:
    """Everything that a transmitter's driver can do."""
    device = opened(board, driver.Transmitter)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (device.width, device.height, device.channels) == (8, 8, 3)
    assert device.symbols == manifest["output"]["beats"]
    assert manifest["files"]["graph.json"].startswith(device.model_hash)
    images, expected = zip(*cases(folder, 5), strict=True)
    equal(device.encode(images[0]), expected[0])
    device.clear_counters()
    for got, wanted in zip(device.stream(images), expected, strict=True):
        equal(got, wanted)
    counters = device.counters()
    assert (counters.frames_in, counters.frames_out, counters.frame_errors, counters.length_errors) == (5, 5, 0, 0)
    assert counters.input_busy == 5 * device.input_bytes // 4 and counters.output_busy == 5 * device.symbols
    assert counters.cycles >= max(counters.input_busy + counters.input_stalled + counters.input_starved,
                                  counters.output_busy + counters.output_stalled + counters.output_starved)  # fmt: skip
    assert device.gain > 0 and device.profile == 0
    numbers = driver.to_complex(expected[0])
    equal(driver.from_complex(numbers), expected[0])
    refused(device, images[0])
    faults(board, device, images, expected)


def refused(device: Any, image: Any) -> None:
    """What the driver refuses before anything reaches the hardware."""
    for bad in (image[:4], image.astype(np.int16), image[:, :, 0]):
        with pytest.raises(driver.WrongShape, match=r"image: wanted \(8, 8, 3\) uint8, got"):
            device.encode(bad)
    with pytest.raises(driver.WrongShape, match="profile: wanted 0 to 0, got 1"):
        device.profile = 1
    with pytest.raises(driver.WrongShape, match="coefficients: wanted 0, got 1"):
        device.set_coefficients([1.0])


def faults(board: Board, device: Any, images: Any, expected: Any) -> None:
    """After every fault there is the right exception, and the next frame is exact."""
    pynq = sys.modules["pynq"]
    with pytest.raises(driver.WrongDesign, match="wanted a receiver, got a design of the other side"):
        opened(board, driver.Receiver)
    overlay = pynq.Overlay("hwgen.bit")
    with pytest.raises(driver.WrongDesign, match="wanted one of hwgen_ip_0, axi_dma_0, .* in the overlay, got other"):
        driver.Transmitter.open(overlay, ip="other")
    overlay.ip_dict["hwgen_ip_1"] = overlay.ip_dict["hwgen_ip_0"]
    with pytest.raises(driver.WrongDesign, match="wanted one IP of hwgen .*, hwgen_ip_1; name it by ip="):
        driver.Transmitter.open(overlay)
    with pytest.raises(driver.WrongDesign, match="register ID: wanted 0x4857474e, got 0x"):
        driver.Transmitter(overlay.axi_dma_0, overlay.axi_dma_0, pynq.allocate)

    device = opened(board, driver.Transmitter)
    pynq = sys.modules["pynq"]
    overlay = pynq.Overlay("hwgen.bit")
    device.clear_counters()
    short = pynq.allocate(shape=(device.input_bytes - 4,), dtype=np.uint8)  # a program beside the driver
    short[:] = 0
    overlay.axi_dma_0.sendchannel.transfer(short)
    overlay.axi_dma_0.recvchannel.transfer(pynq.allocate(shape=(device.output_bytes,), dtype=np.uint8))
    overlay.axi_dma_0.recvchannel.wait()
    with pytest.raises(driver.FrameFault, match="too short or too long: 1, ended in the midst of an item: 1"):
        device.check()
    device.check()

    device._write(driver.CONTROL, 0)  # not enabled: nothing is taken
    with pytest.raises(driver.TimedOut, match="1 frames under way, no progress for 3e-05 s"):
        device.encode(images[1])
    equal(device.encode(images[1]), expected[1])

    results = device.stream(images)
    equal(next(results), expected[0])
    results.close()  # frames are under way: they are dropped
    equal(device.encode(images[2]), expected[2])

    small = driver.Transmitter(overlay.hwgen_ip_0, overlay.axi_dma_0, allocate_less(pynq, device.output_bytes),
                               timeout=TIMEOUT, clock=board.seconds)  # fmt: skip
    with pytest.raises(driver.FrameFault, match="the DMA stopped in an error"):
        small.encode(images[0])
    equal(opened(board, driver.Transmitter).encode(images[3]), expected[3])


def allocate_less(pynq: Any, size: int) -> Any:
    """An `allocate` whose buffers of this size are four bytes short."""
    return lambda shape, dtype: pynq.allocate(shape=(shape[0] - 4 * (shape[0] == size),), dtype=dtype)


def receiver(board: Board, folder: Path) -> None:
    """Everything that a receiver's driver has of its own."""
    device = opened(board, driver.Receiver)
    symbols, images = zip(*cases(folder, 3), strict=True)
    assert device.pixel_bytes == 4, "rgbx"
    equal(device.decode(symbols[0]), images[0])
    equal(device.decode(driver.to_complex(symbols[1])), images[1])
    for got, wanted in zip(device.stream(symbols), images, strict=True):
        equal(got, wanted)
    with pytest.raises(driver.WrongShape, match=r"symbols: wanted \(\d+, 2\) int16 or \(\d+,\) complex, got"):
        device.decode(symbols[0][1:])
