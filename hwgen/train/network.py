"""The float networks of a specification, freshly initialised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwgen.train.batch_norm import without
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.profiles import ProfiledDeepJSCC

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec


def transposed_padding(kernel: int, stride: int) -> tuple[int, int]:
    """(padding, output padding) of a transposed convolution whose output is exactly ``stride`` times its input."""
    output_padding = (kernel - stride) % 2
    return (kernel - stride + output_padding) // 2, output_padding


def averages(spec: ModelSpec) -> bool:
    """Whether a specification's networks are trained with one factor for the power of all images."""
    return spec.training is not None and spec.training.power == "average"


def dense(spec: ModelSpec) -> DeepJSCC:
    """The unpruned parent of a specification, freshly initialised from torch's global seed, with its profiles."""
    if spec.training is not None and spec.training.profiles:
        bounds = spec.training.profiles
        return ProfiledDeepJSCC(spec.parent("encoder"), spec.parent("decoder"), bounds, spec.channel)
    return DeepJSCC(spec.parent("encoder"), spec.parent("decoder"), spec.channel, averages(spec))


def pruned(spec: ModelSpec, folded: bool = False) -> DeepJSCC:
    """The network with the surviving channel counts (weights fresh, not the parent's).

    Parameters
    ----------
    folded
        Without batch normalisation, as a quantised checkpoint's weights are.
    """
    networks = spec.encoder_network, spec.decoder_network
    encoder, decoder = (without(network) for network in networks) if folded else networks
    if spec.training is not None and spec.training.profiles:
        return ProfiledDeepJSCC(encoder, decoder, spec.training.profiles, spec.channel)
    return DeepJSCC(encoder, decoder, spec.channel, averages(spec))
