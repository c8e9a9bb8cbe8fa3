"""The pruned network before its quantisation, over the same channel: what the integers are measured against."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

from hwgen.ir.graph import SymbolNode
from hwgen.ir.nodes import Alamouti, Gain
from hwgen.ir.nodes.matrix_product import COEFFICIENT_FRACTION
from hwgen.numerics.integer import IntArray
from hwgen.radio.channel import Complex, Realisation
from hwgen.reference.link import Image, ReferenceLink
from hwgen.train.profiles import ProfiledDeepJSCC
from hwgen.train.trained import FILES, trained

PHASE = "finetune"


class FloatLink:
    """Transmitter and receiver in float32: nothing is rounded but coefficients and pixels.

    The power is set as the model's is: normalised image by image, or, where that has a static gain, by one factor
    that gives these images the same mean power as the integers have.

    Parameters
    ----------
    link : a trained model's; of one with profiles in one of them (`ReferenceLink.at_profile`)
    images : all that are to be sent
    power : mean power of a symbol of the integer transmitter, over these images

    Raises
    ------
    HwgenError : its float checkpoint is damaged or of another network
    """

    def __init__(self, link: ReferenceLink, images: npt.NDArray[np.uint8], power: float) -> None:
        self.link = link
        self.network = trained(link.spec, PHASE, link.spec.folder).eval()
        if isinstance(self.network, ProfiledDeepJSCC):
            self.network.chosen.take(link.profile)
        self.factor: float | None = None
        if isinstance(link.tx.value_nodes[-1], Gain):
            own = np.mean([2 * np.mean(np.square(self._latent(image))) for image in images])
            self.factor = math.sqrt(power / own)

    @staticmethod
    def available(link: ReferenceLink) -> bool:
        """Whether there is a float checkpoint."""
        return link.checkpoint is not None and (link.spec.folder / FILES[PHASE]).is_file()

    def image(self, image: Image, realisation: Realisation) -> Image:
        """The image received for an (H, W, 3) image, both uint8."""
        link = self.link
        latent = self._latent(image)
        own = max(2 * float(np.mean(np.square(latent))), 1e-12)
        factor = self.factor or math.sqrt(link.spec.channel.power / own)
        values = factor * latent.reshape(-1)
        padded = np.append(values, 0.0) if len(values) % 2 else values
        symbols: Complex = np.asarray(padded[0::2] + 1j * padded[1::2], np.complex128)
        sent = node_in_float(link.tx.symbol_node, symbols, realisation.tx_coefficients)
        found = node_in_float(link.receiver.symbol_node, realisation.receive(sent), realisation.rx_coefficients)
        parts = np.stack([found.real, found.imag], axis=-1).reshape(-1)[: len(values)].reshape(latent.shape)
        with torch.no_grad():
            seen = self.network.decode(torch.from_numpy(parts).float().permute(2, 0, 1)[None])
        return (seen[0].permute(1, 2, 0) * 256.0).round().clamp(0, 255).to(torch.uint8).numpy()

    def _latent(self, image: Image) -> npt.NDArray[np.float64]:
        """(H', W', C) values of an image before their power is set."""
        with torch.no_grad():
            pixels = torch.from_numpy(image.astype(np.float32) / 256).permute(2, 0, 1)[None]
            return self.network.encode(pixels)[0].permute(1, 2, 0).numpy().astype(np.float64)


def node_in_float(node: SymbolNode | None, symbols: Complex, coefficients: IntArray | None) -> Complex:
    """A precoder, a code or an equaliser with its rounded coefficients, but with symbols that are not rounded."""
    if node is None:
        return symbols
    if isinstance(node, Alamouti):
        first, second = symbols[0::2], symbols[1::2]
        return np.stack([first, second, -second.conj(), first.conj()], axis=1).reshape(-1)
    assert coefficients is not None
    groups = symbols.reshape(-1, node.columns)
    groups = np.where(np.array(node.conjugate), groups.conj(), groups)
    matrices = (coefficients[..., 0] + 1j * coefficients[..., 1]) * 2.0**-COEFFICIENT_FRACTION
    turns = np.arange(len(groups)) % node.tables
    return np.asarray((matrices[turns] @ groups[:, :, None]).reshape(-1))
