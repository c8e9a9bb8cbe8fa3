"""The arithmetic of a convolution's window: which pixels it needs and when, the words that it reads, and the cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.rtl.line_buffer import line_buffer_cost
from hwgen.rtl.memory import Form, RamConfig, ram_form
from hwgen.rtl.polyphase_reader import polyphase_reader_cost
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import phase_kernels


@dataclass(frozen=True)
class WindowConfig:
    """What a window walks over; every count that follows from it.

    Parameters
    ----------
    channels, width, height
        Of the input, in pixels.
    kernel, padding
        Of both axes, or (rows, columns). The padding is 0 .. dilation * (kernel - 1).
    stride
        From one output pixel to the next, in input pixels.
    simd
        Channels per word.
    folds
        How often each window is read in turn.
    bits, signed
        Type of a value.
    pixels
        In the line buffer; by default what suffices whatever the neighbours do.
    taps
        Tap rows per word: 1, or all of a tap column.
    transposed, output_padding
        The kernel goes over the output instead, at stride, padding and output_padding of a transposed convolution:
        input pixel (y, x) reaches the outputs (y * stride - padding + i, x * stride - padding + j). An output pixel
        then reads only the pixels that reach it, a window of its own for each phase (row + padding) % stride,
        (column + padding) % stride. A kernel smaller than the stride counts as one of the stride's size.
    dilation
        From one tap to the next, in input pixels.
    lanes
        Values per input beat; a word is a whole number of beats, or a whole pixel.
    form
        Of the line buffer's memories, where they are not too shallow for block RAM.
    half_block_luts
        What half a block RAM is worth on the part (`hwgen.device.half_block_luts`).

    Raises
    ------
    ValueError
        A parameter out of range; a window that the frame, or the line buffer, cannot hold.
    """

    channels: int
    width: int
    height: int
    kernel: int | tuple[int, int]
    stride: int
    padding: int | tuple[int, int]
    simd: int
    folds: int = 1
    bits: int = 8
    signed: bool = True
    pixels: int | None = None
    taps: int = 1
    transposed: bool = False
    output_padding: int = 0
    dilation: int = 1
    lanes: int = 1
    form: Form = "block"
    half_block_luts: int = HALF_BLOCK_LUTS

    def __post_init__(self) -> None:
        for key in ("channels", "width", "height", "stride", "simd", "folds", "bits", "dilation"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key}: wanted at least 1, got {getattr(self, key)}")
        if min(self.kernel_height, self.kernel_width) < 1:
            raise ValueError(f"kernel: wanted at least 1, got {self.kernel}")
        if self.simd > self.channels:
            raise ValueError(f"simd: wanted at most the {self.channels} channels, got {self.simd}")
        if not 1 <= self.lanes <= self.simd or (self.simd % self.lanes and self.simd != self.channels):
            raise ValueError(f"lanes: wanted a divisor of simd {self.simd}, got {self.lanes}")
        if self.form not in ("block", "distributed"):
            raise ValueError(f"form: wanted block or distributed, got {self.form!r}")
        if self.taps not in (1, self.kernel_height):
            raise ValueError(f"taps: wanted 1 or kernel = {self.kernel_height}, got {self.taps}")
        for padding, reach in ((self.padding_height, self.reach_height), (self.padding_width, self.reach_width)):
            if not 0 <= padding < reach:
                raise ValueError(f"padding: wanted 0 .. dilation * (kernel - 1) = {reach - 1}, got {padding}")
        if self.transposed:
            self._check_transposed()
        else:
            self._check_ordinary()
        if self.pixels is not None and self.pixels < self.span:
            raise ValueError(f"pixels: wanted at least the {self.span} that a window spans, got {self.pixels}")

    def _check_ordinary(self) -> None:
        if self.output_padding:
            raise ValueError(f"output_padding: wanted 0 but in a transposed convolution, got {self.output_padding}")
        for key, padding, reach in (
            ("width", self.padding_width, self.reach_width),
            ("height", self.padding_height, self.reach_height),
        ):
            size = getattr(self, key)
            if size + 2 * padding < reach:
                raise ValueError(f"{key}: wanted at least a window of {reach} less 2 * padding, got {size}")

    def _check_transposed(self) -> None:
        if self.kernel_height != self.kernel_width or self.padding_height != self.padding_width:
            raise ValueError(f"kernel, padding: wanted a square in a transposed convolution, got {self.kernel}, "
                             f"{self.padding}")  # fmt: skip
        if self.dilation != 1:
            raise ValueError(f"dilation: wanted 1 in a transposed convolution, got {self.dilation}")
        if self.stride not in (1, 2):
            raise ValueError(f"stride: wanted 1 or 2 in a transposed convolution, got {self.stride}")
        if self.taps != 1:
            raise ValueError(f"taps: wanted 1 in a transposed convolution, got {self.taps}")
        if not 0 <= self.output_padding < self.stride:
            raise ValueError(f"output_padding: wanted 0 .. stride - 1 = {self.stride - 1}, got {self.output_padding}")
        for key, size in (("width", self.out_width), ("height", self.out_height)):
            if size < 1:
                raise ValueError(f"{key}: wanted an output of at least one pixel, got {getattr(self, key)} for {size}")

    @property
    def kernel_height(self) -> int:
        """Tap rows."""
        return self.kernel if isinstance(self.kernel, int) else self.kernel[0]

    @property
    def kernel_width(self) -> int:
        """Tap columns."""
        return self.kernel if isinstance(self.kernel, int) else self.kernel[1]

    @property
    def padding_height(self) -> int:
        """Rows of zeros above the frame, and below it."""
        return self.padding if isinstance(self.padding, int) else self.padding[0]

    @property
    def padding_width(self) -> int:
        """Columns of zeros left of the frame, and right of it."""
        return self.padding if isinstance(self.padding, int) else self.padding[1]

    @property
    def reach_height(self) -> int:
        """Rows from a window's first tap row to its last."""
        return self.dilation * (self.kernel_height - 1) + 1

    @property
    def reach_width(self) -> int:
        """Columns from a window's first tap column to its last."""
        return self.dilation * (self.kernel_width - 1) + 1

    @property
    def row_step(self) -> int:
        """Input rows from the window of a frame's last output row to that of the next frame's first one."""
        return self.height - (self.out_height - 1) * self.stride

    @property
    def beats(self) -> int:
        """Beats of an input pixel."""
        return -(-self.channels // self.lanes)

    @property
    def arrival_latency(self) -> int:
        """Cycles from the acceptance of a pixel's last value to the earliest `issue` of a window that needs it."""
        return 1 if self.lanes == self.simd else 2

    @property
    def groups(self) -> int:
        """Words per pixel."""
        return -(-self.channels // self.simd)

    @property
    def phases(self) -> int:
        """Kinds of output rows, and of output columns, that read windows of different sizes."""
        return self.stride if self.transposed else 1

    @property
    def phase_taps(self) -> tuple[int, ...]:
        """Tap rows for each phase (row + padding) % stride, all but in a transposed convolution, whose tap columns are
        as many."""
        kernel = max(self.kernel_height, self.phases)
        return tuple(-(-(kernel - phase) // self.phases) for phase in range(self.phases))

    @property
    def is_padded(self) -> bool:
        """Whether a window reaches beyond the frame."""
        first = min(self.first_row(0), self.first_column(0))
        below = self.last_row(self.out_height - 1) >= self.height
        return first < 0 or below or self.last_column(self.out_width - 1) >= self.width

    def kernels(self, weight: np.ndarray) -> tuple[np.ndarray, ...]:
        """What each phase does to its windows, an ordinary convolution (O, I, rows, columns): see `phase_kernels`."""
        return phase_kernels(weight, self.stride) if self.transposed else (weight,)

    @property
    def blocks(self) -> list[int]:
        """Where the rows of each phase begin in the weight memories, row phase by row phase."""
        sizes = [rows * columns * self.groups * self.folds for rows in self.phase_taps for columns in self.phase_taps]
        return [sum(sizes[:place]) for place in range(len(sizes))]

    @property
    def first_phase(self) -> int:
        """The number of the phase of a frame's first output pixel."""
        phase = self.padding_height % self.phases
        return phase * self.phases + phase

    @property
    def words(self) -> int:
        """Words read per output pixel and fold: the synapse fold; in a transposed convolution, of the largest phase."""
        return self._words(max(self.phase_taps))

    @property
    def least_words(self) -> int:
        """As `words`, of the smallest phase."""
        return self._words(min(self.phase_taps))

    def _words(self, taps: int) -> int:
        """Words of a window with so many tap rows."""
        return taps * (taps if self.transposed else self.kernel_width) // self.taps * self.groups

    @property
    def pixel_words(self) -> NDArray[np.int64]:
        """Words read per fold of each output pixel, in raster order: int64 (out_height * out_width,)."""
        return np.outer(*self._axis_taps()).ravel() // self.taps * self.groups

    @property
    def frame_words(self) -> int:
        """Words read per fold of a frame."""
        rows, columns = self._axis_taps()
        return int(rows.sum() * columns.sum()) // self.taps * self.groups

    def _axis_taps(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tap rows of each output row and tap columns of each output column."""
        if not self.transposed:
            return np.full(self.out_height, self.kernel_height), np.full(self.out_width, self.kernel_width)
        taps = np.array(self.phase_taps, dtype=np.int64)
        rows, columns = (
            taps[(np.arange(count) + self.padding_height) % self.phases] for count in (self.out_height, self.out_width)
        )
        return rows, columns

    @property
    def weight_rows(self) -> int:
        """Rows of the weight memories: the words of all phases and folds."""
        return self._words(sum(self.phase_taps)) * self.folds

    @property
    def word_values(self) -> int:
        """Values of a word."""
        return self.taps * self.simd

    @property
    def cycles_per_pixel(self) -> int:
        """Cycles that one output pixel (of the largest phase) occupies the reader, when nothing waits."""
        return self.words * self.folds

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self._out_size(self.width, self.padding_width, self.kernel_width)

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self._out_size(self.height, self.padding_height, self.kernel_height)

    def _out_size(self, size: int, padding: int, kernel: int) -> int:
        if self.transposed:
            return (size - 1) * self.stride - 2 * padding + kernel + self.output_padding
        return (size + 2 * padding - self.dilation * (kernel - 1) - 1) // self.stride + 1

    def first_row(self, row: int) -> int:
        """The input row at which the window of an output row begins; below 0 in the padding."""
        return self._first(row, self.padding_height)

    def first_column(self, column: int) -> int:
        """The input column at which the window of an output column begins; below 0 in the padding."""
        return self._first(column, self.padding_width)

    def _first(self, place: int, padding: int) -> int:
        if not self.transposed:
            return place * self.stride - padding
        whole, phase = divmod(place + padding, self.stride)
        return whole - self.phase_taps[phase] + 1

    def last_row(self, row: int) -> int:
        """The input row at which the window of an output row ends, in the frame or beyond it."""
        if self.transposed:
            return (row + self.padding_height) // self.stride
        return self.first_row(row) + self.reach_height - 1

    def last_column(self, column: int) -> int:
        """The input column at which the window of an output column ends, in the frame or beyond it."""
        if self.transposed:
            return (column + self.padding_width) // self.stride
        return self.first_column(column) + self.reach_width - 1

    @property
    def depth(self) -> int:
        """Pixels in the ring: `pixels`, or a bound on what any neighbours need.

        The bound's last term hides the loop from a pixel given back to its successor's arrival.
        """
        if self.pixels is not None:
            return self.pixels
        if self.transposed:
            taps = max(self.phase_taps)
            return (taps + 1) * self.width + taps + 2 * self.stride + 2
        # From a frame to the next the window may move by more rows than inside.
        rows = max(self.stride, self.row_step)
        return (self.reach_height + rows - 2) * self.width + self.reach_width + 2 * self.stride + 2

    @property
    def busy_depth(self) -> int:
        """Pixels in the ring with which a reader that is always busy never waits for its writer, about.

        A window's rows and pixels, the rows that come in while one goes out, and a stride of pixels to hide the way
        from one that is given back to its successor's arrival.
        """
        if self.transposed:
            rows = max(self.phase_taps) + 1
            return (rows - 1) * self.width + rows + 1
        return (self.reach_height + self.stride - 2) * self.width + self.reach_width + self.stride

    @property
    def span(self) -> int:
        """Pixels that the ring must hold for any window to become complete: with fewer the layer stands still."""
        # Rows below the first ones that lie in the frame, one of each phase, need no more than these.
        whole = next((row for row in range(self.out_height) if self.first_row(row) >= 0), self.out_height)
        rows = min(whole + self.phases, self.out_height)
        places = ((row, column) for row in range(rows) for column in range(self.out_width))
        return max(self.needed(row, column) - self.released(row, column) for row, column in places)

    @property
    def banks(self) -> int:
        """Memories: one, or one for each row that is there at once."""
        return 1 if self.taps == 1 else -(-self.depth // self.width)

    @property
    def capacity(self) -> int:
        """Pixels that the line buffer holds: as many as it must, in banks whole rows."""
        return self.depth if self.taps == 1 else self.banks * self.width

    @property
    def bank_words(self) -> int:
        """Words of each memory."""
        return self.capacity // self.banks * self.groups

    @property
    def memory(self) -> RamConfig:
        """Each of the memories."""
        form = ram_form(self.bank_words, self.form)
        return RamConfig(self.bank_words, self.simd * self.bits, form, self.half_block_luts)

    @property
    def memory_words(self) -> int:
        return self.banks * self.bank_words

    @property
    def memory_bits(self) -> int:
        return self.memory_words * self.simd * self.bits

    def needed(self, row: int, column: int) -> int:
        """How many pixels of the frame, in raster order, are written before the window of output (row, column) is read:
        up to the last pixel of the frame that lies in its rectangle, whether a tap of a dilated kernel or not."""
        last_row, last_column = self.last_row(row), self.last_column(column)
        return min(last_row, self.height - 1) * self.width + min(last_column, self.width - 1) + 1

    def released(self, row: int, column: int) -> int:
        """How many pixels of the frame nobody needs once the window stands at output (row, column).

        In a transposed convolution the next output row may begin at the same input row: then none is given back.
        """
        first_row, first_column = self.first_row(row), max(self.first_column(column), 0)
        free = first_row * self.width + first_column if first_row >= 0 else 0
        if self.transposed:
            below = self.first_row(row + 1) if row + 1 < self.out_height else self.height
            free = min(free, max(below, 0) * self.width)
        return free

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        """Line buffer, gathering of beats into words, and the counters of both sides; block RAM exactly."""
        memories = self.memory.cost(family) * self.banks
        return memories + (polyphase_reader_cost if self.transposed else line_buffer_cost)(self)
