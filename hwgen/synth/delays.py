"""Delays of the 7 series' cells at speed grade -1, in ns.

Sources. Carry chains, wide multiplexers, block RAM and the setup times of distributed RAM: the `specify` blocks of the
cell library that comes with Yosys (share/xilinx/cells_sim.v, after Project X-Ray's Artix-7 database; the XC7Z020's
logic is Artix-7's). The same library's figures for the DSP48E1 are those of the fastest grade: they are scaled by
1.36, the ratio of the data sheet's columns -1 and -3 (DS181, clock to P: 0.44 and 0.33 ns); but clock to P and to the
cascade, and the multiplier's register to P, are what open place and route on an XC7Z020-1 has, our own measurement.
LUT, flip-flop, shift register, clock to distributed RAM's output: 0.124, 0.456, 1.61 and 1.32 ns (DS181, DS187, grade
-1); place and route agrees with the LUT's and with the block RAM's.

UltraScale+ parts are faster; their cells are given the same figures, so that their paths have an order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hwgen.synth.netlist import Bit, Cell
from hwgen.synth.statistics import (
    BLOCK_RAMS,
    CARRIES,
    DSPS,
    FLIP_FLOPS,
    LUT_MEMORIES,
    LUTS,
    MULTIPLEXERS,
    ULTRA_RAMS,
)

CLOCK_TO_Q = 0.456
LUT = 0.124
SHIFT_REGISTER_CLOCK_TO_Q = 1.61
LUT_MEMORY_CLOCK_TO_OUT = 1.32
BLOCK_RAM_CLOCK_TO_OUT = {False: 2.454, True: 0.882}
"""Without and with the block's output register."""
DSP_SCALE = 1.36
DSP_CLOCK_TO_OUT = (
    ("PREG", 0.434, 0.478),
    ("MREG", 2.305, DSP_SCALE * 1.819),
    ("CREG", DSP_SCALE * 1.687, DSP_SCALE * 1.835),
    ("AREG", DSP_SCALE * 2.952, DSP_SCALE * 3.098),
    ("BREG", DSP_SCALE * 2.813, DSP_SCALE * 2.960),
)
"""Delays from the last register in use to P and to the cascade."""

SETUP = {
    **{(kind, pin): time for kind in FLIP_FLOPS for pin, time in (("D", 0.0), ("CE", 0.205))},
    ("FDRE", "R"): 0.429, ("FDSE", "S"): 0.429, ("FDCE", "CLR"): 0.429, ("FDPE", "PRE"): 0.429,
    **{(kind, pin): time for kind in ("SRL16E", "SRLC16E", "SRLC32E") for pin, time in (("D", 0.173), ("CE", 0.205))},
}  # fmt: skip
"""By type of cell and pin."""

# An UltraRAM, which the 7 series has not, is given a block RAM's delays.
ULTRA_RAM_SETUP = (("ADDR", 0.566), ("BWE", 0.532), ("RDB_WR", 0.532), ("DIN", 0.737), ("EN", 0.443), ("RST", 0.342))
BLOCK_RAM_SETUP = (("ADDR", 0.566), ("WE", 0.532), ("DI", 0.737), ("EN", 0.443), ("REGCE", 0.36), ("RST", 0.342))
"""By how the pin's name begins."""

# CARRY4: from input i to outputs i .. 3, in ns.
_CI_O, _CI_CO = (0.222, 0.334, 0.239, 0.313), (0.271, 0.157, 0.228, 0.114)
_INIT_O, _INIT_CO = (0.482, 0.598, 0.584, 0.642), (0.536, 0.494, 0.592, 0.580)
_S_O = ((0.223, 0.400, 0.523, 0.582), (0.205, 0.558, 0.618), (0.226, 0.330), (0.227,))
_S_CO = ((0.340, 0.433, 0.512, 0.508), (0.469, 0.548, 0.528), (0.292, 0.378), (0.380,))
_DI_O = ((None, 0.407, 0.556, 0.615), (None, 0.537, 0.596), (None, 0.438), (None,))
_DI_CO = ((0.379, 0.465, 0.540, 0.526), (0.445, 0.520, 0.507), (0.356, 0.398), (0.385,))

Pin = tuple[str, int]
"""A pin of a cell and the bit's place in it."""
Arc = tuple[Pin, Pin, float]
"""From an input to an output that follows it without a clock."""


def dedicated(driver: str, output: str, sink: str, pin: str) -> bool:
    """Whether the hardware has a wire of its own between two cells, which costs nothing here.

    Inside a slice: carry chain, LUT to carry cell, LUT to wide multiplexer, all of these to the flip-flop beside them.
    Between DSPs: the cascades.
    """
    if driver in DSPS:
        return pin in ("PCIN", "ACIN", "BCIN")
    if driver in CARRIES and sink in CARRIES:
        return pin == "CI"
    if sink in CARRIES:
        return driver in LUTS and pin == "S"
    if sink in MULTIPLEXERS:
        return driver in (*LUTS, *MULTIPLEXERS) and pin in ("I0", "I1")
    if sink in FLIP_FLOPS and pin == "D":
        return driver in (*LUTS, *MULTIPLEXERS) or (driver in CARRIES and output == "O")
    return False


def launches(cell: Cell) -> Iterator[tuple[str, float]]:
    """Output pins that a clock edge changes, and how long after it."""
    kind = cell.type
    if kind in FLIP_FLOPS:
        yield "Q", CLOCK_TO_Q
    elif kind.startswith("SRL"):
        yield from ((pin, SHIFT_REGISTER_CLOCK_TO_Q) for pin in cell.pins if pin.startswith("Q"))
    elif kind in LUT_MEMORIES:
        yield from ((pin, LUT_MEMORY_CLOCK_TO_OUT) for pin in cell.pins if _memory_output(pin))
    elif kind in BLOCK_RAMS:
        for pin in cell.pins:
            if pin.startswith(("DOA", "DOPA", "DOUTADOUT", "DOUTPA")):
                yield pin, BLOCK_RAM_CLOCK_TO_OUT[cell.number("DOA_REG") == 1]
            elif pin.startswith(("DOB", "DOPB", "DOUTBDOUT", "DOUTPB")):
                yield pin, BLOCK_RAM_CLOCK_TO_OUT[cell.number("DOB_REG") == 1]
    elif kind in ULTRA_RAMS:
        for port in "AB":
            if f"DOUT_{port}" in cell.pins:
                yield f"DOUT_{port}", BLOCK_RAM_CLOCK_TO_OUT[cell.parameters.get(f"OREG_{port}") == "TRUE"]
    elif kind in DSPS:
        yield from _dsp_launches(cell)


def captures(cell: Cell) -> Iterator[tuple[str, float]]:
    """Input pins that a clock edge samples, and how long before it they must be there."""
    kind = cell.type
    for pin in cell.pins:
        if (kind, pin) in SETUP:
            yield pin, SETUP[kind, pin]
    if kind in LUT_MEMORIES:
        write_address = {"RAM32M": "ADDRD", "RAM64M": "ADDRD", "RAM32M16": "ADDRH", "RAM64M8": "ADDRH"}.get(kind)
        for pin in cell.pins:
            if pin == "WE":
                yield pin, 0.654
            elif pin.startswith("D") and not _memory_output(pin) and not pin.startswith("DPRA"):
                yield pin, 0.461
            elif pin == write_address or (write_address is None and pin.startswith("A")):
                yield pin, 0.362
    elif kind in BLOCK_RAMS:
        for pin in cell.pins:
            yield from ((pin, time) for start, time in BLOCK_RAM_SETUP if pin.startswith(start))
    elif kind in ULTRA_RAMS:
        for pin in cell.pins:
            yield from ((pin, time) for start, time in ULTRA_RAM_SETUP if pin.startswith(start))
    elif kind in DSPS:
        yield from _dsp_captures(cell)


def arcs(cell: Cell) -> Iterator[Arc]:
    """Ways through a cell without a clock; a DSP's are in `dsp_through`."""
    kind, pins = cell.type, cell.pins
    if kind in LUTS:
        yield from (((pin, 0), ("O", 0), LUT) for pin in pins if pin != "O")
    elif kind == "MUXF7":
        yield from (((pin, 0), ("O", 0), time) for pin, time in (("I0", 0.217), ("I1", 0.223), ("S", 0.296)))
    elif kind in MULTIPLEXERS:
        yield from (((pin, 0), ("O", 0), time) for pin, time in (("I0", 0.104), ("I1", 0.094), ("S", 0.273)))
    elif kind in CARRIES:
        yield from _carry(len(pins.get("S", ())) // 4)
    elif kind.startswith("SRL"):
        for pin in pins:
            if pin.startswith("A"):
                yield from (((pin, place), ("Q", 0), LUT) for place in range(len(pins[pin])))
    elif kind in LUT_MEMORIES:
        yield from _memory_reads(cell)


def dsp_through(cell: Cell) -> dict[str, float]:
    """Input pins of a DSP that reach P without a clock, and in what time; none where P has its register."""
    if cell.type not in DSPS or cell.number("PREG", 1):
        return {}
    times = {"C": 1.325, "PCIN": 1.107}
    if not cell.number("MREG", 1):
        times |= {} if cell.number("AREG", 1) else {"A": 2.823}
        times |= {} if cell.number("BREG", 1) else {"B": 2.690}
    if cell.number("CREG", 1):
        del times["C"]
    return {pin: DSP_SCALE * time for pin, time in times.items()}


def _carry(nibbles: int) -> Iterator[Arc]:
    """The arcs of carry cells of four bits, one behind the other."""
    for first in range(nibbles):
        base = 4 * first
        for to in range(4):
            if first == 0:
                yield ("CI", 0), ("O", to), _CI_O[to]
                yield ("CI", 0), ("CO", to), _CI_CO[to]
                yield ("CYINIT", 0), ("O", to), _INIT_O[to]
                yield ("CYINIT", 0), ("CO", to), _INIT_CO[to]
        for i in range(4):
            for table_o, table_co, pin in ((_S_O, _S_CO, "S"), (_DI_O, _DI_CO, "DI")):
                for to, time in enumerate(table_o[i], start=i):
                    if time is not None:
                        yield (pin, base + i), ("O", base + to), time
                for to, time in enumerate(table_co[i], start=i):
                    yield (pin, base + i), ("CO", base + to), time
                for later in range(first + 1, nibbles):
                    entry = table_co[i][-1] + (later - first - 1) * _CI_CO[3]
                    for to in range(4):
                        yield (pin, base + i), ("O", 4 * later + to), entry + _CI_O[to]
                        yield (pin, base + i), ("CO", 4 * later + to), entry + _CI_CO[to]
    for later, to in product(range(1, nibbles), range(4)):
        for pin, into in (("CI", _CI_CO[3]), ("CYINIT", _INIT_CO[3])):
            entry = into + (later - 1) * _CI_CO[3]
            yield (pin, 0), ("O", 4 * later + to), entry + _CI_O[to]
            yield (pin, 0), ("CO", 4 * later + to), entry + _CI_CO[to]


def _memory_output(pin: str) -> bool:
    """Whether a pin is an output of a distributed RAM: DOA .. DOH, SPO, DPO, O."""
    return pin in ("SPO", "DPO", "O") or (pin.startswith("DO") and len(pin) == 3)


def _memory_reads(cell: Cell) -> Iterator[Arc]:
    """From a read address to the data: a LUT, and a wide multiplexer where there are more than 64 words."""
    time = LUT + (0.223 if cell.type.startswith(("RAM128", "RAM256", "RAM512")) else 0.0)
    for pin, bits in cell.pins.items():
        if pin.startswith("ADDR"):
            output = "DO" + pin[4:]
        elif pin.startswith("DPRA"):
            output = "DPO"
        elif pin.startswith("A"):
            output = "SPO" if "SPO" in cell.pins else "O"
        else:
            continue
        for i, to in product(range(len(bits)), range(len(cell.pins.get(output, ())))):
            yield (pin, i), (output, to), time


def _dsp_launches(cell: Cell) -> Iterator[tuple[str, float]]:
    for register, p, pcout in DSP_CLOCK_TO_OUT:
        if cell.number(register, 1):
            yield "P", p
            yield "PCOUT", pcout
            return  # the later registers hide the earlier ones


def _dsp_captures(cell: Cell) -> Iterator[tuple[str, float]]:
    last = "PREG" if cell.number("PREG", 1) else None
    product_register = "MREG" if cell.number("MREG", 1) else last
    times: dict[str, float] = {}
    for pin, register, near, far in (("A", "AREG", 0.254, {"MREG": 1.416, "PREG": 2.739}),
                                     ("B", "BREG", 0.324, {"MREG": 1.285, "PREG": 2.608})):  # fmt: skip
        if cell.number(register, 1):
            times[pin] = near
        elif product_register:
            times[pin] = far[product_register]
    if cell.number("CREG", 1):
        times["C"] = 0.168
    elif last:
        times["C"] = 1.244
    if last:
        times["PCIN"] = 1.025
    for pin in cell.pins:
        if pin.startswith(("RST", "CE")):
            times[pin] = 0.3
    yield from ((pin, DSP_SCALE * time) for pin, time in times.items() if pin in cell.pins)


def nets(bits: tuple[Bit, ...]) -> Iterator[int]:
    """The bits that are nets, not constants."""
    return (bit for bit in bits if isinstance(bit, int))
