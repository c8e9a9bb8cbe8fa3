"""Export of a quantised network with profiles: the graph's integers are the network's, in every profile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.profiled_training import blurred, profiled_spec, quantised

from hwgen.export import export_model
from hwgen.ir.execute import execute
from hwgen.ir.nodes import Conv2d
from hwgen.ir.serialize import load as load_graph
from hwgen.model import RX_FOLDER
from hwgen.reference.golden import golden
from hwgen.train.checkpoint import write

SIZE = 32, 32


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    network = quantised(profiled_spec(tmp_path))
    with torch.no_grad():
        network.receive_gain.mul_(3.0)
    write(tmp_path / "checkpoint.safetensors", network.state_dict(),
          {"model": "x", "phase": "qat", "terms": {"license": "CC0", "source": "noise"}})  # fmt: skip
    return tmp_path


def test_both_sides_in_every_profile(folder: Path) -> None:
    spec = profiled_spec(folder)
    export_model(spec)
    tx, rx = load_graph(folder), load_graph(folder / RX_FOLDER)
    assert tx.profiles == rx.profiles == 3 and tx.profile_limits == rx.profile_limits == (4.0, 10.0)
    image = (blurred(1)[0] * 256).permute(1, 2, 0).numpy().astype(np.uint8)
    words = []
    for profile in range(3):
        graph = tx.at_profile(profile)
        outputs = execute(graph, image)
        wanted = golden(spec, graph, image, spec.checkpoint_path)
        assert outputs.keys() == wanted.keys()
        for name, values in outputs.items():
            np.testing.assert_array_equal(values, wanted[name], err_msg=f"tx {profile} {name}")
        words.append(outputs["symbols"].astype(np.uint32))
        receiver = rx.at_profile(profile)
        outputs = execute(receiver, words[-1], size=SIZE)
        wanted = golden(spec, receiver, words[-1], spec.checkpoint_path, size=SIZE)
        for name, values in outputs.items():
            np.testing.assert_array_equal(values, wanted[name], err_msg=f"rx {profile} {name}")
    assert not np.array_equal(words[0], words[1])
    # of the branches of a sum, the second one has the biases of profiles
    tables = {node.name: node.profiles for node in tx.nodes if isinstance(node, Conv2d)}
    assert tables == {"stem": 3, "conv1": 3, "branch": 3, "conv4": 3}
