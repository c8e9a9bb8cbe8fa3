# amaranth: UnusedElaboratable=no
"""The same bytes as Amaranth's own, whatever a memory begins with."""

from __future__ import annotations

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Shape, signed, unsigned
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.emit.rtlil import convert


class Reader(Component):
    """A memory and its reader."""

    def __init__(self, shape: Shape, init: list[int], depth: int) -> None:
        self.memory = Memory(shape=shape, depth=depth, init=init)
        super().__init__({"address": In(range(depth)), "data": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = self.memory
        read = self.memory.read_port()
        m.d.comb += [read.addr.eq(self.address), self.data.eq(read.data)]
        return m


@pytest.mark.parametrize(
    ("shape", "init", "depth"),
    [
        (unsigned(1), [1], 1),
        (unsigned(5), [0, 31, 7, 16], 4),
        (signed(6), [-32, -1, 0, 31, 5], 5),
        (signed(4), [-3], 6),
        (unsigned(70), [1 << 69, (1 << 70) - 1, 12345678901234567890], 4),
        (unsigned(3), [], 4),
    ],
)
@pytest.mark.parametrize("emit_src", [False, True])
def test_bytes(shape: Shape, init: list[int], depth: int, emit_src: bool) -> None:
    ours = convert(Reader(shape, init, depth), "top", emit_src)
    assert "$meminit_v2" in ours
    assert ours == rtlil.convert(Reader(shape, init, depth), name="top", emit_src=emit_src)


def test_amaranth_is_left_as_it_is() -> None:
    emitter = rtlil.ModuleEmitter
    convert(Reader(unsigned(5), [1], 2), "top", False)
    assert rtlil.ModuleEmitter is emitter
