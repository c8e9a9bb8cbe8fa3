"""The arithmetic of a convolution's window: the words that it reads, the pixels that it holds, and the cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.rtl.checks import check_positive
from hwgen.rtl.line_buffer import line_buffer_cost
from hwgen.rtl.memory import Form, RamConfig, ram_form
from hwgen.rtl.polyphase_reader import polyphase_reader_cost
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import phase_kernels
from hwgen.rtl.window_geometry import WindowGeometry


@dataclass(frozen=True)
class WindowConfig(WindowGeometry):
    """The windows of a layer over its input, and every count that follows from them.

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
        How often each window is read in turn. Where there are groups, a fold reads the words of its own ones, which as
        many folds do as there are for each of `group_folds`.
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
        LUTs that half a block RAM is worth on the part (`hwgen.device.half_block_luts`).
    groups
        The channels fall into so many groups of neighbours, and a fold reads those of its own groups alone. A word is
        some channels of one group, or several whole groups (`parallel_groups`).

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
    groups: int = 1

    def __post_init__(self) -> None:
        check_positive(
            channels=self.channels, width=self.width, height=self.height, stride=self.stride, simd=self.simd,
            folds=self.folds, bits=self.bits, dilation=self.dilation, groups=self.groups,
        )  # fmt: skip
        if min(self.kernel_height, self.kernel_width) < 1:
            raise ValueError(f"kernel: wanted at least 1, got {self.kernel}")
        if self.simd > self.channels:
            raise ValueError(f"simd: wanted at most the {self.channels} channels, got {self.simd}")
        if not 1 <= self.lanes <= self.simd or (self.simd % self.lanes and self.simd != self.channels):
            raise ValueError(f"lanes: wanted a divisor of simd {self.simd}, got {self.lanes}")
        self._check_groups()
        if self.form not in ("block", "distributed", "ultra"):
            raise ValueError(f"form: wanted block, distributed or ultra, got {self.form!r}")
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

    def _check_groups(self) -> None:
        if self.channels % self.groups:
            raise ValueError(f"groups: wanted a divisor of the {self.channels} channels, got {self.groups}")
        own = self.group_channels
        if self.simd > own and self.simd % own:
            raise ValueError(f"simd: wanted at most a group's {own} channels, or several whole groups, got {self.simd}")
        if self.simd <= own and own % self.lanes and self.groups > 1:
            raise ValueError(f"lanes: wanted a divisor of a group's {own} channels, got {self.lanes}")
        if self.folds % self.group_folds:
            raise ValueError(f"folds: wanted a multiple of the {self.group_folds} in which all groups take their turn, "
                             f"got {self.folds}")  # fmt: skip

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
        if self.groups != 1:
            raise ValueError(f"groups: wanted 1 in a transposed convolution, got {self.groups}")
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
    def beats(self) -> int:
        """Beats of an input pixel."""
        return -(-self.channels // self.lanes)

    @property
    def arrival_latency(self) -> int:
        """Cycles from the acceptance of a pixel's last value to the earliest `issue` of a window that needs it."""
        return 1 if self.lanes == self.simd else 2

    @property
    def release_latency(self) -> int:
        """Cycles from the issue with which a pixel is given back to the acceptance of one in its place."""
        return 1

    @property
    def group_channels(self) -> int:
        """Channels of a group."""
        return self.channels // self.groups

    @cached_property
    def parallel_groups(self) -> int:
        """Groups of which a word has all channels; 1 where it has some of one group's."""
        return max(self.simd // self.group_channels, 1)

    @property
    def section_channels(self) -> int:
        """Channels of a word for each of the groups in it."""
        return self.simd // self.parallel_groups

    @property
    def group_folds(self) -> int:
        """Folds in which all groups have had a turn, each once."""
        return -(-self.groups // self.parallel_groups)

    @property
    def turn_folds(self) -> int:
        """Folds that read the same words, one after the other."""
        return self.folds // self.group_folds

    @property
    def tap_words(self) -> int:
        """Words of a pixel that a fold reads, those of its own groups."""
        return -(-self.group_channels // self.simd)

    @property
    def stored_words(self) -> int:
        """Words of a pixel in the line buffer."""
        return self.group_folds * self.tap_words

    def kernels(self, weight: np.ndarray) -> tuple[np.ndarray, ...]:
        """Each phase's kernel, that of an ordinary convolution (O, I, rows, columns): see `phase_kernels`."""
        return phase_kernels(weight, self.stride) if self.transposed else (weight,)

    @property
    def blocks(self) -> list[int]:
        """Where the rows of each phase begin in the weight memories, row phase by row phase."""
        words = self.tap_words * self.folds
        sizes = [rows * columns * words for rows in self.phase_taps for columns in self.phase_taps]
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

    @cached_property
    def least_words(self) -> int:
        """As `words`, of the smallest phase."""
        return self._words(min(self.phase_taps))

    def _words(self, taps: int) -> int:
        """Words of a window with so many tap rows."""
        return taps * (taps if self.transposed else self.kernel_width) // self.taps * self.tap_words

    @property
    def pixel_words(self) -> NDArray[np.int64]:
        """Words read per fold of each output pixel, in raster order: int64 (out_height * out_width,)."""
        return np.outer(*self._axis_taps()).ravel() // self.taps * self.tap_words

    @property
    def fold_cycles(self) -> NDArray[np.int64]:
        """Words of every fold of a frame, in order: int64 (out_height * out_width * folds,)."""
        return np.repeat(self.pixel_words, self.folds)

    @property
    def frame_words(self) -> int:
        """Words read per fold of a frame."""
        rows, columns = self._axis_taps()
        return int(rows.sum() * columns.sum()) // self.taps * self.tap_words

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
    def tap_step(self) -> int:
        """Words from the last one of a tap that a fold reads to the first one of the next tap in its row."""
        return self.dilation * self.stored_words - self.tap_words + 1

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
    def depth(self) -> int:
        """Pixels in the ring: `pixels`, or a bound on what any neighbours need.

        The bound's last term hides the loop from a freed pixel to its successor's arrival.
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
        from one that is freed to its successor's arrival.
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
    def ring_unit(self) -> int:
        """Pixels by which the line buffer grows."""
        return 1 if self.taps == 1 else self.width

    @property
    def bank_words(self) -> int:
        """Words of each memory."""
        return self.capacity // self.banks * self.stored_words

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

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        """Line buffer, gathering of beats into words, and the counters of both sides; block RAM exactly."""
        memories = self.memory.cost(family) * self.banks
        return memories + (polyphase_reader_cost if self.transposed else line_buffer_cost)(self)
