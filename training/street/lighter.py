"""The weights that the network of models/street_int8 starts from, taken from those in profiles.safetensors.

    python training/street/lighter.py DATA OUT.safetensors

In profiles.safetensors the transmitter's layers for each block (`mixed`, `bent`) and the receiver's for neighbours
(`around`, `farther`, `surrounding`) do next to nothing: without them, the mean of what they gave kept as bias, no PSNR
changes by more than 0.01 dB. OUT is what `hwgen train --phase float` or `finetune` takes as `--start`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from hwgen.spec.model import load
from hwgen.train import data
from hwgen.train.channel import through
from hwgen.train.checkpoint import read, write
from hwgen.train.evaluate import SNRS_DB, batches
from hwgen.train.network import dense
from hwgen.train.profiles import ProfiledDeepJSCC

HERE = Path(__file__).parent
IMAGES = 8
"""Training images that means are taken over."""
OFFSET = "activation.bias_offset"


@torch.no_grad()
def main(folder: str, out: str) -> None:
    """Write the lighter network's start."""
    spec = load(HERE / "spec.yaml")
    parent = dense(spec).eval()
    assert isinstance(parent, ProfiledDeepJSCC)
    tensors, header = read(HERE / "profiles.safetensors")
    parent.load_state_dict(tensors)
    state = parent.state_dict()
    images = data.load(folder, "train")
    some = torch.cat(list(batches(images[:: len(images) // IMAGES], spec.downscale)))
    generator = torch.Generator().manual_seed(0)
    for profile, snr_db in enumerate(SNRS_DB):
        parent.choose(snr_db)
        outputs = parent.encoder.outputs(some)
        sums = state[f"encoder.6.{OFFSET}"][profile] + state[f"encoder.9.{OFFSET}"][profile]
        state[f"encoder.5.{OFFSET}"][profile] += sums + outputs["bent"].mean((0, 2, 3))
        received = through(parent.channel, parent.transmit(some), torch.full((len(some),), snr_db), generator)
        outputs = parent.decoder.outputs(received * parent.chosen.of(parent.receive_gain).exp())
        blocks = state[f"decoder.4.{OFFSET}"][profile]
        state[f"decoder.0.{OFFSET}"][profile] += blocks + outputs["surrounding"].mean((0, 2, 3))
    kept = {"encoder": [0, 1, 2, 3, 4, 5, 9], "decoder": [0, 5, 6, 7, 8, 9, 10, 11]}
    result = {name: value for name, value in state.items() if "." not in name}
    for side, indices in kept.items():
        for new, old in enumerate(indices):
            for name, value in state.items():
                if name.startswith(f"{side}.{old}."):
                    result[f"{side}.{new}.{name.split('.', 2)[2]}"] = value
    result[f"encoder.6.{OFFSET}"] = torch.zeros_like(result[f"encoder.6.{OFFSET}"])
    write(Path(out), {name: value.half() for name, value in result.items()}, {**header, "model": "street_int8"})


if __name__ == "__main__":
    main(*sys.argv[1:])
