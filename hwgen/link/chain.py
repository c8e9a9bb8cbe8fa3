"""Both ends of a link as PyTorch computes them, and the channel between: what the hardware is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph, MatrixProduct
from hwgen.model import channel_of, load_graph
from hwgen.numerics.complex import matrix_product
from hwgen.numerics.words import pack_symbols, unpack_symbols
from hwgen.radio import channel as channels
from hwgen.radio.channel import Realisation, Words
from hwgen.spec import model as specs
from hwgen.spec.model import Channel, ModelSpec

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sent:
    """What a transmitter gives: `latent`, the symbols of the image, and `words`, those that go out, behind its
    precoder or code (without one, the same)."""

    latent: Words
    words: Words


@dataclass(frozen=True)
class Chain:
    """A model's two graphs, with the nodes of one channel, for one size of image.

    checkpoint : of the trained network; None where weights are random
    """

    spec: ModelSpec
    channel: Channel
    tx: Graph
    rx: Graph
    size: tuple[int, int]
    checkpoint: Path | None

    @property
    def words(self) -> int:
        """Symbols sent per frame."""
        return self.tx.symbols(*self.size)

    @property
    def latent_symbols(self) -> int:
        """k: symbols of one image, before a precoder or code."""
        rows, columns, of_each = self.rx.shapes(*self.size)["symbols"]
        return (rows * columns * of_each + 1) // 2

    def draw(self, snr_db: float, seed: int) -> Realisation:
        """The channel of one frame."""
        return channels.draw(self.channel, snr_db, self.words, seed)

    def transmit(self, image: Image, realisation: Realisation) -> Sent:
        """The PyTorch transmitter's symbols of an (H, W, 3) image."""
        from hwgen.reference.golden import golden

        found = golden(self.spec, self.tx, image, self.checkpoint, realisation.tx_coefficients)
        latent = pack_symbols(found[self.tx.value_nodes[-1].name].astype(np.int64))
        return Sent(latent, found["symbols"].astype(np.uint32))

    def receive(self, words: Words, realisation: Realisation) -> Image:
        """The PyTorch receiver's image of received words."""
        from hwgen.reference.golden import golden

        found = golden(
            self.spec, self.rx, words, size=self.size, checkpoint=self.checkpoint,
            coefficients=realisation.rx_coefficients,
        )  # fmt: skip
        return found["pixels"].astype(np.uint8)

    def equalised(self, words: Words, realisation: Realisation) -> Words:
        """What the receiver's equaliser makes of received words (by the integer contract); without one, the words."""
        node = self.rx.symbol_node
        if node is None:
            return words
        assert isinstance(node, MatrixProduct) and realisation.rx_coefficients is not None
        return pack_symbols(matrix_product(unpack_symbols(words), realisation.rx_coefficients, node.conjugate))


def load(options: DesignOptions) -> Chain:
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
    chain = Chain(spec, channel, tx, rx, size, None if options.init is not None else spec.checkpoint_path)
    if (got := rx.symbols(*size)) != chain.words:
        raise HwgenError(f"{spec.name}: rx", f"{chain.words} symbols per frame, as its tx sends", str(got))
    return chain
