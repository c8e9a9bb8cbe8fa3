"""The geometry of a convolution: which rows and columns of its input the window of every output pixel covers."""

from __future__ import annotations

from functools import cached_property


class WindowGeometry:
    """A kernel that moves over a padded frame; all follows from the attributes, which are those of `WindowConfig`."""

    width: int
    height: int
    kernel: int | tuple[int, int]
    stride: int
    padding: int | tuple[int, int]
    transposed: bool
    output_padding: int
    dilation: int

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
    def phases(self) -> int:
        """Kinds of output rows, and of output columns, that read windows of different sizes."""
        return self.stride if self.transposed else 1

    @cached_property
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

    def needed(self, row: int, column: int) -> int:
        """Number of the frame's pixels, in raster order, that are written before the window of output (row, column) is
        read: up to the last one in its rectangle, whether a tap of a dilated kernel or not."""
        last_row, last_column = self.last_row(row), self.last_column(column)
        return min(last_row, self.height - 1) * self.width + min(last_column, self.width - 1) + 1

    def released(self, row: int, column: int) -> int:
        """Number of the frame's pixels that nothing needs once the window is at output (row, column).

        In a transposed convolution the next output row may begin at the same input row: then none is free.
        """
        first_row, first_column = self.first_row(row), max(self.first_column(column), 0)
        free = first_row * self.width + first_column if first_row >= 0 else 0
        if self.transposed:
            below = self.first_row(row + 1) if row + 1 < self.out_height else self.height
            free = min(free, max(below, 0) * self.width)
        return free
