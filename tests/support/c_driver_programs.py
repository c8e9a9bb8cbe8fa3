"""Programs on the C driver, compiled as a library; its registers and its DMA are those of the simulated board."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from hwgen import drivers, ip
from hwgen.drivers import hwgen_driver
from hwgen.testbench.board import Board
from hwgen.testbench.pynq_dma import Registers
from support.driver_programs import cases, equal, opened

READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
CACHE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)
OK, WRONG_DESIGN, WRONG_SIZE, FRAME_FAULT, DMA_ERROR, TIMED_OUT, SYSTEM = 0, -1, -2, -3, -4, -5, -6
PATIENCE = 400
"""Looks at a register of the simulated DMA, each of 8 cycles."""
FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-shared", "-fPIC")


class Bus(ctypes.Structure):
    _fields_ = [("read", READ), ("write", WRITE), ("context", ctypes.c_void_p)]


class Memory(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("address", ctypes.c_uint64), ("bytes", ctypes.c_uint32), ("flush", CACHE),
                ("invalidate", CACHE)]  # fmt: skip


class Counters(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in hwgen_driver.Counters._fields]


class Device(ctypes.Structure):
    _fields_ = [("registers", Bus), ("dma", Bus), ("input", Memory), ("output", Memory), ("receiver", ctypes.c_int),
                *((name, ctypes.c_uint32) for name in ("width", "height", "channels", "pixel_bytes", "input_bytes",
                  "output_bytes", "profiles", "coefficient_words", "patience")),
                ("sending", ctypes.c_int), ("receiving", ctypes.c_int)]  # fmt: skip


def compiled(folder: Path) -> Any:
    """The driver as a library."""
    library = folder / "libhwgen.so"
    sources = [str(drivers.FOLDER / name) for name in drivers.FILES if name.endswith(".c")]
    subprocess.run(["gcc", *FLAGS, f"-I{Path(ip.__file__).parent}", *sources, "-o", str(library)], check=True)
    found = ctypes.CDLL(str(library))
    found.hwgen_text.restype = ctypes.c_char_p
    found.hwgen_open.argtypes = [ctypes.POINTER(Device), Bus, Bus, Memory, Memory]
    return found


def bus_of(registers: Registers) -> Bus:
    """Registers as functions of C."""
    return Bus(READ(lambda _, offset: registers.read(offset)),
               WRITE(lambda _, offset, value: registers.write(offset, value)), None)  # fmt: skip


def memory_of(buffer: Any, size: int | None = None) -> Memory:
    """A buffer of the board as one of C, with its cache."""
    return Memory(buffer.ctypes.data, buffer.physical_address, size or buffer.nbytes,
                  CACHE(lambda *_: buffer.flush()), CACHE(lambda *_: buffer.invalidate()))  # fmt: skip


class Program:
    """The C driver, open on a board.

    Parameters
    ----------
    input_bytes, output_bytes : of the buffers
    """

    def __init__(self, board: Board, folder: Path, input_bytes: int = 4096, output_bytes: int = 4096) -> None:
        self.library, self.device = compiled(folder), Device()
        self.registers = Registers(board.read_register, board.write_register)
        self.dma = Registers(board.dma.read_register, board.dma.write_register)
        self.buses = bus_of(self.registers), bus_of(self.dma)  # kept as long as C may call them
        made = [board.memory.allocate((size,), np.uint8) for size in (input_bytes, output_bytes)]
        self.memory = [memory_of(buffer) for buffer in made]
        self.status = self.library.hwgen_open(self.device, *self.buses, *self.memory)
        self.device.patience = PATIENCE

    def run(self, data: Any) -> tuple[int, Any]:
        """hwgen_run of a frame's bytes: status, and the bytes that came."""
        out = np.zeros(self.device.output_bytes, np.uint8)
        given = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
        status = self.library.hwgen_run(ctypes.byref(self.device), pointer(given), pointer(out))
        return status, out

    def packed(self, image: Any) -> Any:
        """An image as a frame's bytes."""
        frame = np.full(self.device.width * self.device.height * self.device.pixel_bytes, 0xEE, np.uint8)
        self.library.hwgen_pack_image(ctypes.byref(self.device), pointer(np.ascontiguousarray(image)), pointer(frame))
        return frame

    def unpacked(self, frame: Any) -> Any:
        """A frame's bytes as an image."""
        image = np.zeros((self.device.height, self.device.width, self.device.channels), np.uint8)
        self.library.hwgen_unpack_image(ctypes.byref(self.device), pointer(frame), pointer(image))
        return image


def pointer(array: Any) -> Any:
    return array.ctypes.data_as(ctypes.c_void_p)


def transmitter(board: Board, folder: Path) -> None:
    """Images to symbols, several frames at a time, counters, and every error."""
    program = Program(board, folder)
    library, device = program.library, program.device
    here = ctypes.byref(device)
    assert program.status == OK and not device.receiver and (device.width, device.height, device.channels) == (8, 8, 3)
    images, expected = zip(*cases(folder, 4), strict=True)
    library.hwgen_clear_counters(here)
    for image, wanted in zip(images[:2], expected, strict=False):
        status, out = program.run(program.packed(image))
        assert status == OK
        equal(out.view("<i2").reshape(-1, 2), wanted)
    in_steps(program, images, expected)
    counters = Counters()
    library.hwgen_read_counters(here, ctypes.byref(counters))
    assert (counters.frames_in, counters.frames_out, counters.frame_errors) == (6, 6, 0)
    assert counters.output_busy == 6 * device.output_bytes // 4
    assert library.hwgen_set_profile(here, 0) == OK and library.hwgen_set_profile(here, 1) == WRONG_SIZE
    assert library.hwgen_set_coefficients(here, None) == WRONG_SIZE
    faults(board, folder, program, program.packed(images[2]), expected[2])


def in_steps(program: Program, images: Any, expected: Any) -> None:
    """The next frame is sent while the design works on those before."""
    library, here = program.library, ctypes.byref(program.device)
    out, sent, come = np.zeros(program.device.output_bytes, np.uint8), 0, 0
    while come < len(images):
        if sent < len(images) and library.hwgen_sent(here) == 1:
            assert library.hwgen_send(here, pointer(program.packed(images[sent]))) == OK
            assert library.hwgen_send(here, pointer(out)) == TIMED_OUT, "the one before is on its way"
            sent += 1
        if (status := library.hwgen_receive(here, pointer(out))) != 1:
            assert status == OK
            equal(out.view("<i2").reshape(-1, 2), expected[come])
            come += 1


def faults(board: Board, folder: Path, program: Program, frame: Any, wanted: Any) -> None:
    """After every fault there is the right status, and the next frame is exact."""

    def exact(one: Program) -> None:
        status, out = one.run(frame)
        assert status == OK
        equal(out.view("<i2").reshape(-1, 2), wanted)

    device, whole = program.device, program.device.input_bytes
    device.input_bytes = whole - 4
    assert program.run(frame)[0] == FRAME_FAULT
    device.input_bytes = whole
    exact(program)
    program.registers.write(hwgen_driver.CONTROL, 0)
    assert program.run(frame)[0] == TIMED_OUT
    exact(program)
    device.output_bytes -= 4
    assert program.run(frame)[0] == DMA_ERROR
    device.output_bytes += 4
    exact(program)
    assert Program(board, folder, output_bytes=device.output_bytes - 4).status == WRONG_SIZE
    program.buses[0].read = program.buses[1].read  # no design there
    assert program.library.hwgen_open(Device(), *program.buses, *program.memory) == WRONG_DESIGN
    texts = [program.library.hwgen_text(status) for status in range(1, -7, -1)]
    assert len(set(texts)) == 8 and texts[:2] == [b"under way", b"done"]


def receiver(board: Board, folder: Path) -> None:
    """Symbols to images, of four bytes a pixel."""
    program = Program(board, folder)
    assert program.status == OK and program.device.receiver and program.device.pixel_bytes == 4
    symbols, images = zip(*cases(folder, 2), strict=True)
    for sent, wanted in zip(symbols, images, strict=True):
        status, out = program.run(sent)
        assert status == OK
        equal(program.unpacked(out), wanted)
    assert opened(board, hwgen_driver.Receiver).decode(symbols[0]).tolist() == images[0].tolist(), "both drivers agree"
