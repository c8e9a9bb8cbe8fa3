"""Fixed-point quantisers: rounding, saturation, chosen scales, PReLU slopes."""

from __future__ import annotations

import pytest
import torch

from hwgen.train.quantisers import QuantPReLU, exponents, quant_activation, quant_conv, set_exponents


@pytest.mark.parametrize(("bits", "signed"), [(2, True), (5, False), (8, True), (8, False), (16, True)])
@pytest.mark.parametrize("exponent", [-12, -3, 0, 4])
def test_activation_rounds_half_to_even_and_saturates(bits: int, signed: bool, exponent: int) -> None:
    layer = quant_activation(bits, signed).double().eval()
    set_exponents(layer, exponent, bits - signed)
    assert exponents(layer, bits - signed).tolist() == [exponent]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    quarters = list(range(-40, 41)) + [4 * low - 3, 4 * low, 4 * high, 4 * high + 2, 4 * high + 9]
    got = layer(torch.tensor(quarters, dtype=torch.float64) / 4 * 2.0**exponent).value
    wanted = [min(max(round(q / 4), low), high) * 2.0**exponent for q in quarters]  # round() is half to even
    assert got.tolist() == wanted


@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_are_narrow_with_one_scale_per_output_channel(bits: int) -> None:
    layer = quant_conv(2, 3, 3, 1, bits).double()
    set_exponents(layer, torch.tensor([-5, 0, 3]), bits - 1)
    layer.weight.data = torch.randn(3, 2, 3, 3, dtype=torch.float64) * 100
    weight = layer.quant_weight()
    assert weight.scale.reshape(-1).tolist() == [2.0**-5, 1.0, 8.0]
    limit = 2 ** (bits - 1) - 1
    assert (weight.int().min(), weight.int().max()) == (-limit, limit)


def test_prelu_slopes_are_integers_with_straight_through_gradient() -> None:
    layer = QuantPReLU(4)
    layer.weight.data = torch.tensor([0.25, -3.0, 5.0, 0.4])
    assert layer.integers().tolist() == [16, -128, 127, 26]
    x = torch.tensor([-1.0, 2.0]).reshape(2, 1, 1, 1).expand(2, 4, 1, 1).clone().requires_grad_()
    out = layer(x)
    assert out[0].flatten().tolist() == [-0.25, 2.0, -127 / 64, -26 / 64]
    assert out[1].flatten().tolist() == [2.0] * 4
    out.sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [-1.0] * 4
