"""Calibrations of a specification in its network: which scales come out; the integers are the graph's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.quantised_samples import LAYERS, sample_checkpoint, sample_images, sample_spec

from hwgen.export import export
from hwgen.ir.execute import execute
from hwgen.train.calibration import CALIBRATIONS
from hwgen.train.quantised import from_checkpoint
from hwgen.train.quantised_layers.convolution import QuantLayer
from hwgen.train.quantisers import exponents, plain, sample

BINARY = {side: [{**layer, "weight_bits": 2, "weights": {"codebook": 2, "binary": True}} for layer in layers]
          for side, layers in LAYERS.items()}  # fmt: skip
PER_TENSOR = {"weights": "min_max", "weight_scales": "tensor", "activations": "kl"}
CASES: dict[str, dict[str, Any]] = {
    "binary": BINARY,
    "binary, per tensor": {**BINARY, "quantisers": PER_TENSOR},
    "per tensor": {"quantisers": PER_TENSOR},
    "sigma": {"quantisers": {"weights": "sigma", "activations": "sigma"}},
}


@pytest.mark.parametrize("name", CASES)
def test_the_network_is_the_graph(tmp_path: Path, name: str) -> None:
    """Every pixel and symbol."""
    spec = sample_spec(tmp_path, **CASES[name])
    path = tmp_path / "checkpoint.safetensors"
    sample_checkpoint(spec, path)
    network = from_checkpoint(spec, path).double()
    image = sample_images(1, seed=3).double()
    sent = execute(export(spec, path), (image[0].permute(1, 2, 0) * 256).numpy().astype(np.uint8))
    with torch.no_grad():
        symbols = network.transmit(image)
    assert np.array_equal((symbols[0].permute(1, 2, 0) * 4096).long().numpy(), sent["gain"])
    for layer in network.encoder:
        assert isinstance(layer, QuantLayer)
        if "per tensor" in name:
            assert len(set(exponents(layer.conv, layer.weight_bits - 1).tolist())) == 1
        if "binary" in name:
            signs = layer.conv.quant_weight().int()
            assert torch.equal(signs, torch.where(layer.conv.weight > 0, 1, -1))


def test_every_layer_has_its_calibrations_exponents(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path, quantisers=PER_TENSOR)
    network = sample_checkpoint(spec, tmp_path / "checkpoint.safetensors")
    x: Any = network.pixel_quantiser(sample_images())
    for layer in network.encoder:
        assert isinstance(layer, QuantLayer)
        largest = 2 ** (layer.weight_bits - 1) - 1
        wanted = CALIBRATIONS["min_max"].exponent([(layer.conv.weight, -largest, largest)])
        assert exponents(layer.conv, layer.weight_bits - 1).tolist() == [wanted] * layer.conv.out_channels
        values = sample(layer.values(x))
        values = values if layer.signed else values.relu()
        assert layer.rounding is not None
        assert layer.exponent == CALIBRATIONS["kl"].exponent([(values, *layer.rounding.range)])
        x = layer(x)
    assert plain(x).shape[1] == 4
