"""The compiled part of scheduling: `settle.wat` in WebAssembly, and arrays in its memory.

WebAssembly because its runtime is there anyway, Amaranth's Yosys needs it, and nothing has to be built or fetched.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray
from wasmtime import Engine, Func, Instance, Memory, Module, Store

PAGE = 1 << 16
"""Bytes of a page of WebAssembly's memory."""
MOST_PAGES = 1 << 16
"""Of a memory with 32-bit addresses."""
GROWTH = 256
"""Pages that it grows by at least, 16 MiB."""
ALIGNMENT = 8
"""Of arrays, in bytes."""


@lru_cache(maxsize=1)
def _compiled() -> tuple[Engine, Module]:
    engine = Engine()
    return engine, Module(engine, Path(__file__).with_name("settle.wat").read_text(encoding="utf-8"))


class Kernel:
    """The functions and their memory, which arrays are put into one behind the other and never taken out of."""

    def __init__(self) -> None:
        engine, module = _compiled()
        self._store = Store(engine)
        exports = Instance(self._store, module, []).exports(self._store)
        self._settle, self._required = cast(Func, exports["settle"]), cast(Func, exports["required"])
        self._memory = cast(Memory, exports["memory"])
        self._used = ALIGNMENT  # 0 is no address

    def allocate(self, count: int, dtype: DTypeLike) -> int:
        """Address of a new array, its content unknown.

        Raises
        ------
        MemoryError
            Its memory cannot hold it: 4 GiB are the limit.
        """
        start, has = self._used, self._memory.size(self._store)
        end = start + -(-count * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
        lacks = -(-end // PAGE) - has
        if lacks > MOST_PAGES - has:
            raise MemoryError(f"a frame's events take more than {MOST_PAGES * PAGE >> 30} GiB")
        if lacks > 0:
            self._memory.grow(self._store, min(max(lacks, GROWTH), MOST_PAGES - has))
        self._used = end
        return start

    def array(self, address: int, count: int, dtype: DTypeLike) -> NDArray[Any]:
        """The array there, a view that holds until something is allocated."""
        size = count * np.dtype(dtype).itemsize
        return np.asarray(self._memory.get_buffer_ptr(self._store, size, address)).view(dtype)

    def settle(self, kinds: int, end: int, interval: int, periodic: bool, order: int = 0) -> int:
        """As `settle.wat` says."""
        return int(self._settle(self._store, kinds, end, interval, int(periodic), order))

    def required(self, order: int, end: int) -> None:
        """As `settle.wat` says."""
        self._required(self._store, order, end)
