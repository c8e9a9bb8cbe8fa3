"""A trained network with branches on both sides, proven in Verilog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hwgen.design_options import DesignOptions
from hwgen.export import export_model
from hwgen.spec.model import ModelSpec, load
from hwgen.train.checkpoint import write
from hwgen.train.network import pruned
from hwgen.train.quantised import build
from hwgen.verify.run import Request, run_verification

SPEC = """
format_version: 1
description: a residual block, a table, a concatenation; a receiver whose image is a sum behind depth to space
frame: {width: 12, height: 8}
encoder:
  - {name: stem, kernel: 2, stride: 2, channels: 3, activation: relu, activation_bits: 7}
  - {name: branch, kernel: 3, channels: 3, activation: tanh}
  - {kind: add, inputs: [stem, branch], activation: relu, activation_bits: 7, name: sum}
  - {kind: concat, inputs: [stem, sum], name: both}
  - {kernel: 1, channels: 2, activation: none}
decoder:
  - {kind: conv, kernel: 1, channels: 12, activation: clamp, name: coarse}
  - {kind: depth_to_space, factor: 2, name: picture}
  - {kind: conv, name: fine, kernel: 3, channels: 12, activation: none, inputs: [symbols], weights: {codebook: 8}}
  - {kind: depth_to_space, factor: 2, name: detail}
  - {kind: add, inputs: [picture, detail], activation: clamp}
data: {license: none, source: noise}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """Exported after a few steps of training."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "spec.yaml").write_text(SPEC)
    spec = load(folder / "spec.yaml")
    torch.manual_seed(0)
    network = build(spec, pruned(spec).state_dict())
    generator = torch.Generator().manual_seed(1)
    images = (torch.rand(4, 3, 8, 12, generator=generator) * 256).floor() / 256
    network.calibrate([images])
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=2e-3)
    for _ in range(4):
        optimiser.zero_grad()
        (network.train()(images, torch.full((4,), 15.0), generator) - images).square().mean().backward()
        optimiser.step()
    write(spec.checkpoint_path, network.state_dict(), {"model": spec.name})
    export_model(spec)
    return spec


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_proven(trained: ModelSpec, tmp_path: Path, side: str) -> None:
    request = Request(DesignOptions(trained.path, side, fps=1000), directed=0, waveform=False)
    report = run_verification(replace(request, frames=2), tmp_path)
    assert report.proven and report.first is None
    assert report.latency == report.design.prediction("latency_cycles")
    assert report.psnr_db is not None
    layers = {"tx": {"stem", "branch", "branch_tanh", "sum", "both", "conv4", "gain"},
              "rx": {"received", "coarse", "picture", "fine", "detail", "add4"}}  # fmt: skip
    assert layers[side] <= set(report.streams)
