"""Driver of hwgen's IP for PYNQ: images to symbols and symbols to images.

    from hwgen_driver import Transmitter

    transmitter = Transmitter.open("hwgen.bit")
    symbols = transmitter.encode(image)              # (height, width, 3) uint8 -> (symbols, 2) int16: I, Q
    for symbols in transmitter.stream(images): ...   # many frames, the next one sent while the design works on the last

One file that needs NumPy, and pynq for `open` alone. Sizes, packing and abilities are read from the IP's registers
(registers.md), so it is the same for every design. Everything that goes wrong is a `DriverError`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

ID, VERSION, MODEL_HASH, CAPABILITIES = 0x000, 0x004, 0x008, 0x00C
FRAME, INPUT_BYTES, OUTPUT_BYTES, COEFFICIENT_WORDS = 0x010, 0x014, 0x018, 0x01C
CONTROL, STATUS, IRQ_ENABLE, IRQ_STATUS = 0x020, 0x024, 0x028, 0x02C
FRAMES_IN, FRAMES_OUT, FRAME_ERRORS, LENGTH_ERRORS, CYCLES = 0x030, 0x034, 0x038, 0x03C, 0x040
INPUT_BUSY, INPUT_STALLED, INPUT_STARVED = 0x044, 0x048, 0x04C
OUTPUT_BUSY, OUTPUT_STALLED, OUTPUT_STARVED = 0x050, 0x054, 0x058
PROFILE, PROFILES, GAIN, GAIN_SHIFT, COEFFICIENTS = 0x080, 0x084, 0x088, 0x08C, 0x400
"""Addresses of registers."""

MAGIC, MAJOR = 0x4857474E, 1
"""Value of register ID, and the major version of the register map that this driver supports."""
ENABLE, SOFT_RESET, FREEZE, CLEAR, COMMIT = 1, 2, 4, 8, 16
"""Bits of CONTROL."""
OUTPUT_FRAME, COMMITTED = 2, 4
"""Bits of STATUS."""
FRAME_ERROR, LENGTH_ERROR = 4, 8
"""Bits of IRQ_STATUS that are set by a faulty frame."""

DMA_RESET = 4
"""Bit of the DMA's first register (PG021, MM2S_DMACR) that resets both of its channels."""

TIMEOUT = 10.0
"""Default of `timeout`: seconds without progress before TimedOut is raised."""
SYMBOL_UNIT, COEFFICIENT_UNIT = 1 / 4096, 1 / 1024
"""Values of the lowest bits of symbols and coefficients: Q3.12 and Q5.10."""


class DriverError(Exception):
    """Everything that this driver raises."""


class WrongDesign(DriverError):
    """The registers or the overlay are not those of the IP that was asked for."""


class WrongShape(DriverError, ValueError):
    """An array that is no frame of this design, or a number beyond its range."""


class FrameFault(DriverError):
    """The design found an input frame too short or too long, or the DMA met an error."""


class TimedOut(DriverError, TimeoutError):
    """The design or the DMA did not go on for as long as `timeout`."""


class Counters(NamedTuple):
    """The IP's counters, each modulo 2**32; cycles of the design's clock."""

    frames_in: int
    frames_out: int
    frame_errors: int
    length_errors: int
    cycles: int
    input_busy: int
    input_stalled: int
    input_starved: int
    output_busy: int
    output_stalled: int
    output_starved: int


class Device:
    """An IP behind an AXI DMA; its sides are `Transmitter` and `Receiver`.

    Parameters
    ----------
    registers : has `read(offset)` and `write(offset, value)`, such as pynq's MMIO or DefaultIP
    dma : has `sendchannel`, `recvchannel`, `read` and `write`, as pynq.lib.dma.DMA
    allocate : pynq.allocate
    timeout : seconds without progress after which TimedOut is raised; None takes TIMEOUT
    clock : gives seconds

    Raises
    ------
    WrongDesign : no IP of this kind behind the registers
    """

    receiver: bool | None = None

    def __init__(self, registers: Any, dma: Any, allocate: Callable[..., Any], timeout: float | None = None,
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self._registers, self._dma, self._send, self._receive = registers, dma, dma.sendchannel, dma.recvchannel
        self.timeout, self._clock = TIMEOUT if timeout is None else timeout, clock
        if (found := self._read(ID)) != MAGIC:
            raise WrongDesign(f"register ID: wanted {MAGIC:#010x}, got {found:#010x}")
        if (found := self._read(VERSION) >> 16) != MAJOR:
            raise WrongDesign(f"version of the registers: wanted {MAJOR}, got {found}")
        capabilities = self._read(CAPABILITIES)
        if self.receiver is not None and bool(capabilities & 1) != self.receiver:
            raise WrongDesign(f"wanted a {type(self).__name__.lower()}, got a design of the other side")
        self.channels = capabilities >> 8 & 3
        self.pixel_bytes = self.channels if capabilities & 2 else 4
        size = self._read(FRAME)
        self.width, self.height = size & 0xFFFF, size >> 16
        self.input_bytes, self.output_bytes = self._read(INPUT_BYTES), self._read(OUTPUT_BYTES)
        self.profiles = self._read(PROFILES)
        self.coefficient_words = self._read(COEFFICIENT_WORDS)
        self._inputs = [allocate(shape=(self.input_bytes,), dtype=np.uint8) for _ in range(2)]
        self._output = allocate(shape=(self.output_bytes,), dtype=np.uint8)
        self._waits = False  # a transfer to `_output` was begun and no frame has come for it
        self.reset()  # of whatever a program before this one left under way

    @classmethod
    def open(cls, overlay: Any, ip: str | None = None, dma: str | None = None, **options: Any) -> Any:
        """Load a bitstream, or take an overlay that is loaded, and find the IP and its DMA in it.

        Parameters
        ----------
        overlay : path of a .bit with its .hwh beside it, or a pynq.Overlay
        ip, dma : their names in the block design; needed where it has several
        options : `timeout` and `clock`

        Raises
        ------
        WrongDesign : not exactly one of each, or not by these names
        """
        import pynq

        if not hasattr(overlay, "ip_dict"):
            overlay = pynq.Overlay(str(overlay))
        kinds = {name: str(about.get("type", "")) for name, about in overlay.ip_dict.items()}
        ip = ip or _only("IP of hwgen", [name for name, kind in kinds.items() if kind.startswith("hwgen")], "ip")
        dma = dma or _only("AXI DMA", [name for name, kind in kinds.items() if ":axi_dma:" in kind], "dma")
        for name in (ip, dma):
            if name not in kinds:
                raise WrongDesign(f"wanted one of {', '.join(kinds)} in the overlay, got {name}")
        return cls(getattr(overlay, ip), getattr(overlay, dma), pynq.allocate, **options)

    def _read(self, offset: int) -> int:
        return int(self._registers.read(offset))

    def _write(self, offset: int, value: int) -> None:
        self._registers.write(offset, value)

    @property
    def model_hash(self) -> str:
        """The first eight digits of the SHA-256 of the design's graph.json, as its manifest has it."""
        return f"{self._read(MODEL_HASH):08x}"

    @property
    def profile(self) -> int:
        """The profile of the frames sent from now on, to be set while none is under way.

        Raises
        ------
        WrongShape : set to none of 0 .. profiles - 1
        """
        return self._read(PROFILE) & 0xFF

    @profile.setter
    def profile(self, number: int) -> None:
        if not 0 <= number < self.profiles:
            raise WrongShape(f"profile: wanted 0 to {self.profiles - 1}, got {number}")
        if self.profiles > 1:
            self._write(PROFILE, number)

    @property
    def gain(self) -> float:
        """Factor of the design's static gain; 0 where it has none."""
        shift = self._read(GAIN_SHIFT)
        return self._read(GAIN) * 2.0 ** -(shift - (shift >> 31 << 32))

    def counters(self) -> Counters:
        """All counters at one moment."""
        self._write(CONTROL, ENABLE | FREEZE)
        found = Counters(*(self._read(offset) for offset in range(FRAMES_IN, OUTPUT_STARVED + 4, 4)))
        self._write(CONTROL, ENABLE)
        return found

    def clear_counters(self) -> None:
        """Set all counters to 0."""
        self._write(CONTROL, ENABLE | CLEAR)

    def check(self) -> None:
        """Raise FrameFault where the design met a bad frame since the last look."""
        events = self._read(IRQ_STATUS) & (FRAME_ERROR | LENGTH_ERROR)
        if events:
            self._write(IRQ_STATUS, events)
            wrong, torn = self._read(FRAME_ERRORS), self._read(LENGTH_ERRORS)
            raise FrameFault(f"input frames too short or too long: {wrong}, ended in the midst of an item: {torn}, "
                             "since the counters were cleared")  # fmt: skip

    def set_coefficients(self, matrices: Any) -> None:
        """Coefficients of the precoder or equaliser of the frames that begin from now on.

        Parameters
        ----------
        matrices : complex, matrix by matrix, row by row; as many as the design takes. Rounded and limited to Q5.10

        Raises
        ------
        WrongShape : another number of them
        TimedOut : those before were not taken
        """
        values = np.asarray(matrices, dtype=complex).reshape(-1)
        if len(values) != self.coefficient_words:
            raise WrongShape(f"coefficients: wanted {self.coefficient_words}, got {len(values)}")
        words = from_complex(values, COEFFICIENT_UNIT).view("<u4").reshape(-1)
        self._until(lambda: not self._read(STATUS) & COMMITTED, "the coefficients before were not taken")
        for place, word in enumerate(words.tolist()):
            self._write(COEFFICIENTS + 4 * place, word)
        self._write(CONTROL, ENABLE | COMMIT)

    def frames(self, inputs: Iterable[Any]) -> Iterator[Any]:
        """The outputs of many frames in order, as bytes; the next frame is sent while the design works on those before.

        Parameters
        ----------
        inputs : of (input_bytes,) uint8; up to two are taken before the first output is given

        Yields
        ------
        (output_bytes,) uint8

        Raises
        ------
        FrameFault, TimedOut : the frames that were under way are lost, and the next one is exact
        """
        source, place, sending, under_way = iter(inputs), 0, False, 0
        finished = False
        try:
            ready = self._fill(source, place)
            since = self._clock()
            while ready is not None or under_way or sending:
                moved = False
                if sending and self._idle(self._send):
                    self._send.wait()
                    sending, moved = False, True
                if ready is not None and not sending:
                    self._send.transfer(ready)
                    sending, moved, under_way, place = True, True, under_way + 1, 1 - place
                    ready = self._fill(source, place)
                if under_way and not self._waits:
                    self._receive.transfer(self._output)
                    self._waits = True
                elif self._waits and self._idle(self._receive):
                    self._receive.wait()
                    self._waits, moved, under_way = False, True, under_way - 1
                    self.check()
                    yield np.array(self._output)
                if moved:
                    since = self._clock()
                elif self._clock() - since > self.timeout:
                    raise TimedOut(f"{under_way} frames under way, no progress for {self.timeout:g} s")
            finished = True
        finally:
            if not finished and (under_way or sending):
                self.reset()

    def reset(self) -> None:
        """Reset the design and the DMA: frames under way are dropped. TimedOut where the DMA does not take part."""
        self._write(CONTROL, SOFT_RESET)
        self._dma.write(0, DMA_RESET)  # of both channels
        self._until(lambda: not self._dma.read(0) & DMA_RESET, "the DMA stays in reset")
        self._send.start()
        self._receive.start()
        if self._read(STATUS) & OUTPUT_FRAME:  # its last beat comes by itself
            self._receive.transfer(self._output)
            self._until(lambda: self._idle(self._receive), "an output frame does not end")
            self._receive.wait()
        self._waits = False
        self._write(IRQ_STATUS, 0xF)
        self._write(CONTROL, ENABLE)

    def _fill(self, source: Iterator[Any], place: int) -> Any:
        """The next frame in one of the two input buffers; None where there is no more."""
        for data in source:
            self._inputs[place][:] = data
            return self._inputs[place]
        return None

    def _idle(self, channel: Any) -> bool:
        """Whether a transfer is over; FrameFault where the DMA has stopped in an error."""
        if getattr(channel, "error", False) or not channel.running:
            raise FrameFault("the DMA stopped in an error: a frame longer than its buffer, or an address beyond memory")
        return bool(channel.idle)

    def _until(self, condition: Callable[[], bool], trouble: str) -> None:
        since = self._clock()
        while not condition():
            if self._clock() - since > self.timeout:
                raise TimedOut(f"{trouble}, for {self.timeout:g} s")

    def pack_image(self, image: Any) -> Any:
        """(height, width, channels) uint8, of one channel also (height, width), to a frame's bytes; else WrongShape."""
        array, wanted = np.asarray(image), (self.height, self.width, self.channels)
        if array.dtype != np.uint8 or array.shape not in (wanted, wanted[:2] if self.channels == 1 else wanted):
            raise WrongShape(f"image: wanted {wanted} uint8, got {array.shape} {array.dtype}")
        packed = np.zeros((self.height * self.width, self.pixel_bytes), np.uint8)
        packed[:, : self.channels] = array.reshape(-1, self.channels)
        return packed.reshape(-1)

    def unpack_image(self, data: Any) -> Any:
        """A frame's bytes to (height, width, channels) uint8."""
        pixels = np.asarray(data).reshape(self.height, self.width, self.pixel_bytes)
        return np.ascontiguousarray(pixels[:, :, : self.channels])


class Transmitter(Device):
    """Images to symbols."""

    receiver = False

    @property
    def symbols(self) -> int:
        """Symbols of a frame."""
        return self.output_bytes // 4

    def encode(self, image: Any) -> Any:
        """The symbols of an image (height, width, channels) uint8: (symbols, 2) int16, I and Q in units of SYMBOL_UNIT;
        `to_complex` has them as numbers. Raises WrongShape, FrameFault, TimedOut."""
        (found,) = self.stream([image])
        return found

    def stream(self, images: Iterable[Any]) -> Iterator[Any]:
        """As `encode`, for one image after the other; see `frames`."""
        outputs = self.frames(map(self.pack_image, images))
        return (np.frombuffer(data.tobytes(), "<i2").reshape(-1, 2) for data in outputs)


class Receiver(Device):
    """Symbols to images."""

    receiver = True

    @property
    def symbols(self) -> int:
        """Symbols of a frame."""
        return self.input_bytes // 4

    def decode(self, symbols: Any) -> Any:
        """The image, (height, width, channels) uint8, of received symbols: (symbols, 2) int16, I and Q in units of
        SYMBOL_UNIT, or (symbols,) complex, rounded and limited. Raises WrongShape, FrameFault, TimedOut."""
        (found,) = self.stream([symbols])
        return found

    def stream(self, frames: Iterable[Any]) -> Iterator[Any]:
        """As `decode`, for one frame after the other; see `frames`."""
        return map(self.unpack_image, self.frames(map(self.pack_symbols, frames)))

    def pack_symbols(self, symbols: Any) -> Any:
        """A frame's symbols to its bytes; parameters and errors as of `decode`."""
        array = np.asarray(symbols)
        if np.iscomplexobj(array) and array.shape == (self.symbols,):
            array = from_complex(array)
        if array.dtype != np.int16 or array.shape != (self.symbols, 2):
            wanted = f"({self.symbols}, 2) int16 or ({self.symbols},) complex"
            raise WrongShape(f"symbols: wanted {wanted}, got {array.shape} {array.dtype}")
        return np.frombuffer(array.astype("<i2").tobytes(), np.uint8)


def to_complex(symbols: Any) -> Any:
    """(symbols, 2) int16 as (symbols,) complex numbers."""
    parts = np.asarray(symbols) * SYMBOL_UNIT
    return parts[:, 0] + 1j * parts[:, 1]


def from_complex(values: Any, unit: float = SYMBOL_UNIT) -> Any:
    """(n,) complex numbers as (n, 2) int16: to the nearest, ties to even, limited to the range."""
    parts = np.stack([np.real(values), np.imag(values)], axis=-1) / unit
    return np.clip(np.rint(parts), -(2**15), 2**15 - 1).astype("<i2")


def _only(what: str, names: list[str], option: str) -> str:
    if len(names) != 1:
        raise WrongDesign(f"wanted one {what} in the overlay, got {', '.join(names) or 'none'}; name it by {option}=")
    return names[0]
