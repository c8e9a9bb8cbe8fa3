"""Networks with branches after a few steps of quantisation-aware training, and their checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml
from torch import Tensor

from hwgen.spec.model import ModelSpec, load
from hwgen.train.checkpoint import write
from hwgen.train.network import pruned
from hwgen.train.quantised import build
from hwgen.train.quantised_network import QuantDeepJSCC
from support.spec_graphs import GRAPHS

WIDTH, HEIGHT = 32, 16

HARD = {
    # pixels in a concatenation, so that what meets them has a pixel's exponent; tables, averages of fewer bits and a
    # transposed convolution in branches; a receiver that adds to the received symbols
    "shared with the ports": "encoder:\n"
    "  - {kernel: 3, channels: 4, activation: sigmoid, name: squashed}\n"
    "  - {kind: concat, inputs: [pixels, squashed], name: both}\n"
    "  - {kind: average_pool, kernel: 2, activation_bits: 6, name: mean}\n"
    "  - {kind: deconv, kernel: 4, stride: 2, channels: 5, activation: tanh, name: up}\n"
    "  - {kernel: 1, channels: 5, activation: leaky_relu, slope: -0.25, inputs: [both], name: straight}\n"
    "  - {kind: add, inputs: [up, straight], activation: relu, name: met}\n"
    "  - {kind: max_pool, kernel: 2}\n"
    "  - {kernel: 3, stride: 2, channels: 4, activation: none, name: one}\n"
    "  - {kernel: 4, stride: 4, channels: 4, activation: none, inputs: [met], name: two}\n"
    "  - {kind: add, inputs: [one, two], activation_bits: 7}\n"
    "decoder:\n"
    "  - {kind: conv, kernel: 3, channels: 4, activation: silu, name: more}\n"
    "  - {kind: add, inputs: [symbols, more], activation_bits: 8, name: received_and_more}\n"
    "  - {kernel: 3, channels: 6, weights: {codebook: 8}, weight_bits: 6}\n"
    "  - {kernel: 4, stride: 2, channels: 12, activation: sigmoid, weights: {codebook: 16}}\n"
    "  - {kind: conv, kernel: 3, channels: 12, activation: sigmoid}\n"
    "  - {kind: depth_to_space, factor: 2}\n",
    # two complex branches, of which one has a coarser grid for imaginary parts, and a real one
    "complex branches": "encoder:\n"
    "  - {kernel: 4, stride: 4, channels: 6, activation: none, name: plain}\n"
    "  - {kernel: 3, channels: 3, complex: true, imag_activation_bits: 6, imag_weight_bits: 5, name: narrow}\n"
    "  - {kind: add, inputs: [plain, narrow], name: once}\n"
    "  - {kernel: 1, channels: 3, complex: true, activation: none, inputs: [narrow], name: wide}\n"
    "  - {kind: add, inputs: [once, wide]}\n"
    "decoder:\n"
    "  - {kind: deconv, kernel: 3, channels: 3, complex: true, imag_activation_bits: 5, name: first}\n"
    "  - {kind: add, inputs: [symbols, first], name: again}\n"
    "  - {kernel: 4, stride: 2, channels: 6, activation: relu}\n"
    "  - {kernel: 4, stride: 2, channels: 3, activation: clamp}\n",
    # complex windows of all shapes: patches, dilated, not square, even ones with padding
    "complex windows": "encoder:\n"
    "  - {kernel: 3, channels: 4}\n"
    "  - {kernel: 2, stride: 2, channels: 3, complex: true}\n"
    "  - {kernel: 3, dilation: 2, channels: 3, complex: true, imag_weight_bits: 6}\n"
    "  - {kernel: [3, 1], padding: [1, 0], channels: 2, complex: true}\n"
    "  - {kernel: 4, padding: 1, stride: 2, channels: 2, complex: true, activation: none}\n"
    "decoder:\n"
    "  - {kind: conv, kernel: [1, 5], dilation: 2, channels: 3, complex: true}\n"
    "  - {kernel: 4, stride: 2, channels: 6, activation: relu}\n"
    "  - {kernel: 4, stride: 2, channels: 3, activation: clamp}\n",
}  # fmt: skip
SPECS = GRAPHS | HARD
"""By name: the text of encoder and decoder."""


def branching_spec(folder: Path, name: str) -> ModelSpec:
    """One of them, written to folder/spec.yaml and loaded."""
    content = {
        "format_version": 1,
        "description": name,
        "frame": {"width": WIDTH, "height": HEIGHT, "channels": 1 if name == "grey" else 3},
        "data": {"license": "CC0", "source": "noise"},
        **yaml.safe_load(SPECS[name]),
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(content))
    return load(folder / "spec.yaml")


def blurred(spec: ModelSpec, count: int = 4, seed: int = 0) -> Tensor:
    """Smooth random images (count, channels, HEIGHT, WIDTH) in 0..255/256."""
    small = torch.rand(count, spec.frame.channels, 4, 4, generator=torch.Generator().manual_seed(seed))
    large = torch.nn.functional.interpolate(small, size=(HEIGHT, WIDTH), mode="bilinear")
    return (large * 256).floor().clamp(0, 255) / 256


def trained_branches(folder: Path, name: str, steps: int = 6) -> tuple[ModelSpec, QuantDeepJSCC]:
    """A specification, and its network from a fresh float one, calibrated and trained; folder/checkpoint.safetensors is
    its checkpoint."""
    spec = branching_spec(folder, name)
    torch.manual_seed(1)
    state = pruned(spec).state_dict()
    for key, value in state.items():
        if key.endswith("activation.weight"):
            value.uniform_(-0.5, 1.5)
        if key.endswith("bias"):
            value.normal_(0.0, 0.1)
    network = build(spec, state)
    images, generator = blurred(spec), torch.Generator().manual_seed(2)
    network.calibrate([images])
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=2e-3)
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        (network(images, torch.full((len(images),), 15.0), generator) - images).square().mean().backward()
        optimiser.step()
    network.eval()
    write(spec.checkpoint_path, network.state_dict(), {"model": spec.name, "phase": "qat"})
    return spec, network
