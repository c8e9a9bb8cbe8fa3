"""The quantised network of a specification: made from a float one, or read from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.train.checkpoint import check_finite, check_like, read
from hwgen.train.profile_biases import without_sums
from hwgen.train.quantised_network import PIXEL_BITS, PIXEL_EXPONENT, QuantDeepJSCC
from hwgen.train.quantised_profiles import ProfiledQuantDeepJSCC
from hwgen.train.quantisers import CODEBOOK_NAME, SCALE_NAME, exponents

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

PARAMETERS = ("conv.weight", "conv.real.weight", "conv.imag.weight", "conv.bias", "activation.weight",
              "activation.bias_offset", "activation.slope_offset")  # fmt: skip
"""Parameters that a quantised layer shares with a float one."""
OF_PROFILES = ("transmit_gain", "receive_gain", "latent_power")
"""Tensors that a quantised network with profiles shares with a float one."""


def build(
    spec: ModelSpec, float_state: dict[str, Tensor] | None = None, where: str = "float weights"
) -> QuantDeepJSCC:
    """The quantised network of a specification.

    Parameters
    ----------
    float_state
        State dict of the pruned `hwgen.train.deep_jscc.DeepJSCC`; without it, weights are fresh.
    where
        Whose they are, for errors.

    Raises
    ------
    HwgenError
        The specification has no decoder, or the state is not of this network.
    """
    if not spec.decoder:
        raise HwgenError(spec.where("decoder"), "a decoder: the quantised network is trained end to end", "none")
    profiled = bool(spec.training and spec.training.profiles)
    network = ProfiledQuantDeepJSCC(spec) if profiled else QuantDeepJSCC(spec)
    if float_state is not None:
        if profiled:
            for side in (network.encoder.network, network.decoder.network):
                float_state = without_sums(float_state, side)
        else:  # the float latent's power is not that of the quantised one, which is measured
            float_state = {name: value for name, value in float_state.items() if name != "latent_power"}
        wanted = {name for name in network.state_dict() if name.split(".")[0] in ("encoder", "decoder")
                  and name.split(".", 2)[2] in PARAMETERS}  # fmt: skip
        wanted |= set(OF_PROFILES) if profiled else set()
        if wanted != set(float_state):
            odd = f"{sorted(wanted ^ set(float_state))[0]} missing or surplus"
            raise HwgenError(where, f"the parameters of {spec.name}'s pruned network", odd)
        try:
            network.load_state_dict(network.state_dict() | float_state)
        except RuntimeError as error:
            raise HwgenError(where, f"the shapes of {spec.name}'s pruned network", _line(error)) from None
    network.encoder.fit_weights()
    network.decoder.fit_weights()
    return network


def from_checkpoint(spec: ModelSpec, path: Path) -> QuantDeepJSCC:
    """The trained network of a safetensors checkpoint, in evaluation mode.

    Raises
    ------
    HwgenError
        The file is missing, damaged, of another network, or not calibrated.
    """
    tensors, _ = read(path)
    check_finite(tensors, str(path))
    network = build(spec)
    for name, value in network.state_dict().items():
        if name not in tensors:
            raise HwgenError(f"{path}: {name}", f"a tensor of {spec.name}'s quantised network", "nothing")
        check_like(tensors[name], value, f"{path}: {name}")
        if name.endswith(SCALE_NAME) and not torch.equal(tensors[name], tensors[name].round()):
            raise HwgenError(f"{path}: {name}", "powers of two as scales", "others")
        if name.endswith(CODEBOOK_NAME) and not torch.equal(tensors[name], tensors[name].round()):
            raise HwgenError(f"{path}: {name}", "integers", "others")
    surplus = sorted(set(tensors) - set(network.state_dict()))
    if surplus:
        raise HwgenError(f"{path}: {surplus[0]}", f"no tensor but those of {spec.name}'s quantised network", "it")
    network.load_state_dict(tensors)
    pixel_exponent = int(exponents(network.pixel_quantiser, PIXEL_BITS))
    if pixel_exponent != PIXEL_EXPONENT:
        raise HwgenError(f"{path}: pixel_quantiser", f"scale 2**{PIXEL_EXPONENT}", f"2**{pixel_exponent}")
    if not network.calibrated:
        raise HwgenError(f"{path}: calibrated", "a calibrated network", "one that was never trained or calibrated")
    return network.eval()


def rescaled(spec: ModelSpec, path: Path) -> QuantDeepJSCC:
    """The parameters of a quantised network of the same layers, whose bits may be others, with scales chosen anew.

    Scales of weights are by the specification's calibration; activations are not calibrated yet.

    Raises
    ------
    HwgenError
        The file is missing, damaged or of other layers.
    """
    tensors, _ = read(path)
    check_finite(tensors, str(path))
    shared = {name: value for name, value in tensors.items() if name in OF_PROFILES or
              name.split(".")[0] in ("encoder", "decoder") and name.split(".", 2)[-1] in PARAMETERS}  # fmt: skip
    return build(spec, shared, str(path))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
