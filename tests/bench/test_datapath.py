"""`bench datapath`: the table's numbers are the simulation's, the bounds are what their definition says."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from hwgen import board
from hwgen.bench.datapath import bench
from hwgen.bench.encoder import CHANNELS, STRIDES, channels, dashed, write_spec
from hwgen.bench.quantities import QUANTITIES
from hwgen.bench.roofline import roofline
from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.model import load_graph
from hwgen.plan.plan import Plan
from hwgen.plan.size import size
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.packing import LUT, W8A8
from hwgen.spec import model as spec

LIST = "4-3-3-2-2"


def test_designs_are_simulated_as_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", "tiny", "--channels", LIST, "--channels", LIST, "--frame", "32x16", "--no-synth"]
    assert main(["bench", "datapath", *arguments, "--json", "--csv", str(tmp_path / "table.csv")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["board"], found["frames"]) == ("pynq_z2", 3)
    tiny, encoder = found["designs"]
    assert (tiny["name"], encoder["name"]) == ("tiny", LIST)
    for design in found["designs"]:
        assert design["mismatches"] == 0
        interval, macs = design["frame_interval_cycles"], design["macs_per_frame"]
        assert interval == design["predicted_interval_cycles"]
        assert design["latency_cycles"] == design["predicted_latency_cycles"]
        assert design["fps_200_mhz"] == 200e6 / interval
        assert design["macs_per_cycle"] == macs / interval
        assert 0 < design["lane_utilisation"] <= 1
        assert design["macs_per_cycle_per_dsp"] == macs / interval / design["predicted_dsp"]
        assert design["dsp"] is None
        assert design["of_bound"] == macs / interval / design[f"bound_{design['active_bound']}"] <= 1
    # conv0 8x16x4, the others 8x4 positions of 3, 3, 2, 2 channels; inputs of 3, 4, 3, 3, 2.
    assert encoder["macs_per_frame"] == 25 * (128 * 4 * 3 + 32 * (3 * 4 + 3 * 3 + 2 * 3 + 2 * 2))
    assert encoder["psnr_db"] is None
    assert tiny["psnr_db"] > 10

    (header, *lines) = csv.reader((tmp_path / "table.csv").read_text().splitlines())
    assert header == ["name", *(quantity.key for quantity in QUANTITIES)]
    assert [dict(zip(header, line, strict=True))["frame"] for line in lines] == ["32x16", "32x16"]


def test_bounds() -> None:
    """By hand: tiny at 32x16 has 35,424 MACs; weights of 8, 6 and 4 bits; 5, 7 and 4 channels."""
    model, target = spec.load("tiny"), board.load("pynq_z2")
    plan = size(load_graph(model, 1), target, 32, 16)
    foldings = {name: slow(folding) for name, folding in plan.foldings.items()}  # memories too deep for LUTs
    macs = [9 * 16 * 8 * 5 * 3, 9 * 8 * 4 * 7 * 5, 9 * 8 * 4 * 4 * 7]
    assert sum(macs) == 35_424
    rows = [2 * 32 * 3 * 8, 2 * 16 * 5 * 8, 2 * 8 * 7 * 7]  # line buffers, in bits
    blocks = 140 - sum(rows) / 36_864
    found = roofline(plan.with_configs(foldings))
    assert found.bounds == {
        # Two lanes a DSP; three of 4-bit weights with 7-bit activations.
        "dsp": pytest.approx(35_424 * 220 / (macs[0] / 2 + macs[1] / 2 + macs[2] / 3), rel=1e-12),
        "bram": pytest.approx(35_424 * 72 * blocks / (macs[0] * 8 + macs[1] * 6 + macs[2] * 4), rel=1e-12),
        "pixels": 35_424 / 512,
        "values": 35_424 / 256,  # 16x8 positions of two beats, 4 + 1 values
    }
    assert (found.active, found.bound, found.intensity) == ("pixels", 35_424 / 512, 35_424 / 512)

    # What multiplies in LUTs asks for no DSP, what keeps its weights in logic for no block RAM.
    in_luts = {
        name: replace(config, packing=LUT, weights_in="logic", window=replace(config.window, form="distributed"))
        for name, config in foldings.items()
    }
    found = roofline(plan.with_configs(foldings | {"conv2": in_luts["conv2"]}))
    assert found.bounds["dsp"] == pytest.approx(35_424 * 220 / (macs[0] / 2 + macs[1] / 2), rel=1e-12)
    blocks = 140 - sum(rows[:2]) / 36_864
    assert found.bounds["bram"] == pytest.approx(35_424 * 72 * blocks / (macs[0] * 8 + macs[1] * 6), rel=1e-12)
    found = roofline(plan.with_configs(in_luts))
    assert (found.bounds["dsp"], found.bounds["bram"]) == (math.inf, math.inf)
    # Nor does what is too shallow for block RAM, whatever was asked for: tiny as it is sized.
    assert {folding.weights_in for folding in plan.foldings.values()} == {"block"}
    assert roofline(plan).bounds["bram"] == math.inf
    # A bound of nothing is none, on a board without what is not asked for.
    has = target.resources.model_copy(update={"dsp": 0, "bram36": 0})
    bare = plan.with_configs(in_luts)
    bare = replace(bare, design=replace(bare.design, board=target.model_copy(update={"resources": has})))
    assert roofline(bare).active == "pixels"


def slow(folding: ConvolutionConfig) -> ConvolutionConfig:
    """One multiplication a cycle."""
    window = replace(
        folding.window, simd=1, taps=1, folds=folding.out_channels, pixels=None, lanes=1, form="block"
    )
    return replace(folding, window=window, pe=1, out_lanes=1, packing=W8A8, depth=None)


@pytest.mark.parametrize("text", ["16-32-32-32", "16-32-32-32-16-16", "16-32-x-32-16", "16-0-32-32-16", "", "-",
                                  "16-32-1025-32-16"])
def test_wrong_lists(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "datapath", f"--channels={text}"]) == 2
    wanted = "5 counts from 1 to 1024, such as 16-32-32-32-16"
    assert capsys.readouterr() == ("", f"error: --channels: wanted {wanted}, got {text!r}\n")


def test_lists_become_specifications(tmp_path: Path) -> None:
    for counts in CHANNELS:
        model = spec.load(write_spec(tmp_path, channels(dashed(counts))))
        assert (model.name, model.encoder_channels) == (dashed(counts), counts)
        assert tuple(layer.stride for layer in model.encoder) == STRIDES
        assert [layer.activation for layer in model.encoder] == ["prelu"] * 4 + ["none"]
        assert {(layer.kernel, layer.weight_bits, layer.activation_bits) for layer in model.encoder} == {(5, 8, 8)}


def test_nothing_is_measured_for_files_that_cannot_be_written(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "table.csv"
    for wrong, wanted in ((missing, "in a folder that exists"), (tmp_path, "that can be written")):
        with pytest.raises(HwgenError, match=f"--csv: wanted a file {wanted}"):
            bench(["tiny"], csv=wrong)
    with pytest.raises(HwgenError, match=r"--plot: wanted a file that ends in \.png or \.svg"):
        bench(["tiny"], plot=tmp_path / "roofline.gif")


def test_a_receiver(capsys: pytest.CaptureFixture[str]) -> None:
    """MACs of a transposed convolution without inserted zeros; bounds by hand. Lists of channels are an encoder's."""
    arguments = ["--model", "tiny", "--side", "rx", "--frame", "16x8", "--no-synth", "--json"]
    assert main(["bench", "datapath", *arguments]) == 0
    (design,) = json.loads(capsys.readouterr().out)["designs"]
    # 4x2 latent of 4 channels; 3x3 to 7 of them, then to 5 and 3 at stride 2: nine taps for four outputs.
    macs = 9 * (8 * 4 * 7 + 8 * 7 * 5 + 32 * 5 * 3)
    assert (design["side"], design["macs_per_frame"], design["mismatches"]) == ("rx", macs, 0)
    assert design["frame_interval_cycles"] == design["predicted_interval_cycles"]
    assert design["latency_cycles"] == design["predicted_latency_cycles"]
    assert design["bound_pixels"] == macs / 128
    assert design["bound_values"] == macs / (128 * 3)
    assert main(["bench", "datapath", "--channels", LIST, "--side", "rx"]) == 2
    assert "--channels: wanted --side tx" in capsys.readouterr().err


def test_nothing_to_measure() -> None:
    with pytest.raises(HwgenError, match="--model: wanted a model, got none"):
        bench()


def test_a_wrong_prediction_makes_the_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Plan.frame_interval.fget
    assert right is not None
    monkeypatch.setattr(Plan, "frame_interval", property(lambda plan: right(plan) + 1))
    assert bench(["tiny"], frame=(32, 16), synth=False) == 1  # the simulation above, built once


def test_the_roofline_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    from hwgen.bench.plot import draw
    from hwgen.bench.quantities import Measured
    from hwgen.sim import design as designs
    from hwgen.verify.report import Report

    emitted = emit(DesignOptions("tiny", frame=(32, 16)), tmp_path / "design", quiet=True)
    report = Report("tiny", designs.load(emitted.folder), 3, 0.0, 1, 0, (), None, 1536, 1, None, None, "", (), 0, 0, 0)
    measured = [Measured("tiny", emitted.plan, report, None, roofline(emitted.plan))]
    for name in ("a.svg", "b.svg", "c.png"):
        draw(tmp_path / name, measured)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
