"""Kernels on channels of the stream: the same convolution, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.spec_graphs import GRAPHS, graph_spec
from torch import nn

from hwgen.spec.layers import Layer
from hwgen.train.kernels import from_stream_kernel, stream_kernel
from hwgen.train.network import dense

COMPLEX = """\
encoder:
  - {kernel: 3, channels: 4}
  - {kernel: 3, channels: 2, complex: true, activation: none}
decoder:
  - {kernel: 3, channels: 3, activation: clamp}
"""


@pytest.mark.parametrize("name", [*(name for name in GRAPHS if name != "grey"), "complex"])
@torch.no_grad()
def test_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(GRAPHS, "complex", COMPLEX)
    spec = graph_spec(tmp_path, name)
    network = dense(spec).double()
    state = network.state_dict()
    for graph in (network.encoder, network.decoder):
        side = graph.network.side
        for placed, module in zip(graph.network.layers, graph, strict=True):
            if not isinstance(placed.layer, Layer):
                continue
            kernel = stream_kernel(state, side, placed)
            for key, value in from_stream_kernel(kernel, side, placed).items():
                assert torch.equal(value, state[key]), key
            conv = module.get_submodule("conv")
            x = torch.randn(1, placed.taken[0].channels, 16, 16).double()
            pads, dilation = placed.layer.pads, placed.layer.dilation
            bias = conv.get_parameter("bias")
            if isinstance(conv, nn.ConvTranspose2d):
                more = placed.layer.output_padding  # type: ignore[attr-defined]
                stride = placed.layer.stride
                wanted = nn.functional.conv_transpose2d(x, kernel.transpose(0, 1), bias, stride, pads, more)
            else:
                wanted = nn.functional.conv2d(x, kernel, bias, placed.layer.stride, pads, dilation)
            torch.testing.assert_close(conv(x), wanted)
