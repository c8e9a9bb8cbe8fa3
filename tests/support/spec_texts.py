"""A good specification as text, and what reading a bad one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.spec import model as spec

GOOD = """\
format_version: 1
description: one line
frame: {width: 64, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 10}
  - kernel: 3
    channels: 7
    activation: relu
    weight_bits: 4
  - {kernel: 5, stride: 2, channels: 16, activation: none, activation_bits: 6}
decoder:
  - {kernel: 5, stride: 2, channels: 13}
  - {kernel: 5, stride: 2, channels: 3, activation: clamp}
pruning:
  ratio: 0.4
channel: {snr_db: [0, 20]}
bandwidth_ratio: 1/6
data: {license: free, source: nowhere}
training:
  crop: 32
  float: {steps: 10, lr: 1e-3}
  finetune: {steps: 5, lr: 5.0e-4}
  qat: {steps: 2, lr: 0.0001}
"""


TOP_KEYS = ("format_version, description, frame, encoder, decoder, pruning, quantisers, channel, symbols, "
            "gain, bandwidth_ratio, data, training")


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def error_of(path: Path | str) -> str:
    with pytest.raises(HwgenError) as caught:
        spec.load(path)
    return str(caught.value)
