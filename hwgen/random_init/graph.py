"""One side of a specification as a graph of random integers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hwgen.assembly.exponents import pixel_layers
from hwgen.assembly.network import assemble
from hwgen.assembly.place import Place
from hwgen.errors import HwgenError
from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, SYMBOL, SYMBOL_EXPONENT, Edge
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution, Power, Receive
from hwgen.ir.types import IntType
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray
from hwgen.random_init.convolution import ConvolutionDraw, best
from hwgen.random_init.exponents import agreed
from hwgen.random_init.gain import random_gain
from hwgen.random_init.images import synthetic_image
from hwgen.random_init.profiles import with_profiles

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec
    from hwgen.spec.network import Network

RECEIVED_EXPONENT = -6
"""Exponent of received values of 8 bits: those beyond +-2 saturate, one in a hundred of the symbols drawn here."""


def random_graph(spec: ModelSpec, seed: int, side: str = "tx") -> Graph:
    """One side of a specification with random integers; symbols of a static gain saturate now and then.

    With training.profiles each profile has biases, slopes and factors of its own.

    Parameters
    ----------
    spec
        Only its layers, surviving channels, frame, gain's mode, power, profiles and name are read.
    seed
        At least 0. The same seed gives the same graph.
    side
        "tx" or "rx".

    Raises
    ------
    HwgenError
        There is no decoder to make a receiver of; branches meet whose exponents cannot agree.
    """
    limits = spec.training.profiles if spec.training is not None else ()
    graph = _random_graph(spec, seed, side)
    # Numbers of their own: the kernels are those of the specification without profiles.
    return with_profiles(graph, limits, np.random.default_rng([seed, 1])) if limits else graph


def _random_graph(spec: ModelSpec, seed: int, side: str) -> Graph:
    rng = np.random.default_rng(seed)
    terms = {"license": "none: not trained on any data", "source": f"random integers, seed {seed}"}
    size = spec.frame.width, spec.frame.height
    if side == "rx":
        latent = spec.latent_channels
        nodes, inputs = _random_receiver(spec, rng, latent)
        return Graph(spec.name, size, nodes, "rx", latent, SYMBOL, SYMBOL_EXPONENT, terms=terms, inputs=inputs)
    nodes, inputs = _random_transmitter(spec, rng)
    return Graph(spec.name, size, nodes, input_channels=spec.frame.channels, terms=terms, inputs=inputs)


Nodes = tuple[tuple[Node, ...], dict[str, tuple[str, ...]]]
"""Nodes, and the sources of each."""


def _random_transmitter(spec: ModelSpec, rng: np.random.Generator) -> Nodes:
    height, width = (spec.downscale * max(5, math.ceil(size / spec.downscale)) for size in (20, 36))
    images = [synthetic_image(rng, height, width, *span) for span in ((0, 140), (0, 255), (60, 255))]
    frames = [image[..., : spec.frame.channels].astype(np.int64) for image in images]
    network, port = spec.encoder_network, Edge(spec.frame.channels, PIXEL, PIXEL_EXPONENT)
    exponents = agreed(network, PIXEL_EXPONENT, {}, spec.where("encoder"))
    nodes, inputs = _layers(network, rng, port, network.source, frames, exponents)
    channels, kind = network.last.given.channels, nodes[-1].output
    end: Node
    if spec.gain.mode == "per_image":
        end = Power("power", channels, round(spec.channel.power * 2**POWER.fraction), kind)
    else:
        end = random_gain(rng, channels, kind)
    return (*nodes, end), inputs


def _random_receiver(spec: ModelSpec, rng: np.random.Generator, latent: int) -> Nodes:
    if not spec.decoder:
        raise HwgenError(spec.where("decoder"), "a decoder, to make a receiver of", "none")
    network = spec.decoder_network
    multiple = network.multiple
    shape = multiple * math.ceil(5 / multiple), multiple * math.ceil(9 / multiple), latent
    symbols: list[IntArray] = [
        np.clip(np.rint(rng.normal(0.0, 0.75, shape) * 4096), -32768, 32767).astype(np.int64) for _ in range(3)
    ]
    kind, imag = IntType(8, True), spec.received_imag_bits % 8
    received = Receive(
        "received", latent, RECEIVED_EXPONENT - SYMBOL_EXPONENT, kind, RECEIVED_EXPONENT,
        imag_bits=imag, imag_left=8 - imag if imag else 0,
    )  # fmt: skip
    frames = [received.execute(frame) for frame in symbols]
    fixed = dict.fromkeys(pixel_layers(network), PIXEL_EXPONENT)
    exponents = agreed(network, RECEIVED_EXPONENT, fixed, spec.where("decoder"))
    port = Edge(latent, kind, RECEIVED_EXPONENT)
    nodes, inputs = _layers(network, rng, port, received.name, frames, exponents)
    return (received, *nodes), inputs


def _layers(
    network: Network,
    rng: np.random.Generator,
    port: Edge,
    port_node: str,
    frames: list[IntArray],
    exponents: dict[str, int],
) -> Nodes:
    """All layers' nodes, each drawn for what the ones before make of the frames."""
    values = {port_node: frames}
    inputs: dict[str, tuple[str, ...]] = {}
    found: list[Node] = []

    def convolve(place: Place) -> Convolution:
        return best(ConvolutionDraw(place), rng, values[place.sources[0]])

    arguments = {placed.name: 3 - placed.given.bits for placed in network.layers}  # -4 .. 4
    for node, sources in assemble(network, port, port_node, exponents, arguments, convolve):
        taken = zip(*(values[source] for source in sources), strict=True)
        values[node.name] = [node.execute(*frame) for frame in taken]
        inputs[node.name] = sources
        found.append(node)
    return tuple(found), inputs
