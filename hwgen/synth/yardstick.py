"""The yardstick for deep paths: an 8-bit requantiser by itself.

Its stages (a table, an addition, a shift by a channel's amount, rounding half to even, saturation) can hardly be cut
finer, so what is much deeper than its deepest one is worth a register.
"""

from __future__ import annotations

from amaranth.back import verilog
from amaranth.hdl import signed

from hwgen.rtl.requantise import RequantiserConfig
from hwgen.synth.yosys import Job

NAME = "requantiser"
ACCUMULATOR_BITS = 20
"""As the shipped models' layers have them: 17 to 22."""
BIAS = [(37 * channel * channel) % 4001 - 2000 for channel in range(16)]
SHIFT = [8 + channel % 4 for channel in range(16)]


def yardstick(family: str) -> Job:
    """The job that synthesises it: 16 channels, shifts of their own, 20-bit sums in, signed 8-bit values out."""
    config = RequantiserConfig.from_integers(
        accumulator_bits=ACCUMULATOR_BITS, bias=BIAS, shift=SHIFT, output=signed(8)
    )
    component = config.build(bias=BIAS, shift=SHIFT)
    text: str = verilog.convert(component, name=NAME, emit_src=False, strip_internal_attrs=True)
    return Job(text, NAME, family)
