"""Windows of which two output columns are read at a time: which columns make a pair, and which pairs lack one."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.rtl.window_config import WindowConfig


@dataclass(frozen=True)
class PairedWindowConfig(WindowConfig):
    """As WindowConfig, of pairs of output columns; `out_width` counts pairs."""

    @property
    def kinds(self) -> int:
        """Kinds of pairs, which take turns in a row."""
        return 1

    @property
    def columns(self) -> int:
        """Columns of the output."""
        return self._out_size(self.width, self.padding_width, self.kernel_width)

    @property
    def out_width(self) -> int:
        """Pairs in a row of the output; the last one of each kind may have one pixel."""
        blocks, rest = divmod(self.columns, 2 * self.kinds)
        return blocks * self.kinds + min(rest, self.kinds)

    @property
    def row_pairs(self) -> int:
        """Pairs in a row of the output, whatever is read besides."""
        return self.out_width

    def pair(self, place: int) -> tuple[int, int]:
        """The output columns of a row's pair; the second one may be beyond the frame."""
        block, kind = divmod(place, self.kinds)
        first = 2 * self.kinds * block + kind
        return first, first + self.kinds

    @property
    def alone(self) -> int:
        """Pairs at a row's end that have one pixel."""
        return sum(self.pair(self.out_width - 1 - kind)[1] >= self.columns for kind in range(self.kinds))
