"""Random numbers of profiles: kernels and the first profile are those without profiles, all others differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.profiles import SPEC

from hwgen.ir.nodes import Convolution, Gain, Receive
from hwgen.model import load_graph
from hwgen.spec import model as specs


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_tables_over_the_same_kernels(side: str, tmp_path: Path) -> None:
    for name, text in (("plain", SPEC.replace("  profiles: [4, 12]\n", "")), ("profiled", SPEC)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.yaml").write_text(text)
    plain, graph = (load_graph(specs.load(tmp_path / name / "spec.yaml"), 3, side) for name in ("plain", "profiled"))
    again = load_graph(specs.load(tmp_path / "profiled" / "spec.yaml"), 3, side)
    assert (graph.profiles, graph.profile_limits, plain.profiles) == (3, (4.0, 12.0), 1)
    for own, node, same in zip(plain.nodes, graph.nodes, again.nodes, strict=True):
        assert node.profiles == 3
        if isinstance(node, Convolution):
            assert isinstance(own, Convolution) and isinstance(same, Convolution)
            assert np.array_equal(node.weight, own.weight) and np.array_equal(node.bias[0], own.bias)
            assert len(np.unique(node.bias, axis=0)) == 3 and np.array_equal(node.bias, same.bias)
            if node.slope is not None:
                assert np.array_equal(node.slope[0], own.slope) and len(np.unique(node.slope, axis=0)) == 3
        else:
            assert isinstance(node, (Gain, Receive))
            assert len(np.unique(np.asarray(node.factor), axis=0)) == 3
