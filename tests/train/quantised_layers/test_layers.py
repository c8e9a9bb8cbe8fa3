"""Quantised layers of every kind: what they round, and their gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.quantised_branches import SPECS, blurred, branching_spec, trained_branches

from hwgen.assembly.tables import table_values
from hwgen.ir.types import IntType
from hwgen.spec.branches import Kinds
from hwgen.train.network import pruned
from hwgen.train.quantised import build
from hwgen.train.quantised_layers.convolution import QuantLayer, QuantTableLayer
from hwgen.train.quantised_layers.image import QuantImageAdd, QuantImageLayer
from hwgen.train.quantised_layers.make import _make, quantised_layer
from hwgen.train.quantisers import plain


def test_every_kind_has_a_module(tmp_path: Path) -> None:
    seen = set()
    for name in SPECS:
        spec = branching_spec(tmp_path, name)
        for network in (spec.encoder_network, spec.decoder_network):
            for placed in network.layers:
                quantised_layer(placed, network)
                seen.add(type(placed.layer))
    assert seen == set(Kinds.__args__)  # type: ignore[attr-defined]


def test_a_kind_without_a_module_is_refused() -> None:
    with pytest.raises(TypeError, match="layer: wanted a kind that can be quantised, got int"):
        _make(3, None, None)  # type: ignore[arg-type]


def test_tables_in_both_modes_and_the_functions_gradient(tmp_path: Path) -> None:
    spec, network = trained_branches(tmp_path, "blocks", steps=0)
    layer = network.encoder[1]
    assert isinstance(layer, QuantTableLayer) and layer.layer.activation == "silu"
    x: Any = network.encoder[0](network.pixel_quantiser(blurred(spec)))
    accumulators = plain(layer.conv(x)).detach()
    step = 2.0**layer.addressing.exponent
    codes = (accumulators / step).round().clamp(-32, 31)
    table = table_values("silu", IntType(6, True), layer.addressing.exponent, IntType(6, True), layer.exponent)
    wanted = torch.from_numpy(table[codes.long().numpy() % 64]).float() * 2.0**layer.exponent
    for mode in (True, False):
        assert torch.equal(plain(layer.train(mode)(x)), wanted)
    inside = (accumulators / step).abs() < 31
    found = plain(layer.train()(x))
    (gradient,) = torch.autograd.grad(found.sum(), layer.conv.bias)
    rounded = (codes * step).requires_grad_()
    (slope,) = torch.autograd.grad(torch.nn.functional.silu(rounded).sum(), rounded)
    room = plain(layer.quantiser(torch.tensor(1e9))).max()
    passes = inside & (torch.nn.functional.silu(codes * step) <= room)
    assert gradient.tolist() == pytest.approx((slope * passes).sum((0, 2, 3)).tolist(), rel=1e-4)


def test_a_ceiling_is_on_the_outputs_grid(tmp_path: Path) -> None:
    """A limit that is no multiple of the scale: the largest integer below it, not the nearest."""
    spec, network = trained_branches(tmp_path, "patches", steps=0)
    layer = network.encoder[0]
    assert isinstance(layer, QuantLayer) and layer.layer.limit == 3.5
    layer.conv.bias.data += 100.0
    assert layer.rounding is not None
    for exponent, wanted in ((-5, 3.5), (0, 3.0), (1, 2.0), (3, 8.0), (-7, 255 / 128)):
        layer.rounding.set(exponent, blurred(spec))
        assert plain(layer(network.pixel_quantiser(blurred(spec)))).unique().tolist() == [wanted]


@pytest.mark.parametrize("name", ["image from a sum", "blocks", "patches"])
def test_the_image_is_rounded_in_evaluation_alone(tmp_path: Path, name: str) -> None:
    spec, network = trained_branches(tmp_path, name, steps=0)
    end = network.decoder[network.decoder.network.ends[0].index]
    assert isinstance(end, QuantImageAdd if name == "image from a sum" else QuantImageLayer)
    symbols = network.transmit(blurred(spec)).detach()
    exact = network.decode(symbols).detach()
    assert torch.equal((exact * 256).round(), exact * 256) and exact.min() >= 0 and exact.max() < 1
    free = network.train().decode(symbols)
    assert not torch.equal((free * 256).round(), free * 256)
    assert (free.clamp(0, 255 / 256) - exact).abs().max() <= (1 / 128 if name == "blocks" else 1 / 512)


def test_close_to_the_float_network(tmp_path: Path) -> None:
    for name in ("residual", "u", "image from a sum", "shared with the ports"):
        spec = branching_spec(tmp_path, name)
        torch.manual_seed(1)
        reference = pruned(spec).eval()
        network = build(spec, reference.state_dict())
        images = blurred(spec)
        network.calibrate([images])
        network.eval()
        with torch.no_grad():
            wanted, got = reference.encode(images), network.encode(images)
            assert (got - wanted).square().mean() < 2e-2 * wanted.square().mean(), name
            seen, reference_seen = network.decode(got), reference.decode(wanted)
            assert (seen - reference_seen).square().mean() < 5e-2 * reference_seen.var() + 1e-3, name
    assert np.isfinite(float(seen.mean()))
