"""Components with tables of profiles, with the frames' profiles beside their stream; and a small specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal

SPEC = """
format_version: 1
description: three profiles, as small as can be
frame: {width: 8, height: 8}
encoder:
  - {kernel: 3, stride: 2, channels: 3, activation: prelu}
  - {kernel: 3, channels: 2, activation: none}
decoder:
  - {kernel: 3, channels: 3, activation: prelu}
  - {kernel: 3, stride: 2, channels: 3, activation: clamp}
channel: {kind: awgn, snr_db: [0, 20]}
training:
  crop: 8
  power: average
  profiles: [4, 12]
  float: {steps: 1, lr: 1.0e-3}
  finetune: {steps: 1, lr: 1.0e-3}
  qat: {steps: 1, lr: 1.0e-3}
"""


class WithProfiles(Elaboratable):
    """A component whose `profile` offers those numbers in turn, from the first one again behind a reset.

    What it offers in the cycles before is nobody's: a frame's is there from its first accepted beat on, as in a design.
    """

    def __init__(self, dut: Any, profiles: Sequence[int]) -> None:
        self.dut, self.profiles = dut, [*profiles]
        self.i, self.o, self.config = dut.i, dut.o, dut.config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        at, begun = Signal(range(len(self.profiles) + 1)), Signal()
        with m.If(dut.i.valid & dut.i.ready):
            m.d.sync += begun.eq(1)
        number = Array([*self.profiles, self.profiles[0]])[at]
        m.d.comb += [dut.profile.valid.eq(begun), dut.profile.payload.eq(Mux(begun, number, ~number))]
        with m.If(dut.profile.ready):
            m.d.sync += at.eq(Mux(at == len(self.profiles) - 1, 0, at + 1))
        return m
