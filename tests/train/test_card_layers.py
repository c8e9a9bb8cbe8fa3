"""The card's table of layers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spec_graphs import GRAPHS, graph_spec
from support.train_samples import branched, specification

from hwgen.spec.layers import Layer
from hwgen.train.card_layers import description, layers_table

ENCODER = """\
| layer | | inputs | channels | surviving | MACs per 32x32 frame |
|---|---|---|---:|---:|---:|
| encoder: stem | conv 4x4, stride 4, relu, weights 8 bits, output 8 bits | pixels | 8 | 6 | 18,432 |
| encoder: conv1 | conv 3x3, prelu, weights 8 bits, output 8 bits | stem | 7 | 5 | 17,280 |
| encoder: branch | conv 3x3, weights 8 bits, output 8 bits | conv1 | 8 | 6 | 17,280 |
| encoder: sum | add, output 8 bits | stem, branch | 8 | 6 | 0 |
| encoder: conv4 | conv 1x1, weights 8 bits, output 8 bits | sum | 4 | 4 | 1,536 |
| decoder: deconv0 | conv 1x1, clamp, weights 8 bits, output 8 bits | symbols | 48 | 48 | 12,288 |
| decoder: picture | depth_to_space 4 | deconv0 | 3 | 3 | 0 |
"""


def test_a_branched_network(tmp_path: Path) -> None:
    lines = layers_table(branched(tmp_path))
    assert "\n".join(lines[:9]).lstrip("\n") + "\n" == ENCODER
    assert lines[-1] == "| decoder: add6 | add, clamp, output 8 bits | picture, detail | 3 | 3 | 0 |"
    assert len(lines) == 2 + 5 + 7


def test_a_row_has_none(tmp_path: Path) -> None:
    assert layers_table(specification(tmp_path)) == []


@pytest.mark.parametrize("name", GRAPHS)
def test_every_kind_is_described(tmp_path: Path, name: str) -> None:
    spec = graph_spec(tmp_path, name)
    for network in (spec.encoder_network, spec.decoder_network):
        assert all(description(placed.layer) for placed in network.layers)


def test_every_key_is_in_a_convolutions_description() -> None:
    keys = {"dilation": 2, "groups": 2, "activation": "silu", "weights": {"codebook": 8}, "batch_norm": True}
    layer = Layer.model_validate({"kernel": [3, 5], "channels": 4, "weight_bits": 6, **keys})
    assert description(layer) == (
        "conv 3x5, groups 2, dilation 2, batch_norm, silu, weights 6 bits, codebook of 8, output 8 bits"
    )
    layer = Layer(kernel=3, channels=4, groups=4, activation="none")
    assert description(layer) == "conv 3x3, depthwise, weights 8 bits, output 8 bits"
    assert description(Layer(kernel=3, channels=4, complex=True)).startswith("conv 3x3, complex, prelu")


def test_a_kind_without_a_description_is_refused() -> None:
    with pytest.raises(TypeError, match="layer: wanted a kind that has a description, got int"):
        description(3)  # type: ignore[arg-type]
