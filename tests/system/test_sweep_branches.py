"""Random specifications with branches are seeded, and have every block."""

from __future__ import annotations

import yaml

from hwgen.sweep import branches


def test_cases_are_seeded_and_varied() -> None:
    cases = [branches.draw(seed) for seed in range(60)]
    assert [case.spec() for case in cases] == [branches.draw(seed).spec() for seed in range(60)]
    assert {case.side for case in cases} == {"tx", "rx"}
    layers = [layer for case in cases for layer in yaml.safe_load(case.spec())["encoder" if case.side == "tx" else
                                                                                "decoder"]]  # fmt: skip
    kinds = {"add", "concat", "max_pool", "average_pool", "space_to_depth", "depth_to_space"}
    assert kinds <= {layer.get("kind") for layer in layers}
    keys = {"groups", "dilation", "weights", "padding"}
    assert keys <= {key for layer in layers for key in layer}
    assert {"relu6", "leaky_relu", "tanh", "silu", "sigmoid", "clamp"} <= {layer.get("activation") for layer in layers}
    assert any(isinstance(layer.get("kernel"), list) for layer in layers)


def test_the_chosen_ones_have_every_block() -> None:
    layers = [layer for case in branches.DIRECTED for layer in yaml.safe_load(case.spec())["encoder"]]
    assert {layer["kind"] for layer in layers if "kind" in layer} == {
        "add", "concat", "max_pool", "average_pool", "space_to_depth", "depth_to_space", "conv"
    }  # fmt: skip
    groups = {layer["groups"] for layer in layers if "groups" in layer}
    assert 8 in groups and groups & {2, 3}  # depthwise, and of several channels each
    overlapping = {layer["kind"] for layer in layers if "pool" in layer.get("kind", "") and "stride" in layer}
    assert overlapping == {"max_pool", "average_pool"}
    assert any("weights" in layer for layer in layers) and any("dilation" in layer for layer in layers)
