"""A small specification that can be trained, for the tests of training."""

from __future__ import annotations

from pathlib import Path

from hwgen.spec.model import ModelSpec, load

SPEC = """
format_version: 1
description: test
frame: {{width: 32, height: 32}}
encoder:
  - {{kernel: 5, stride: 2, channels: 9, activation: prelu}}
  - {{kernel: 3, stride: 2, channels: 8, activation: {hidden}}}
  - {{kernel: 3, stride: 1, channels: 6, activation: none}}
decoder:
  - {{kernel: 3, stride: 1, channels: 8, activation: prelu}}
  - {{kernel: 5, stride: 2, channels: 7, activation: {hidden}}}
  - {{kernel: 5, stride: 2, channels: 3, activation: clamp}}
pruning: {{criterion: l1, {pruning}}}
channel: {{kind: awgn, snr_db: [0, 20], power: 1.0}}
data: {{license: CC0, source: noise}}
training:
  seed: 1
  crop: 16
  batch: 2
  float: {{steps: 4, lr: 0.001}}
  finetune: {{steps: 3, lr: 0.001}}
  qat: {{steps: 2, lr: 0.001}}
"""


def specification(
    folder: Path, pruning: str = "channels: {encoder: [5, 7, 6], decoder: [3, 5, 3]}", hidden: str = "relu"
) -> ModelSpec:
    """Write it into ``folder`` and load it."""
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(pruning=pruning, hidden=hidden))
    return load(path)


BRANCHED = """
format_version: 1
description: a residual encoder and a residual decoder whose sum is the image
frame: {{width: 32, height: 32}}
encoder:
  - {{name: stem, kernel: 4, stride: 4, channels: 8, activation: relu}}
  - {{kernel: 3, channels: 7}}
  - {{name: branch, kernel: 3, channels: 8, activation: none}}
  - {{kind: add, inputs: [stem, branch], name: sum}}
  - {{kernel: 1, channels: 4, activation: none}}
decoder:
  - {{kind: conv, kernel: 1, channels: 48, activation: clamp}}
  - {{kind: depth_to_space, factor: 4, name: picture}}
  - {{kind: space_to_depth, factor: 2}}
  - {{kind: conv, kernel: 3, channels: 5}}
  - {{kind: conv, kernel: 3, channels: 12, activation: none}}
  - {{kind: depth_to_space, factor: 2, name: detail}}
  - {{kind: add, inputs: [picture, detail], activation: clamp}}
pruning: {{criterion: l1, {pruning}}}
channel: {{kind: awgn, snr_db: [0, 20], power: 1.0}}
data: {{license: CC0, source: noise}}
training:
  seed: 1
  crop: 16
  batch: 2
  float: {{steps: 4, lr: 0.001}}
  finetune: {{steps: 3, lr: 0.001}}
  qat: {{steps: 2, lr: 0.001}}
"""


def branched(folder: Path, pruning: str = "channels: {encoder: [6, 5, 6, 4], decoder: [48, 3, 12]}") -> ModelSpec:
    """A specification with branches on both sides, written into ``folder`` and loaded."""
    path = folder / "spec.yaml"
    path.write_text(BRANCHED.format(pruning=pruning))
    return load(path)
