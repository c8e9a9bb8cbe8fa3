"""A convolution whose weights are of a codebook: its integers, its files, and every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.ir_samples import conv_values, sample_graph

from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Conv2d
from hwgen.ir.serialize import format_version, load, save
from hwgen.numerics.weight_format import Codebook, Uniform

BOOK = np.array([-100, -3, 0, 90])


def values(**changes: Any) -> dict[str, Any]:
    v = conv_values(np.random.default_rng(0), "conv0", (3, 4), 3, 1, "none", shifts=(6, 9))
    v["weight"] = BOOK[v["weight"] % 4]
    return v | {"codebook": BOOK, "accumulator_bits": 30} | changes


def test_a_convolution_computes_with_the_decoded_weights() -> None:
    coded, plain = Conv2d(**values()), Conv2d(**values(codebook=None))
    assert coded.weight_format == Codebook(8, (-100, -3, 0, 90))
    assert plain.weight_format == Uniform(8)
    x = np.random.default_rng(1).integers(0, 256, (6, 7, 3))
    assert coded.execute(x).tolist() == plain.execute(x).tolist()
    assert (coded.least_version, plain.least_version) == (2, 1)
    decoded = coded.weight_format.decode(coded.weight_format.encode(coded.weight))
    assert np.array_equal(decoded, coded.weight)


def test_a_codebook_survives_its_files(tmp_path: Path) -> None:
    chain = sample_graph()
    third = chain.convolutions[2]
    book = np.array([-1, 0])
    weight = np.minimum(third.weight, 0)
    fields = {key: value for key, value in vars(third).items() if key not in ("weight", "codebook")}
    node = Conv2d(**fields, weight=weight, codebook=book)
    graph = Graph("coded", (24, 16), (*chain.nodes[:2], node, chain.nodes[3]))
    assert format_version(graph) == 2
    save(graph, tmp_path)
    with np.load(tmp_path / "weights.npz") as archive:
        assert archive["conv2.codebook"].tolist() == [-1, 0]
        assert archive["conv2.codebook"].dtype == np.int8
        assert "conv1.codebook" not in archive.files
    again = load(tmp_path).convolutions
    assert [None if n.codebook is None else n.codebook.tolist() for n in again] == [None, None, [-1, 0]]
    assert again[2].codebook is not None
    assert not again[2].codebook.flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codebook": np.array([-100, -3, 0, 91])}, "conv0.weight: wanted values of the codebook, got [90]"),
        ({"codebook": np.array([-100, -3, 0])}, "conv0.codebook: wanted a power of two of values, 2..128, got 3"),
        ({"codebook": BOOK[::-1]}, "conv0.codebook: wanted ascending values, got (90, 0, -3, -100)"),
        ({"codebook": BOOK[None]}, "conv0.codebook: wanted one row of values, got shape (1, 4)"),
        ({"codebook": BOOK * 1.0}, "conv0.codebook: wanted integers, got float64"),
        ({"codebook": np.array([-200, 0])}, "conv0.codebook: wanted an integer -127..127, got -200"),
    ],
)
def test_convolutions_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Conv2d(**values(**changes))
    assert message in str(error.value)
