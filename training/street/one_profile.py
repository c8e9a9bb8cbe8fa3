"""One profile of a float network as a network without profiles: what other channels' networks start from.

    python training/street/one_profile.py MODEL PROFILE OUT.safetensors

MODEL is a folder with spec.yaml and finetune.safetensors, PROFILE a number from 0. The profile's biases, slopes and
symbols' gains become those of all SNRs; gains go into the kernels beside the channel. OUT is what
`hwgen train --phase finetune` takes as `--start`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from hwgen.spec.model import load
from hwgen.train.checkpoint import read, write

BIAS, SLOPE = "activation.bias_offset", "activation.slope_offset"


def main(model: str, profile: str, out: str) -> None:
    """Write OUT: half-precision tensors named as `hwgen train`'s, without profiles.

    MODEL's encoder must end in an addition of two convolutions.
    """
    folder, which = Path(model), int(profile)
    spec = load(folder / "spec.yaml")
    tensors, header = read(folder / "finetune.safetensors")
    state = {name: value.float() for name, value in tensors.items()}
    names = {side: [layer.name for layer in getattr(spec, side)] for side in ("encoder", "decoder")}
    inputs = {side: {layer.name: layer.inputs for layer in getattr(spec, side)} for side in names}

    def offset(side: str, name: str) -> torch.Tensor | None:
        found = state.get(f"{side}.{names[side].index(name)}.{BIAS}")
        return None if found is None else found[which]

    result = {}
    for name, value in state.items():
        if name.endswith(("conv.weight", "conv.bias")):
            result[name] = value.clone()
        elif name.endswith("activation.weight"):
            result[name] = value + state[name.replace("activation.weight", SLOPE)][which]
    for side in names:
        for layer in names[side]:
            if (bias := offset(side, layer)) is None:
                continue
            # What an addition gets is as well added to its second branch, a convolution without activation.
            to = layer if f"{side}.{names[side].index(layer)}.conv.bias" in state else inputs[side][layer][1]
            result[f"{side}.{names[side].index(to)}.conv.bias"] += bias
    sent, taken = (state[gain][which].exp() for gain in ("transmit_gain", "receive_gain"))
    for layer in inputs["encoder"][names["encoder"][-1]]:
        place = names["encoder"].index(layer)
        result[f"encoder.{place}.conv.weight"] *= sent[:, None, None, None]
        result[f"encoder.{place}.conv.bias"] *= sent
    result["decoder.0.conv.weight"] *= taken[None, :, None, None]
    result["latent_power"] = state["latent_power"][which]
    write(Path(out), {name: value.half() for name, value in result.items()}, header)


if __name__ == "__main__":
    main(*sys.argv[1:])
