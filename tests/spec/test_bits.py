"""Other bits for a layer, and what goes with them."""

from __future__ import annotations

from typing import Any

import pytest

from hwgen.spec.bits import set_bits


@pytest.mark.parametrize(("before", "kind", "bits", "after"), [
    ({}, "weight_bits", 4, {"weight_bits": 4}),
    ({"weight_bits": 8, "imag_weight_bits": 6}, "weight_bits", 4, {"weight_bits": 4, "imag_weight_bits": 4}),
    ({"imag_weight_bits": 6}, "weight_bits", 8, {"weight_bits": 8, "imag_weight_bits": 6}),
    ({"imag_weight_bits": 6}, "activation_bits", 4, {"activation_bits": 4, "imag_weight_bits": 6}),
    ({"weights": {"codebook": 16}}, "weight_bits", 3, {"weight_bits": 3, "weights": {"codebook": 4}}),
    ({"weights": {"codebook": 16}}, "activation_bits", 3, {"activation_bits": 3, "weights": {"codebook": 16}}),
    ({}, "weight_bits", 1, {"weight_bits": 2, "weights": {"codebook": 2, "binary": True}}),
    ({"weight_bits": 8, "weights": {"codebook": 16}}, "weight_bits", 1,
     {"weight_bits": 2, "weights": {"codebook": 2, "binary": True}}),
    ({"weight_bits": 2, "weights": {"codebook": 2, "binary": True}}, "weight_bits", 4,
     {"weight_bits": 4, "weights": {"codebook": 2}}),
])  # fmt: skip
def test_bits(before: dict[str, Any], kind: str, bits: int, after: dict[str, Any]) -> None:
    set_bits(before, kind, bits)
    assert before == after
