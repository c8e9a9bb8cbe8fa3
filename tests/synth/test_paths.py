"""The deepest path of hand-made netlists whose delays are known."""

from __future__ import annotations

import dataclasses
import re

import pytest

from hwgen.synth.delays import DSP_SCALE
from hwgen.synth.netlist import Bit, Cell, Netlist
from hwgen.synth.paths import deepest, reset_ns, timing
from hwgen.synth.wires import MEDIAN, SLOW

CLOCK_TO_Q, LUT = 0.456, 0.124
ONE, TWO, THREE = 0.85, 0.987, 1.068
"""Median wires of such fan-outs: 0.85 and, for each doubling, (1.4 - 0.85) / 4 more."""


def cell(name: str, kind: str, parameters: dict[str, int] | None = None, **pins: Bit | tuple[Bit, ...]) -> Cell:
    numbers = {key: f"{value:b}" for key, value in (parameters or {}).items()}
    return Cell(name, kind, numbers, {pin: bits if isinstance(bits, tuple) else (bits,) for pin, bits in pins.items()})


def netlist(*cells: Cell, inputs: dict[int, str] | None = None, outputs: dict[int, str] | None = None,
            **names: int) -> Netlist:
    return Netlist("top", cells, inputs or {}, outputs or {}, {net: name for name, net in names.items()})


def test_a_lut_between_two_registers() -> None:
    (path,) = deepest(netlist(
        cell("f0", "FDRE", C=1, CE="1", D=9, R="0", Q=2),
        cell("lut", "LUT2", I0=2, I1="1", O=3),
        cell("f1", "FDRE", C=1, CE="1", D=3, R="0", Q=4),
        here=2, there=4,
    ))  # fmt: skip
    assert (path.start, path.end, path.luts, path.carries) == ("here", "there", 1, 0)
    assert path.median_ns == pytest.approx(CLOCK_TO_Q + 0.85 + LUT)  # the LUT's flip-flop is in its slice
    assert path.slow_ns == pytest.approx(CLOCK_TO_Q + 1.8 + LUT)
    assert [dataclasses.astuple(step) for step in path.steps] == [
        ("FDRE", 0, 0.0, 0.0, CLOCK_TO_Q, "here"), ("LUT2", 1, 0.85, 1.8, LUT, ""), ("FDRE", 1, 0.0, 0.0, 0.0, "there"),
    ]  # fmt: skip


def test_a_second_flip_flop_is_in_another_slice() -> None:
    (path, _) = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("lut", "LUT1", I0=2, O=3),
        cell("f1", "FDRE", C=1, D=3, Q=4),
        cell("f2", "FDSE", C=1, D=3, Q=5),
        a=2, b=4, c=5,
    ), 2)  # fmt: skip
    assert path.median_ns == pytest.approx(CLOCK_TO_Q + ONE + LUT + TWO)


def test_enable_and_reset_have_setup_times() -> None:
    paths = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("f1", "FDRE", C=1, D="1", CE=2, Q=4),
        cell("f2", "FDSE", C=1, D="1", S=2, Q=5),
        a=2, b=4, c=5,
    ), 9)  # fmt: skip
    assert {path.end: path.median_ns for path in paths} == pytest.approx(
        {"b": CLOCK_TO_Q + TWO + 0.205, "c": CLOCK_TO_Q + TWO + 0.429}
    )
    assert [path.end for path in paths] == ["c", "b"]


def adder(source: tuple[Bit, ...]) -> Netlist:
    """Eight bits on the carry chain; what `source` names enters S[0]."""
    return netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("lut", "LUT2", I0=2, I1="0", O=3),
        cell("low", "CARRY4", CI="0", CYINIT="0", S=(*source, "0", "0", "0"), DI=("0",) * 4, O=(10, 11, 12, 13),
             CO=(20, 21, 22, 23)),
        cell("high", "CARRY4", CI=23, CYINIT="0", S=("0",) * 4, DI=("0",) * 4, O=(14, 15, 16, 17), CO=(24, 25, 26, 27)),
        cell("f1", "FDRE", C=1, D=15, Q=4),
        a=2, b=4,
    )  # fmt: skip


def test_a_carry_chain_has_wires_of_its_own() -> None:
    (path,) = deepest(adder((3,)))
    assert path.median_ns == pytest.approx(CLOCK_TO_Q + ONE + LUT + 0.508 + 0.334)
    assert (path.luts, path.carries) == (1, 2)


def test_a_register_reaches_the_carry_chain_through_a_lut() -> None:
    (path,) = deepest(adder((2,)))
    assert path.median_ns == pytest.approx(CLOCK_TO_Q + TWO + LUT + 0.508 + 0.334)


def test_eight_bits_in_one_carry_cell_take_as_long_as_in_two() -> None:
    (path,) = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("lut", "LUT2", I0=2, I1="0", O=3),
        cell("carry", "CARRY8", CI="0", S=(3, *("0",) * 7), DI=("0",) * 8, O=tuple(range(10, 18)),
             CO=tuple(range(20, 28))),
        cell("f1", "FDRE", C=1, D=15, Q=4),
    ))  # fmt: skip
    assert path.median_ns == pytest.approx(deepest(adder((3,)))[0].median_ns)


def test_wide_multiplexers() -> None:
    (path,) = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("lut", "LUT6", I0=2, O=3),
        cell("seven", "MUXF7", I0="0", I1=3, S="1", O=4),
        cell("eight", "MUXF8", I0=4, I1="0", S="0", O=5),
        cell("f1", "FDRE", C=1, D=5, Q=6),
    ))  # fmt: skip
    assert path.median_ns == pytest.approx(CLOCK_TO_Q + ONE + LUT + 0.223 + 0.104)


@pytest.mark.parametrize(("register", "out"), [(0, 2.454), (1, 0.882)])
def test_block_ram(register: int, out: float) -> None:
    paths = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("rom.0.0", "RAMB18E1", {"DOA_REG": register}, CLKARDCLK=1, ADDRARDADDR=(2, "0"), DOADO=(5, 6)),
        cell("f1", "FDRE", C=1, D=6, Q=7),
        a=2, b=7,
    ), 2)  # fmt: skip
    assert {path.end: path.median_ns for path in paths} == pytest.approx(
        {"rom.0.0 (RAMB18E1)": CLOCK_TO_Q + ONE + 0.566, "b": out + ONE}
    )


@pytest.mark.parametrize(("register", "out"), [("FALSE", 2.454), ("TRUE", 0.882)])
def test_ultra_ram(register: str, out: float) -> None:
    """As a block RAM's; its address is sampled, its data leaves at the clock edge."""
    ram = cell("ring.0.0", "URAM288", CLK=1, ADDR_B=(2, "0"), BWE_A=(2, "1"), DIN_A=("0", 2), DOUT_B=(5, 6))
    paths = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        dataclasses.replace(ram, parameters={"OREG_B": register}),
        cell("f1", "FDRE", C=1, D=6, Q=7),
        a=2, b=7,
    ), 2)  # fmt: skip
    assert {path.end: path.median_ns for path in paths} == pytest.approx(
        {"ring.0.0 (URAM288)": CLOCK_TO_Q + THREE + 0.737, "b": out + ONE}
    )


def test_distributed_ram_and_shift_register() -> None:
    paths = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("m.0.0", "RAM64X1D", WCLK=1, WE=2, D="1", A0="0", DPRA0=2, DPO=5),
        cell("f1", "FDRE", C=1, D=5, Q=6),
        cell("s", "SRL16E", CLK=1, D="0", A0="0", Q=7),
        cell("f2", "FDRE", C=1, D=7, Q=8),
        f1=6, f2=8,
    ), 9)  # fmt: skip
    assert {path.end: path.median_ns for path in paths} == pytest.approx({
        "m.0.0 (RAM64X1D)": CLOCK_TO_Q + TWO + 0.654,
        "f1": max(CLOCK_TO_Q + TWO + LUT, 1.32) + ONE,
        "f2": 1.61 + ONE,
    })


@pytest.mark.parametrize(("registers", "into", "out"), [
    (dict(AREG=1, MREG=1, PREG=1), 0.254, 0.434),
    (dict(AREG=0, MREG=1, PREG=1), 1.416, 0.434),
    (dict(AREG=0, MREG=0, PREG=1), 2.739, 0.434),
    (dict(AREG=0, MREG=1, PREG=0), 1.416, 2.305),
])
def test_dsp_registers(registers: dict[str, int], into: float, out: float) -> None:
    paths = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("mul", "DSP48E1", {"BREG": 0, "CREG": 0} | registers, CLK=1, A=(2, "0"), B=("1",), C=("0",), P=(5, 6)),
        cell("f1", "FDRE", C=1, D=6, Q=7),
        f0=2, product=5, f1=7,
    ), 2)  # fmt: skip
    assert {path.end: path.median_ns for path in paths} == pytest.approx(
        {"product": CLOCK_TO_Q + ONE + DSP_SCALE * into, "f1": out + ONE}, abs=0.001
    )


def test_dsp_without_registers_and_the_cascade() -> None:
    (path,) = deepest(netlist(
        cell("f0", "FDRE", C=1, D=9, Q=2),
        cell("m0", "DSP48E2", dict(AREG=0, BREG=0, CREG=0, MREG=0, PREG=0), A=(2,), B=("1",), PCOUT=(5, 6)),
        cell("m1", "DSP48E2", dict(AREG=0, BREG=0, CREG=0, MREG=1, PREG=1), CLK=1, A=("0",), PCIN=(5, 6), P=(8,)),
        f0=2, sum=8,
    ))  # fmt: skip
    assert (path.start, path.end) == ("f0", "sum")
    assert path.median_ns == pytest.approx(CLOCK_TO_Q + ONE + DSP_SCALE * (2.823 + 1.025), abs=0.001)
    assert [step.cell for step in path.steps] == ["FDRE", "DSP48E2", "DSP48E2"]


def test_ports_count_as_registers_but_reset_does_not() -> None:
    paths = deepest(netlist(
        cell("lut", "LUT2", I0=2, I1=3, O=4),
        cell("f0", "FDRE", C=1, D="1", R=5, Q=6),
        inputs={1: "clk", 2: "i__valid", 3: "o__ready", 5: "rst"}, outputs={4: "o__valid"}, **{"fifo.rst": 5, "f0": 6},
    ), 9)  # fmt: skip
    assert [(path.start, path.end) for path in paths] in (
        [("port i__valid", "port o__valid")], [("port o__ready", "port o__valid")]
    )
    assert paths[0].median_ns == pytest.approx(CLOCK_TO_Q + ONE + LUT + ONE)


def test_a_register_of_many_bits_counts_once() -> None:
    cells = [cell("f0", "FDRE", C=1, D=9, Q=2)]
    for bit in range(4):
        cells += [cell(f"lut{bit}", "LUT1", I0=2 if bit < 2 else 10 + bit - 1, O=10 + bit),
                  cell(f"g{bit}", "FDRE", C=1, D=10 + bit, Q=20 + bit)]
    names = {"a": 2} | {f"sum[{bit}]": 20 + bit for bit in range(4)}
    (path,) = deepest(netlist(*cells, **names), 9)
    assert (path.end, path.luts) == ("sum[3]", 3)


def test_nothing_from_register_to_register() -> None:
    assert deepest(netlist(cell("f0", "FDRE", C=1, D="1", Q=2), inputs={1: "clk"})) == []


def test_a_loop_without_a_register() -> None:
    message = "top: wanted a register in every loop, got none behind "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}(ring|back)$"):
        deepest(netlist(
            cell("one", "LUT1", I0=3, O=2), cell("two", "LUT1", I0=2, O=3), cell("f", "FDRE", C=1, D=2, Q=4),
            ring=2, back=3,
        ))  # fmt: skip


def test_the_cascade_from_register_to_register() -> None:
    (path,) = deepest(netlist(
        cell("m0", "DSP48E1", dict(AREG=1, BREG=1, MREG=1, PREG=1), CLK=1, A=("0",), B=("0",), PCOUT=(5, 6)),
        cell("m1", "DSP48E1", dict(AREG=1, BREG=1, MREG=1, PREG=1), CLK=1, A=("0",), B=("0",), PCIN=(5, 6), P=(8,)),
        first=5, sum=8,
    ))  # fmt: skip
    assert (path.median_ns, path.slow_ns) == (round(0.478 + DSP_SCALE * 1.025, 3),) * 2


@pytest.mark.parametrize(("register", "out"), [(0, 2.454), (1, 0.882)])
def test_from_a_block_ram_to_a_dsp(register: int, out: float) -> None:
    """The wire between the two kinds is longer than others of its fan-out."""
    (path,) = deepest(netlist(
        cell("rom.0.0", "RAMB18E1", {"DOA_REG": register}, CLKARDCLK=1, DOADO=(5, 6)),
        cell("mul", "DSP48E1", {}, CLK=1, A=(5, "0"), B=("1",), P=(8,)),
        product=8,
    ))  # fmt: skip
    setup = DSP_SCALE * 0.254
    assert path.median_ns == pytest.approx(out + 1.85 + setup, abs=0.001)
    assert path.slow_ns == pytest.approx(out + 3.2 + setup, abs=0.001)
    assert (path.fan_out, [step.fan_out for step in path.steps]) == (1, [0, 1])


def crossing() -> Netlist:
    """One path through five LUTs at fan-out 1, one to 1,024 enables."""
    names = {f"wide[{place}]": 1000 + place for place in range(1024)}
    wide = [cell(f"e{place}", "FDRE", C=1, D="1", CE=20, Q=1000 + place) for place in range(1024)]
    return netlist(
        cell("f0", "FDRE", C=1, D="0", R=2, Q=10),
        *(cell(f"lut{place}", "LUT1", I0=10 + place, O=11 + place) for place in range(5)),
        cell("f1", "FDRE", C=1, D=15, R=2, Q=16),
        cell("flag", "FDRE", C=1, D="1", R=2, Q=20),
        *wide, inputs={1: "clk", 2: "rst"}, deep=16, flag=20, f0=10, **names,
    )  # fmt: skip


def test_deep_and_wide_paths_change_places() -> None:
    netlist = crossing()
    deep, wide = CLOCK_TO_Q + 5 * LUT, CLOCK_TO_Q + 0.205
    assert [(path.end, path.median_ns) for path in deepest(netlist, 2, MEDIAN)] == [
        ("deep", round(deep + 5 * 0.85, 3)), ("wide[0]", round(wide + 3.7, 3))]
    assert [(path.end, path.slow_ns, path.fan_out) for path in deepest(netlist, 2, SLOW)] == [
        ("wide[0]", round(wide + 9.8, 3), 1024), ("deep", round(deep + 5 * 1.8, 3), 1)]


def test_timing() -> None:
    found = timing(crossing())
    assert found.median is not None
    assert (found.median.end, len(found.worst), found.worst[0].slow_ns, found.reset) == ("deep", 2, 10.461, 3)


def test_at_most_ten_worst_paths() -> None:
    cells = [cell("f", "FDRE", C=1, D="1", Q=2)]
    cells += [cell(f"g{place}", "FDRE", C=1, D=2, Q=10 + place) for place in range(12)]
    found = timing(netlist(*cells, f=2, **{f"g{chr(97 + place)}": 10 + place for place in range(12)}))
    assert [path.end for path in found.worst] == [f"g{letter}" for letter in "abcdefghij"]


def test_what_a_resets_fan_out_takes() -> None:
    assert reset_ns(1024, MEDIAN) == round(CLOCK_TO_Q + 3.7 + 0.429, 3)
    assert reset_ns(4096, SLOW) == round(CLOCK_TO_Q + 17.0 + 0.429, 3)


def test_a_memory_counts_once() -> None:
    rams = [cell(f"m.0.{place}", "RAM32M", WCLK=1, WE=2, ADDRD=("0",)) for place in range(3)]
    paths = deepest(netlist(cell("f0", "FDRE", C=1, D="1", Q=2), *rams, f0=2), 9)
    assert [path.end for path in paths] == ["m.0.0 (RAM32M)"]
