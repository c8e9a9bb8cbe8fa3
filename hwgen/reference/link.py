"""Transmitter, radio channel and receiver as PyTorch computes them: what the hardware of either end is compared with.

    image -> golden transmitter -> channel (float64, quantised once) -> golden receiver -> image
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph, words_of
from hwgen.ir.nodes import MatrixProduct
from hwgen.model import channel_of, load_graph
from hwgen.numerics.complex import matrix_product
from hwgen.numerics.words import pack_symbols, unpack_symbols
from hwgen.radio import channel as channels
from hwgen.radio.channel import Realisation, Words
from hwgen.reference.golden import golden
from hwgen.spec import model as specs
from hwgen.spec.model import Channel, ModelSpec

Image = npt.NDArray[np.uint8]
Outputs = dict[str, npt.NDArray[Any]]
"""A frame's integers by node, with "pixels" and "symbols", as `hwgen.ir.execute.execute` names them."""


@dataclass(frozen=True)
class ReferenceLink:
    """A model's two graphs, with the nodes of one channel, for one size of image.

    size : (width, height) in pixels
    rx : None where nothing is to be received
    checkpoint : of the trained network; None where weights are random
    """

    spec: ModelSpec
    channel: Channel
    tx: Graph
    rx: Graph | None
    size: tuple[int, int]
    checkpoint: Path | None

    @property
    def words(self) -> int:
        """Symbols sent per frame."""
        return self.tx.symbols(*self.size)

    @property
    def receiver(self) -> Graph:
        """The receiver's graph, of a link that has one."""
        assert self.rx is not None, "a link without a receiver"
        return self.rx

    @property
    def latent_symbols(self) -> int:
        """k: symbols of one image, before a precoder or code."""
        return words_of(self.receiver.shapes(*self.size)["symbols"])

    @property
    def profiles(self) -> int:
        """Profiles of the link: an end without any is the same in all of them."""
        return max(self.tx.profiles, 1 if self.rx is None else self.rx.profiles)

    def at_profile(self, profile: int) -> ReferenceLink:
        """The link as both ends are in one profile."""
        if self.profiles == 1:
            return self
        tx, rx = (
            end if end is None or end.profiles == 1 else end.at_profile(profile) for end in (self.tx, self.rx)
        )
        assert tx is not None
        return replace(self, tx=tx, rx=rx)

    @property
    def profile(self) -> int:
        """The profile of another link that this one is (`at_profile`)."""
        return max(self.tx.profile, 0 if self.rx is None else self.rx.profile)

    def profile_of(self, snr_db: float) -> int:
        """The profile that both ends take for a radio channel of that SNR."""
        return max(self.tx.profile_of(snr_db), 0 if self.rx is None else self.rx.profile_of(snr_db))

    def draw(self, snr_db: float, seed: int) -> Realisation:
        """The channel of one frame."""
        return channels.draw(self.channel, snr_db, self.words, seed)

    def transmit(self, image: Image, realisation: Realisation) -> Outputs:
        """The PyTorch transmitter's integers of an (H, W, 3) image."""
        found: Outputs = golden(self.spec, self.tx, image, self.checkpoint, realisation.tx_coefficients)
        return found | {"symbols": found["symbols"].astype(np.uint32)}

    def latent(self, outputs: Outputs) -> Words:
        """The symbols of the image itself, of what `transmit` gave: what a precoder or code takes."""
        return pack_symbols(outputs[self.tx.value_nodes[-1].name].astype(np.int64))

    def receive(self, words: Words, realisation: Realisation) -> Outputs:
        """The PyTorch receiver's integers of received words."""
        found: Outputs = golden(
            self.spec, self.receiver, words, size=self.size, checkpoint=self.checkpoint,
            coefficients=realisation.rx_coefficients,
        )  # fmt: skip
        return found | {"pixels": found["pixels"].astype(np.uint8)}

    def equalised(self, words: Words, realisation: Realisation) -> Words:
        """Received words behind the receiver's equaliser (by the integer contract); without one, the words."""
        node = self.receiver.symbol_node
        if node is None:
            return words
        assert isinstance(node, MatrixProduct) and realisation.rx_coefficients is not None
        return pack_symbols(matrix_product(unpack_symbols(words), realisation.rx_coefficients, node.conjugate))


def load_link(options: DesignOptions) -> ReferenceLink:
    """Both ends of a model for a channel; of the options the side, the board and the rate are not looked at.

    Raises
    ------
    HwgenError : no such model, no receiver, a frame that the strides do not divide or whose symbols the channel cannot
        carry
    """
    spec = specs.load(options.model)
    size = options.frame or (spec.frame.width, spec.frame.height)
    channel = channel_of(spec, options.channel)
    spec.check_frame(*size, "--frame", channel)
    if not spec.decoder:
        raise HwgenError(spec.where("decoder"), "a decoder: a link has a receiver", "none")
    tx, rx = (load_graph(spec, options.init, side, options.channel) for side in ("tx", "rx"))
    link = ReferenceLink(spec, channel, tx, rx, size, None if options.init is not None else spec.checkpoint_path)
    if tx.profile_limits != rx.profile_limits:
        ends = [", ".join(f"{limit:g}" for limit in end.profile_limits) or "none" for end in (tx, rx)]
        raise HwgenError(f"{spec.name}: rx", f"profile limits {ends[0]}, as its tx has", ends[1])
    if (got := rx.symbols(*size)) != link.words:
        raise HwgenError(f"{spec.name}: rx", f"{link.words} symbols per frame, as its tx sends", str(got))
    return link
